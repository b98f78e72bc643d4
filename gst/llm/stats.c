/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accumulates counters and times into the stats structure.
 */
#include "gst/llm/stats.h"

#include "gst/common/model.h"

static double
rate (guint tokens, guint64 nanoseconds)
{
  return tokens > 0 && nanoseconds > 0 ? (double) tokens * GST_SECOND / (double) nanoseconds : 0;
}

double
gst_pipeload_llm_prompt_rate (const PldGenerateResult *result)
{
  return rate (result->prompt_tokens - result->cached_tokens, result->prompt_ns);
}

double
gst_pipeload_llm_rate (const PldGenerateResult *result)
{
  return rate (result->generated_tokens, result->generate_ns);
}

void
gst_pipeload_llm_stats_add (GstPipeloadLlmStats *stats, const PldGenerateResult *result)
{
  stats->prompt_tokens += result->prompt_tokens;
  stats->cached_tokens += result->cached_tokens;
  stats->trimmed_tokens += result->trimmed_tokens;
  stats->tokens += result->generated_tokens;
  stats->guessed_tokens += result->guessed_tokens;
  stats->prompt_rate = gst_pipeload_llm_prompt_rate (result);
  stats->rate = gst_pipeload_llm_rate (result);
}

void
gst_pipeload_llm_stats_first (GstPipeloadLlmStats *stats, GstClockTime latency)
{
  stats->last = latency;
  stats->total += latency;
  stats->n_timed++;
}

GstStructure *
gst_pipeload_llm_stats_to_structure (const GstPipeloadLlmStats *stats, const PldStats *engine, guint context_size)
{
  GstStructure *structure = gst_structure_new (
      "application/x-pipeload-stats", "prompts", G_TYPE_UINT64, stats->prompts, "answers", G_TYPE_UINT64,
      stats->answers, "empty", G_TYPE_UINT64, stats->empty, "damaged", G_TYPE_UINT64, stats->damaged, "prompt-tokens",
      G_TYPE_UINT64, stats->prompt_tokens, "cached-tokens", G_TYPE_UINT64, stats->cached_tokens, "trimmed-tokens",
      G_TYPE_UINT64, stats->trimmed_tokens, "tokens", G_TYPE_UINT64, stats->tokens, "guessed-tokens", G_TYPE_UINT64,
      stats->guessed_tokens, "prompt-tokens-per-second", G_TYPE_DOUBLE, stats->prompt_rate, "tokens-per-second",
      G_TYPE_DOUBLE, stats->rate, NULL);

  gst_pipeload_model_add_stats (structure, stats->last, stats->total, stats->n_timed, engine);
  gst_structure_set (structure, "context-size", G_TYPE_UINT, context_size, NULL);
  return structure;
}
