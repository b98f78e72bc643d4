/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The values of pipeloadllm's properties: their types, defaults and texts.
 */
#pragma once

#include "gst/common/model.h"

G_BEGIN_DECLS

typedef enum
{
  GST_PIPELOAD_LLM_OUTPUT_TOKEN,
  GST_PIPELOAD_LLM_OUTPUT_SENTENCE,
  GST_PIPELOAD_LLM_OUTPUT_FULL,
} GstPipeloadLlmOutput;

typedef enum
{
  GST_PIPELOAD_LLM_MESSAGES_NONE,
  GST_PIPELOAD_LLM_MESSAGES_ANSWERS,
} GstPipeloadLlmMessages;

#define GST_TYPE_PIPELOAD_LLM_OUTPUT (gst_pipeload_llm_output_get_type ())
#define GST_TYPE_PIPELOAD_LLM_MESSAGES (gst_pipeload_llm_messages_get_type ())
#define GST_TYPE_PIPELOAD_LLM_CACHE_TYPE (gst_pipeload_llm_cache_type_get_type ())
GType gst_pipeload_llm_output_get_type (void);
GType gst_pipeload_llm_messages_get_type (void);
GType gst_pipeload_llm_cache_type_get_type (void); /* of PldCacheType */

typedef struct
{
  GstPipeloadModelSettings model;
  char *system_prompt, *chat_template, *stop; /* NULL = not set */
  guint context_size, lookup, history, top_k;
  int max_tokens;
  double temperature, top_p, min_p, repeat_penalty, presence_penalty, frequency_penalty;
  gint64 seed;
  gboolean trim;
  PldCacheType cache_type;
  GstPipeloadLlmOutput output;
  GstPipeloadLlmMessages messages;
} GstPipeloadLlmSettings;

void gst_pipeload_llm_settings_init (GstPipeloadLlmSettings *settings);
void gst_pipeload_llm_settings_clear (GstPipeloadLlmSettings *settings);
void gst_pipeload_llm_settings_copy (GstPipeloadLlmSettings *copy, const GstPipeloadLlmSettings *settings);

/* Installs every property, "stats" too. */
void gst_pipeload_llm_settings_install (GObjectClass *klass);

/**
 * gst_pipeload_llm_settings_options:
 * @stop: as gst_pipeload_llm_text_split() makes it of @settings' text; outlives @options, as @settings does
 *
 * Fails with GST_PIPELOAD_SETTINGS_ERROR if there is no such template.
 */
gboolean gst_pipeload_llm_settings_options (const GstPipeloadLlmSettings *settings, char **stop,
                                            PldGenerateOptions *options, GError **error);

G_END_DECLS
