/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The facade of language models: opening, limits, contexts, cancellation, sharing, prompts, answers. The models are
 * tiny random ones, whose greedy answers tests/golden holds to other implementations.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "pipeload/pipeload.h"
#include "tests/support/model-bytes.h"
#include "tests/support/options.h"

static char *
model_path (const char *name)
{
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "llm", "data", name, NULL);
}

#define TINY "mha-tied-f32.gguf"
#define TINY_BLOCKS "type-q5_k.gguf"

static PldLlm *
open_mode (const char *name, PldPipelining pipelining, guint64 limit, guint context)
{
  g_autofree char *path = model_path (name);
  g_autoptr (GError) error = NULL;
  PldLlmOptions options = LLM_OPTIONS (.engine.model = path, .engine.memory_limit = limit,
                                       .engine.pipelining = pipelining, .engine.threads = 2, .context_size = context);
  PldLlm *llm = pld_llm_open (&options, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  return llm;
}

static PldLlm *
open_llm (const char *name, guint64 limit, guint context)
{
  return open_mode (name, PLD_PIPELINING_FULL, limit, context);
}

static void
assert_refused (const PldLlmOptions *options, PldError code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pld_llm_open (options, NULL, NULL, NULL, &error));
  assert_pld_error (&error, code, part);
}

/* ---- opening ------------------------------------------------------------------------------- */

static void
test_wrong_models (void)
{
  g_autofree char *vit = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "data", "vit-random", NULL);
  g_autofree char *path = model_path (TINY);
  g_autoptr (GError) error = NULL;
  PldVisionOptions vision = VISION_OPTIONS (.engine.model = path);

  assert_refused (&LLM_OPTIONS (.engine.model = "/nonexistent/model.gguf"), PLD_ERROR_NOT_FOUND,
                  "/nonexistent/model.gguf");
  assert_refused (&LLM_OPTIONS (.engine.model = vit), PLD_ERROR_UNSUPPORTED, "pass a .gguf file");
  g_assert_null (pld_vision_open (&vision, NULL, NULL, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, path);
}

static void
test_limit (void)
{
  g_autofree char *path = model_path (TINY);
  PldLlmOptions options = LLM_OPTIONS (.engine.model = path, .engine.threads = 2, .context_size = 64);
  g_autoptr (GError) error = NULL;
  g_autoptr (PldPlanInfo) plan = NULL;
  PldStats stats;
  PldLlm *llm;

  g_assert_true ((plan = pld_model_plan (&options.engine, &error)) != NULL);
  g_assert_cmpuint (plan->minimum_limit, <, plan->resident_limit);
  options.engine.memory_limit = 1000;
  assert_refused (&options, PLD_ERROR_LIMIT, "the smallest that works is");
  llm = open_llm (TINY, plan->minimum_limit, 64);
  pld_handle_get_stats (PLD_HANDLE (llm), &stats);
  g_assert_cmpuint (stats.memory_limit, ==, plan->minimum_limit);
  g_assert_false (pld_handle_set_memory_limit (PLD_HANDLE (llm), plan->minimum_limit - 4096, &error));
  assert_pld_error (&error, PLD_ERROR_LIMIT, "the smallest that works is");
  g_assert_true (pld_handle_set_memory_limit (PLD_HANDLE (llm), plan->resident_limit, &error));
  g_clear_pointer (&llm, pld_llm_close);
}

/* Handles of one model share its weights: all are read once, and the second pass of each finds them there. */
static void
test_sharing (void)
{
  PldLlm *first = open_llm (TINY, 0, 64), *second = open_llm (TINY, 0, 128);
  const guint32 token = 1;
  g_autoptr (GError) error = NULL;
  PldStats one, both, again;

  g_assert_true (pld_llm_eval (first, &token, 1, NULL, NULL, &error));
  pld_handle_get_stats (PLD_HANDLE (first), &one);
  g_assert_true (pld_llm_eval (second, &token, 1, NULL, NULL, &error));
  pld_handle_get_stats (PLD_HANDLE (second), &both);
  g_assert_cmpuint (both.users, ==, 2);
  g_assert_cmpuint (both.bytes_streamed, ==, one.bytes_streamed);
  g_assert_cmpuint (both.engine_bytes, ==, one.engine_bytes);
  g_clear_pointer (&second, pld_llm_close);
  pld_handle_get_stats (PLD_HANDLE (first), &again);
  g_assert_cmpuint (again.users, ==, 1);
  g_assert_cmpuint (again.engine_bytes, <, both.engine_bytes);
  g_clear_pointer (&first, pld_llm_close);
}

/* The machine's memory as limit: something is in force that the model keeps, and an explicit one that is smaller wins.
 */
static void
test_auto (void)
{
  PldLlm *llm = open_llm (TINY, PLD_LIMIT_AUTO, 64), *other;
  const guint32 token = 1;
  g_autoptr (GError) error = NULL;
  PldStats stats;

  g_assert_true (pld_llm_eval (llm, &token, 1, NULL, NULL, &error));
  pld_handle_get_stats (PLD_HANDLE (llm), &stats);
  g_assert_cmpuint (stats.memory_limit, >, 0);
  g_assert_cmpuint (stats.memory_limit, <, G_MAXUINT64 / 2);
  g_assert_cmpuint (stats.engine_bytes, <=, stats.memory_limit);
  other = open_llm (TINY, 20000000, 64);
  g_assert_true (pld_llm_eval (llm, &token, 1, NULL, NULL, &error));
  pld_handle_get_stats (PLD_HANDLE (llm), &stats);
  g_assert_cmpuint (stats.memory_limit, ==, 20000000);
  g_clear_pointer (&other, pld_llm_close);
  g_assert_true (pld_handle_set_memory_limit (PLD_HANDLE (llm), 0, &error));
  g_assert_true (pld_llm_eval (llm, &token, 1, NULL, NULL, &error));
  pld_handle_get_stats (PLD_HANDLE (llm), &stats);
  g_assert_cmpuint (stats.memory_limit, ==, 0);
  g_clear_pointer (&llm, pld_llm_close);
}

/* The system warns that memory runs low: the next pass makes do with the least, gives the rest back, and is right. */
static void
test_low_memory (void)
{
  PldLlm *llm = open_llm (TINY, PLD_LIMIT_AUTO, 64);
  g_autoptr (GMemoryMonitor) monitor = g_memory_monitor_dup_default ();
  const gsize size = pld_llm_get_info (llm)->n_vocab * sizeof (float);
  g_autofree float *want = g_malloc (size);
  g_autofree float *got = g_malloc (size);
  g_autofree char *path = model_path (TINY);
  PldLlmOptions options = LLM_OPTIONS (.engine.model = path, .engine.threads = 2, .context_size = 64);
  const guint32 token = 1;
  PldStats after;
  g_autoptr (PldPlanInfo) plan = NULL;

  g_assert_true ((plan = pld_model_plan (&options.engine, NULL)) != NULL);
  g_assert_true (pld_llm_eval (llm, &token, 1, want, NULL, NULL));
  g_signal_emit_by_name (monitor, "low-memory-warning", G_MEMORY_MONITOR_WARNING_LEVEL_CRITICAL);
  pld_llm_rewind (llm, 0);
  g_assert_true (pld_llm_eval (llm, &token, 1, got, NULL, NULL));
  g_assert_cmpmem (got, size, want, size);
  pld_handle_get_stats (PLD_HANDLE (llm), &after);
  g_assert_cmpuint (after.memory_limit, ==, plan->minimum_limit);
  g_assert_cmpuint (after.engine_bytes, <=, after.memory_limit);
  g_clear_pointer (&llm, pld_llm_close);
}

/* For comparison only: the same answer. */
static void
test_pipelining (void)
{
  enum
  {
    N = 5
  };
  const guint32 tokens[N] = { 1, 5, 9, 3, 8 };
  g_autofree float *want = NULL, *got = NULL;
  gsize size = 0;

  for (PldPipelining mode = PLD_PIPELINING_FULL; mode <= PLD_PIPELINING_NONE; mode++)
    {
      PldLlm *llm = open_mode (TINY, mode, 0, 64);
      PldStats stats;

      size = pld_llm_get_info (llm)->n_vocab * sizeof (float);
      if (want == NULL)
        want = g_malloc (size);
      g_free (got);
      got = g_malloc (size);
      g_assert_true (pld_llm_eval (llm, tokens, N, mode == PLD_PIPELINING_FULL ? want : got, NULL, NULL));
      if (mode != PLD_PIPELINING_FULL)
        g_assert_cmpmem (got, size, want, size);
      pld_handle_get_stats (PLD_HANDLE (llm), &stats);
      g_assert_true ((stats.pinned_bytes > 0) == (mode == PLD_PIPELINING_FULL));
      g_clear_pointer (&llm, pld_llm_close);
    }
}

typedef struct
{
  PldLlm *llm;
  gint stop; /* atomic */
  guint passes;
} Neighbor;

static const guint32 neighbors_tokens[] = { 7, 2, 9, 4 };

/* Runs on and on; its logits are always the same. */
static gpointer
run_neighbor (gpointer data)
{
  Neighbor *n = data;
  const gsize size = pld_llm_get_info (n->llm)->n_vocab * sizeof (float);
  g_autofree float *want = g_malloc (size);
  g_autofree float *got = g_malloc (size);

  g_assert_true (pld_llm_eval (n->llm, neighbors_tokens, 4, want, NULL, NULL));
  for (; !g_atomic_int_get (&n->stop); n->passes++)
    {
      pld_llm_rewind (n->llm, 0);
      g_assert_true (pld_llm_eval (n->llm, neighbors_tokens, 4, got, NULL, NULL));
      g_assert_cmpmem (got, size, want, size);
    }
  return NULL;
}

static gpointer
cancel_soon (gpointer data)
{
  g_usleep ((gulong) g_random_int_range (0, 2000));
  g_cancellable_cancel (data);
  return NULL;
}

/* One that is cancelled, or goes, while others share its pass: they are not disturbed, and it is whole again at once.
 */
static void
test_leaving (void)
{
  const guint32 tokens[] = { 1, 5, 9, 3, 8, 2 };
  Neighbor neighbor = { .llm = open_mode (TINY, PLD_PIPELINING_NONE, 0, 64) };
  GThread *thread = g_thread_new ("neighbor", run_neighbor, &neighbor);
  PldLlm *llm = open_mode (TINY, PLD_PIPELINING_NONE, 0, 64);
  const gsize size = pld_llm_get_info (llm)->n_vocab * sizeof (float);
  g_autofree float *want = g_malloc (size);
  g_autofree float *got = g_malloc (size);
  guint n_cancelled = 0;

  g_assert_true (pld_llm_eval (llm, tokens, 6, want, NULL, NULL));
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      GThread *canceller = g_thread_new ("canceller", cancel_soon, cancellable);
      g_autoptr (GError) error = NULL;
      gboolean ok = TRUE;

      for (guint j = 0; j < 40 && ok; j++)
        {
          pld_llm_rewind (llm, 0);
          ok = pld_llm_eval (llm, tokens, 6, got, cancellable, &error);
        }
      if (!ok)
        {
          g_assert_error (error, PLD_ERROR, PLD_ERROR_CANCELLED);
          n_cancelled++;
        }
      if (i % 3 == 0)
        {
          g_clear_pointer (&llm, pld_llm_close);
          llm = open_mode (TINY, PLD_PIPELINING_NONE, 0, 64);
        }
      g_thread_join (canceller);
      pld_llm_rewind (llm, 0);
      g_assert_true (pld_llm_eval (llm, tokens, 6, got, NULL, NULL));
      g_assert_cmpmem (got, size, want, size);
    }
  g_atomic_int_set (&neighbor.stop, 1);
  g_thread_join (thread);
  g_assert_cmpuint (n_cancelled, >, 0);
  g_assert_cmpuint (neighbor.passes, >, 0);
  g_clear_pointer (&llm, pld_llm_close);
  g_clear_pointer (&neighbor.llm, pld_llm_close);
}

/* Under a limit that leaves little room in a pass: a long prompt does not keep a neighbor waiting until its end. */
static void
test_fair (void)
{
  enum
  {
    N = 48
  };
  g_autofree char *path = model_path (TINY);
  PldLlmOptions options = LLM_OPTIONS (.engine.model = path, .engine.threads = 2, .context_size = 64);
  guint32 tokens[N];
  g_autoptr (PldPlanInfo) plan = NULL;
  Neighbor neighbor = { 0 };
  PldStats stats;
  GThread *thread;
  PldLlm *llm;

  for (guint i = 0; i < N; i++)
    tokens[i] = 1 + i % 9;
  g_assert_true ((plan = pld_model_plan (&options.engine, NULL)) != NULL);
  llm = open_llm (TINY, 0, 64);
  neighbor.llm = open_llm (TINY, 0, 64);
  /* The smallest for both of them: found by asking. */
  for (guint64 limit = plan->minimum_limit; !pld_handle_set_memory_limit (PLD_HANDLE (llm), limit, NULL);)
    limit += 4096;
  thread = g_thread_new ("neighbor", run_neighbor, &neighbor);
  for (guint i = 0; i < 5; i++)
    {
      pld_llm_rewind (llm, 0);
      g_assert_true (pld_llm_eval (llm, tokens, N, NULL, NULL, NULL));
    }
  g_atomic_int_set (&neighbor.stop, 1);
  g_thread_join (thread);
  pld_handle_get_stats (PLD_HANDLE (llm), &stats);
  g_assert_cmpuint (stats.batch, <=, 8);
  /* One after the other, it would be 5. */
  g_assert_cmpuint (neighbor.passes, >=, 15);
  g_clear_pointer (&llm, pld_llm_close);
  g_clear_pointer (&neighbor.llm, pld_llm_close);
}

/* ---- evaluation ---------------------------------------------------------------------------- */

static void
test_context (void)
{
  enum
  {
    CONTEXT = 8
  };
  PldLlm *llm = open_llm (TINY, 0, CONTEXT);
  const guint n_vocab = pld_llm_get_info (llm)->n_vocab;
  g_autofree float *logits = g_new (float, n_vocab);
  const guint32 tokens[CONTEXT + 1] = { 1, 5, 9, 3, 5, 9, 3, 2, 7 }, strange = n_vocab;
  g_autoptr (GError) error = NULL;

  g_assert_false (pld_llm_eval (llm, tokens, CONTEXT + 1, logits, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, "set a larger context size");
  g_assert_false (pld_llm_eval (llm, &strange, 1, logits, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, "no token");
  g_assert_cmpuint (pld_llm_get_position (llm), ==, 0);
  g_assert_true (pld_llm_eval (llm, tokens, CONTEXT, logits, NULL, &error));
  g_assert_cmpuint (pld_llm_get_position (llm), ==, CONTEXT);
  g_assert_false (pld_llm_eval (llm, tokens, 1, logits, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, "holds 8 already");
  pld_llm_rewind (llm, 3);
  g_assert_cmpuint (pld_llm_get_position (llm), ==, 3);
  g_assert_true (pld_llm_eval (llm, tokens + 3, 5, NULL, NULL, &error));
  g_clear_pointer (&llm, pld_llm_close);
}

/* A cancelled call changes nothing, and the next one is whole. */
static void
test_cancelled (void)
{
  PldLlm *llm = open_llm (TINY, 0, 64);
  const gsize size = pld_llm_get_info (llm)->n_vocab * sizeof (float);
  g_autofree float *want = g_malloc (size);
  g_autofree float *got = g_malloc (size);
  const guint32 tokens[] = { 1, 5, 9, 3 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (pld_llm_eval (llm, tokens, 4, want, NULL, &error));
  pld_llm_rewind (llm, 2);
  g_cancellable_cancel (cancellable);
  g_assert_false (pld_llm_eval (llm, tokens + 2, 2, got, cancellable, &error));
  assert_pld_error (&error, PLD_ERROR_CANCELLED, "cancelled");
  g_assert_cmpuint (pld_llm_get_position (llm), ==, 2);
  g_assert_true (pld_llm_eval (llm, tokens + 2, 2, got, NULL, &error));
  g_assert_cmpmem (got, size, want, size);
  g_clear_pointer (&llm, pld_llm_close);
}

/* ---- answers ------------------------------------------------------------------------------- */

static gboolean
gather (const char *text, gsize length, gpointer user_data)
{
  g_assert_cmpuint (length, >, 0);
  g_assert_true (g_utf8_validate (text, (gssize) length, NULL));
  g_string_append_len (user_data, text, (gssize) length);
  return TRUE;
}

static char *
ask (PldLlm *llm, const char *prompt, const PldGenerateOptions *options, PldGenerateResult *result)
{
  const PldMessage message = { "user", prompt };
  GString *text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  pld_llm_generate (llm, &message, 1, options, gather, text, NULL, &error);
  *result = *pld_llm_get_result (llm);
  g_assert_no_error (error);
  return g_string_free (text, FALSE);
}

static PldGenerateOptions
greedy (gint max_tokens)
{
  PldGenerateOptions options;

  pld_generate_options_init (&options);
  options.temperature = 0;
  options.max_tokens = max_tokens;
  return options;
}

/* generate() gives what sampling by hand gives. */
static void
test_answer (void)
{
  PldLlm *llm = open_llm (TINY, 0, 128);
  const guint n_vocab = pld_llm_get_info (llm)->n_vocab;
  PldGenerateOptions options = greedy (12);
  g_autofree float *logits = g_new (float, n_vocab);
  g_autofree guint32 *tokens = NULL;
  g_autofree char *answer = NULL;
  g_autofree char *want = NULL;
  g_autoptr (GArray) by_hand = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autoptr (GError) error = NULL;
  PldGenerateResult result;
  gsize n;

  g_assert_true (pld_llm_tokenize (llm, "abc abd", -1, TRUE, &tokens, &n, &error));
  g_array_append_vals (by_hand, tokens, (guint) n);
  g_assert_true (pld_llm_eval (llm, tokens, (guint) n, logits, NULL, &error));
  for (guint i = 0; i < 12; i++)
    {
      guint32 best = 0;

      for (guint t = 1; t < n_vocab; t++)
        best = logits[t] > logits[best] ? t : best;
      g_array_append_val (by_hand, best);
      g_assert_true (pld_llm_eval (llm, &best, 1, logits, NULL, &error));
    }
  want = pld_llm_detokenize (llm, (const guint32 *) (gconstpointer) by_hand->data, by_hand->len, FALSE);
  g_assert_true (g_str_has_prefix (want, "abc abd"));
  pld_llm_rewind (llm, 0);
  answer = ask (llm, "abc abd", &options, &result);
  g_assert_cmpstr (answer, ==, want + strlen ("abc abd"));
  g_assert_cmpuint (result.generated_tokens, ==, 12);
  g_assert_cmpint (result.finish, ==, PLD_FINISH_LENGTH);
  g_assert_cmpuint (result.prompt_tokens, ==, n);
  g_clear_pointer (&llm, pld_llm_close);
}

/* The beginning of a prompt that the cache holds is not computed again, and that changes nothing. */
static void
test_cached_prompt (void)
{
  PldLlm *llm = open_llm (TINY_BLOCKS, 0, 128);
  PldGenerateOptions options = greedy (8);
  g_autofree char *first = NULL;
  g_autofree char *again = NULL;
  g_autofree char *other = NULL;
  g_autofree char *fresh = NULL;
  PldGenerateResult result;

  first = ask (llm, "abcabcabc", &options, &result);
  g_assert_cmpuint (result.cached_tokens, ==, 0);
  again = ask (llm, "abcabcabc", &options, &result);
  g_assert_cmpuint (result.cached_tokens, ==, result.prompt_tokens - 1);
  g_assert_cmpstr (again, ==, first);
  other = ask (llm, "abcabd", &options, &result);
  g_assert_cmpuint (result.cached_tokens, >, 0);
  pld_llm_rewind (llm, 0);
  fresh = ask (llm, "abcabd", &options, &result);
  g_assert_cmpstr (fresh, ==, other);
  g_clear_pointer (&llm, pld_llm_close);
}

static void
test_max_tokens (void)
{
  PldLlm *llm = open_llm (TINY, 0, 32);
  PldGenerateOptions options = greedy (0);
  PldGenerateResult result;
  g_autofree char *nothing = ask (llm, "abc", &options, &result);
  g_autofree char *full = NULL;
  g_autofree char *empty = NULL;

  g_assert_cmpstr (nothing, ==, "");
  g_assert_cmpuint (result.generated_tokens, ==, 0);
  g_assert_cmpint (result.finish, ==, PLD_FINISH_LENGTH);
  /* Nothing ends this answer before the context does. */
  options.max_tokens = -1;
  options.biases = &(PldLogitBias) { 2, -G_MAXFLOAT };
  options.n_biases = 1;
  full = ask (llm, "abc", &options, &result);
  g_assert_cmpint (result.finish, ==, PLD_FINISH_CONTEXT);
  g_assert_cmpuint (pld_llm_get_position (llm), ==, 32);
  options.max_tokens = 3;
  empty = ask (llm, "", &options, &result);
  g_assert_cmpuint (result.generated_tokens, <=, 3);
  g_clear_pointer (&llm, pld_llm_close);
}

static void
test_stop (void)
{
  PldLlm *llm = open_llm (TINY, 0, 64);
  PldGenerateOptions options = greedy (24);
  PldGenerateResult result;
  g_autofree char *whole = ask (llm, "abc", &options, &result);
  g_autofree char *stop = NULL;
  g_autofree char *until = NULL;
  const char *at;

  g_assert_cmpuint (g_utf8_strlen (whole, -1), >, 6);
  /* Two characters of the answer itself. */
  at = g_utf8_offset_to_pointer (whole, 4);
  stop = g_strndup (at, (gsize) (g_utf8_offset_to_pointer (whole, 6) - at));
  options.stop = (const char *const[]) { stop, NULL };
  until = ask (llm, "abc", &options, &result);
  g_assert_cmpint (result.finish, ==, PLD_FINISH_END);
  g_assert_null (strstr (until, stop));
  g_assert_true (g_str_has_prefix (whole, until));
  g_assert_true (g_str_has_prefix (whole + strlen (until), stop));
  g_clear_pointer (&llm, pld_llm_close);
}

static gboolean
enough (const char *text, gsize length, gpointer user_data)
{
  return FALSE;
}

static void
test_caller_ends (void)
{
  PldLlm *llm = open_llm (TINY, 0, 64);
  const PldMessage message = { "user", "abc" };
  PldGenerateOptions options = greedy (24);
  g_autoptr (GError) error = NULL;

  g_assert_true (pld_llm_generate (llm, &message, 1, &options, enough, NULL, NULL, &error));
  g_assert_cmpint (pld_llm_get_result (llm)->finish, ==, PLD_FINISH_CALLER);
  g_assert_cmpuint (pld_llm_get_result (llm)->generated_tokens, <, 24);
  g_clear_pointer (&llm, pld_llm_close);
}

/* ---- prompts ------------------------------------------------------------------------------- */

static void
test_long_prompt (void)
{
  PldLlm *llm = open_llm (TINY, 0, 32);
  g_autofree char *long_text = g_strnfill (500, 'a');
  const PldMessage messages[] = { { "user", long_text }, { "assistant", "b" }, { "user", "abc" } };
  const PldMessage one = { "user", long_text };
  PldGenerateOptions options = greedy (4);
  g_autoptr (GError) error = NULL;

  g_assert_false (pld_llm_generate (llm, messages, 3, &options, NULL, NULL, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, "a context of 32");
  options.trim = TRUE;
  options.chat_template = "chatml";
  g_assert_false (pld_llm_generate (llm, &one, 1, &options, NULL, NULL, NULL, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED);
  g_clear_error (&error);
  options.chat_template = "none";
  g_assert_true (pld_llm_generate (llm, messages, 3, &options, NULL, NULL, NULL, &error));
  g_assert_cmpuint (pld_llm_get_result (llm)->trimmed_tokens, >, 0);
  g_assert_true (pld_llm_generate (llm, &one, 1, &options, NULL, NULL, NULL, &error));
  g_assert_cmpuint (pld_llm_get_result (llm)->trimmed_tokens, >, 0);
  g_assert_cmpuint (pld_llm_get_result (llm)->prompt_tokens, <=, 24);
  g_clear_pointer (&llm, pld_llm_close);
}

static void
test_template_names (void)
{
  PldLlm *llm = open_llm (TINY, 0, 256);
  const PldMessage message = { "user", "abc" }, strange = { "nobody", "abc" };
  PldGenerateOptions options = greedy (1);
  g_autoptr (GError) error = NULL;

  options.chat_template = "no-such-template";
  g_assert_false (pld_llm_generate (llm, &message, 1, &options, NULL, NULL, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, "unknown chat template \"no-such-template\"");
  options.chat_template = "chatml";
  g_assert_true (pld_llm_generate (llm, &message, 1, &options, NULL, NULL, NULL, &error));
  g_assert_false (pld_llm_generate (llm, &strange, 1, &options, NULL, NULL, NULL, &error));
  assert_pld_error (&error, PLD_ERROR_UNSUPPORTED, "nobody");
  g_clear_pointer (&llm, pld_llm_close);
}

/* The names of control tokens in a message are text: the prompt has more tokens than with the control token itself. */
static void
test_no_injection (void)
{
  PldLlm *llm = open_llm (TINY, 0, 256);
  PldGenerateOptions options = greedy (0);
  PldGenerateResult as_text, as_token;
  g_autofree char *nothing = NULL;
  g_autofree char *nothing_either = NULL;

  options.chat_template = "chatml";
  nothing = ask (llm, "a</s>b", &options, &as_text);
  nothing_either = ask (llm, "ab", &options, &as_token);
  g_assert_cmpuint (as_text.prompt_tokens, >, as_token.prompt_tokens + 1);
  g_clear_pointer (&llm, pld_llm_close);
}

/* The vocabulary has a token for each byte, that of the byte 0 too. */
static void
test_zero_byte (void)
{
  PldLlm *llm = open_llm (TINY, 0, 32);
  g_autofree guint32 *tokens = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize n;

  g_assert_true (pld_llm_tokenize (llm, "a\0b", 3, FALSE, &tokens, &n, &error));
  text = pld_llm_detokenize (llm, tokens, n, FALSE);
  g_assert_cmpstr (text, ==,
                   "a\xef\xbf\xbd"
                   "b");
  g_clear_pointer (&llm, pld_llm_close);
}

static void
test_bad_utf8 (void)
{
  PldLlm *llm = open_llm (TINY, 0, 128);
  PldGenerateOptions options = greedy (2);
  PldGenerateResult bad, good;
  g_autofree char *answer = ask (llm, "a\xff\xc3", &options, &bad);
  g_autofree char *answer_too = ask (llm, "a\xef\xbf\xbd\xef\xbf\xbd", &options, &good);

  g_assert_cmpstr (answer, ==, answer_too);
  g_assert_cmpuint (bad.prompt_tokens, ==, good.prompt_tokens);
  g_clear_pointer (&llm, pld_llm_close);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/llm/open/wrong-models", test_wrong_models);
  g_test_add_func ("/llm/open/limit", test_limit);
  g_test_add_func ("/llm/open/sharing", test_sharing);
  g_test_add_func ("/llm/open/auto", test_auto);
  g_test_add_func ("/llm/open/low-memory", test_low_memory);
  g_test_add_func ("/llm/open/pipelining", test_pipelining);
  g_test_add_func ("/llm/open/leaving", test_leaving);
  g_test_add_func ("/llm/open/fair", test_fair);
  g_test_add_func ("/llm/eval/context", test_context);
  g_test_add_func ("/llm/eval/cancelled", test_cancelled);
  g_test_add_func ("/llm/answer/by-hand", test_answer);
  g_test_add_func ("/llm/answer/cached-prompt", test_cached_prompt);
  g_test_add_func ("/llm/answer/max-tokens", test_max_tokens);
  g_test_add_func ("/llm/answer/stop", test_stop);
  g_test_add_func ("/llm/answer/caller-ends", test_caller_ends);
  g_test_add_func ("/llm/prompt/long", test_long_prompt);
  g_test_add_func ("/llm/prompt/template-names", test_template_names);
  g_test_add_func ("/llm/prompt/no-injection", test_no_injection);
  g_test_add_func ("/llm/prompt/zero-byte", test_zero_byte);
  g_test_add_func ("/llm/prompt/bad-utf8", test_bad_utf8);
  return g_test_run ();
}
