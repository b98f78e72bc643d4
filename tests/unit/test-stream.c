/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * engine/stream: every lease gives the file's bytes, under every plan; plans keep their limit and pin evenly.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/size.h"
#include "engine/stream/stream.h"

#define HEAD 100 /* bytes before the first matrix, so that tiles begin anywhere */

typedef struct
{
  char *folder, *path;
  guint8 *bytes;
  gsize size;
  PldTape *tape;
  PldTensor tensors[6];
  PldFile *file;
  PldBudget *budget;
} Fixture;

/* [rows, cols] of the matrices; F16, so rows of odd length begin on odd multiples of two. */
static const guint shapes[6][2] = { { 512, 300 }, { 7, 1000 }, { 256, 33 }, { 1, 5 }, { 700, 64 }, { 130, 129 } };

static void
setup (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint64 offset = HEAD;

  f->tape = pld_tape_new ();
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      PldTensor *t = &f->tensors[i];
      guint64 n = (guint64) shapes[i][0] * shapes[i][1];

      *t = (PldTensor) { .name = (char *) "m",
                         .dtype = PLD_DTYPE_F16,
                         .n_dims = 2,
                         .dims = { shapes[i][0], shapes[i][1] },
                         .offset = offset,
                         .n_values = n,
                         .n_bytes = 2 * n };
      pld_tape_add (f->tape, t, 0, shapes[i][0], shapes[i][1], 1);
      offset += t->n_bytes + i;
    }
  f->size = offset;
  f->bytes = g_malloc (f->size);
  for (gsize i = 0; i < f->size; i++)
    f->bytes[i] = (guint8) g_test_rand_int ();
  f->folder = g_dir_make_tmp ("pipeload-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->folder, "weights", NULL);
  g_file_set_contents (f->path, (char *) f->bytes, (gssize) f->size, &error);
  g_assert_no_error (error);
  f->file = pld_file_open (f->path, data != NULL, &error);
  g_assert_no_error (error);
  f->budget = pld_budget_new (0);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (pld_budget_get_used (f->budget), ==, 0);
  g_clear_pointer (&f->budget, pld_budget_free);
  g_clear_pointer (&f->file, pld_file_close);
  g_clear_pointer (&f->tape, pld_tape_free);
  g_unlink (f->path);
  g_rmdir (f->folder);
  g_free (f->path);
  g_free (f->folder);
  g_free (f->bytes);
}

static PldPlan *
make_plan (const PldTape *tape, guint64 limit, guint64 fixed, guint loaders, GError **error)
{
  const PldPlanOptions options = { .limit = limit, .fixed = fixed, .loaders = loaders };

  return pld_plan_make (tape, &options, error);
}

static PldStream *
start_stream (Fixture *f, const PldPlan *plan)
{
  PldStream *stream = pld_stream_new (&f->file, f->budget);
  g_autoptr (GError) error = NULL;

  g_assert_true (pld_stream_set_plan (stream, plan, &error));
  g_assert_no_error (error);
  return stream;
}

/* A whole pass, or the first @n tiles of one. */
static void
run_pass (Fixture *f, PldStream *stream, const PldPlan *plan, guint n)
{
  pld_stream_begin (stream, NULL, NULL);
  for (guint i = 0; i < n; i++)
    {
      const PldTile *tile = &g_array_index (plan->tiles, PldTile, i);
      g_autoptr (GError) error = NULL;
      const guint8 *data = NULL;

      g_assert_true (pld_stream_lease (stream, i, &data, &error));
      g_assert_no_error (error);
      g_assert_cmpuint ((guintptr) data % 4, ==, 0);
      g_assert_cmpmem (data, tile->n_bytes, f->bytes + tile->offset, tile->n_bytes);
      pld_stream_release (stream, i);
    }
}

static void
check_plan (Fixture *f, guint64 limit, guint loaders)
{
  g_autoptr (GError) error = NULL;
  PldPlan *plan = make_plan (f->tape, limit, 0, loaders, &error);
  PldStreamStats stats;
  PldStream *stream;

  g_assert_no_error (error);
  pld_budget_set_limit (f->budget, limit);
  stream = start_stream (f, plan);
  for (guint pass = 0; pass < 4; pass++)
    run_pass (f, stream, plan, plan->tiles->len);
  /* Given up in the middle, then whole again. */
  run_pass (f, stream, plan, plan->tiles->len / 2);
  run_pass (f, stream, plan, plan->tiles->len);
  g_assert_cmpuint (pld_budget_get_peak (f->budget), <=, MAX (limit, plan->resident));
  if (limit > 0)
    g_assert_cmpuint (pld_budget_get_used (f->budget), <=, limit);
  pld_stream_get_stats (stream, &stats);
  if (plan->n_slots == 0)
    g_assert_cmpuint (stats.bytes_read, ==, f->tape->n_bytes);
  else
    g_assert_cmpuint (stats.bytes_read, >=, 4 * plan->streamed_bytes);
  g_clear_pointer (&stream, pld_stream_free);
  g_clear_pointer (&plan, pld_plan_free);
}

static void
test_stream (Fixture *f, gconstpointer data)
{
  PldPlan *plan = make_plan (f->tape, 0, 0, 0, NULL);
  guint64 minimum = plan->minimum, resident = plan->resident;

  g_clear_pointer (&plan, pld_plan_free);
  for (guint loaders = 0; loaders <= 4; loaders++)
    {
      check_plan (f, 0, loaders);
      for (guint i = 0; i <= 10; i++)
        check_plan (f, minimum + (resident - minimum) * i / 10, loaders);
    }
}

static void
test_plan (Fixture *f, gconstpointer data)
{
  PldPlan *plan = make_plan (f->tape, 0, 5000, 0, NULL);
  guint64 minimum = plan->minimum, resident = plan->resident;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (plan->n_pinned, ==, plan->tiles->len);
  g_assert_cmpuint (plan->loaders, ==, 0);
  g_assert_cmpuint (plan->streamed_bytes, ==, 0);
  g_clear_pointer (&plan, pld_plan_free);
  g_assert_null (make_plan (f->tape, minimum - 1, 5000, 0, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  for (guint64 limit = minimum; limit < resident; limit += (resident - minimum) / 50)
    {
      guint row = 0, matrix = 0;

      plan = make_plan (f->tape, limit, 5000, 0, &error);
      g_assert_cmpuint (5000 + plan->ring_bytes + plan->pinned_bytes + pld_plan_table_bytes (plan->tiles->len), <=,
                        limit);
      g_assert_cmpuint (plan->n_slots, >=, 2);
      /* Tiles are the matrices' rows in order, none twice, cut at granules. */
      for (guint i = 0; i < plan->tiles->len; i++)
        {
          const PldTile *tile = &g_array_index (plan->tiles, PldTile, i);
          const PldMatrix *m = f->tape->matrices->pdata[tile->matrix];

          if (tile->matrix != matrix)
            {
              g_assert_cmpuint (row, ==, shapes[matrix][0]);
              g_assert_cmpuint (tile->matrix, ==, matrix + 1);
              matrix++;
              row = 0;
            }
          g_assert_cmpuint (tile->row0, ==, row);
          g_assert_true (tile->n_rows % m->granule == 0 || tile->row0 + tile->n_rows == m->n_rows);
          g_assert_cmpuint (tile->offset, ==, f->tensors[matrix].offset + row * m->row_bytes);
          g_assert_cmpuint (pld_file_span (tile->offset, tile->n_bytes), <=, plan->slot_bytes);
          row += tile->n_rows;
        }
      g_assert_cmpuint (matrix, ==, G_N_ELEMENTS (shapes) - 1);
      g_clear_pointer (&plan, pld_plan_free);
    }
}

/* Four slots of 800 KiB, and a page for what lies across, make 3.1 MiB: two huge pages, and a fifth slot, where there
 * is room for twice of that. */
static void
test_plan_ring (void)
{
  enum
  {
    SLOT = 819200 + 4096
  };
  const struct
  {
    guint64 limit, ring;
    guint n_slots;
  } cases[] = { { 8000000, 4 * SLOT, 4 }, { 9000000, 4194304, 5 }, { 30000000, 4194304, 5 } };
  PldTape *tape = pld_tape_new ();
  PldTensor tensor = { .name = (char *) "m", .dtype = PLD_DTYPE_F32, .n_values = 32 * 6400, .n_bytes = 819200 };

  for (guint i = 0; i < 64; i++)
    {
      tensor.offset = i * tensor.n_bytes;
      pld_tape_add (tape, &tensor, 0, 32, 6400, 1);
    }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      PldPlan *plan = make_plan (tape, cases[i].limit, 0, 2, NULL);

      g_assert_cmpuint (plan->slot_bytes, ==, SLOT);
      g_assert_cmpuint (plan->n_slots, ==, cases[i].n_slots);
      g_assert_cmpuint (plan->ring_bytes, ==, cases[i].ring);
      g_assert_cmpuint (plan->ring_bytes + plan->pinned_bytes + pld_plan_table_bytes (plan->tiles->len), <=,
                        cases[i].limit);
      g_assert_cmpuint (plan->pinned_bytes + 819200, >,
                        cases[i].limit - plan->ring_bytes - pld_plan_table_bytes (plan->tiles->len));
      g_clear_pointer (&plan, pld_plan_free);
    }
  g_clear_pointer (&tape, pld_tape_free);
}

/* Half of a long tape of equal tiles pinned: every other one, so that no two loads follow each other for long. */
static void
test_plan_even (void)
{
  PldTape *tape = pld_tape_new ();
  PldTensor tensor = { .name = (char *) "m", .dtype = PLD_DTYPE_F32, .n_values = 32 * 8192, .n_bytes = 32 * 8192 * 4 };
  PldPlan *plan;
  guint run = 0, longest = 0;

  for (guint i = 0; i < 64; i++)
    {
      tensor.offset = i * tensor.n_bytes;
      pld_tape_add (tape, &tensor, 0, 32, 8192, 1);
    }
  plan = make_plan (tape, 36 * tensor.n_bytes, 0, 2, NULL);
  for (guint i = 0; i < plan->tiles->len; i++)
    {
      run = g_array_index (plan->tiles, PldTile, i).pinned ? 0 : run + 1;
      longest = MAX (longest, run);
    }
  g_assert_cmpuint (plan->n_pinned, >=, 28);
  g_assert_cmpuint (longest, <=, 3);
  g_clear_pointer (&plan, pld_plan_free);
  g_clear_pointer (&tape, pld_tape_free);
}

/* Tiles that take little computing stay first, wherever they are. */
static void
test_plan_work (void)
{
  PldTape *tape = pld_tape_new ();
  PldTensor tensor = { .name = (char *) "m", .dtype = PLD_DTYPE_F32, .n_values = 32 * 8192, .n_bytes = 32 * 8192 * 4 };
  guint light = 0, heavy = 0;
  PldPlan *plan;

  for (guint i = 0; i < 64; i++)
    {
      tensor.offset = i * tensor.n_bytes;
      pld_tape_add (tape, &tensor, 0, 32, 8192, i % 16 < 4 ? 1 : 200);
    }
  plan = make_plan (tape, 24 * tensor.n_bytes, 0, 2, NULL);
  for (guint i = 0; i < plan->tiles->len; i++)
    if (g_array_index (plan->tiles, PldTile, i).pinned)
      *(g_array_index (plan->tiles, PldTile, i).matrix % 16 < 4 ? &light : &heavy) += 1;
  g_assert_cmpuint (light + heavy, >=, 17);
  g_assert_cmpuint (light, >=, 15); /* of 16 */
  g_clear_pointer (&plan, pld_plan_free);
  g_clear_pointer (&tape, pld_tape_free);
}

/* For comparison: nothing stays, whatever the limit, and the bytes are right. */
static void
test_pipelining (Fixture *f, gconstpointer data)
{
  static const PldPipelining modes[] = { PLD_PIPELINING_PREFETCH, PLD_PIPELINING_NONE };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    for (guint64 limit = 0; limit <= 2 * f->size; limit += 2 * f->size)
      {
        const PldPlanOptions options = { .limit = limit, .loaders = 3, .pipelining = modes[i] };
        PldPlan *plan = pld_plan_make (f->tape, &options, NULL);
        PldStream *stream = start_stream (f, plan);
        PldStreamStats stats;

        g_assert_cmpuint (plan->loaders, ==, 1);
        g_assert_cmpuint (plan->n_slots, ==, modes[i] == PLD_PIPELINING_NONE ? 1 : 2);
        g_assert_cmpuint (plan->n_pinned, ==, 0);
        for (guint pass = 0; pass < 3; pass++)
          run_pass (f, stream, plan, plan->tiles->len);
        pld_stream_get_stats (stream, &stats);
        g_assert_cmpuint (stats.bytes_read, >=, 3 * f->tape->n_bytes);
        g_clear_pointer (&stream, pld_stream_free);
        g_clear_pointer (&plan, pld_plan_free);
      }
}

static guint64
bytes_read (PldStream *stream)
{
  PldStreamStats stats;

  pld_stream_get_stats (stream, &stats);
  return stats.bytes_read;
}

/* From plan to plan: always the right bytes and never more than the limit; what stays pinned is not read again. */
static void
test_replan (Fixture *f, gconstpointer data)
{
  PldPlan *all = make_plan (f->tape, 0, 0, 0, NULL), *plan = NULL;
  PldStream *stream = start_stream (f, all);
  const guint64 minimum = all->minimum, resident = all->resident;
  guint64 before;

  run_pass (f, stream, all, all->tiles->len);
  for (guint i = 0; i < 40; i++)
    {
      const guint64 limit = minimum + (resident - minimum) * (guint64) g_test_rand_int_range (0, 120) / 100;
      PldPlan *next = make_plan (f->tape, limit, 0, 0, NULL);

      pld_stream_shrink (stream, next);
      g_assert_cmpuint (pld_budget_get_used (f->budget), <=, limit);
      pld_budget_set_limit (f->budget, limit);
      g_assert_true (pld_stream_set_plan (stream, next, NULL));
      g_clear_pointer (&plan, pld_plan_free);
      plan = next;
      run_pass (f, stream, plan, plan->tiles->len);
      run_pass (f, stream, plan, plan->tiles->len / 3);
    }
  pld_budget_set_limit (f->budget, 0);
  g_assert_true (pld_stream_set_plan (stream, all, NULL));
  run_pass (f, stream, all, all->tiles->len);
  before = bytes_read (stream);
  g_clear_pointer (&plan, pld_plan_free);
  plan = make_plan (f->tape, 0, 0, 3, NULL);
  g_assert_true (pld_stream_set_plan (stream, plan, NULL));
  run_pass (f, stream, plan, plan->tiles->len);
  g_assert_cmpuint (bytes_read (stream), ==, before);
  pld_stream_shrink (stream, NULL);
  g_assert_cmpuint (pld_budget_get_used (f->budget), ==, 0);
  g_clear_pointer (&stream, pld_stream_free);
  g_clear_pointer (&plan, pld_plan_free);
  g_clear_pointer (&all, pld_plan_free);
}

static gboolean
yes (gpointer data)
{
  return TRUE;
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  PldPlan *plan = make_plan (f->tape, 0, 0, 0, NULL);
  PldStream *stream = start_stream (f, plan);
  g_autoptr (GError) error = NULL;
  const guint8 *view = NULL;

  pld_stream_begin (stream, yes, NULL);
  g_assert_false (pld_stream_lease (stream, 0, &view, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_CANCELLED);
  g_assert_null (view);
  run_pass (f, stream, plan, plan->tiles->len);
  g_clear_pointer (&stream, pld_stream_free);
  g_clear_pointer (&plan, pld_plan_free);
}

/* Pages of the file that the page cache holds. */
static guint
cached_pages (Fixture *f)
{
  const gsize n = (f->size + PLD_PAGE - 1) / PLD_PAGE;
  g_autofree unsigned char *held = g_malloc (n);
  int fd = open (f->path, O_RDONLY);
  void *map = mmap (NULL, f->size, PROT_READ, MAP_SHARED, fd, 0);
  guint count = 0;

  g_assert_true (map != MAP_FAILED);
  g_assert_cmpint (mincore (map, f->size, held), ==, 0);
  for (gsize i = 0; i < n; i++)
    count += held[i] & 1;
  munmap (map, f->size);
  close (fd);
  return count;
}

/* Streamed bytes do not stay in the page cache, where a memory cgroup would count them. */
static void
test_page_cache (Fixture *f, gconstpointer data)
{
  PldPlan *all = make_plan (f->tape, 0, 0, 0, NULL), *plan = make_plan (f->tape, all->minimum + 60000, 0, 2, NULL);
  PldStream *stream;
  int fd = open (f->path, O_RDONLY);

  fsync (fd);
  posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
  close (fd);
  if (cached_pages (f) > 0)
    g_test_skip ("this file system keeps its files in memory");
  else
    {
      stream = start_stream (f, plan);
      for (guint pass = 0; pass < 3; pass++)
        run_pass (f, stream, plan, plan->tiles->len);
      g_clear_pointer (&stream, pld_stream_free);
      /* Of buffered reads, pages that the next tile needs too may be in flight while they are dropped. */
      g_assert_cmpuint (cached_pages (f), <=, pld_file_is_direct (f->file) ? 0 : plan->tiles->len);
    }
  g_clear_pointer (&plan, pld_plan_free);
  g_clear_pointer (&all, pld_plan_free);
}

/* Written to, cut short, then as it was: errors that name the file, and no wrong byte. */
static void
test_changed (Fixture *f, gconstpointer data)
{
  PldPlan *plan = make_plan (f->tape, 0, 0, 0, NULL);
  guint64 limit = plan->minimum + 60000;
  g_autoptr (GError) error = NULL;
  const guint8 *view;
  PldStream *stream;
  gboolean failed = FALSE;

  g_clear_pointer (&plan, pld_plan_free);
  plan = make_plan (f->tape, limit, 0, 2, &error);
  g_assert_no_error (error);
  stream = start_stream (f, plan);
  run_pass (f, stream, plan, plan->tiles->len);
  g_assert_cmpint (g_chmod (f->path, 0600), ==, 0);
  {
    FILE *file = fopen (f->path, "r+b");

    g_assert_nonnull (file);
    g_assert_cmpint (ftruncate (fileno (file), 5000), ==, 0);
    fclose (file);
  }
  for (guint pass = 0; pass < 2 && !failed; pass++)
    {
      pld_stream_begin (stream, NULL, NULL);
      for (guint i = 0; i < plan->tiles->len && !failed; i++)
        {
          failed = !pld_stream_lease (stream, i, &view, &error);
          if (!failed)
            pld_stream_release (stream, i);
        }
    }
  g_assert_true (failed);
  g_assert_error (error, PLD_ERROR, PLD_ERROR_IO);
  g_assert_nonnull (strstr (error->message, f->path));
  g_clear_pointer (&stream, pld_stream_free);
  g_clear_pointer (&plan, pld_plan_free);
}

static void
test_missing (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pld_file_open ("/nonexistent/model.safetensors", TRUE, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nonexistent/model.safetensors"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/stream/direct", Fixture, "direct", setup, test_stream, teardown);
  g_test_add ("/stream/buffered", Fixture, NULL, setup, test_stream, teardown);
  g_test_add ("/stream/plan", Fixture, "direct", setup, test_plan, teardown);
  g_test_add_func ("/stream/plan/even", test_plan_even);
  g_test_add_func ("/stream/plan/ring", test_plan_ring);
  g_test_add_func ("/stream/plan/work", test_plan_work);
  g_test_add ("/stream/pipelining", Fixture, "direct", setup, test_pipelining, teardown);
  g_test_add ("/stream/replan", Fixture, "direct", setup, test_replan, teardown);
  g_test_add ("/stream/cancel", Fixture, "direct", setup, test_cancel, teardown);
  g_test_add ("/stream/page-cache/direct", Fixture, "direct", setup, test_page_cache, teardown);
  g_test_add ("/stream/page-cache/buffered", Fixture, NULL, setup, test_page_cache, teardown);
  g_test_add ("/stream/changed", Fixture, "direct", setup, test_changed, teardown);
  g_test_add_func ("/stream/missing", test_missing);
  return g_test_run ();
}
