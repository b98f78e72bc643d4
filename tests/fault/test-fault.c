/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each read and each allocation fails once, in turn; reads come short or are interrupted; the model's file shrinks or vanishes. Whatever happens is
 * a clear error of the right code, or the right result, and the next run is whole again.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/pipeload.h"
#include "tests/fault/faults.h"

/* ---- a model in a folder of its own -------------------------------------------------------- */

typedef struct
{
  char *folder, *weights;
  guint64 limit; /* under which some tiles stay and some stream */
  float logits[7];
} Fixture;

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
open_and_run (Fixture *f, PldVision **vision, float *logits, GError **error)
{
  PldVisionOptions options = { .model = f->folder, .memory_limit = f->limit, .threads = 2 };
  g_autofree guint8 *grey = g_malloc (48 * 48 * 3);
  PldImage image = { .kind = PLD_IMAGE_RGB, .width = 48, .height = 48 };
  gboolean ok = TRUE;

  for (guint i = 0; i < 48 * 48 * 3; i++)
    grey[i] = (guint8) (i * 7);
  for (guint c = 0; c < 3; c++)
    image.plane[c] = (PldPlane) { grey + c, 48 * 3, 3, 48, 48 };
  if (*vision == NULL)
    *vision = pld_vision_open (&options, NULL, NULL, NULL, error);
  for (guint pass = 0; pass < 3 && ok; pass++)
    ok = *vision != NULL && pld_vision_load_image (*vision, 0, &image, error)
         && pld_vision_run (*vision, 1, logits, NULL, NULL, error);
  return ok;
}

static void
setup (Fixture *f, gconstpointer data)
{
  static const char *const files[] = { "config.json", "preprocessor_config.json", "model.safetensors" };
  g_autoptr (GError) error = NULL;
  PldVision *vision = NULL;
  PldPlanInfo plan;
  PldVisionOptions options = { .threads = 2 };

  set_fault (FAULT_NONE, 0);
  f->folder = g_dir_make_tmp ("pipeload-XXXXXX", &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    copy (files[i], f->folder);
  f->weights = g_build_filename (f->folder, "model.safetensors", NULL);
  options.model = f->folder;
  g_assert_true (pld_vision_plan (&options, &plan, &error));
  f->limit = (plan.minimum_limit + plan.resident_limit) / 2;
  g_assert_true (open_and_run (f, &vision, f->logits, &error));
  g_assert_no_error (error);
  pld_vision_close (&vision);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  static const char *const files[] = { "config.json", "preprocessor_config.json", "model.safetensors" };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (f->folder, files[i], NULL);

      g_unlink (path);
    }
  g_rmdir (f->folder);
  g_free (f->folder);
  g_free (f->weights);
}

/* One run in which the fault strikes, and a run after it that must be whole. */
static void
check_fault (Fixture *f, Fault kind, gint index, PldError code)
{
  g_autoptr (GError) error = NULL;
  PldVision *vision = NULL;
  float logits[7] = { 0 };
  gboolean ok;

  set_fault (kind, index);
  ok = open_and_run (f, &vision, logits, &error);
  set_fault (FAULT_NONE, 0);
  if (ok)
    g_assert_cmpmem (logits, sizeof logits, f->logits, sizeof f->logits);
  else
    {
      g_assert_error (error, PLD_ERROR, (gint) code);
      if (code == PLD_ERROR_IO)
        g_assert_nonnull (strstr (error->message, f->folder));
      g_clear_error (&error);
    }
  /* The same handle where there is one. */
  g_assert_true (open_and_run (f, &vision, logits, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (logits, sizeof logits, f->logits, sizeof f->logits);
  pld_vision_close (&vision);
}

static void
count_calls (Fixture *f, gint *reads, gint *maps)
{
  g_autoptr (GError) error = NULL;
  PldVision *vision = NULL;
  float logits[7];

  set_fault (FAULT_NONE, 0);
  g_assert_true (open_and_run (f, &vision, logits, &error));
  pld_vision_close (&vision);
  *reads = count_reads ();
  *maps = count_maps ();
  g_assert_cmpint (*reads, >, 20);
  g_assert_cmpint (*maps, >, 5);
}

static void
test_reads (Fixture *f, gconstpointer data)
{
  gint reads, maps;

  count_calls (f, &reads, &maps);
  for (gint i = 0; i < reads; i++)
    check_fault (f, FAULT_EIO, i, PLD_ERROR_IO);
}

static void
test_allocations (Fixture *f, gconstpointer data)
{
  gint reads, maps;

  count_calls (f, &reads, &maps);
  for (gint i = 0; i < maps; i++)
    check_fault (f, FAULT_ENOMEM, i, PLD_ERROR_MEMORY);
}

static void
test_short (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  static const Fault kinds[] = { FAULT_SHORT, FAULT_EINTR };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      PldVision *vision = NULL;
      float logits[7];

      set_fault (kinds[i], 0);
      g_assert_true (open_and_run (f, &vision, logits, &error));
      g_assert_no_error (error);
      g_assert_cmpmem (logits, sizeof logits, f->logits, sizeof f->logits);
      pld_vision_close (&vision);
    }
}

/* A deleted file is still there for who has it open. */
static void
test_vanished (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  PldVision *vision = NULL;
  float logits[7];

  g_assert_true (open_and_run (f, &vision, logits, &error));
  g_unlink (f->weights);
  g_assert_true (open_and_run (f, &vision, logits, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (logits, sizeof logits, f->logits, sizeof f->logits);
  pld_vision_close (&vision);
}

static void
test_shrunk (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  PldVision *vision = NULL;
  float logits[7];
  int fd;

  g_assert_true (open_and_run (f, &vision, logits, &error));
  fd = open (f->weights, O_WRONLY);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (ftruncate (fd, 20000), ==, 0);
  close (fd);
  g_assert_false (open_and_run (f, &vision, logits, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_IO);
  g_assert_nonnull (strstr (error->message, f->weights));
  pld_vision_close (&vision);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/fault/reads", Fixture, NULL, setup, test_reads, teardown);
  g_test_add ("/fault/allocations", Fixture, NULL, setup, test_allocations, teardown);
  g_test_add ("/fault/short-reads", Fixture, NULL, setup, test_short, teardown);
  g_test_add ("/fault/vanished", Fixture, NULL, setup, test_vanished, teardown);
  g_test_add ("/fault/shrunk", Fixture, NULL, setup, test_shrunk, teardown);
  return g_test_run ();
}
