/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The GGUF parser and writer: values, tensors, and each damage.
 */
#include "engine/format/weights.h"
#include "tests/support/model-bytes.h"

#include <string.h>

/* Numbers of types as ggml's gguf.h has them. */
enum
{
  U8,
  I8,
  U16,
  I16,
  U32,
  I32,
  F32,
  BOOL,
  STRING,
  ARRAY,
  U64,
  I64,
  F64
};

/* A heap block of exactly the bytes, so that a sanitizer sees a read past them. */
static gboolean
parse (const GByteArray *bytes, gsize n_head, gsize file_size, Parsed *parsed, GError **error)
{
  g_autofree guint8 *copy = g_memdup2 (bytes->data, n_head);

  return pld_gguf_parse (copy, n_head, file_size, 5, parsed->tensors, parsed->metadata, parsed->arrays, error);
}

static void
key (GByteArray *bytes, const char *name, guint32 type)
{
  bytes_string (bytes, name);
  bytes_u32 (bytes, type);
}

static void
array (GByteArray *bytes, guint32 type, guint64 count)
{
  bytes_u32 (bytes, type);
  bytes_u64 (bytes, count);
}

#define N_KEYS 19

/* Every type of value, nested and long lists, alignment 64, three tensors. */
static GByteArray *
valid_file (guint32 version)
{
  GByteArray *b = bytes_gguf (version, 3, N_KEYS);

  key (b, "general.architecture", STRING), bytes_string (b, "llama");
  key (b, "general.alignment", U32), bytes_u32 (b, 64);
  key (b, "u8", U8), bytes_u8 (b, 200);
  key (b, "i8", I8), bytes_u8 (b, 200);
  key (b, "u16", U16), bytes_u16 (b, 60000);
  key (b, "i16", I16), bytes_u16 (b, 60000);
  key (b, "i32", I32), bytes_u32 (b, 0xfffffffe);
  key (b, "u64", U64), bytes_u64 (b, G_GUINT64_CONSTANT (1) << 40);
  key (b, "u64 large", U64), bytes_u64 (b, G_GUINT64_CONSTANT (0x8000000000000000));
  key (b, "i64", I64), bytes_u64 (b, (guint64) -3);
  key (b, "f32", F32), bytes_u32 (b, 0x3fc00000);
  key (b, "f32 nan", F32), bytes_u32 (b, 0x7fc00000);
  key (b, "f64", F64), bytes_u64 (b, G_GUINT64_CONSTANT (0xc004000000000000));
  key (b, "bool", BOOL), bytes_u8 (b, 1);
  key (b, "not UTF-8", STRING), bytes_string (b, "a\xff-");
  key (b, "list", ARRAY), array (b, I16, 2), bytes_u16 (b, 7), bytes_u16 (b, 0xffff);
  key (b, "nested", ARRAY), array (b, ARRAY, 2), array (b, STRING, 1), bytes_string (b, "x"), array (b, F32, 0);
  key (b, "long", ARRAY), array (b, STRING, 65);
  for (guint i = 0; i < 65; i++)
    bytes_string (b, "token");
  key (b, "longer", ARRAY), array (b, F32, 1000), bytes_zero (b, 4000);
  bytes_gguf_tensor (b, "q", 2, (guint64[]) { 64, 3 }, 2, 64);
  bytes_gguf_tensor (b, "f", 1, (guint64[]) { 5 }, 0, 0);
  bytes_gguf_tensor (b, "k", 3, (guint64[]) { 256, 2, 2 }, 12, 192);
  return b;
}

/* The file's size and where its data begins, counted by hand from what valid_file() put there. */
static gsize
finish (GByteArray *b)
{
  gsize data = (b->len + 63) / 64 * 64;

  /* q: 3 rows of 2 blocks of 18 bytes at 64; k: 4 rows of one block of 144 bytes at 192 */
  bytes_zero (b, data + 192 + 4 * 144 - b->len);
  return data;
}

static void
check_metadata (JsonObject *m)
{
  JsonArray *list;
  JsonObject *summary;

  g_assert_cmpuint (json_object_get_size (m), ==, N_KEYS);
  g_assert_cmpstr (json_object_get_string_member (m, "general.architecture"), ==, "llama");
  g_assert_cmpint (json_object_get_int_member (m, "u8"), ==, 200);
  g_assert_cmpint (json_object_get_int_member (m, "i8"), ==, -56);
  g_assert_cmpint (json_object_get_int_member (m, "u16"), ==, 60000);
  g_assert_cmpint (json_object_get_int_member (m, "i16"), ==, -5536);
  g_assert_cmpint (json_object_get_int_member (m, "i32"), ==, -2);
  g_assert_cmpint (json_object_get_int_member (m, "u64"), ==, G_GINT64_CONSTANT (1099511627776));
  g_assert_cmpfloat (json_object_get_double_member (m, "u64 large"), ==, 9223372036854775808.0);
  g_assert_cmpint (json_object_get_int_member (m, "i64"), ==, -3);
  g_assert_cmpfloat (json_object_get_double_member (m, "f32"), ==, 1.5);
  g_assert_cmpstr (json_object_get_string_member (m, "f32 nan"), ==, "nan");
  g_assert_cmpfloat (json_object_get_double_member (m, "f64"), ==, -2.5);
  g_assert_true (json_object_get_boolean_member (m, "bool"));
  g_assert_cmpstr (json_object_get_string_member (m, "not UTF-8"), ==, "a\xef\xbf\xbd-");
  list = json_object_get_array_member (m, "list");
  g_assert_cmpuint (json_array_get_length (list), ==, 2);
  g_assert_cmpint (json_array_get_int_element (list, 1), ==, -1);
  list = json_object_get_array_member (m, "nested");
  g_assert_cmpuint (json_array_get_length (list), ==, 2);
  g_assert_cmpstr (json_array_get_string_element (json_array_get_array_element (list, 0), 0), ==, "x");
  g_assert_cmpuint (json_array_get_length (json_array_get_array_element (list, 1)), ==, 0);
  summary = json_object_get_object_member (m, "long");
  g_assert_cmpstr (json_object_get_string_member (summary, "type"), ==, "string");
  g_assert_cmpint (json_object_get_int_member (summary, "count"), ==, 65);
  summary = json_object_get_object_member (m, "longer");
  g_assert_cmpint (json_object_get_int_member (summary, "count"), ==, 1000);
}

/* Where each list's items lie, found in the bytes by what was put there. */
static void
check_arrays (const GByteArray *b, const GArray *arrays)
{
  static const struct
  {
    const char *key;
    guint32 type;
    guint64 count, n_bytes;
  } wanted[] = { { "list", I16, 2, 4 },
                 { "nested", ARRAY, 2, 12 + 8 + 1 + 12 },
                 { "long", STRING, 65, 65 * 13 },
                 { "longer", F32, 1000, 4000 } };

  g_assert_cmpuint (arrays->len, ==, G_N_ELEMENTS (wanted));
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      const PldArray *a = &g_array_index (arrays, PldArray, i);
      /* the key is followed by the value's type, which begins with a 9, the items' type and the count */
      g_autofree char *needle = g_strconcat (wanted[i].key, "\t", NULL);
      const guint8 *at = memmem (b->data, b->len, needle, strlen (needle));

      g_assert_cmpstr (a->key, ==, wanted[i].key);
      g_assert_cmpuint (a->type, ==, wanted[i].type);
      g_assert_cmpuint (a->count, ==, wanted[i].count);
      g_assert_cmpuint (a->file, ==, 5);
      g_assert_cmpuint (a->n_bytes, ==, wanted[i].n_bytes);
      g_assert_nonnull (at);
      g_assert_cmpuint (a->offset, ==, (gsize) (at - b->data) + strlen (wanted[i].key) + 4 + 4 + 8);
    }
}

static void
test_valid (gconstpointer version)
{
  g_autoptr (GByteArray) b = valid_file (GPOINTER_TO_UINT (version));
  gsize data = finish (b);
  const PldTensor *t;
  Parsed parsed;
  GError *error = NULL;

  parsed_init (&parsed);
  g_assert_true (parse (b, data, b->len, &parsed, &error));
  g_assert_no_error (error);
  check_metadata (parsed.metadata);
  check_arrays (b, parsed.arrays);
  g_assert_cmpuint (parsed.tensors->len, ==, 3);
  t = (const PldTensor *) parsed.tensors->data;
  g_assert_cmpstr (t[0].name, ==, "f");
  g_assert_cmpuint (t[0].offset, ==, data);
  g_assert_cmpuint (t[0].n_bytes, ==, 20);
  g_assert_cmpuint (t[0].file, ==, 5);
  g_assert_cmpstr (t[1].name, ==, "q");
  g_assert_cmpuint (t[1].dtype, ==, PLD_DTYPE_Q4_0);
  g_assert_cmpuint (t[1].offset, ==, data + 64);
  g_assert_cmpuint (t[1].n_dims, ==, 2);
  g_assert_cmpuint (t[1].dims[0], ==, 3);
  g_assert_cmpuint (t[1].dims[1], ==, 64);
  g_assert_cmpuint (t[1].n_values, ==, 192);
  g_assert_cmpuint (t[1].n_bytes, ==, 108);
  g_assert_cmpstr (t[2].name, ==, "k");
  g_assert_cmpuint (t[2].dims[2], ==, 256);
  g_assert_cmpuint (t[2].n_bytes, ==, 576);
  parsed_clear (&parsed);
}

/* Block sizes as ggml-common.h's structs have them, independent of our table. */
static void
test_types (void)
{
  static const struct
  {
    guint number, block, bytes;
    const char *name;
  } types[]
      = { { 0, 1, 4, "F32" },         { 1, 1, 2, "F16" },         { 2, 32, 18, "Q4_0" },      { 3, 32, 20, "Q4_1" },
          { 6, 32, 22, "Q5_0" },      { 7, 32, 24, "Q5_1" },      { 8, 32, 34, "Q8_0" },      { 9, 32, 36, "Q8_1" },
          { 10, 256, 84, "Q2_K" },    { 11, 256, 110, "Q3_K" },   { 12, 256, 144, "Q4_K" },   { 13, 256, 176, "Q5_K" },
          { 14, 256, 210, "Q6_K" },   { 15, 256, 292, "Q8_K" },   { 16, 256, 66, "IQ2_XXS" }, { 17, 256, 74, "IQ2_XS" },
          { 18, 256, 98, "IQ3_XXS" }, { 19, 256, 50, "IQ1_S" },   { 20, 32, 18, "IQ4_NL" },   { 21, 256, 110, "IQ3_S" },
          { 22, 256, 82, "IQ2_S" },   { 23, 256, 136, "IQ4_XS" }, { 24, 1, 1, "I8" },         { 25, 1, 2, "I16" },
          { 26, 1, 4, "I32" },        { 27, 1, 8, "I64" },        { 28, 1, 8, "F64" },        { 29, 256, 56, "IQ1_M" },
          { 30, 1, 2, "BF16" },       { 34, 256, 54, "TQ1_0" },   { 35, 256, 66, "TQ2_0" },   { 39, 32, 17, "MXFP4" } };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (GByteArray) b = bytes_gguf (3, 1, 0);
      Parsed parsed;
      GError *error = NULL;

      bytes_gguf_tensor (b, "t", 2, (guint64[]) { types[i].block, 3 }, types[i].number, 0);
      bytes_zero (b, 4096);
      parsed_init (&parsed);
      g_assert_true (parse (b, b->len, b->len, &parsed, &error));
      g_assert_cmpuint (g_array_index (parsed.tensors, PldTensor, 0).n_bytes, ==, 3 * types[i].bytes);
      g_assert_cmpstr (pld_dtype_info (g_array_index (parsed.tensors, PldTensor, 0).dtype)->name, ==, types[i].name);
      parsed_clear (&parsed);
    }
}

static void
assert_bad (GByteArray *b, PldError code, const char *part)
{
  Parsed parsed;
  GError *error = NULL;

  parsed_init (&parsed);
  g_assert_false (parse (b, b->len, b->len, &parsed, &error));
  assert_pld_error (&error, code, part);
  g_assert_cmpuint (parsed.tensors->len, ==, 0);
  g_assert_cmpuint (json_object_get_size (parsed.metadata), ==, 0);
  g_assert_cmpuint (parsed.arrays->len, ==, 0);
  parsed_clear (&parsed);
  g_byte_array_unref (b);
}

static void
test_bad_header (void)
{
  GByteArray *b = bytes_gguf (3, 0, 0);

  b->data[0] = 'g';
  assert_bad (b, PLD_ERROR_FORMAT, "magic number is not GGUF's");
  assert_bad (bytes_gguf (0x03000000, 0, 0), PLD_ERROR_UNSUPPORTED, "big-endian");
  assert_bad (bytes_gguf (1, 0, 0), PLD_ERROR_UNSUPPORTED, "version 1");
  assert_bad (bytes_gguf (4, 0, 0), PLD_ERROR_UNSUPPORTED, "version 4");
  assert_bad (bytes_gguf (0, 0, 0), PLD_ERROR_UNSUPPORTED, "version 0");
  assert_bad (bytes_gguf (3, 1, 0), PLD_ERROR_FORMAT, "number of tensors: a count of 1 cannot fit");
  assert_bad (bytes_gguf (3, 0, G_MAXUINT64), PLD_ERROR_FORMAT,
              "number of keys: a count of 18446744073709551615 cannot fit");
  b = bytes_gguf (3, 0, 65537);
  bytes_zero (b, 65537 * 14);
  assert_bad (b, PLD_ERROR_UNSUPPORTED, "65536 keys");
}

/* A file with one key, to be finished with a value. */
static GByteArray *
one_key (const char *name, guint32 type)
{
  GByteArray *b = bytes_gguf (3, 0, 1);

  key (b, name, type);
  return b;
}

static void
test_bad_values (void)
{
  static const guint32 alignments[] = { 0, 1, 4, 48, 0x80000000 };
  GByteArray *b;

  b = one_key ("k", 13), bytes_zero (b, 16);
  assert_bad (b, PLD_ERROR_UNSUPPORTED, "unknown type 13");
  b = one_key ("k", BOOL), bytes_u8 (b, 2);
  assert_bad (b, PLD_ERROR_FORMAT, "neither true nor false");
  b = one_key ("k", STRING), bytes_u64 (b, G_MAXUINT64), bytes_zero (b, 8);
  assert_bad (b, PLD_ERROR_FORMAT, "cannot fit");
  b = one_key ("k", STRING), bytes_u64 (b, (16 << 20) + 1), bytes_zero (b, (16 << 20) + 1);
  assert_bad (b, PLD_ERROR_FORMAT, "too long");
  b = one_key ("k", ARRAY), array (b, U64, G_MAXUINT64 / 8 + 2), bytes_zero (b, 64);
  assert_bad (b, PLD_ERROR_FORMAT, "length of a list");
  b = one_key ("k", ARRAY), array (b, 99, 1), bytes_zero (b, 64);
  assert_bad (b, PLD_ERROR_UNSUPPORTED, "unknown type 99");
  b = one_key ("k", ARRAY);
  for (guint i = 0; i < 5; i++)
    array (b, ARRAY, 1);
  bytes_zero (b, 64);
  assert_bad (b, PLD_ERROR_FORMAT, "nested too deep");
  b = one_key ("", U8), bytes_zero (b, 9);
  assert_bad (b, PLD_ERROR_FORMAT, "is empty");
  b = one_key ("k\xff", U8), bytes_zero (b, 9);
  assert_bad (b, PLD_ERROR_FORMAT, "not UTF-8");
  b = bytes_gguf (3, 0, 2), key (b, "k", U8), bytes_u8 (b, 0), key (b, "k", U8), bytes_u8 (b, 0);
  assert_bad (b, PLD_ERROR_FORMAT, "\"k\" appears twice");
  for (guint i = 0; i < G_N_ELEMENTS (alignments); i++)
    {
      b = one_key ("general.alignment", U32), bytes_u32 (b, alignments[i]);
      assert_bad (b, PLD_ERROR_FORMAT, "power of two");
    }
  b = one_key ("general.alignment", STRING), bytes_string (b, "32");
  assert_bad (b, PLD_ERROR_FORMAT, "power of two");
}

/* Many small lists would cost much memory for few bytes. */
static void
test_too_many_values (void)
{
  GByteArray *b = bytes_gguf (3, 0, 5000);

  for (guint k = 0; k < 5000; k++)
    {
      g_autofree char *name = g_strdup_printf ("%u", k);

      key (b, name, ARRAY), array (b, U8, 64), bytes_zero (b, 64);
    }
  assert_bad (b, PLD_ERROR_FORMAT, "too many values");
}

static GByteArray *
one_tensor (guint n_dims, const guint64 *dims, guint32 type, guint64 offset)
{
  GByteArray *b = bytes_gguf (3, 1, 0);

  bytes_gguf_tensor (b, "t", n_dims, dims, type, offset);
  bytes_zero (b, 1024);
  return b;
}

static void
test_bad_tensors (void)
{
  const guint64 ones[5] = { 1, 1, 1, 1, 1 };
  GByteArray *b;

  assert_bad (one_tensor (0, NULL, 0, 0), PLD_ERROR_FORMAT, "has 0 dimensions");
  assert_bad (one_tensor (5, ones, 0, 0), PLD_ERROR_FORMAT, "has 5 dimensions");
  assert_bad (one_tensor (2, (guint64[]) { 1, 0 }, 0, 0), PLD_ERROR_FORMAT, "dimension of 0");
  assert_bad (one_tensor (1, ones, 4, 0), PLD_ERROR_UNSUPPORTED, "Q4_2, which was removed");
  assert_bad (one_tensor (1, ones, 31, 0), PLD_ERROR_UNSUPPORTED, "Q4_0_4_4, which was removed");
  assert_bad (one_tensor (1, ones, 33, 0), PLD_ERROR_UNSUPPORTED, "Q4_0_8_8, which was removed");
  assert_bad (one_tensor (1, ones, 37, 0), PLD_ERROR_UNSUPPORTED, "IQ4_NL_4_8, which was removed");
  assert_bad (one_tensor (1, ones, 41, 0), PLD_ERROR_UNSUPPORTED, "newer than this program");
  assert_bad (one_tensor (1, ones, 255, 0), PLD_ERROR_UNSUPPORTED, "newer than this program");
  assert_bad (one_tensor (1, ones, 0xffffffff, 0), PLD_ERROR_UNSUPPORTED, "damaged");
  assert_bad (one_tensor (1, ones, 0, 4), PLD_ERROR_FORMAT, "not a multiple of the alignment 32");
  assert_bad (one_tensor (1, ones, 0, 2048), PLD_ERROR_FORMAT, "truncated: tensor \"t\" ends at byte");
  assert_bad (one_tensor (1, ones, 0, ~(guint64) 31), PLD_ERROR_FORMAT, "larger than any file");
  assert_bad (one_tensor (1, (guint64[]) { 33 }, 2, 0), PLD_ERROR_FORMAT, "not whole blocks of 32");
  assert_bad (one_tensor (2, (guint64[]) { 16, 2 }, 2, 0), PLD_ERROR_FORMAT, "not whole blocks of 32");
  assert_bad (one_tensor (2, (guint64[]) { G_GINT64_CONSTANT (1) << 32, G_GINT64_CONSTANT (1) << 32 }, 0, 0),
              PLD_ERROR_FORMAT, "larger than any file");
  assert_bad (one_tensor (1, (guint64[]) { G_GUINT64_CONSTANT (1) << 62 }, 0, 0), PLD_ERROR_FORMAT,
              "larger than any file");
  b = bytes_gguf (3, 2, 0);
  bytes_gguf_tensor (b, "a", 1, (guint64[]) { 16 }, 0, 0);
  bytes_gguf_tensor (b, "b", 1, (guint64[]) { 16 }, 0, 32);
  bytes_zero (b, 256);
  assert_bad (b, PLD_ERROR_FORMAT, "\"a\" and \"b\" overlap");
  b = bytes_gguf (3, 2, 0);
  bytes_gguf_tensor (b, "a", 1, ones, 0, 0);
  bytes_gguf_tensor (b, "a", 1, ones, 0, 32);
  bytes_zero (b, 256);
  assert_bad (b, PLD_ERROR_FORMAT, "two tensors are called \"a\"");
}

static void
test_flipped (void)
{
  g_autoptr (GByteArray) b = valid_file (3);
  gsize data = finish (b);

  for (gsize bit = 0; bit < 8 * data; bit++)
    {
      Parsed parsed;
      GError *error = NULL;

      parsed_init (&parsed);
      b->data[bit / 8] ^= (guint8) (1 << bit % 8);
      if (parse (b, b->len, b->len, &parsed, &error))
        for (guint i = 0; i < parsed.tensors->len; i++)
          {
            const PldTensor *t = &g_array_index (parsed.tensors, PldTensor, i);

            g_assert_cmpuint (t->offset, <=, b->len);
            g_assert_cmpuint (t->n_bytes, <=, b->len - t->offset);
          }
      else
        {
          g_assert_cmpuint (error->domain, ==, PLD_ERROR);
          g_clear_error (&error);
        }
      b->data[bit / 8] ^= (guint8) (1 << bit % 8);
      parsed_clear (&parsed);
    }
}

/* Every shorter file is refused, and a part of the directory says that there is more where the file has more.
 * */
static void
test_truncated (void)
{
  g_autoptr (GByteArray) b = valid_file (3);
  gsize directory = b->len;
  gsize data = finish (b);
  Parsed parsed;
  GError *error = NULL;

  g_assert_cmpuint (data, >=, directory);
  parsed_init (&parsed);
  for (gsize n = 0; n < b->len; n++)
    {
      gboolean short_head = FALSE;
      g_autofree guint8 *head = g_memdup2 (b->data, n);

      g_assert_false (parse (b, n, n, &parsed, &error));
      g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
      g_assert_nonnull (strstr (error->message, "truncated"));
      g_clear_error (&error);
      if (n >= directory)
        continue;
      g_assert_false (pld_gguf_parse_window (head, n, b->len, 0, parsed.tensors, parsed.metadata, parsed.arrays,
                                             &short_head, NULL));
      g_assert_true (short_head);
    }
  parsed_clear (&parsed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/gguf/valid/2", GUINT_TO_POINTER (2), test_valid);
  g_test_add_data_func ("/gguf/valid/3", GUINT_TO_POINTER (3), test_valid);
  g_test_add_func ("/gguf/types", test_types);
  g_test_add_func ("/gguf/bad-header", test_bad_header);
  g_test_add_func ("/gguf/bad-values", test_bad_values);
  g_test_add_func ("/gguf/too-many-values", test_too_many_values);
  g_test_add_func ("/gguf/bad-tensors", test_bad_tensors);
  g_test_add_func ("/gguf/flipped", test_flipped);
  g_test_add_func ("/gguf/truncated", test_truncated);
  return g_test_run ();
}
