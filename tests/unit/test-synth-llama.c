/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The GGUF writer and synthetic language models.
 */
#include "engine/format/gguf-writer.h"
#include "engine/kernels/kernels.h"
#include "tests/support/model-bytes.h"
#include "pipeload/pipeload.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static void
set_up (Scratch *fixture, gconstpointer data)
{
  scratch_make (fixture, "model.gguf");
}

/* ---- the writer ---------------------------------------------------------------------------- */

static char name_a[] = "a", name_b[] = "b";
static const PldTensor two[] = { { .name = name_a, .dtype = PLD_DTYPE_F16, .n_dims = 2, .dims = { 2, 3 } },
                                 { .name = name_b, .dtype = PLD_DTYPE_Q8_0, .n_dims = 1, .dims = { 32 } } };

static void
bytes_key (GByteArray *bytes, const char *key, guint32 type)
{
  bytes_string (bytes, key);
  bytes_u32 (bytes, type);
}

static void
bytes_pad (GByteArray *bytes)
{
  bytes_zero (bytes, (32 - bytes->len % 32) % 32);
}

/* The bytes of the file that test_writer() writes, by the format's description. */
static GByteArray *
wanted_bytes (void)
{
  GByteArray *bytes = bytes_gguf (3, 2, 8);

  bytes_key (bytes, "b", 7);
  bytes_u8 (bytes, 1);
  bytes_key (bytes, "u", 4);
  bytes_u32 (bytes, 4000000000);
  bytes_key (bytes, "i", 5);
  bytes_u32 (bytes, 0xffffffff);
  bytes_key (bytes, "f", 6);
  bytes_u32 (bytes, 0x3fc00000); /* 1.5 */
  bytes_key (bytes, "s", 8);
  bytes_string (bytes, "text");
  bytes_key (bytes, "ss", 9);
  bytes_u32 (bytes, 8);
  bytes_u64 (bytes, 2);
  bytes_string (bytes, "");
  bytes_string (bytes, "xy");
  bytes_key (bytes, "fs", 9);
  bytes_u32 (bytes, 6);
  bytes_u64 (bytes, 1);
  bytes_u32 (bytes, 0xbf800000); /* −1 */
  bytes_key (bytes, "raw", 9);
  bytes_u32 (bytes, 0);
  bytes_u64 (bytes, 3);
  bytes_u8 (bytes, 7);
  bytes_u16 (bytes, 0x0908);
  bytes_gguf_tensor (bytes, "a", 2, (guint64[]) { 3, 2 }, 1, 0);
  bytes_gguf_tensor (bytes, "b", 1, (guint64[]) { 32 }, 8, 32);
  bytes_pad (bytes);
  g_byte_array_append (bytes, (const guint8 *) "0123456789ab", 12);
  bytes_pad (bytes);
  g_byte_array_append (bytes, (const guint8 *) "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgh", 34);
  bytes_pad (bytes);
  return bytes;
}

static void
test_writer (Scratch *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) wanted = wanted_bytes ();
  g_autofree char *got = NULL;
  PldGgufWriter *writer = pld_gguf_writer_new ();
  GError *error = NULL;
  gsize n;

  pld_gguf_writer_add_bool (writer, "b", TRUE);
  pld_gguf_writer_add_uint32 (writer, "u", 4000000000);
  pld_gguf_writer_add_int32 (writer, "i", -1);
  pld_gguf_writer_add_float (writer, "f", 1.5f);
  pld_gguf_writer_add_string (writer, "s", "text");
  pld_gguf_writer_add_strings (writer, "ss", (const char *const[]) { "", "xy" }, 2);
  pld_gguf_writer_add_floats (writer, "fs", (const float[]) { -1 }, 1);
  pld_gguf_writer_add_stored (writer, "raw", PLD_GGUF_U8, 3, "\7\10\11", 3);
  pld_gguf_writer_add_tensor (writer, &two[0]);
  pld_gguf_writer_add_tensor (writer, &two[1]);
  g_assert_true (pld_gguf_writer_begin (writer, fixture->path, &error));
  g_assert_no_error (error);
  g_assert_true (pld_gguf_writer_write (writer, "01234567", 8, &error));
  g_assert_true (pld_gguf_writer_write (writer, "89ab", 4, &error));
  g_assert_true (pld_gguf_writer_write (writer, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgh", 34, &error));
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  g_assert_true (pld_gguf_writer_finish (writer, &error));
  g_clear_pointer (&writer, pld_gguf_writer_free);
  g_assert_null (writer);
  g_assert_true (g_file_get_contents (fixture->path, &got, &n, NULL));
  g_assert_cmpmem (got, n, wanted->data, wanted->len);
}

static void
test_writer_fails (Scratch *fixture, gconstpointer data)
{
  const PldTensor bad[] = { { .name = name_a, .dtype = PLD_DTYPE_U8, .n_dims = 1, .dims = { 5 } },
                            { .name = name_a, .dtype = PLD_DTYPE_Q8_0, .n_dims = 2, .dims = { 1, 33 } } };
  const char *facts[] = { "no type U8", "blocks" };
  const PldError codes[] = { PLD_ERROR_UNSUPPORTED, PLD_ERROR_FORMAT };
  PldGgufWriter *writer = NULL;
  GError *error = NULL;

  g_clear_pointer (&writer, pld_gguf_writer_free);
  for (guint i = 0; i < 2; i++)
    {
      writer = pld_gguf_writer_new ();
      pld_gguf_writer_add_tensor (writer, &bad[i]);
      g_assert_false (pld_gguf_writer_begin (writer, fixture->path, &error));
      assert_pld_error (&error, codes[i], facts[i]);
      g_clear_pointer (&writer, pld_gguf_writer_free);
    }
  writer = pld_gguf_writer_new ();
  pld_gguf_writer_add_tensor (writer, &two[0]);
  g_assert_true (pld_gguf_writer_begin (writer, fixture->path, &error));
  g_assert_true (pld_gguf_writer_write (writer, "0123", 4, &error));
  g_clear_pointer (&writer, pld_gguf_writer_free);
  g_assert_cmpuint (count_files (fixture->folder), ==, 0);
}

/* ---- synthetic models ---------------------------------------------------------------------- */

static PldWeights *
synth (Scratch *fixture, const char *preset, const char *type, const char *vocab_from)
{
  GError *error = NULL;
  PldWeights *weights;

  g_assert_true (pld_model_synth (preset, type, vocab_from, 1, fixture->path, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  weights = pld_weights_open (fixture->path, &error);
  g_assert_no_error (error);
  return weights;
}

static void
assert_tensor (const PldWeights *weights, const char *name, const char *type, const char *wanted)
{
  const PldTensor *tensor = pld_weights_find (weights, name);
  g_autofree char *shape = NULL;

  g_assert_nonnull (tensor);
  shape = pld_tensor_shape (tensor);
  g_assert_cmpstr (shape, ==, wanted);
  g_assert_cmpstr (pld_dtype_info (tensor->dtype)->name, ==, type);
}

/* Names, shapes and the mix as llama.cpp writes them: of 4 layers the last two are sensitive. */
static void
test_mix (Scratch *fixture, gconstpointer data)
{
  g_autoptr (PldWeights) weights = synth (fixture, "llama-tiny", NULL, NULL);
  const char *const down[] = { "Q4_K", "Q4_K", "Q6_K", "Q6_K" };

  g_assert_cmpuint (weights->n_tensors, ==, 4 + 4 * 9);
  assert_tensor (weights, "rope_freqs.weight", "F32", "[16]");
  assert_tensor (weights, "token_embd.weight", "Q4_K", "[512, 256]");
  assert_tensor (weights, "output_norm.weight", "F32", "[256]");
  assert_tensor (weights, "output.weight", "Q6_K", "[512, 256]");
  for (guint i = 0; i < 4; i++)
    {
      const struct
      {
        const char *name, *type, *shape;
      } parts[] = { { "attn_norm", "F32", "[256]" },         { "attn_q", "Q4_K", "[256, 256]" },
                    { "attn_k", "Q4_K", "[128, 256]" },      { "attn_v", down[i], "[128, 256]" },
                    { "attn_output", "Q4_K", "[256, 256]" }, { "ffn_norm", "F32", "[256]" },
                    { "ffn_gate", "Q4_K", "[768, 256]" },    { "ffn_up", "Q4_K", "[768, 256]" },
                    { "ffn_down", down[i], "[256, 768]" } };

      for (guint k = 0; k < G_N_ELEMENTS (parts); k++)
        {
          g_autofree char *name = g_strdup_printf ("blk.%u.%s.weight", i, parts[k].name);

          assert_tensor (weights, name, parts[k].type, parts[k].shape);
        }
    }
  g_assert_cmpstr (json_object_get_string_member (weights->metadata, "general.architecture"), ==, "llama");
  g_assert_cmpint (json_object_get_int_member (weights->metadata, "general.file_type"), ==, 15);
  g_assert_cmpint (json_object_get_int_member (weights->metadata, "llama.attention.head_count_kv"), ==, 4);
  g_assert_cmpint (json_object_get_int_member (weights->metadata, "llama.vocab_size"), ==, 512);
}

/* Rows of 224 and 640 are not whole blocks of 256; the head is the embedding. */
static void
test_qwen2 (Scratch *fixture, gconstpointer data)
{
  g_autoptr (PldWeights) weights = synth (fixture, "qwen2-tiny", "q4_k_m", NULL);

  g_assert_null (pld_weights_find (weights, "output.weight"));
  g_assert_null (pld_weights_find (weights, "rope_freqs.weight"));
  assert_tensor (weights, "token_embd.weight", "Q8_0", "[512, 224]");
  assert_tensor (weights, "blk.0.attn_q.bias", "F32", "[224]");
  assert_tensor (weights, "blk.0.attn_k.weight", "Q5_0", "[32, 224]");
  assert_tensor (weights, "blk.1.attn_v.bias", "F32", "[32]");
  assert_tensor (weights, "blk.1.ffn_down.weight", "Q8_0", "[224, 640]");
  g_assert_null (pld_weights_find (weights, "blk.0.attn_output.bias"));
  g_assert_cmpint (json_object_get_int_member (weights->metadata, "qwen2.embedding_length"), ==, 224);
}

typedef struct
{
  const char *type;
  void (*dequantize) (float *y, const guint8 *x, gsize n);
} Type;

static void
assert_scaled (const char *file, const PldTensor *tensor, const Type *type)
{
  g_autofree float *values = g_new (float, tensor->n_values);
  double sum = 0, squares = 0, n = (double) tensor->n_values, std = 1 / sqrt ((double) tensor->dims[1]);

  type->dequantize (values, (const guint8 *) file + tensor->offset, tensor->n_values);
  for (gsize i = 0; i < tensor->n_values; i++)
    {
      g_assert_true (isfinite (values[i]));
      g_assert_cmpfloat (fabsf (values[i]), <, 8 * std);
      sum += (double) values[i];
      squares += (double) values[i] * (double) values[i];
    }
  g_assert_cmpfloat_with_epsilon (sqrt (squares / n), std, 0.03 * std);
  g_assert_cmpfloat_with_epsilon (sum / n, 0, 0.02 * std);
}

/* Each matrix, read by the kernels: finite, of mean 0, and of the deviation that keeps activations level. */
static void
test_scale (Scratch *fixture, gconstpointer data)
{
  const Type *type = data;
  g_autoptr (PldWeights) weights = synth (fixture, "llama-tiny", type->type, NULL);
  g_autofree char *file = NULL;
  guint matrices = 0;

  g_assert_true (g_file_get_contents (fixture->path, &file, NULL, NULL));
  for (guint i = 0; i < weights->n_tensors; i++)
    if (weights->tensors[i].n_dims == 2)
      {
        assert_scaled (file, &weights->tensors[i], type);
        matrices++;
      }
  g_assert_cmpuint (matrices, ==, 4 * 7 + 2);
}

/* As a program of its own computes them from Llama 3.1's scaling (factor 8, low 1, high 4, original context 8192). */
static void
test_rope (Scratch *fixture, gconstpointer data)
{
  static const float wanted[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 2.6945297f, 8, 8, 8, 8, 8, 8, 8 };
  g_autoptr (PldWeights) weights = synth (fixture, "llama-tiny", "q4_0", NULL);
  const PldTensor *tensor = pld_weights_find (weights, "rope_freqs.weight");
  g_autofree char *file = NULL;
  float got[16];

  g_assert_true (g_file_get_contents (fixture->path, &file, NULL, NULL));
  pld_kernels_ref.dequantize_f32 (got, (const guint8 *) file + tensor->offset, 16);
  for (guint i = 0; i < 16; i++)
    g_assert_cmpfloat_with_epsilon (got[i], wanted[i], 1e-5f);
}

static void
test_seed (Scratch *fixture, gconstpointer data)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *other = NULL;
  gsize n_first, n_second, n_other;

  pld_weights_free (synth (fixture, "llama-tiny", "q4_k_m", NULL));
  g_assert_true (g_file_get_contents (fixture->path, &first, &n_first, NULL));
  pld_weights_free (synth (fixture, "llama-tiny", "q4_k_m", NULL));
  g_assert_true (g_file_get_contents (fixture->path, &second, &n_second, NULL));
  g_assert_cmpmem (first, n_first, second, n_second);
  g_assert_true (pld_model_synth ("llama-tiny", "q4_k_m", NULL, 2, fixture->path, NULL, NULL, NULL, NULL));
  g_assert_true (g_file_get_contents (fixture->path, &other, &n_other, NULL));
  g_assert_cmpuint (n_other, ==, n_first);
  g_assert_cmpint (memcmp (first, other, n_first), !=, 0);
}

/* ---- vocabularies -------------------------------------------------------------------------- */

/* All bytes from the first tokenizer key to the directory's end, or to what follows the keys. */
static GByteArray *
tokenizer_keys (void)
{
  GByteArray *bytes = g_byte_array_new ();

  bytes_key (bytes, "tokenizer.ggml.model", 8);
  bytes_string (bytes, "llama");
  bytes_key (bytes, "tokenizer.ggml.tokens", 9);
  bytes_u32 (bytes, 8);
  bytes_u64 (bytes, 100);
  for (guint i = 0; i < 100; i++)
    bytes_string (bytes, i == 7 ? "\xff\xfe" : i == 8 ? "" : "t");
  bytes_key (bytes, "tokenizer.ggml.scores", 9);
  bytes_u32 (bytes, 6);
  bytes_u64 (bytes, 2);
  bytes_u64 (bytes, G_GUINT64_CONSTANT (0x7fc000003f800000)); /* 1 and NaN */
  bytes_key (bytes, "tokenizer.ggml.precompiled_charsmap", 9);
  bytes_u32 (bytes, 0);
  bytes_u64 (bytes, 70);
  bytes_zero (bytes, 70);
  bytes_key (bytes, "tokenizer.ggml.add_bos_token", 7);
  bytes_u8 (bytes, 1);
  bytes_key (bytes, "tokenizer.ggml.bos_token_id", 4);
  bytes_u32 (bytes, 99);
  bytes_key (bytes, "tokenizer.ggml.padding_token_id", 5);
  bytes_u32 (bytes, 0xffffffff);
  bytes_key (bytes, "tokenizer.chat_template", 8);
  bytes_string (bytes, "{{ messages }}\n");
  return bytes;
}

static void
assert_holds (const char *path, const guint8 *part, gsize n)
{
  g_autofree char *file = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &file, &size, NULL));
  g_assert_nonnull (memmem (file, size, part, n));
}

static void
test_vocab (Scratch *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) keys = tokenizer_keys ();
  g_autoptr (GByteArray) file = bytes_gguf (3, 0, 10);
  g_autoptr (PldWeights) weights = NULL;
  g_autofree char *path = NULL;

  bytes_key (file, "general.architecture", 8);
  bytes_string (file, "gemma");
  g_byte_array_append (file, keys->data, keys->len);
  bytes_key (file, "general.name", 8);
  bytes_string (file, "not this");
  path = bytes_save (file, fixture->folder, "vocab.gguf");
  weights = synth (fixture, "llama-tiny", "q8_0", path);
  assert_holds (fixture->path, keys->data, keys->len);
  assert_tensor (weights, "token_embd.weight", "Q8_0", "[100, 256]");
  g_assert_cmpint (json_object_get_int_member (weights->metadata, "llama.vocab_size"), ==, 100);
  g_assert_cmpstr (json_object_get_string_member (weights->metadata, "general.architecture"), ==, "llama");
}

/* Real ones: their keys end the file, as vocabulary files have no tensors. */
static void
test_vocab_real (Scratch *fixture, gconstpointer data)
{
  g_autofree char *sibling = g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "..", "shared", "data", NULL);
  const char *base = g_getenv ("PIPELOAD_DATA") != NULL ? g_getenv ("PIPELOAD_DATA") : sibling;
  g_autofree char *path = g_build_filename (base, "tokenizers", "ggml-vocab-llama-bpe.gguf", NULL);
  g_autoptr (PldWeights) weights = NULL;
  g_autofree char *file = NULL;
  const char *begin;
  gsize size;

  if (!g_file_get_contents (path, &file, &size, NULL))
    {
      g_test_skip ("no data");
      return;
    }
  weights = synth (fixture, "llama-tiny", "q4_k_m", path);
  begin = memmem (file, size, "tokenizer.ggml.model", 20);
  g_assert_nonnull (begin);
  while (file[size - 1] == '\0' && size > 0)
    size--;
  assert_holds (fixture->path, (const guint8 *) begin, (gsize) (file + size - begin));
  assert_tensor (weights, "output.weight", "Q6_K", "[128256, 256]");
}

static void
test_bad (Scratch *fixture, gconstpointer data)
{
  g_autoptr (GByteArray) empty = bytes_gguf (3, 0, 0);
  g_autofree char *no_tokens = bytes_save (empty, fixture->folder, "empty.gguf");
  g_autofree char *missing = g_build_filename (fixture->folder, "missing.gguf", NULL);
  const struct
  {
    const char *preset, *type, *vocab;
    PldError code;
    const char *part;
  } cases[] = { { "llama-x", NULL, NULL, PLD_ERROR_UNSUPPORTED, "llama-3.1-8b" },
                { "llama-tiny", "q9", NULL, PLD_ERROR_UNSUPPORTED, "q4_k_m" },
                { "llama-tiny", NULL, missing, PLD_ERROR_NOT_FOUND, "missing.gguf" },
                { "llama-tiny", NULL, no_tokens, PLD_ERROR_FORMAT, "tokenizer.ggml.tokens" },
                { "vit-ti16", NULL, no_tokens, PLD_ERROR_UNSUPPORTED, "no vocabulary" } };
  GError *error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_false (
          pld_model_synth (cases[i].preset, cases[i].type, cases[i].vocab, 0, fixture->path, NULL, NULL, NULL, &error));
      assert_pld_error (&error, cases[i].code, cases[i].part);
      g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
    }
}

static void
test_kind (Scratch *fixture, gconstpointer data)
{
  g_autofree char *folder = g_build_filename (fixture->folder, "vit", NULL);
  GError *error = NULL;

  g_assert_cmpint (pld_model_kind (NULL, &error), ==, PLD_MODEL_VISION);
  pld_weights_free (synth (fixture, "llama-tiny", NULL, NULL));
  g_assert_cmpint (pld_model_kind (fixture->path, &error), ==, PLD_MODEL_LANGUAGE);
  g_assert_true (pld_model_synth ("vit-ti16", "f16", NULL, 0, folder, NULL, NULL, NULL, &error));
  g_assert_cmpint (pld_model_kind (folder, &error), ==, PLD_MODEL_VISION);
  g_assert_no_error (error);
  g_assert_cmpint (pld_model_kind ("missing", &error), ==, PLD_MODEL_UNKNOWN);
  assert_pld_error (&error, PLD_ERROR_NOT_FOUND, "missing");
}

#define ADD(name, data, func) g_test_add (name, Scratch, data, set_up, func, scratch_remove)

int
main (int argc, char **argv)
{
#define TYPE(type, UPPER, values, bytes) { #type, pld_kernels_ref.dequantize_##type },
  const Type types[] = { PLD_FLOAT_TYPES (TYPE) PLD_BLOCK_TYPES (TYPE) };
#undef TYPE

  g_test_init (&argc, &argv, NULL);
  ADD ("/gguf-writer/bytes", NULL, test_writer);
  ADD ("/gguf-writer/fails", NULL, test_writer_fails);
  ADD ("/synth/mix", NULL, test_mix);
  ADD ("/synth/qwen2", NULL, test_qwen2);
  ADD ("/synth/rope", NULL, test_rope);
  ADD ("/synth/seed", NULL, test_seed);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *name = g_strdup_printf ("/synth/scale/%s", types[i].type);

      ADD (name, &types[i], test_scale);
    }
  ADD ("/synth/vocab", NULL, test_vocab);
  ADD ("/synth/vocab-real", NULL, test_vocab_real);
  ADD ("/synth/bad", NULL, test_bad);
  ADD ("/is-language", NULL, test_kind);
  return g_test_run ();
}
