/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opens and closes the model, and reports statistics.
 */
#include "gst/llm/gstpipeloadllm-private.h"

#include "gst/common/util.h"

#define GST_CAT_DEFAULT gst_pipeload_llm_debug

/* Errors of the first prompt are reported now: a model without a tokenizer, a template that is not known, a context
 * too small for it. */
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
  if (pld_llm_generate (llm, &nothing, 1, options, NULL, NULL, NULL, &why))
    return TRUE;
  if (g_error_matches (why, PLD_ERROR, PLD_ERROR_UNSUPPORTED))
    g_set_error (error, GST_PIPELOAD_SETTINGS_ERROR, 0, "%s (properties template, context-size)", why->message);
  else
    g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

static PldLlm *
open_model (GstPipeloadLlm *self, const GstPipeloadLlmSettings *settings, GError **error)
{
  PldGenerateOptions generate;
  PldLlmOptions options;
  PldLlm *llm;

  pld_llm_options_init (&options);
  options.context_size = settings->context_size;
  options.cache_type = settings->cache_type;
  options.lookup = settings->lookup;
  if (!gst_pipeload_model_options (&settings->model, &options.engine, error)
      || !gst_pipeload_llm_settings_options (settings, NULL, &generate, error))
    return NULL;
  llm = pld_llm_open (&options, gst_pipeload_model_progress, &self->model, NULL, error);
  if (llm != NULL && !try_model (llm, &generate, error))
    g_clear_pointer (&llm, pld_llm_close);
  return llm;
}

static void
on_open (GstPipeloadLlm *self, PldLlm *llm, const GstPipeloadLlmSettings *settings)
{
  const PldLlmInfo *info = pld_llm_get_info (llm);
  const char *name = info->chat_template != NULL ? info->chat_template : "none";
  g_autofree char *text
      = g_strdup_printf ("Opened %s: %s, %u layers, vocabulary of %u, context of %u tokens, template %s", info->path,
                         info->architecture, info->n_layers, info->n_vocab, info->context_size, name);

  g_mutex_lock (&self->lock);
  self->context_size = info->context_size;
  g_mutex_unlock (&self->lock);
  GST_INFO_OBJECT (self, "%s", text);
  gst_pipeload_model_opened (&self->model, PLD_HANDLE (llm), &settings->model, text);
}

gboolean
gst_pipeload_llm_open (GstPipeloadLlm *self)
{
  g_autoptr (GError) error = NULL;
  GstPipeloadLlmSettings settings;

  g_mutex_lock (&self->lock);
  self->stats = (GstPipeloadLlmStats) { 0 };
  g_mutex_unlock (&self->lock);
  GST_OBJECT_LOCK (self);
  gst_pipeload_llm_settings_copy (&settings, &self->settings);
  GST_OBJECT_UNLOCK (self);
  gst_pipeload_model_opening (&self->model, &settings.model);
  self->llm = open_model (self, &settings, &error);
  if (self->llm != NULL)
    on_open (self, self->llm, &settings);
  else
    gst_pipeload_model_failed (&self->model, &settings.model, error);
  gst_pipeload_llm_settings_clear (&settings);
  return self->llm != NULL;
}

void
gst_pipeload_llm_close (GstPipeloadLlm *self)
{
  gst_pipeload_model_closing (&self->model);
  g_clear_pointer (&self->llm, pld_llm_close);
}

GstStructure *
gst_pipeload_llm_get_stats (GstPipeloadLlm *self)
{
  GstPipeloadLlmStats stats;
  PldStats engine;
  guint context_size;

  gst_pipeload_model_get_stats (&self->model, &engine);
  g_mutex_lock (&self->lock);
  stats = self->stats;
  context_size = self->context_size;
  g_mutex_unlock (&self->lock);
  return gst_pipeload_llm_stats_to_structure (&stats, &engine, context_size);
}
