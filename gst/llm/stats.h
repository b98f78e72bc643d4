/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The counters and times of pipeloadllm. The caller locks.
 */
#pragma once

#include "pipeload/pipeload.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  guint64 prompts, answers, empty, damaged;
  guint64 prompt_tokens, cached_tokens, trimmed_tokens, tokens, guessed_tokens;
  double prompt_rate, rate; /* tokens/s of the last answer */
  GstClockTime last, total; /* until the first piece of an answer */
  guint64 n_timed;          /* answers in @total */
} GstPipeloadLlmStats;

/* Computed prompt tokens, and generated ones, a second; 0 if there were none. */
double gst_pipeload_llm_prompt_rate (const PldGenerateResult *result);
double gst_pipeload_llm_rate (const PldGenerateResult *result);

/* Counts what was done, though it may have ended early. */
void gst_pipeload_llm_stats_add (GstPipeloadLlmStats *stats, const PldGenerateResult *result);
void gst_pipeload_llm_stats_first (GstPipeloadLlmStats *stats, GstClockTime latency);

/* Returns: (transfer full): @engine as of now, zeros if no model was ever open */
GstStructure *gst_pipeload_llm_stats_to_structure (const GstPipeloadLlmStats *stats, const PldStats *engine,
                                                   guint context_size);

G_END_DECLS
