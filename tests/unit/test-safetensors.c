/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The safetensors parser: headers, spans, and each damage.
 */
#include "engine/format/weights.h"
#include "tests/support/model-bytes.h"

#include <string.h>

/* A heap block of exactly the bytes, so that a sanitizer sees a read past them. */
static gboolean
parse (const guint8 *data, gsize n_head, gsize file_size, Parsed *parsed, GError **error)
{
  g_autofree guint8 *copy = g_memdup2 (data, n_head);

  return pld_safetensors_parse (copy, n_head, file_size, 3, parsed->tensors, parsed->metadata, error);
}

static const char valid[]
    = "{\"__metadata__\":{\"format\":\"pt\",\"a\\u00e9\\\"\":\"\\ud83d\\ude00\\n\"},"
      "\"w\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[8,20]},"
      " \"scalar\" : { \"shape\" : [ ] , \"data_offsets\":[0,8],\"dtype\":\"F64\" } ,"
      "\"empty\":{\"dtype\":\"I64\",\"shape\":[0,7],\"data_offsets\":[20,20]},"
      "\"bool\":{\"dtype\":\"BOOL\",\"shape\":[1,1,1,1,1,1,1,5],\"data_offsets\":[20,25],\"more\":[{}]}}   ";

static void
test_valid (void)
{
  g_autoptr (GByteArray) bytes = bytes_safetensors (valid, 25);
  gsize base = strlen (valid) + 8;
  const PldTensor *t;
  Parsed parsed;
  GError *error = NULL;

  parsed_init (&parsed);
  g_assert_true (parse (bytes->data, base, bytes->len, &parsed, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (parsed.tensors->len, ==, 4);
  t = (const PldTensor *) parsed.tensors->data;
  g_assert_cmpstr (t[0].name, ==, "scalar");
  g_assert_cmpuint (t[0].dtype, ==, PLD_DTYPE_F64);
  g_assert_cmpuint (t[0].n_dims, ==, 0);
  g_assert_cmpuint (t[0].n_values, ==, 1);
  g_assert_cmpuint (t[0].offset, ==, base);
  g_assert_cmpstr (t[1].name, ==, "w");
  g_assert_cmpuint (t[1].dtype, ==, PLD_DTYPE_F16);
  g_assert_cmpuint (t[1].n_dims, ==, 2);
  g_assert_cmpuint (t[1].dims[0], ==, 2);
  g_assert_cmpuint (t[1].dims[1], ==, 3);
  g_assert_cmpuint (t[1].n_values, ==, 6);
  g_assert_cmpuint (t[1].n_bytes, ==, 12);
  g_assert_cmpuint (t[1].offset, ==, base + 8);
  g_assert_cmpuint (t[1].file, ==, 3);
  g_assert_cmpstr (t[2].name, ==, "empty");
  g_assert_cmpuint (t[2].n_bytes, ==, 0);
  g_assert_cmpuint (t[2].n_values, ==, 0);
  g_assert_cmpstr (t[3].name, ==, "bool");
  g_assert_cmpuint (t[3].n_dims, ==, 8);
  g_assert_cmpuint (t[3].n_bytes, ==, 5);
  g_assert_cmpstr (json_object_get_string_member (parsed.metadata, "format"), ==, "pt");
  g_assert_cmpstr (json_object_get_string_member (parsed.metadata, "a\xc3\xa9\""), ==, "\xf0\x9f\x98\x80\n");
  parsed_clear (&parsed);
}

static void
test_dtypes (void)
{
  /* The sizes are those of the format's own documentation. */
  static const struct
  {
    const char *name;
    guint bytes;
  } types[] = { { "F64", 8 }, { "F32", 4 }, { "F16", 2 }, { "BF16", 2 }, { "I8", 1 },  { "I16", 2 }, { "I32", 4 },
                { "I64", 8 }, { "U8", 1 },  { "U16", 2 }, { "U32", 4 },  { "U64", 8 }, { "BOOL", 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *header = g_strdup_printf ("{\"t\":{\"dtype\":\"%s\",\"shape\":[3],\"data_offsets\":[0,%u]}}",
                                                 types[i].name, 3 * types[i].bytes);
      g_autoptr (GByteArray) bytes = bytes_safetensors (header, 24);
      Parsed parsed;
      GError *error = NULL;

      parsed_init (&parsed);
      g_assert_true (parse (bytes->data, bytes->len, bytes->len, &parsed, &error));
      g_assert_cmpstr (pld_dtype_info (g_array_index (parsed.tensors, PldTensor, 0).dtype)->name, ==, types[i].name);
      parsed_clear (&parsed);
    }
}

#define T(dtype, shape, offsets) "{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static const struct
{
  const char *header;
  PldError code;
  const char *part;
} bad[] = {
  { "", PLD_ERROR_FORMAT, "object was expected" },
  { "[]", PLD_ERROR_FORMAT, "object was expected" },
  { "{", PLD_ERROR_FORMAT, "string was expected" },
  { "{}x", PLD_ERROR_FORMAT, "more text" },
  { "{\"t\"}", PLD_ERROR_FORMAT, "colon" },
  { "{\"t\":1}", PLD_ERROR_FORMAT, "object was expected" },
  { "{\"t\":{}}", PLD_ERROR_FORMAT, "lacks its dtype" },
  { "{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", PLD_ERROR_FORMAT, "lacks its shape" },
  { "{\"t\":{\"dtype\":\"F32\",\"shape\":[1]}}", PLD_ERROR_FORMAT, "lacks its data_offsets" },
  { "{\"t\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", PLD_ERROR_FORMAT,
    "two \"dtype\"" },
  { "{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},}", PLD_ERROR_FORMAT, "comma" },
  { T ("F8_E4M3", "[1]", "[0,1]"), PLD_ERROR_UNSUPPORTED, "F8_E4M3" },
  { T ("Q4_0", "[32]", "[0,18]"), PLD_ERROR_UNSUPPORTED, "Q4_0" },
  { T ("F32", "[2]", "[0,4]"), PLD_ERROR_FORMAT, "takes 8 bytes, but its offsets span 4" },
  { T ("F32", "[1]", "[4,0]"), PLD_ERROR_FORMAT, "not a range" },
  { T ("F32", "[1]", "[0]"), PLD_ERROR_FORMAT, "not a range" },
  { T ("F32", "[1]", "[0,4,8]"), PLD_ERROR_FORMAT, "more than 2 offsets" },
  { T ("F32", "[-1]", "[0,4]"), PLD_ERROR_FORMAT, "whole number" },
  { T ("F32", "[1.0]", "[0,4]"), PLD_ERROR_FORMAT, "whole number" },
  { T ("F32", "[01]", "[0,4]"), PLD_ERROR_FORMAT, "whole number" },
  { T ("F32", "[99999999999999999999]", "[0,4]"), PLD_ERROR_FORMAT, "2^64" },
  { T ("F32", "[\"1\"]", "[0,4]"), PLD_ERROR_FORMAT, "whole number" },
  { T ("F32", "{}", "[0,4]"), PLD_ERROR_FORMAT, "list was expected" },
  { T ("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), PLD_ERROR_UNSUPPORTED, "more than 8 dimensions" },
  { T ("F32", "[4294967296,4294967296]", "[0,4]"), PLD_ERROR_FORMAT, "larger than any file" },
  { T ("F32", "[4611686018427387904]", "[0,0]"), PLD_ERROR_FORMAT, "larger than any file" },
  { T ("F32", "[0,18446744073709551615,2]", "[0,0]"), PLD_ERROR_FORMAT, "larger than any file" },
  { T ("F32", "[1]", "[18446744073709551611,18446744073709551615]"), PLD_ERROR_FORMAT, "larger than any file" },
  { T ("F32", "[25]", "[0,100]"), PLD_ERROR_FORMAT, "truncated: tensor \"t\" ends at byte" },
  { T ("F32", "[1]", "[61,65]"), PLD_ERROR_FORMAT, "truncated" },
  { "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"u\":{\"dtype\":\"F32\",\"shape\":[2],"
    "\"data_offsets\":[4,12]}}",
    PLD_ERROR_FORMAT, "overlap" },
  { "{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"t\":{\"dtype\":\"F32\",\"shape\":[1],"
    "\"data_offsets\":[4,8]}}",
    PLD_ERROR_FORMAT, "two tensors are called \"t\"" },
  { "{\"__metadata__\":{\"a\":1}}", PLD_ERROR_FORMAT, "object of strings" },
  { "{\"__metadata__\":[]}", PLD_ERROR_FORMAT, "object of strings" },
  { "{\"a\xff\":{}}", PLD_ERROR_FORMAT, "UTF-8" },
  { "{\"a\\u0000\":{}}", PLD_ERROR_FORMAT, "zero character" },
  { "{\"a\\ud800\":{}}", PLD_ERROR_FORMAT, "surrogate" },
  { "{\"a\n\":{}}", PLD_ERROR_FORMAT, "control character" },
  { "{\"a\\x\":{}}", PLD_ERROR_FORMAT, "escape" },
  { "{\"a", PLD_ERROR_FORMAT, "ends within a string" },
};

static void
test_bad (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GByteArray) bytes = bytes_safetensors (bad[i].header, 64);
      Parsed parsed;
      GError *error = NULL;

      parsed_init (&parsed);
      g_assert_false (parse (bytes->data, bytes->len, bytes->len, &parsed, &error));
      assert_pld_error (&error, bad[i].code, bad[i].part);
      g_assert_cmpuint (parsed.tensors->len, ==, 0);
      g_assert_cmpuint (json_object_get_size (parsed.metadata), ==, 0);
      parsed_clear (&parsed);
    }
}

static void
test_head_size (void)
{
  g_autoptr (GByteArray) bytes = bytes_safetensors ("{}", 0);
  GError *error = NULL;
  guint64 size = 77;

  g_assert_true (pld_safetensors_head_size (bytes->data, 8, 10, &size, &error));
  g_assert_cmpuint (size, ==, 10);
  size = 77;
  g_assert_false (pld_safetensors_head_size (bytes->data, 7, 7, &size, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "7 bytes are too few");
  g_assert_false (pld_safetensors_head_size (bytes->data, 8, 9, &size, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT,
                    "truncated: the header wants 10 bytes but the file has 9; download it again");
  bytes->data[7] = 0x80;
  g_assert_false (pld_safetensors_head_size (bytes->data, 8, G_MAXINT64, &size, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "longer than safetensors allows");
  g_assert_cmpuint (size, ==, 77);
}

/* Nesting is bounded: unbounded recursion would end in a crash here. */
static void
test_deep (void)
{
  g_autoptr (GString) header = g_string_new ("{\"t\":{\"x\":");
  g_autoptr (GByteArray) bytes = NULL;
  Parsed parsed;
  GError *error = NULL;

  for (guint i = 0; i < 1000000; i++)
    g_string_append_c (header, '[');
  bytes = bytes_safetensors (header->str, 0);
  parsed_init (&parsed);
  g_assert_false (parse (bytes->data, bytes->len, bytes->len, &parsed, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "nested too deep");
  parsed_clear (&parsed);
}

static void
check_any (const guint8 *data, gsize n_head, gsize file_size)
{
  Parsed parsed;
  GError *error = NULL;

  parsed_init (&parsed);
  if (parse (data, n_head, file_size, &parsed, &error))
    for (guint i = 0; i < parsed.tensors->len; i++)
      {
        const PldTensor *t = &g_array_index (parsed.tensors, PldTensor, i);

        g_assert_cmpuint (t->offset, <=, file_size);
        g_assert_cmpuint (t->n_bytes, <=, file_size - t->offset);
      }
  else
    {
      g_assert_cmpuint (error->domain, ==, PLD_ERROR);
      g_assert_cmpuint (parsed.tensors->len, ==, 0);
      g_clear_error (&error);
    }
  parsed_clear (&parsed);
}

static void
test_flipped (void)
{
  g_autoptr (GByteArray) bytes = bytes_safetensors (valid, 25);
  gsize base = strlen (valid) + 8;

  for (gsize bit = 0; bit < 8 * base; bit++)
    {
      bytes->data[bit / 8] ^= (guint8) (1 << bit % 8);
      check_any (bytes->data, bytes->len, bytes->len);
      bytes->data[bit / 8] ^= (guint8) (1 << bit % 8);
    }
}

/* Every shorter file is refused: the last byte belongs to a tensor. */
static void
test_truncated (void)
{
  g_autoptr (GByteArray) bytes = bytes_safetensors (valid, 25);
  Parsed parsed;
  GError *error = NULL;

  parsed_init (&parsed);
  for (gsize n = 0; n < bytes->len; n++)
    {
      g_assert_false (parse (bytes->data, n, n, &parsed, &error));
      g_assert_error (error, PLD_ERROR, PLD_ERROR_FORMAT);
      g_assert_nonnull (strstr (error->message, "truncated"));
      g_clear_error (&error);
    }
  parsed_clear (&parsed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/safetensors/valid", test_valid);
  g_test_add_func ("/safetensors/dtypes", test_dtypes);
  g_test_add_func ("/safetensors/bad", test_bad);
  g_test_add_func ("/safetensors/head-size", test_head_size);
  g_test_add_func ("/safetensors/deep", test_deep);
  g_test_add_func ("/safetensors/flipped", test_flipped);
  g_test_add_func ("/safetensors/truncated", test_truncated);
  return g_test_run ();
}
