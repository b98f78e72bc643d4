/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stream under faults. A pass may end before it leases a tile, as when reading the rows of a table fails, while
 * loaders are reading ahead: what they meet then does not fail the next pass. And a lease that waits for its tile is
 * counted.
 */
#include <glib/gstdio.h>

#include "engine/stream/stream.h"
#include "tests/fault/faults.h"

#define ROWS 4096
#define COLS 256

typedef struct
{
  char *path;
  float *values; /* [ROWS, COLS], the file's */
  PldTensor tensor;
  PldTape *tape;
  PldFile *file;
  PldBudget *budget;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  const gsize n = ROWS * COLS;
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("pipeload-XXXXXX", &f->path, &error);

  g_assert_no_error (error);
  g_close (fd, NULL);
  f->values = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    f->values[i] = (float) g_test_rand_double ();
  g_file_set_contents (f->path, (const char *) f->values, (gssize) (n * sizeof (float)), &error);
  g_assert_no_error (error);
  f->tensor = (PldTensor) { .name = (char *) "m",
                            .dtype = PLD_DTYPE_F32,
                            .n_dims = 2,
                            .dims = { ROWS, COLS },
                            .n_values = n,
                            .n_bytes = n * sizeof (float) };
  f->tape = pld_tape_new ();
  pld_tape_add (f->tape, &f->tensor, 0, ROWS, COLS, 1);
  set_fault (FAULT_NONE, 0);
  f->file = pld_file_open (f->path, FALSE, &error);
  g_assert_no_error (error);
  f->budget = pld_budget_new (0);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->budget, pld_budget_free);
  g_clear_pointer (&f->file, pld_file_close);
  g_clear_pointer (&f->tape, pld_tape_free);
  g_unlink (f->path);
  g_free (f->values);
  g_free (f->path);
}

static void
assert_pass (Fixture *f, PldStream *stream, const PldPlan *plan)
{
  pld_stream_begin (stream, NULL, NULL);
  for (guint i = 0; i < plan->tiles->len; i++)
    {
      const PldTile *tile = &g_array_index (plan->tiles, PldTile, i);
      g_autoptr (GError) error = NULL;
      const guint8 *data = NULL;
      const gboolean ok = pld_stream_lease (stream, i, &data, &error);

      g_assert_no_error (error);
      g_assert_true (ok);
      g_assert_cmpmem (data, tile->n_bytes, (const guint8 *) f->values + tile->offset, tile->n_bytes);
      pld_stream_release (stream, i);
    }
}

/* All tiles stay, or, under the smallest limit, all go through the ring. */
static PldPlan *
make_plan (Fixture *f, gboolean streamed)
{
  PldPlanOptions options = { 0 };
  PldPlan *plan = pld_plan_make (f->tape, &options, NULL);

  g_assert_nonnull (plan);
  if (!streamed)
    return plan;
  options.limit = plan->minimum;
  g_clear_pointer (&plan, pld_plan_free);
  plan = pld_plan_make (f->tape, &options, NULL);
  g_assert_nonnull (plan);
  g_assert_cmpuint (plan->n_pinned, ==, 0);
  return plan;
}

/* A stream that has begun to read under the fault. */
static PldStream *
start_reading (Fixture *f, const PldPlan *plan, Fault fault)
{
  PldStream *stream = pld_stream_new (&f->file, f->budget);

  set_fault (fault, 0);
  g_assert_true (pld_stream_set_plan (stream, plan, NULL));
  while (count_reads () == 0)
    g_usleep (1000);
  return stream;
}

/* @data: whether tiles stream */
static void
test_late (Fixture *f, gconstpointer data)
{
  PldPlan *plan = make_plan (f, GPOINTER_TO_INT (data));
  PldStream *stream = start_reading (f, plan, FAULT_LATE);

  pld_stream_begin (stream, NULL, NULL);
  set_fault (FAULT_NONE, 0);
  for (guint pass = 0; pass < 3; pass++)
    assert_pass (f, stream, plan);
  g_clear_pointer (&stream, pld_stream_free);
  g_clear_pointer (&plan, pld_plan_free);
}

typedef struct
{
  Fixture *f;
  PldStream *stream;
  const PldPlan *plan;
} Pass;

static gpointer
pass_thread (gpointer data)
{
  Pass *pass = data;

  assert_pass (pass->f, pass->stream, pass->plan);
  return NULL;
}

static void
test_stall (Fixture *f, gconstpointer data)
{
  PldPlan *plan = make_plan (f, FALSE);
  PldStream *stream = start_reading (f, plan, FAULT_HELD);
  Pass pass = { f, stream, plan };
  GThread *thread = g_thread_new ("pass", pass_thread, &pass);
  PldStreamStats stats;

  do
    {
      g_usleep (1000);
      pld_stream_get_stats (stream, &stats);
    }
  while (stats.stalls == 0);
  g_assert_cmpuint (stats.bytes_read, ==, 0);
  set_fault (FAULT_NONE, 0);
  g_thread_join (thread);
  pld_stream_get_stats (stream, &stats);
  g_assert_cmpuint (stats.stall_ns, >, 0);
  g_assert_cmpuint (stats.stalls, <=, plan->tiles->len);
  g_assert_cmpuint (stats.bytes_read, ==, f->tape->n_bytes);
  g_clear_pointer (&stream, pld_stream_free);
  g_clear_pointer (&plan, pld_plan_free);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/fault-stream/late/pinned", Fixture, GINT_TO_POINTER (FALSE), setup, test_late, teardown);
  g_test_add ("/fault-stream/late/streamed", Fixture, GINT_TO_POINTER (TRUE), setup, test_late, teardown);
  g_test_add ("/fault-stream/stall", Fixture, NULL, setup, test_stall, teardown);
  return g_test_run ();
}
