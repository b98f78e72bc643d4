/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of language models that are damaged in every way: a clear error that names the file, or a model that runs;
 * never a crash.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "pipeload/pipeload.h"
#include "tests/support/model-bytes.h"
#include "tests/support/options.h"

static char *
model_path (const char *name)
{
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "llm", "data", name, NULL);
}

#define TINY_BLOCKS "type-q5_k.gguf"

/* Opens the file and computes two tokens; any content gives an error of ours or logits. */
static void
try_model (const char *path)
{
  PldLlmOptions options = LLM_OPTIONS (.engine.model = path, .engine.threads = 1, .context_size = 8);
  const guint32 tokens[] = { 1, 3 };
  g_autoptr (GError) error = NULL;
  PldLlm *llm = pld_llm_open (&options, NULL, NULL, NULL, &error);
  g_autofree float *logits = NULL;

  if (llm != NULL)
    {
      logits = g_new (float, pld_llm_get_info (llm)->n_vocab);
      if (!pld_llm_eval (llm, tokens, 2, logits, NULL, &error))
        g_assert_cmpint (error->domain, ==, (gint) PLD_ERROR);
      g_clear_pointer (&llm, pld_llm_close);
    }
  else
    {
      g_assert_cmpint (error->domain, ==, (gint) PLD_ERROR);
      g_assert_nonnull (strstr (error->message, path));
    }
}

static GByteArray *
read_model (const char *name)
{
  g_autofree char *path = model_path (name);
  g_autoptr (GError) error = NULL;
  char *bytes;
  gsize size;

  g_file_get_contents (path, &bytes, &size, &error);
  g_assert_no_error (error);
  return g_byte_array_new_take ((guint8 *) bytes, size);
}

/* Where the data begin: nothing before this is weights. */
static gsize
directory_size (const GByteArray *model)
{
  const char last[] = "output_norm.weight";
  gsize end = 0;

  for (gsize i = 0; i + sizeof last < model->len; i++)
    if (memcmp (model->data + i, last, sizeof last - 1) == 0)
      end = i + 256;
  g_assert_cmpuint (end, >, 0);
  return MIN (end, model->len);
}

static void
test_truncated (void)
{
  g_autoptr (GByteArray) model = read_model (TINY_BLOCKS);
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  const gsize head = directory_size (model);

  for (gsize n = 0; n < model->len; n += n < head ? 1 + head / 60 : 1 + model->len / 10)
    {
      g_autoptr (GByteArray) part = g_byte_array_new ();
      g_autofree char *path = NULL;
      PldLlmOptions options = LLM_OPTIONS (.engine.threads = 1);

      g_byte_array_append (part, model->data, (guint) n);
      options.engine.model = path = bytes_save (part, folder, "cut.gguf");
      g_assert_null (pld_llm_open (&options, NULL, NULL, NULL, &error));
      g_assert_nonnull (strstr (error->message, path));
      g_clear_error (&error);
    }
  remove_folder (folder);
}

/* Bytes of the directory replaced at random. */
static void
test_corrupted (void)
{
  g_autoptr (GByteArray) model = read_model (TINY_BLOCKS);
  g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  const gsize head = directory_size (model);
  GRand *random = g_rand_new_with_seed (7);

  for (guint i = 0; i < 600; i++)
    {
      g_autoptr (GByteArray) damaged = g_byte_array_new ();
      g_autofree char *path = NULL;

      g_byte_array_append (damaged, model->data, model->len);
      for (guint j = 0; j < 1 + i % 3; j++)
        damaged->data[g_rand_int_range (random, 0, (gint) head)] = (guint8) g_rand_int_range (random, 0, 256);
      path = bytes_save (damaged, folder, "damaged.gguf");
      try_model (path);
    }
  g_rand_free (random);
  remove_folder (folder);
}

/* The value of a key of four bytes, replaced. */
static void
check_key (const GByteArray *model, const char *folder, const char *key, guint32 value, const char *part)
{
  g_autoptr (GByteArray) changed = g_byte_array_new ();
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  PldLlmOptions options = LLM_OPTIONS (.engine.threads = 1);
  const gsize n = strlen (key);
  gsize at = 0;

  for (gsize i = 0; at == 0 && i + n + 8 < model->len; i++)
    if (memcmp (model->data + i, key, n) == 0)
      at = i + n + 4;
  g_assert_cmpuint (at, >, 0);
  g_byte_array_append (changed, model->data, model->len);
  for (guint b = 0; b < 4; b++)
    changed->data[at + b] = (guint8) (value >> (8 * b));
  path = bytes_save (changed, folder, "changed.gguf");
  options.engine.model = path;
  g_assert_null (pld_llm_open (&options, NULL, NULL, NULL, &error));
  g_assert_nonnull (strstr (error->message, path));
  assert_pld_error (&error, (PldError) error->code, part);
}

static void
test_hyperparameters (void)
{
  static const struct
  {
    const char *key;
    guint32 value;
    const char *part;
  } cases[] = {
    { "llama.block_count", 0, "llama.block_count" },
    { "llama.block_count", 3, "blk.1" },
    { "llama.block_count", G_MAXUINT32, "llama.block_count" },
    { "llama.embedding_length", 0, "llama.embedding_length" },
    { "llama.embedding_length", 128, "dimension_count" },
    { "llama.feed_forward_length", 32, "ffn_gate" },
    { "llama.attention.head_count", 0, "head_count" },
    { "llama.attention.head_count", 3, "key heads" },
    { "llama.attention.head_count_kv", 1, "attn_k" },
    { "llama.context_length", 0, "context_length" },
    { "llama.rope.dimension_count", 4096, "dimension_count" },
  };
  g_autoptr (GByteArray) model = read_model (TINY_BLOCKS);
  g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    check_key (model, folder, cases[i].key, cases[i].value, cases[i].part);
  remove_folder (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/llm-damage/truncated", test_truncated);
  g_test_add_func ("/llm-damage/corrupted", test_corrupted);
  g_test_add_func ("/llm-damage/hyperparameters", test_hyperparameters);
  return g_test_run ();
}
