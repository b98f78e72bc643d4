/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opens a model's files: configuration, weights, preprocessing, labels, tokenizer.
 */
#include "models/core/model.h"
#include "models/core/preprocessing.h"

/* Where preprocessing is described: in a file of its own, or in GGUF's keys of the same names after the architecture's.
 * *config: NULL when there is no such file. */
static gboolean
open_preprocessing (PldModel *model, PldConfig **config, GError **error)
{
  g_autoptr (GError) missing = NULL;

  if (model->weights->format == PLD_FORMAT_GGUF)
    {
      g_autofree char *prefix = g_strconcat (model->arch->name, ".", NULL);

      *config = pld_config_wrap (model->weights->metadata, prefix, model->path);
      return TRUE;
    }
  *config = pld_config_open (model->path, "preprocessor_config.json", &missing);
  if (*config != NULL || g_error_matches (missing, PLD_ERROR, PLD_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&missing));
  return FALSE;
}

/* The names of the classes: id2label, or GGUF's list of them. */
static gboolean
read_labels (PldModel *model, GError **error)
{
  const gboolean gguf = model->weights->format == PLD_FORMAT_GGUF;
  g_autofree char *key = gguf ? g_strconcat (model->arch->name, PLD_MODEL_LABELS, NULL) : g_strdup ("id2label");
  guint n = 0, n_classes = ((const PldVisionNet *) model->net)->n_classes;

  if (gguf ? !pld_weights_strings (model->weights, key, n_classes, &model->labels, &n, error)
           : !pld_config_labels (model->config, &model->labels, &n, error))
    return FALSE;
  if (model->labels != NULL && n != n_classes)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "%s: %s names %u classes, but the weights have %u; they do not belong together", model->config->path,
                   key, n, n_classes);
      return FALSE;
    }
  if (model->labels == NULL)
    {
      model->labels = g_new0 (char *, n_classes + 1);
      for (guint i = 0; i < n_classes; i++)
        model->labels[i] = g_strdup_printf ("class_%u", i);
    }
  return TRUE;
}

static gboolean
find_arch (PldModel *model, PldModelKind kind, const char *key, GError **error)
{
  const char *name;

  if (!pld_config_string (model->config, key, "", &name, error))
    return FALSE;
  model->arch = pld_arch_find (kind, name);
  if (model->arch == NULL)
    {
      g_autofree char *names = pld_arch_names (kind);

      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "%s: %s \"%s\" is not an architecture that runs here; those that do: %s", model->config->path, key,
                   name, names);
    }
  return model->arch != NULL;
}

/* A tensor that nothing is computed with: the model would not be the one that was trained. */
static gboolean
check_unused (const PldModel *model, GError **error)
{
  const char *name = pld_params_unused (model->params, model->arch->harmless);

  if (name != NULL)
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                 "%s: has a tensor \"%s\", which pipeload does not compute this architecture, %s, with; without it the "
                 "results would be wrong",
                 model->path, name, model->arch->name);
  return name == NULL;
}

static void
count_tensors (PldModel *model)
{
  for (guint i = 0; i < model->weights->n_tensors; i++)
    {
      model->n_parameters += model->weights->tensors[i].n_values;
      model->weight_bytes += model->weights->tensors[i].n_bytes;
    }
}

static gboolean
open_vision (PldModel *model, PldInputSize input, GError **error)
{
  const gboolean gguf = model->weights->format == PLD_FORMAT_GGUF;
  g_autofree char *prefix = NULL;
  g_autoptr (PldConfig) keys = NULL, preprocessing = NULL;
  const PldProcessor *processor;

  model->config = gguf ? pld_config_wrap (model->weights->metadata, "", model->path)
                       : pld_config_open (model->path, "config.json", error);
  if (model->config == NULL
      || !find_arch (model, PLD_MODEL_VISION, gguf ? "general.architecture" : "model_type", error))
    return FALSE;
  prefix = g_strconcat (model->arch->name, ".", NULL);
  keys = gguf ? pld_config_wrap (model->weights->metadata, prefix, model->path) : NULL;
  if (!open_preprocessing (model, &preprocessing, error)
      || !pld_preprocessing_find (preprocessing, model->arch, &processor, error)
      || (input.width == 0 && !pld_preprocessing_size (preprocessing, processor, &input, error)))
    return FALSE;
  if (preprocessing == NULL)
    pld_model_warn (model,
                    "%s: has no preprocessor_config.json; pictures are prepared with the defaults of %sImageProcessor, "
                    "at the model's own size",
                    model->path, processor->name);
  model->net = model->arch->declare (model->params, gguf ? keys : model->config, input, PLD_ALL_BLOCKS, error);
  return model->net != NULL && pld_preprocessing_read (preprocessing, processor, (PldVisionNet *) model->net, error)
         && read_labels (model, error);
}

static gboolean
open_text (PldModel *model, GError **error)
{
  if (model->weights->format != PLD_FORMAT_GGUF)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: is not a supported language model; pass a .gguf file",
                   model->path);
      return FALSE;
    }
  model->config = pld_config_wrap (model->weights->metadata, "", model->path);
  if (!find_arch (model, PLD_MODEL_LANGUAGE, "general.architecture", error))
    return FALSE;
  model->net = model->arch->declare (model->params, model->config, (PldInputSize) { 0 }, PLD_ALL_BLOCKS, error);
  model->tokenizer_bytes = pld_tokenizer_bytes (model->weights);
  return model->net != NULL;
}

const char *
pld_model_largest_file (const PldModel *model)
{
  g_autofree guint64 *bytes = g_new0 (guint64, model->weights->n_files);
  guint best = 0;

  for (guint i = 0; i < model->params->tape->matrices->len; i++)
    {
      const PldMatrix *matrix = model->params->tape->matrices->pdata[i];

      bytes[matrix->file] += matrix->n_rows * matrix->row_bytes;
    }
  for (guint i = 1; i < model->weights->n_files; i++)
    if (bytes[i] > bytes[best])
      best = i;
  return model->weights->files[best];
}

PldModel *
pld_model_new (PldModelKind kind, PldWeights *weights, PldInputSize input, GError **error)
{
  PldModel *model = g_new0 (PldModel, 1);

  model->path = g_strdup (weights->path);
  model->weights = weights;
  model->warnings = g_ptr_array_new_with_free_func (g_free);
  model->params = pld_params_new (weights);
  if ((kind == PLD_MODEL_VISION ? open_vision (model, input, error) : open_text (model, error))
      && check_unused (model, error))
    {
      count_tensors (model);
      model->storage = pld_profile_load (pld_model_largest_file (model), pld_file_wants_direct ());
    }
  else
    g_clear_pointer (&model, pld_model_free);
  return model;
}

PldModel *
pld_model_open (PldModelKind kind, const char *path, PldInputSize input, GError **error)
{
  PldWeights *weights = pld_weights_open (path, error);

  return weights != NULL ? pld_model_new (kind, weights, input, error) : NULL;
}

void
pld_model_free (PldModel *model)
{
  if (model == NULL)
    return;
  if (model->net != NULL)
    model->arch->release (model->net);
  g_free (model->net);
  g_clear_pointer (&model->tokenizer, pld_tokenizer_free);
  g_clear_pointer (&model->params, pld_params_free);
  g_clear_pointer (&model->config, pld_config_free);
  g_clear_pointer (&model->weights, pld_weights_free);
  g_strfreev (model->labels);
  g_ptr_array_unref (model->warnings);
  g_free (model->storage);
  g_free (model->path);
  g_free (model);
}

void
pld_model_warn (PldModel *model, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (model->warnings, g_strdup_vprintf (format, args));
  va_end (args);
}

guint64
pld_model_table_bytes (const PldModel *model)
{
  return pld_params_bytes (model->params) + pld_buffer_cost (model->arch->prepare_bytes (model->net))
         + model->tokenizer_bytes;
}

gboolean
pld_model_prepare (PldModel *model, PldBudget *budget, GError **error)
{
  if (!model->arch->prepare (model->net, budget, error))
    return FALSE;
  if (model->tokenizer_bytes == 0)
    return TRUE;
  model->tokenizer = pld_tokenizer_new (model->weights, budget, error);
  if (model->tokenizer == NULL || pld_tokenizer_size (model->tokenizer) == model->net->n_outputs)
    return model->tokenizer != NULL;
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
               "%s: its tokenizer has %u tokens, but its embeddings have %u; download it again", model->path,
               pld_tokenizer_size (model->tokenizer), model->net->n_outputs);
  return FALSE;
}
