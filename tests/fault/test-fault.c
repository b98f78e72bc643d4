/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A vision model under the faults of sweep.h; and its file shrinks, vanishes, is replaced or written to.
 */
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fault/sweep.h"
#include "tests/support/options.h"

/* ---- a model in a folder of its own -------------------------------------------------------- */

#define WEIGHTS "model.safetensors"
#define N_CLASSES 7

static const char *const files[] = { "config.json", "preprocessor_config.json", WEIGHTS };

static void
copy (const char *name, const char *to)
{
  g_autofree char *from = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "data", "vit-random", name, NULL);
  g_autofree char *bytes = NULL;
  g_autofree char *path = g_build_filename (to, name, NULL);
  gsize size;

  g_assert_true (g_file_get_contents (from, &bytes, &size, NULL));
  g_assert_true (g_file_set_contents (path, bytes, (gssize) size, NULL));
}

static gboolean
open_and_run (const Sweep *sweep, gpointer *model, float *logits, GError **error)
{
  PldVisionOptions options
      = VISION_OPTIONS (.engine.model = sweep->path, .engine.memory_limit = sweep->limit, .engine.threads = 2);
  g_autofree guint8 *gray = g_malloc (48 * 48 * 3);
  PldImage image = { .kind = PLD_IMAGE_RGB, .width = 48, .height = 48 };
  gboolean ok = TRUE;

  for (guint i = 0; i < 48 * 48 * 3; i++)
    gray[i] = (guint8) (i * 7);
  for (guint c = 0; c < 3; c++)
    *pld_image_plane (&image, c) = (PldPlane) { gray + c, 48 * 3, 3, 48, 48 };
  if (*model == NULL)
    *model = pld_vision_open (&options, NULL, NULL, NULL, error);
  for (guint pass = 0; pass < 3 && ok; pass++)
    ok = *model != NULL && pld_vision_load_image (*model, 0, &image, error)
         && pld_vision_run (*model, 1, logits, NULL, NULL, NULL, error);
  return ok;
}

static void
close_model (gpointer *model)
{
  PldVision *vision = g_steal_pointer (model);

  g_clear_pointer (&vision, pld_vision_close);
}

static void
get_stats (gpointer model, PldStats *stats)
{
  pld_handle_get_stats (PLD_HANDLE (model), stats);
}

static void
setup (Sweep *sweep, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PldPlanInfo) plan = NULL;
  PldVisionOptions options = VISION_OPTIONS (.engine.threads = 2);

  *sweep = (Sweep) {
    .run = open_and_run, .close = close_model, .get_stats = get_stats, .size = N_CLASSES * sizeof (float)
  };
  set_fault (FAULT_NONE, 0);
  sweep->path = g_dir_make_tmp ("pipeload-XXXXXX", &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    copy (files[i], sweep->path);
  options.engine.model = sweep->path;
  g_assert_true ((plan = pld_model_plan (&options.engine, &error)) != NULL);
  sweep->limit = (plan->minimum_limit + plan->resident_limit) / 2;
  sweep_begin (sweep);
}

static void
teardown (Sweep *sweep, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (sweep->path, files[i], NULL);

      g_unlink (path);
    }
  g_rmdir (sweep->path);
  sweep_end (sweep, data);
}

/* ---- a file that changes ------------------------------------------------------------------- */

/* A deleted file is still there for who has it open. */
static void
test_vanished (Sweep *sweep, gconstpointer data)
{
  g_autofree char *weights = g_build_filename (sweep->path, WEIGHTS, NULL);
  gpointer model = NULL;

  sweep_assert_whole (sweep, &model);
  g_unlink (weights);
  sweep_assert_whole (sweep, &model);
  close_model (&model);
}

static void
test_shrunk (Sweep *sweep, gconstpointer data)
{
  g_autofree char *weights = g_build_filename (sweep->path, WEIGHTS, NULL);
  g_autoptr (GError) error = NULL;
  gpointer model = NULL;
  float logits[N_CLASSES];

  sweep_assert_whole (sweep, &model);
  g_assert_cmpint (truncate (weights, 20000), ==, 0);
  g_assert_false (open_and_run (sweep, &model, logits, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_IO);
  g_assert_nonnull (strstr (error->message, weights));
  close_model (&model);
}

/* Another file under the name: who has the old one open goes on with it, and is right. */
static void
test_replaced (Sweep *sweep, gconstpointer data)
{
  g_autofree char *weights = g_build_filename (sweep->path, WEIGHTS, NULL);
  g_autofree char *bytes = NULL;
  gpointer model = NULL;
  gsize size;

  sweep_assert_whole (sweep, &model);
  g_assert_true (g_file_get_contents (weights, &bytes, &size, NULL));
  memset (bytes + size / 2, 1, size / 2);
  g_assert_true (g_file_set_contents (weights, bytes, (gssize) size, NULL));
  for (guint i = 0; i < 3; i++)
    sweep_assert_whole (sweep, &model);
  close_model (&model);
}

/* Other bytes in the same file: an error, also where the size is the same, and never a wrong result. */
static void
test_overwritten (Sweep *sweep, gconstpointer data)
{
  g_autofree char *weights = g_build_filename (sweep->path, WEIGHTS, NULL);
  g_autoptr (GError) error = NULL;
  gpointer model = NULL;
  float logits[N_CLASSES];
  FILE *file;

  sweep_assert_whole (sweep, &model);
  g_usleep (20000); /* the clock of files is a coarse one */
  file = fopen (weights, "r+b");
  g_assert_nonnull (file);
  fseek (file, 20000, SEEK_SET);
  fputs ("other weights", file);
  fclose (file);
  g_assert_false (open_and_run (sweep, &model, logits, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_IO);
  g_assert_nonnull (strstr (error->message, weights));
  close_model (&model);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/fault/reads", Sweep, NULL, setup, sweep_reads, teardown);
  g_test_add ("/fault/allocations", Sweep, NULL, setup, sweep_allocations, teardown);
  g_test_add ("/fault/broken", Sweep, NULL, setup, sweep_broken, teardown);
  g_test_add ("/fault/shaky", Sweep, NULL, setup, sweep_shaky, teardown);
  g_test_add ("/fault/slow", Sweep, NULL, setup, sweep_slow, teardown);
  g_test_add ("/fault/short-reads", Sweep, NULL, setup, sweep_short_reads, teardown);
  g_test_add ("/fault/vanished", Sweep, NULL, setup, test_vanished, teardown);
  g_test_add ("/fault/replaced", Sweep, NULL, setup, test_replaced, teardown);
  g_test_add ("/fault/overwritten", Sweep, NULL, setup, test_overwritten, teardown);
  g_test_add ("/fault/shrunk", Sweep, NULL, setup, test_shrunk, teardown);
  return g_test_run ();
}
