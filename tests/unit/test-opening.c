/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opening from several threads and from inside a progress function: no opening waits for one that it does not need,
 * and openings of one model share it.
 */
#include <string.h>

#include "tests/support/model-bytes.h"
#include "tests/support/options.h"

#define WAITERS 4

/* An opening in a thread of its own, which stops at its first report of progress until the gate opens. */
typedef struct
{
  guint input_width;
  guint64 limit;
  gboolean gated;
  GCancellable *cancellable;
  GMutex lock;
  GCond change;
  gboolean arrived, open; /* the opening is at the gate; the gate is open */
  guint reports;
  PldVision *vision;
  GError *error;
  GThread *thread;
} Opening;

static void
on_progress (const char *step, guint percent, gpointer data)
{
  Opening *opening = data;

  g_mutex_lock (&opening->lock);
  opening->reports++;
  opening->arrived = TRUE;
  g_cond_broadcast (&opening->change);
  while (opening->gated && !opening->open)
    g_cond_wait (&opening->change, &opening->lock);
  g_mutex_unlock (&opening->lock);
}

static PldVision *
open_model (guint input_width, guint64 limit, PldProgressFunc progress, gpointer data, GCancellable *cancellable,
            GError **error)
{
  g_autofree char *path = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "data", "vit-random", NULL);
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path, .engine.memory_limit = limit, .engine.threads = 1,
                                             .input_width = input_width, .input_height = input_width);

  return pld_vision_open (&options, progress, data, cancellable, error);
}

static gpointer
opening_thread (gpointer data)
{
  Opening *opening = data;

  opening->vision
      = open_model (opening->input_width, opening->limit, on_progress, opening, opening->cancellable, &opening->error);
  return NULL;
}

static void
opening_start (Opening *opening, guint input_width, gboolean gated)
{
  opening->input_width = input_width;
  opening->gated = gated;
  opening->cancellable = g_cancellable_new ();
  g_mutex_init (&opening->lock);
  g_cond_init (&opening->change);
  opening->thread = g_thread_new ("opening", opening_thread, opening);
}

/* Until the opening reports progress. */
static void
opening_await_gate (Opening *opening)
{
  g_mutex_lock (&opening->lock);
  while (!opening->arrived)
    g_cond_wait (&opening->change, &opening->lock);
  g_mutex_unlock (&opening->lock);
}

/* Until the opening is about to wait for another: it wants to hear of its cancellation then. */
static void
opening_await_waiting (Opening *opening)
{
  const guint cancelled = g_signal_lookup ("cancelled", G_TYPE_CANCELLABLE);

  while (!g_signal_has_handler_pending (opening->cancellable, cancelled, 0, TRUE))
    g_thread_yield ();
}

static void
opening_let_go (Opening *opening)
{
  g_mutex_lock (&opening->lock);
  opening->open = TRUE;
  g_cond_broadcast (&opening->change);
  g_mutex_unlock (&opening->lock);
}

static void
opening_join (Opening *opening)
{
  g_thread_join (g_steal_pointer (&opening->thread));
}

static void
opening_clear (Opening *opening)
{
  g_clear_pointer (&opening->vision, pld_vision_close);
  g_clear_error (&opening->error);
  g_object_unref (opening->cancellable);
  g_cond_clear (&opening->change);
  g_mutex_clear (&opening->lock);
}

static guint
count_users (PldVision *vision)
{
  PldStats stats;

  pld_handle_get_stats (PLD_HANDLE (vision), &stats);
  return stats.users;
}

/* ---- progress ------------------------------------------------------------------------------ */

typedef struct
{
  PldVision *vision;
  PldLlm *llm;
} Handles;

static void
close_others (const char *step, guint percent, gpointer data)
{
  Handles *handles = data;

  g_clear_pointer (&handles->vision, pld_vision_close);
  g_clear_pointer (&handles->llm, pld_llm_close);
}

static void
test_progress_closes (void)
{
  g_autofree char *path
      = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "llm", "data", "mha-tied-f32.gguf", NULL);
  PldLlmOptions options = LLM_OPTIONS (.engine.model = path, .engine.threads = 1);
  g_autoptr (GError) error = NULL;
  Handles handles = { .llm = pld_llm_open (&options, NULL, NULL, NULL, &error) };
  PldVision *vision;

  g_assert_no_error (error);
  handles.vision = open_model (24, 0, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  vision = open_model (0, 0, close_others, &handles, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (handles.vision);
  g_assert_null (handles.llm);
  /* Of the model that is joined. */
  handles.vision = vision;
  vision = open_model (0, 0, close_others, &handles, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (handles.vision);
  g_assert_cmpuint (count_users (vision), ==, 1);
  g_clear_pointer (&vision, pld_vision_close);
}

static void
open_and_close (const char *step, guint percent, gpointer data)
{
  g_autoptr (GError) error = NULL;
  PldVision *vision = open_model (24, 0, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  g_clear_pointer (&vision, pld_vision_close);
}

static void
test_progress_opens (void)
{
  g_autoptr (GError) error = NULL;
  PldVision *vision = open_model (0, 0, open_and_close, NULL, NULL, &error);

  g_assert_no_error (error);
  g_clear_pointer (&vision, pld_vision_close);
}

static void
cancel_at_last_step (const char *step, guint percent, gpointer data)
{
  if (percent >= 80)
    g_cancellable_cancel (data);
}

static void
cancel_at_once (const char *step, guint percent, gpointer data)
{
  g_cancellable_cancel (data);
}

/* Between any two steps. */
static void
test_progress_cancels (void)
{
  const PldProgressFunc functions[] = { cancel_at_once, cancel_at_last_step };

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;

      g_assert_null (open_model (0, 0, functions[i], cancellable, cancellable, &error));
      assert_pld_error (&error, PLD_ERROR_CANCELLED, "cancelled");
    }
}

/* ---- several threads ----------------------------------------------------------------------- */

/* While one model is opened, another opens, runs into its cancellation and closes. */
static void
test_other_model (void)
{
  Opening slow = { 0 }, cancelled = { 0 };
  g_autoptr (GError) error = NULL;
  PldVision *vision;

  opening_start (&slow, 0, TRUE);
  opening_await_gate (&slow);
  vision = open_model (24, 0, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_clear_pointer (&vision, pld_vision_close);
  opening_start (&cancelled, 24, TRUE);
  opening_await_gate (&cancelled);
  g_cancellable_cancel (cancelled.cancellable);
  opening_let_go (&cancelled);
  opening_join (&cancelled);
  g_assert_null (cancelled.vision);
  assert_pld_error (&cancelled.error, PLD_ERROR_CANCELLED, "cancelled");
  opening_let_go (&slow);
  opening_join (&slow);
  g_assert_no_error (slow.error);
  opening_clear (&cancelled);
  opening_clear (&slow);
}

/* An opening that waits for another one of the same model does not wait when it is cancelled. */
static void
test_cancelled_waiter (void)
{
  Opening slow = { 0 }, waiter = { 0 };

  opening_start (&slow, 0, TRUE);
  opening_await_gate (&slow);
  opening_start (&waiter, 0, FALSE);
  opening_await_waiting (&waiter);
  g_cancellable_cancel (waiter.cancellable);
  opening_join (&waiter);
  g_assert_null (waiter.vision);
  g_assert_cmpuint (waiter.reports, ==, 0);
  assert_pld_error (&waiter.error, PLD_ERROR_CANCELLED, "cancelled");
  opening_let_go (&slow);
  opening_join (&slow);
  g_assert_no_error (slow.error);
  g_assert_cmpuint (count_users (slow.vision), ==, 1);
  opening_clear (&waiter);
  opening_clear (&slow);
}

static void
start_waiters (Opening *first, Opening *waiters)
{
  opening_start (first, 0, TRUE);
  opening_await_gate (first);
  for (guint i = 0; i < WAITERS; i++)
    opening_start (&waiters[i], 0, FALSE);
  for (guint i = 0; i < WAITERS; i++)
    opening_await_waiting (&waiters[i]);
}

/* All have one model, and nobody read it a second time: the steps of those that joined are the last ones. */
static void
test_one_model (void)
{
  Opening first = { 0 }, waiters[WAITERS] = { 0 };

  start_waiters (&first, waiters);
  opening_let_go (&first);
  opening_join (&first);
  g_assert_no_error (first.error);
  for (guint i = 0; i < WAITERS; i++)
    {
      opening_join (&waiters[i]);
      g_assert_no_error (waiters[i].error);
      g_assert_cmpuint (waiters[i].reports, <, first.reports);
    }
  g_assert_cmpuint (count_users (first.vision), ==, 1 + WAITERS);
  for (guint i = 0; i < WAITERS; i++)
    {
      g_assert_cmpuint (count_users (waiters[i].vision), ==, 1 + WAITERS - i);
      opening_clear (&waiters[i]);
    }
  opening_clear (&first);
}

/* The first one fails; one of those that waited opens the model, the others join that. */
static void
test_failed_opening (void)
{
  for (guint with_limit = 0; with_limit < 2; with_limit++)
    {
      Opening first = { .limit = with_limit }, waiters[WAITERS] = { 0 };

      start_waiters (&first, waiters);
      if (with_limit == 0)
        g_cancellable_cancel (first.cancellable);
      opening_let_go (&first);
      opening_join (&first);
      g_assert_null (first.vision);
      assert_pld_error (&first.error, with_limit ? PLD_ERROR_LIMIT : PLD_ERROR_CANCELLED, "");
      for (guint i = 0; i < WAITERS; i++)
        {
          opening_join (&waiters[i]);
          g_assert_no_error (waiters[i].error);
        }
      g_assert_cmpuint (count_users (waiters[0].vision), ==, WAITERS);
      for (guint i = 0; i < WAITERS; i++)
        opening_clear (&waiters[i]);
      opening_clear (&first);
    }
}

/* ---- at random ----------------------------------------------------------------------------- */

static gpointer
open_often (gpointer data)
{
  GRand *random = data;

  for (guint i = 0; i < 40; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      const gboolean cancel = g_rand_int_range (random, 0, 4) == 0;
      PldVision *vision = open_model (g_rand_boolean (random) ? 24 : 0, 0, cancel ? cancel_at_once : NULL, cancellable,
                                      cancellable, &error);

      if (cancel)
        assert_pld_error (&error, PLD_ERROR_CANCELLED, "cancelled");
      else
        g_assert_no_error (error);
      g_assert_true ((vision != NULL) == !cancel);
      g_clear_pointer (&vision, pld_vision_close);
    }
  return NULL;
}

static void
test_many (void)
{
  GThread *threads[WAITERS];
  GRand *randoms[WAITERS];

  for (guint i = 0; i < WAITERS; i++)
    {
      randoms[i] = g_rand_new_with_seed (i);
      threads[i] = g_thread_new ("opener", open_often, randoms[i]);
    }
  for (guint i = 0; i < WAITERS; i++)
    {
      g_thread_join (threads[i]);
      g_rand_free (randoms[i]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/opening/progress-closes", test_progress_closes);
  g_test_add_func ("/opening/progress-opens", test_progress_opens);
  g_test_add_func ("/opening/progress-cancels", test_progress_cancels);
  g_test_add_func ("/opening/other-model", test_other_model);
  g_test_add_func ("/opening/cancelled-waiter", test_cancelled_waiter);
  g_test_add_func ("/opening/one-model", test_one_model);
  g_test_add_func ("/opening/failed-opening", test_failed_opening);
  g_test_add_func ("/opening/many", test_many);
  return g_test_run ();
}
