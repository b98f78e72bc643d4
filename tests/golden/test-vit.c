/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ViT against PyTorch's logits in double precision, and the house's first promise: streamed equals resident, byte for byte.
 */
#include <math.h>
#include <string.h>

#include "engine/pipeload.h"
#include "tests/support/npy.h"

static char *
fixture (const char *model, const char *file)
{
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "data", model, file, NULL);
}

/* A model outside of the tree, or NULL. */
static char *
shared_model (const char *name)
{
  const char *data = g_getenv ("PIPELOAD_DATA");
  g_autofree char *beside = g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "..", "shared", "data", NULL);
  char *path = g_build_filename (data != NULL ? data : beside, "models", name, NULL);

  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    g_clear_pointer (&path, g_free);
  return path;
}

static PldVision *
open_model (const char *path, guint64 limit, guint loaders, guint threads, guint batch, guint input_size)
{
  g_autoptr (GError) error = NULL;
  PldVisionOptions options = { .model = path, .memory_limit = limit, .loaders = loaders, .threads = threads, .batch = batch,
                               .input_size = input_size };
  PldVision *vision = pld_vision_open (&options, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (vision);
  return vision;
}

/* Logits [n, n_classes] of all pictures of @pixels, in one pass. */
static float *
run_pixels (PldVision *vision, const Npy *pixels, guint n)
{
  g_autoptr (GError) error = NULL;
  const PldVisionInfo *info = pld_vision_get_info (vision);
  const gsize size = (gsize) 3 * info->input_width * info->input_height;
  g_autofree float *values = g_new (float, size);
  float *logits = g_new0 (float, n * info->n_classes);

  g_assert_cmpuint (pixels->n, >=, n * size);
  for (guint i = 0; i < n; i++)
    {
      for (gsize j = 0; j < size; j++)
        values[j] = (float) pixels->values[i * size + j];
      pld_vision_load_pixels (vision, i, values, &error);
      g_assert_no_error (error);
    }
  pld_vision_run (vision, n, logits, NULL, NULL, &error);
  g_assert_no_error (error);
  return logits;
}

static void
assert_close (const float *got, const Npy *want, double tolerance)
{
  double largest = 0;

  for (gsize i = 0; i < want->n; i++)
    largest = fmax (largest, fabs (want->values[i]));
  for (gsize i = 0; i < want->n; i++)
    {
      if (!(fabs (got[i] - want->values[i]) <= tolerance * largest))
        g_error ("logit %" G_GSIZE_FORMAT " is %.9g, wanted %.9g, within %.3g", i, got[i], want->values[i], tolerance * largest);
    }
}

static void
check_logits (const char *folder, double tolerance, guint input_size)
{
  g_autofree char *pixels_path = g_build_filename (folder, "pixel_values.npy", NULL);
  g_autofree char *logits_path = g_build_filename (folder, "logits.npy", NULL);
  g_autoptr (Npy) pixels = npy_read (pixels_path);
  g_autoptr (Npy) want = npy_read (logits_path);
  guint n = pixels->n_dims == 4 ? (guint) pixels->dims[0] : 1;
  PldVision *vision = open_model (folder, 0, 0, 0, n, input_size);
  g_autofree float *got = NULL;

  g_assert_cmpuint (pld_vision_get_info (vision)->n_classes * n, ==, want->n);
  got = run_pixels (vision, pixels, n);
  assert_close (got, want, tolerance);
  pld_vision_close (&vision);
}

/* f32 sums in another order than PyTorch's differ by some 1e-6; files in half precision are widened exactly, so they are as close. */
static void
test_logits_f32 (void)
{
  g_autofree char *folder = fixture ("vit-random", NULL);

  check_logits (folder, 1e-4, 0);
}

static void
test_logits_f16 (void)
{
  g_autofree char *folder = fixture ("vit-random-f16", NULL);

  check_logits (folder, 1e-4, 0);
}

static void
test_logits_bf16 (void)
{
  g_autofree char *folder = fixture ("vit-random-bf16-p8", NULL);

  check_logits (folder, 1e-4, 0);
}

static void
test_logits_trained (void)
{
  g_autofree char *folder = shared_model ("vit-tiny-tinyimagenet");

  if (folder == NULL)
    g_test_skip ("vit-tiny-tinyimagenet is not there");
  else
    check_logits (folder, 1e-4, 0);
}

/* The position embeddings of vit-random interpolated to another size: pictures and logits made by make-golden.py. */
static void
test_interpolated (void)
{
  static const guint sizes[] = { 80, 32 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *folder = fixture ("vit-random", NULL);
      g_autofree char *pixels_name = g_strdup_printf ("pixel_values_%u.npy", sizes[i]);
      g_autofree char *logits_name = g_strdup_printf ("logits_%u.npy", sizes[i]);
      g_autofree char *pixels_path = fixture ("vit-random", pixels_name);
      g_autofree char *logits_path = fixture ("vit-random", logits_name);
      g_autoptr (Npy) pixels = npy_read (pixels_path);
      g_autoptr (Npy) want = npy_read (logits_path);
      PldVision *vision = open_model (folder, 0, 0, 0, 1, sizes[i]);
      g_autofree float *got = run_pixels (vision, pixels, 1);

      assert_close (got, want, 1e-4);
      pld_vision_close (&vision);
    }
}

/* ---- streamed equals resident -------------------------------------------------------------- */

static guint64
minimum_limit (const char *path)
{
  PldVisionOptions options = { .model = path, .threads = 2 };
  g_autoptr (GError) error = NULL;
  PldPlanInfo plan;

  pld_vision_plan (&options, &plan, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (plan.minimum_limit, >, 0);
  return plan.minimum_limit;
}

/* Float pictures take more than the planned byte pictures do. */
static guint64
pixels_bytes (const char *path)
{
  PldVision *vision = open_model (path, 0, 0, 2, 1, 0);
  const PldVisionInfo *info = pld_vision_get_info (vision);
  guint64 bytes = (guint64) info->input_width * info->input_height * 12 + 4096;

  pld_vision_close (&vision);
  return bytes;
}

static void
check_streamed (const char *path, guint64 limit, guint loaders, const Npy *pixels, const float *resident)
{
  PldVision *vision = open_model (path, limit, loaders, 2, 1, 0);
  guint n_classes = pld_vision_get_info (vision)->n_classes;
  PldStats stats;

  /* Several passes: the first fills the pinned set, later ones live on the ring across the tape's end. */
  for (guint pass = 0; pass < 3; pass++)
    {
      g_autofree float *logits = run_pixels (vision, pixels, 1);

      if (memcmp (logits, resident, n_classes * sizeof (float)) != 0)
        g_error ("pass %u under %" G_GUINT64_FORMAT " bytes with %u loaders differs from the resident run", pass, limit, loaders);
    }
  pld_vision_get_stats (vision, &stats);
  g_assert_cmpuint (stats.engine_peak, <=, limit);
  g_assert_cmpuint (stats.memory_limit, ==, limit);
  g_assert_cmpuint (stats.passes, ==, 3);
  if (g_strcmp0 (g_getenv ("PIPELOAD_DIRECT_IO"), "0") == 0)
    g_assert_false (stats.direct_io);
  pld_vision_close (&vision);
}

static void
sweep (const char *folder, guint n_limits)
{
  static const guint loaders[] = { 1, 2, 4 };
  g_autofree char *pixels_path = g_build_filename (folder, "pixel_values.npy", NULL);
  g_autoptr (Npy) pixels = npy_read (pixels_path);
  guint64 least = minimum_limit (folder) + pixels_bytes (folder), most;
  PldVision *vision = open_model (folder, 0, 0, 2, 1, 0);
  g_autofree float *resident = run_pixels (vision, pixels, 1);
  PldStats stats;

  pld_vision_get_stats (vision, &stats);
  most = stats.engine_peak + 65536;
  pld_vision_close (&vision);
  for (guint i = 0; i < n_limits; i++)
    for (guint j = 0; j < G_N_ELEMENTS (loaders); j++)
      check_streamed (folder, least + (most - least) * i / (n_limits - 1), loaders[j], pixels, resident);
}

static void
test_streamed (gconstpointer model)
{
  g_autofree char *folder = fixture (model, NULL);

  sweep (folder, 12);
}

static void
test_streamed_trained (void)
{
  g_autofree char *folder = shared_model ("vit-tiny-tinyimagenet");

  if (folder == NULL)
    g_test_skip ("vit-tiny-tinyimagenet is not there");
  else
    sweep (folder, 6);
}

/* A limit below the smallest is refused; the one named works. */
static void
test_limit_too_small (void)
{
  g_autofree char *folder = fixture ("vit-random", NULL);
  g_autoptr (GError) error = NULL;
  PldVisionOptions options = { .model = folder, .memory_limit = 1000 };
  guint64 named = 0;
  char *words;

  g_assert_null (pld_vision_open (&options, NULL, NULL, NULL, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, folder));
  words = strstr (error->message, "works is ");
  g_assert_nonnull (words);
  g_assert_true (pld_size_parse (words + strlen ("works is "), &named, NULL));
  options.memory_limit = named;
  {
    PldVision *vision = pld_vision_open (&options, NULL, NULL, NULL, NULL);

    g_assert_nonnull (vision);
    pld_vision_close (&vision);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vit/logits/f32", test_logits_f32);
  g_test_add_func ("/vit/logits/f16", test_logits_f16);
  g_test_add_func ("/vit/logits/bf16", test_logits_bf16);
  g_test_add_func ("/vit/logits/trained", test_logits_trained);
  g_test_add_func ("/vit/logits/interpolated", test_interpolated);
  g_test_add_data_func ("/vit/streamed/f32", "vit-random", test_streamed);
  g_test_add_data_func ("/vit/streamed/f16", "vit-random-f16", test_streamed);
  g_test_add_data_func ("/vit/streamed/bf16", "vit-random-bf16-p8", test_streamed);
  g_test_add_func ("/vit/streamed/trained", test_streamed_trained);
  g_test_add_func ("/vit/limit-too-small", test_limit_too_small);
  return g_test_run ();
}
