/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A language model under the faults of sweep.h, from opening to the answer. A fault leaves the cache as it was.
 */
#include "tests/fault/sweep.h"
#include "tests/support/options.h"

#define N_TOKENS 5

static const guint32 tokens[N_TOKENS] = { 1, 9, 4, 9, 5 };

/* A prompt and three tokens one by one, continuing after the tokens that the handle holds; from the beginning if it
 * holds all. */
static gboolean
open_and_run (const Sweep *sweep, gpointer *model, float *logits, GError **error)
{
  PldLlmOptions options = LLM_OPTIONS (.engine.model = sweep->path, .engine.memory_limit = sweep->limit,
                                       .engine.threads = 2, .context_size = 16);
  gboolean ok;

  if (*model == NULL)
    *model = pld_llm_open (&options, NULL, NULL, NULL, error);
  ok = *model != NULL;
  if (ok && pld_llm_get_position (*model) == N_TOKENS)
    pld_llm_rewind (*model, 0);
  for (guint at = ok ? pld_llm_get_position (*model) : 0; ok && at < N_TOKENS; at = pld_llm_get_position (*model))
    ok = pld_llm_eval (*model, tokens + at, at == 0 ? 2 : 1, logits, NULL, error);
  return ok;
}

static void
close_model (gpointer *model)
{
  PldLlm *llm = g_steal_pointer (model);

  g_clear_pointer (&llm, pld_llm_close);
}

static void
get_stats (gpointer model, PldStats *stats)
{
  pld_handle_get_stats (PLD_HANDLE (model), stats);
}

static void
setup (Sweep *sweep, gconstpointer data)
{
  PldLlmOptions options = LLM_OPTIONS (.engine.threads = 2, .context_size = 16);
  g_autoptr (GError) error = NULL;
  PldLlm *llm;
  g_autoptr (PldPlanInfo) plan = NULL;

  *sweep = (Sweep) { .run = open_and_run, .close = close_model, .get_stats = get_stats };
  set_fault (FAULT_NONE, 0);
  sweep->path = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "llm", "data", "type-q5_k.gguf", NULL);
  options.engine.model = sweep->path;
  g_assert_true ((plan = pld_model_plan (&options.engine, &error)) != NULL);
  sweep->limit = (plan->minimum_limit + plan->resident_limit) / 2;
  llm = pld_llm_open (&options, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  sweep->size = pld_llm_get_info (llm)->n_vocab * sizeof (float);
  g_clear_pointer (&llm, pld_llm_close);
  sweep_begin (sweep);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/fault-llm/reads", Sweep, NULL, setup, sweep_reads, sweep_end);
  g_test_add ("/fault-llm/allocations", Sweep, NULL, setup, sweep_allocations, sweep_end);
  g_test_add ("/fault-llm/broken", Sweep, NULL, setup, sweep_broken, sweep_end);
  g_test_add ("/fault-llm/shaky", Sweep, NULL, setup, sweep_shaky, sweep_end);
  g_test_add ("/fault-llm/slow", Sweep, NULL, setup, sweep_slow, sweep_end);
  g_test_add ("/fault-llm/short-reads", Sweep, NULL, setup, sweep_short_reads, sweep_end);
  return g_test_run ();
}
