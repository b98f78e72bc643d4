/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/gstpipeloadllm-private.h"
#include "gst/pipeloadutil.h"

#define GST_CAT_DEFAULT gst_pipeload_llm_debug

/* What would fail at the first prompt fails now: a model without a tokenizer, a template that is not known, a context too
 * small for it. */
static gboolean
try_model (PldLlm *llm, PldGenerateOptions *options, GError **error)
{
  PldMessage nothing = { "user", "" };
  g_autoptr (GError) why = NULL;
  g_autofree guint32 *tokens = NULL;
  gsize n;

  if (!pld_llm_tokenize (llm, "", 0, FALSE, &tokens, &n, error))
    return FALSE;
  options->max_tokens = 0;
  if (pld_llm_generate (llm, &nothing, 1, options, NULL, NULL, NULL, NULL, &why))
    return TRUE;
  if (g_error_matches (why, PLD_ERROR, PLD_ERROR_UNSUPPORTED))
    g_set_error (error, GST_PIPELOAD_SETTINGS_ERROR, 0, "%s (properties template, context-size)",
                 why->message);
  else
    g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

static PldLlm *
open_model (GstPipeloadLlm *self, const GstPipeloadLlmSettings *settings, GError **error)
{
  PldLlmOptions options = { .model = settings->model,
                            .loaders = settings->loaders,
                            .threads = settings->threads,
                            .context_size = settings->context_size,
                            .cache_type = settings->cache_type };
  GstPipeloadOpening progress = { GST_ELEMENT (self), NULL, 0 };
  PldGenerateOptions generate;
  PldLlm *llm;

  if (!gst_pipeload_parse_limit (settings->memory_limit, &options.memory_limit, error)
      || !gst_pipeload_llm_settings_options (settings, NULL, &generate, error))
    return NULL;
  llm = pld_llm_open (&options, gst_pipeload_opening_progress, &progress, NULL, error);
  g_free (progress.step);
  if (llm != NULL && !try_model (llm, &generate, error))
    pld_llm_close (&llm);
  return llm;
}

static void
take_model (GstPipeloadLlm *self, PldLlm *llm, const char *limit)
{
  const PldLlmInfo *info = pld_llm_get_info (llm);
  const char *name = info->chat_template != NULL ? info->chat_template : "none";
  g_autofree char *done = g_strdup_printf (
      "Opened %s: %s, %u layers, vocabulary of %u, context of %u tokens, template %s", info->path,
      info->architecture, info->n_layers, info->n_vocab, info->context_size, name);

  g_mutex_lock (&self->model_lock);
  self->llm = llm;
  self->context_size = info->context_size;
  g_free (self->limit);
  self->limit = g_strdup (limit);
  g_mutex_unlock (&self->model_lock);
  GST_INFO_OBJECT (self, "%s", done);
  gst_pipeload_post_progress (GST_ELEMENT (self), GST_PROGRESS_TYPE_COMPLETE, done);
}

gboolean
gst_pipeload_llm_open (GstPipeloadLlm *self)
{
  GstElement *element = GST_ELEMENT (self);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  GstPipeloadLlmSettings settings;
  PldLlm *llm;

  g_mutex_lock (&self->lock);
  self->stats = (GstPipeloadLlmStats){ 0 };
  g_mutex_unlock (&self->lock);
  GST_OBJECT_LOCK (self);
  gst_pipeload_llm_settings_copy (&settings, &self->settings);
  GST_OBJECT_UNLOCK (self);
  text = g_strdup_printf ("Opening %s", settings.model != NULL ? settings.model : "the bundled model");
  gst_pipeload_post_progress (element, GST_PROGRESS_TYPE_START, text);
  llm = open_model (self, &settings, &error);
  if (llm != NULL)
    take_model (self, llm, settings.memory_limit);
  else
    {
      gst_pipeload_post_progress (element, GST_PROGRESS_TYPE_ERROR, error->message);
      gst_pipeload_post_error (element, error, settings.model, TRUE);
    }
  gst_pipeload_llm_settings_clear (&settings);
  return llm != NULL;
}

void
gst_pipeload_llm_close (GstPipeloadLlm *self)
{
  g_mutex_lock (&self->model_lock);
  if (self->llm != NULL)
    pld_llm_get_stats (self->llm, &self->last_stats);
  pld_llm_close (&self->llm);
  g_mutex_unlock (&self->model_lock);
}

void
gst_pipeload_llm_apply_limit (GstPipeloadLlm *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *limit = NULL;
  g_autofree char *file = NULL;
  guint64 bytes;

  GST_OBJECT_LOCK (self);
  limit = g_strdup (self->settings.memory_limit);
  GST_OBJECT_UNLOCK (self);
  g_mutex_lock (&self->model_lock);
  if (self->llm == NULL)
    ; /* it is taken when the model opens */
  else if (gst_pipeload_parse_limit (limit, &bytes, &error) && pld_llm_set_memory_limit (self->llm, bytes, &error))
    {
      g_free (self->limit);
      self->limit = g_steal_pointer (&limit);
    }
  else
    {
      /* The stream goes on under the old limit, and the property says so. */
      g_free (limit);
      limit = g_strdup (self->limit);
      file = g_strdup (pld_llm_get_info (self->llm)->path);
    }
  g_mutex_unlock (&self->model_lock);
  if (error == NULL)
    return;
  GST_OBJECT_LOCK (self);
  g_free (self->settings.memory_limit);
  self->settings.memory_limit = g_steal_pointer (&limit);
  GST_OBJECT_UNLOCK (self);
  gst_pipeload_post_warning (GST_ELEMENT (self), error, file);
}

GstStructure *
gst_pipeload_llm_get_stats (GstPipeloadLlm *self)
{
  GstPipeloadLlmStats stats;
  PldStats engine;
  guint context_size;

  g_mutex_lock (&self->model_lock);
  if (self->llm != NULL)
    pld_llm_get_stats (self->llm, &self->last_stats);
  engine = self->last_stats;
  context_size = self->context_size;
  g_mutex_unlock (&self->model_lock);
  g_mutex_lock (&self->lock);
  stats = self->stats;
  g_mutex_unlock (&self->lock);
  return gst_pipeload_llm_stats_to_structure (&stats, &engine, context_size);
}
