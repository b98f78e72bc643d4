/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What pipeloadllm's properties hold: their types, defaults and texts.
 */
#pragma once

#include "engine/pipeload.h"

#include <gst/gst.h>

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
  char *model, *memory_limit, *system_prompt, *chat_template, *stop; /* NULL = not set */
  guint loaders, threads, context_size, history, top_k;
  int max_tokens;
  double temperature, top_p, min_p, repeat_penalty, presence_penalty, frequency_penalty;
  gint64 seed;
  gboolean trim;
  PldCacheType cache_type;
  GstPipeloadLlmOutput output;
  GstPipeloadLlmMessages messages;
} GstPipeloadLlmSettings;

typedef enum
{
  GST_PIPELOAD_LLM_PROP_MODEL = 1,
  GST_PIPELOAD_LLM_PROP_MEMORY_LIMIT,
  GST_PIPELOAD_LLM_PROP_LOADERS,
  GST_PIPELOAD_LLM_PROP_THREADS,
  GST_PIPELOAD_LLM_PROP_CONTEXT_SIZE,
  GST_PIPELOAD_LLM_PROP_CACHE_TYPE,
  GST_PIPELOAD_LLM_PROP_SYSTEM_PROMPT,
  GST_PIPELOAD_LLM_PROP_TEMPLATE,
  GST_PIPELOAD_LLM_PROP_HISTORY,
  GST_PIPELOAD_LLM_PROP_TRIM,
  GST_PIPELOAD_LLM_PROP_MAX_TOKENS,
  GST_PIPELOAD_LLM_PROP_STOP,
  GST_PIPELOAD_LLM_PROP_TEMPERATURE,
  GST_PIPELOAD_LLM_PROP_TOP_K,
  GST_PIPELOAD_LLM_PROP_TOP_P,
  GST_PIPELOAD_LLM_PROP_MIN_P,
  GST_PIPELOAD_LLM_PROP_REPEAT_PENALTY,
  GST_PIPELOAD_LLM_PROP_PRESENCE_PENALTY,
  GST_PIPELOAD_LLM_PROP_FREQUENCY_PENALTY,
  GST_PIPELOAD_LLM_PROP_SEED,
  GST_PIPELOAD_LLM_PROP_OUTPUT,
  GST_PIPELOAD_LLM_PROP_MESSAGES,
  GST_PIPELOAD_LLM_PROP_STATS,
} GstPipeloadLlmProp;

void gst_pipeload_llm_settings_init (GstPipeloadLlmSettings *settings);
void gst_pipeload_llm_settings_clear (GstPipeloadLlmSettings *settings);
void gst_pipeload_llm_settings_copy (GstPipeloadLlmSettings *copy, const GstPipeloadLlmSettings *settings);

/* Installs every property, "stats" too. */
void gst_pipeload_llm_settings_install (GObjectClass *klass);

/* Every property but "stats". Return: FALSE if @id is none of them. */
gboolean gst_pipeload_llm_settings_set (GstPipeloadLlmSettings *settings, guint id, const GValue *value);
gboolean gst_pipeload_llm_settings_get (const GstPipeloadLlmSettings *settings, guint id, GValue *value);

/**
 * gst_pipeload_llm_settings_options:
 * @stop: as gst_pipeload_llm_text_split() makes it of @settings' text; outlives @options, as @settings does
 *
 * Fails with GST_PIPELOAD_SETTINGS_ERROR if there is no such template.
 */
gboolean gst_pipeload_llm_settings_options (const GstPipeloadLlmSettings *settings, char **stop,
                                            PldGenerateOptions *options, GError **error);

G_END_DECLS
