/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tests that both kinds of model share: each read and each allocation fails in turn.
 */
#include "tests/fault/sweep.h"

#include <string.h>

void
sweep_begin (Sweep *sweep)
{
  g_autoptr (GError) error = NULL;
  gpointer model = NULL;

  set_fault (FAULT_NONE, 0);
  sweep->logits = g_malloc0 (sweep->size);
  g_assert_true (sweep->run (sweep, &model, sweep->logits, &error));
  g_assert_no_error (error);
  sweep->close (&model);
}

void
sweep_end (Sweep *sweep, gconstpointer data)
{
  g_free (sweep->path);
  g_free (sweep->logits);
}

/* @logits: what a failed run has written there, if anything */
static void
assert_run (const Sweep *sweep, gpointer *model, float *logits)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = sweep->run (sweep, model, logits, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
  g_assert_cmpmem (logits, sweep->size, sweep->logits, sweep->size);
}

void
sweep_assert_whole (const Sweep *sweep, gpointer *model)
{
  g_autofree float *logits = g_malloc0 (sweep->size);

  assert_run (sweep, model, logits);
}

/* One run in which the fault strikes, and a run after it, of the same handle where there is one. */
static void
check_fault (const Sweep *sweep, Fault kind, gint index, PldError code)
{
  g_autofree float *logits = g_malloc0 (sweep->size);
  g_autoptr (GError) error = NULL;
  gpointer model = NULL;
  gboolean ok;

  set_fault (kind, index);
  ok = sweep->run (sweep, &model, logits, &error);
  set_fault (FAULT_NONE, 0);
  if (ok)
    g_assert_cmpmem (logits, sweep->size, sweep->logits, sweep->size);
  else
    {
      g_assert_error (error, PLD_ERROR, (gint) code);
      if (code == PLD_ERROR_IO)
        g_assert_nonnull (strstr (error->message, sweep->path));
    }
  assert_run (sweep, &model, logits);
  sweep->close (&model);
}

static void
count_calls (const Sweep *sweep, gint *reads, gint *maps)
{
  gpointer model = NULL;

  set_fault (FAULT_NONE, 0);
  sweep_assert_whole (sweep, &model);
  sweep->close (&model);
  *reads = count_reads ();
  *maps = count_maps ();
  g_assert_cmpint (*reads, >, 20);
  g_assert_cmpint (*maps, >, 5);
}

void
sweep_reads (Sweep *sweep, gconstpointer data)
{
  gint reads, maps;

  count_calls (sweep, &reads, &maps);
  for (gint i = 0; i < reads; i++)
    check_fault (sweep, FAULT_EIO, i, PLD_ERROR_IO);
}

/* Weights that cannot be read at all give an error, after some tries. */
void
sweep_broken (Sweep *sweep, gconstpointer data)
{
  gint reads, maps;

  count_calls (sweep, &reads, &maps);
  /* The last ones are made ahead, and the run may end without them. */
  for (gint i = 0; i <= reads / 2; i += reads / 10)
    {
      g_autofree float *logits = g_malloc0 (sweep->size);
      g_autoptr (GError) error = NULL;
      gpointer model = NULL;

      set_fault (FAULT_BROKEN, i);
      g_assert_false (sweep->run (sweep, &model, logits, &error));
      g_assert_error (error, PLD_ERROR, PLD_ERROR_IO);
      g_assert_nonnull (strstr (error->message, sweep->path));
      set_fault (FAULT_NONE, 0);
      assert_run (sweep, &model, logits);
      sweep->close (&model);
    }
}

/* A run under a fault that only costs time. */
static void
check_harmless (const Sweep *sweep, Fault kind, PldStats *stats)
{
  gpointer model = NULL;

  set_fault (FAULT_NONE, 0);
  sweep_assert_whole (sweep, &model);
  set_fault (kind, 0);
  sweep_assert_whole (sweep, &model);
  sweep->get_stats (model, stats);
  set_fault (FAULT_NONE, 0);
  sweep->close (&model);
}

void
sweep_shaky (Sweep *sweep, gconstpointer data)
{
  PldStats stats;

  check_harmless (sweep, FAULT_SHAKY, &stats);
  g_assert_cmpuint (stats.retries, >, 0);
}

/* Whether a pass has to wait for slow reads depends on how fast it computes; that a wait is counted is
 * test-fault-stream's. */
void
sweep_slow (Sweep *sweep, gconstpointer data)
{
  PldStats stats;

  check_harmless (sweep, FAULT_SLOW, &stats);
  g_assert_cmpuint (stats.retries, ==, 0);
}

void
sweep_allocations (Sweep *sweep, gconstpointer data)
{
  gint reads, maps;

  count_calls (sweep, &reads, &maps);
  for (gint i = 0; i < maps; i++)
    check_fault (sweep, FAULT_ENOMEM, i, PLD_ERROR_MEMORY);
}

void
sweep_short_reads (Sweep *sweep, gconstpointer data)
{
  static const Fault kinds[] = { FAULT_SHORT, FAULT_EINTR };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      gpointer model = NULL;

      set_fault (kinds[i], 0);
      sweep_assert_whole (sweep, &model);
      set_fault (FAULT_NONE, 0);
      sweep->close (&model);
    }
}
