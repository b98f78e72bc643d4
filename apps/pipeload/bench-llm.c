/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures a language model: the prompt, then token by token.
 */
#include "apps/pipeload/bench.h"

#define TOKEN_SEED 1

typedef struct
{
  guint n_prompt, n_tokens;
  double first_token_ms;       /* after opening, when no weights are in memory yet */
  PldBenchSpread prompt;       /* tokens/s */
  PldBenchSpread decode;       /* ms a token */
  guint64 streamed;            /* bytes a token, while decoding */
  double floor_ms, over_floor; /* of a token */
  PldStats stats;
} Result;

static guint32 *
random_tokens (guint n, guint n_vocab)
{
  guint32 *tokens = g_new (guint32, n);
  GRand *random = g_rand_new_with_seed (TOKEN_SEED);

  for (guint i = 0; i < n; i++)
    tokens[i] = (guint32) g_rand_int_range (random, 0, (gint32) n_vocab);
  g_rand_free (random);
  return tokens;
}

static guint32
likeliest (const float *logits, guint n_vocab)
{
  guint32 best = 0;

  for (guint32 i = 1; i < n_vocab; i++)
    if (logits[i] > logits[best])
      best = i;
  return best;
}

/* @rounds prompts after a first one, the context empty before each. */
static gboolean
measure_prompt (PldLlm *llm, guint rounds, float *logits, Result *result, GError **error)
{
  g_autofree guint32 *tokens = random_tokens (result->n_prompt, pld_llm_get_info (llm)->n_vocab);
  g_autofree double *rates = g_new (double, rounds);

  for (guint i = 0; i <= rounds; i++)
    {
      gint64 start = g_get_monotonic_time ();
      double ms;

      pld_llm_rewind (llm, 0);
      if (!pld_llm_eval (llm, tokens, result->n_prompt, logits, pld_tool_cancellable (), error))
        return FALSE;
      ms = (double) (g_get_monotonic_time () - start) / 1e3;
      if (i == 0)
        result->first_token_ms = ms;
      else
        rates[i - 1] = ms > 0 ? 1e3 * result->n_prompt / ms : 0;
      pld_tool_progress ("prompt", 100 * (i + 1) / (rounds + 1), NULL);
    }
  result->prompt = pld_bench_spread (rates, rounds);
  return TRUE;
}

static gboolean
measure_decode (PldLlm *llm, float *logits, Result *result, GError **error)
{
  guint n_vocab = pld_llm_get_info (llm)->n_vocab;
  g_autofree double *ms = g_new (double, result->n_tokens);
  PldStats before;

  pld_handle_get_stats (PLD_HANDLE (llm), &before);
  for (guint i = 0; i < result->n_tokens; i++)
    {
      guint32 token = likeliest (logits, n_vocab);
      gint64 start = g_get_monotonic_time ();

      if (!pld_llm_eval (llm, &token, 1, logits, pld_tool_cancellable (), error))
        return FALSE;
      ms[i] = (double) (g_get_monotonic_time () - start) / 1e3;
      pld_tool_progress ("answer", 100 * (i + 1) / result->n_tokens, NULL);
    }
  pld_handle_get_stats (PLD_HANDLE (llm), &result->stats);
  result->stats.stalls -= before.stalls;
  result->stats.stall_ns -= before.stall_ns;
  result->streamed = (result->stats.bytes_streamed - before.bytes_streamed) / result->n_tokens;
  result->decode = pld_bench_spread (ms, result->n_tokens);
  result->floor_ms = (double) result->stats.floor_ns / 1e6;
  result->over_floor = result->floor_ms > 0 ? result->decode.median / result->floor_ms : 0;
  return TRUE;
}

static double
per_second (double ms)
{
  return ms > 0 ? 1e3 / ms : 0;
}

static void
print_text (const PldLlmInfo *info, const Result *r)
{
  g_autofree char *cpu = pld_bench_cpu ();

  pld_tool_line ("machine", "%s, %u cores", cpu, g_get_num_processors ());
  pld_tool_line ("model", "%s (%s)", info->path, info->architecture);
  pld_tool_line_size ("weights", info->weight_bytes, "as stored");
  pld_bench_print_stats (&r->stats);
  pld_tool_line ("threads", "%u, loaders %u, direct I/O %s", r->stats.threads, r->stats.loaders,
                 r->stats.direct_io ? "yes" : "no");
  pld_tool_line ("context", "%u tokens", info->context_size);
  pld_tool_line ("first token", "%.1f ms after the prompt of %u tokens, nothing in memory", r->first_token_ms,
                 r->n_prompt);
  pld_tool_line ("prompt tokens/s", "%.2f median, %.2f min, %.2f max", r->prompt.median, r->prompt.min, r->prompt.max);
  pld_tool_line ("tokens/s", "%.3f median, %.3f min, %.3f max, of %u", per_second (r->decode.median),
                 per_second (r->decode.max), per_second (r->decode.min), r->n_tokens);
  pld_tool_line_size ("streamed a token", r->streamed, NULL);
  if (r->floor_ms > 0)
    pld_tool_line ("floor", "%.2f ms a token, measured/floor %.2f", r->floor_ms, r->over_floor);
}

static void
print_json (const PldLlmInfo *info, const Result *r)
{
  const struct
  {
    const char *name;
    double value;
  } doubles[] = { { "first_token_ms", r->first_token_ms },
                  { "prompt_tokens_per_second", r->prompt.median },
                  { "prompt_tokens_per_second_min", r->prompt.min },
                  { "prompt_tokens_per_second_max", r->prompt.max },
                  { "tokens_per_second", per_second (r->decode.median) },
                  { "tokens_per_second_min", per_second (r->decode.max) },
                  { "tokens_per_second_max", per_second (r->decode.min) },
                  { "floor_ms", r->floor_ms },
                  { "measured_over_floor", r->over_floor } };
  JsonObject *object = pld_bench_json (&r->stats);

  json_object_set_string_member (object, "model", info->path);
  json_object_set_string_member (object, "architecture", info->architecture);
  pld_bench_json_uint (object, "weight_bytes", info->weight_bytes);
  pld_bench_json_uint (object, "cache_bytes", info->cache_bytes);
  pld_bench_json_uint (object, "context_size", info->context_size);
  pld_bench_json_uint (object, "prompt_tokens", r->n_prompt);
  pld_bench_json_uint (object, "tokens", r->n_tokens);
  pld_bench_json_uint (object, "streamed_per_token", r->streamed);
  for (guint i = 0; i < G_N_ELEMENTS (doubles); i++)
    json_object_set_double_member (object, doubles[i].name, doubles[i].value);
  pld_bench_json_print (object);
}

int
pld_bench_llm (const PldLlmOptions *options, guint prompt, guint tokens, guint rounds, gboolean json)
{
  g_autoptr (GError) error = NULL;
  g_autofree float *logits = NULL;
  Result result = { .n_prompt = prompt, .n_tokens = tokens };
  int status = PLD_EXIT_OK;
  PldLlm *llm;

  llm = pld_llm_open (options, pld_tool_progress, NULL, pld_tool_cancellable (), &error);
  if (llm == NULL)
    return pld_tool_fail (error);
  logits = g_new (float, pld_llm_get_info (llm)->n_vocab);
  if (measure_prompt (llm, rounds, logits, &result, &error) && measure_decode (llm, logits, &result, &error))
    {
      pld_tool_progress_end ();
      if (json)
        print_json (pld_llm_get_info (llm), &result);
      else
        print_text (pld_llm_get_info (llm), &result);
    }
  else
    status = pld_tool_fail (error);
  g_clear_pointer (&llm, pld_llm_close);
  return status;
}
