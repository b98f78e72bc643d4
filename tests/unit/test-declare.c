/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Declarations of a part of a network: the parts of any partition of the blocks together declare what the whole does,
 * in the same order, and the whole declares every tensor of the files.
 */
#include "models/core/model.h"
#include "tests/support/model-bytes.h"

#include <string.h>

/* Every part rotates positions, so each has the factors. */
#define SHARED "rope_freqs.weight"

static const struct
{
  PldModelKind kind;
  const char *folder, *name;
} models[] = {
  { PLD_MODEL_VISION, "data", "vit-random" },
  { PLD_MODEL_VISION, "data", "yolos-random" },
  { PLD_MODEL_VISION, "data", "yolos-random-nomid" },
  { PLD_MODEL_VISION, "data", "vit-gguf/blocks.gguf" },
  { PLD_MODEL_VISION, "../../models/bundled", "person-detector" },
  { PLD_MODEL_LANGUAGE, "llm/data", "mha-tied-f32.gguf" },
  { PLD_MODEL_LANGUAGE, "llm/data", "rope-llama3-f32.gguf" },
  { PLD_MODEL_LANGUAGE, "llm/data", "qwen2-f32.gguf" },
  { PLD_MODEL_LANGUAGE, "llm/data", "qwen3-f32.gguf" },
  { PLD_MODEL_LANGUAGE, "llm/data", "mixtral-f32.gguf" },
};

static PldModel *
open_model (guint i)
{
  g_autofree char *path
      = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", models[i].folder, models[i].name, NULL);
  g_autoptr (GError) error = NULL;
  PldModel *model = pld_model_open (models[i].kind, path, (PldInputSize) { 0 }, &error);

  g_assert_no_error (error);
  return model;
}

static PldNet *
declare (const PldModel *model, PldParams *params, PldBlocks blocks, GError **error)
{
  const gboolean keys = model->arch->kind == PLD_MODEL_VISION && model->weights->format == PLD_FORMAT_GGUF;
  g_autofree char *prefix = g_strconcat (model->arch->name, ".", NULL);
  g_autoptr (PldConfig) config = keys ? pld_config_wrap (model->weights->metadata, prefix, model->path) : NULL;
  PldInputSize input = { 0 };

  if (model->arch->kind == PLD_MODEL_VISION)
    {
      input.width = ((const PldVisionNet *) model->net)->input_width;
      input.height = ((const PldVisionNet *) model->net)->input_height;
    }
  return model->arch->declare (params, keys ? config : model->config, input, blocks, error);
}

static void
release (const PldModel *model, PldNet *net)
{
  model->arch->release (net);
  g_free (net);
}

/* Adds one line for each tensor that is declared, of each kind in its order. */
static void
list (const PldParams *params, GString *matrices, GString *vectors, GString *tables)
{
  for (guint i = 0; i < params->tape->matrices->len; i++)
    {
      const PldMatrix *m = params->tape->matrices->pdata[i];

      g_string_append_printf (matrices, "%s at %" G_GUINT64_FORMAT " %u × %u work %g\n", m->name, m->offset, m->n_rows,
                              m->n_cols, m->work);
    }
  for (guint i = 0; i < params->vectors->len; i++)
    {
      const char *name = g_array_index (params->vectors, PldVector, i).tensor->name;

      if (strcmp (name, SHARED) != 0)
        g_string_append_printf (vectors, "%s\n", name);
    }
  for (guint i = 0; i < params->tables->len; i++)
    g_string_append_printf (tables, "%s\n", ((const PldTable *) params->tables->pdata[i])->tensor->name);
}

static guint
count_blocks (const PldModel *model)
{
  const gboolean gguf = model->weights->format == PLD_FORMAT_GGUF;
  g_autofree char *key = gguf ? g_strconcat (model->arch->name, ".block_count", NULL) : g_strdup ("num_hidden_layers");

  return (guint) json_object_get_int_member (model->config->root, key);
}

/* @cuts: bit i: a part ends after block i */
static void
check_partition (const PldModel *model, guint n_blocks, guint cuts)
{
  g_autoptr (GString) whole = g_string_new (NULL), whole_vectors = g_string_new (NULL),
                      whole_tables = g_string_new (NULL), parts = g_string_new (NULL),
                      part_vectors = g_string_new (NULL), part_tables = g_string_new (NULL);

  list (model->params, whole, whole_vectors, whole_tables);
  for (guint first = 0, end = 1; end <= n_blocks; end++)
    if (end == n_blocks || (cuts >> (end - 1) & 1) != 0)
      {
        PldParams *params = pld_params_new (model->weights);
        g_autoptr (GError) error = NULL;
        PldNet *net = declare (model, params, (PldBlocks) { first, end }, &error);

        g_assert_no_error (error);
        g_assert_cmpuint (net->n_outputs, ==, model->net->n_outputs);
        list (params, parts, part_vectors, part_tables);
        release (model, net);
        g_clear_pointer (&params, pld_params_free);
        first = end;
      }
  g_assert_cmpstr (parts->str, ==, whole->str);
  g_assert_cmpstr (part_vectors->str, ==, whole_vectors->str);
  g_assert_cmpstr (part_tables->str, ==, whole_tables->str);
}

static void
test_partitions (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      PldModel *model = open_model (i);
      const guint n_blocks = count_blocks (model);

      g_assert_cmpuint (n_blocks, >=, 2);
      for (guint cuts = 0; cuts < 1u << (n_blocks - 1); cuts++)
        check_partition (model, n_blocks, cuts);
      g_clear_pointer (&model, pld_model_free);
    }
}

/* The files are the independent list: every tensor in them is declared. */
static void
test_whole (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      PldModel *model = open_model (i);
      g_autoptr (GHashTable) declared = g_hash_table_new (g_str_hash, g_str_equal);
      const PldParams *params = model->params;

      for (guint j = 0; j < params->tape->matrices->len; j++)
        g_hash_table_add (declared, (gpointer) ((PldMatrix *) params->tape->matrices->pdata[j])->name);
      for (guint j = 0; j < params->vectors->len; j++)
        g_hash_table_add (declared, g_array_index (params->vectors, PldVector, j).tensor->name);
      for (guint j = 0; j < params->tables->len; j++)
        g_hash_table_add (declared, ((const PldTable *) params->tables->pdata[j])->tensor->name);
      for (guint j = 0; j < model->weights->n_tensors; j++)
        g_assert_true (g_hash_table_contains (declared, model->weights->tensors[j].name));
      g_assert_cmpuint (g_hash_table_size (declared), ==, model->weights->n_tensors);
      g_clear_pointer (&model, pld_model_free);
    }
}

static void
test_outside (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      PldModel *model = open_model (i);
      const guint n_blocks = count_blocks (model);
      const PldBlocks wrong[] = { { n_blocks, n_blocks + 1 }, { 1, 1 }, { 2, 1 } };

      for (guint j = 0; j < G_N_ELEMENTS (wrong); j++)
        {
          PldParams *params = pld_params_new (model->weights);
          g_autoptr (GError) error = NULL;

          g_assert_null (declare (model, params, wrong[j], &error));
          assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, "are not in the model");
          g_clear_pointer (&params, pld_params_free);
        }
      g_clear_pointer (&model, pld_model_free);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/declare/partitions", test_partitions);
  g_test_add_func ("/declare/whole", test_whole);
  g_test_add_func ("/declare/outside", test_outside);
  return g_test_run ();
}
