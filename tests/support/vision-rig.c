/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opens vision models in tests and compares streamed with resident output.
 */
#include "tests/support/vision-rig.h"
#include "tests/support/options.h"

#include <string.h>

char *
vision_fixture (const char *model, const char *file)
{
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "data", model, file, NULL);
}

char *
vision_shared (const char *name)
{
  const char *data = g_getenv ("PIPELOAD_DATA");
  g_autofree char *sibling = g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "..", "shared", "data", NULL);
  char *path = g_build_filename (data != NULL ? data : sibling, name, NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    g_clear_pointer (&path, g_free);
  return path;
}

PldVision *
vision_open (const char *path, guint64 limit, guint loaders, guint threads, guint batch, const char *input_size)
{
  g_autoptr (GError) error = NULL;
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path, .engine.memory_limit = limit,
                                             .engine.loaders = loaders, .engine.threads = threads, .batch = batch);
  PldVision *vision;

  g_assert_true (input_size == NULL
                 || pld_input_size_parse (input_size, &options.input_width, &options.input_height, NULL));
  vision = pld_vision_open (&options, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (vision);
  return vision;
}

char *
vision_pixels_size (const Npy *pixels)
{
  const gsize *end = pixels->dims + pixels->n_dims;

  return pixels->n_dims >= 3 ? g_strdup_printf ("%" G_GSIZE_FORMAT "x%" G_GSIZE_FORMAT, end[-1], end[-2]) : NULL;
}

float *
vision_run_pixels (PldVision *vision, const Npy *pixels, guint n)
{
  g_autoptr (GError) error = NULL;
  const PldVisionInfo *info = pld_vision_get_info (vision);
  const gsize size = (gsize) 3 * info->input_width * info->input_height;
  g_autofree float *values = g_new (float, size);
  float *logits = g_new0 (float, n * info->n_values);

  g_assert_cmpuint (pixels->n, >=, n * size);
  for (guint i = 0; i < n; i++)
    {
      for (gsize j = 0; j < size; j++)
        values[j] = (float) pixels->values[i * size + j];
      pld_vision_load_pixels (vision, i, values, &error);
      g_assert_no_error (error);
    }
  pld_vision_run (vision, n, logits, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return logits;
}

static guint64
minimum_limit (const char *path, const char *size)
{
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path, .engine.threads = 2);
  g_autoptr (GError) error = NULL;
  g_autoptr (PldPlanInfo) plan = NULL;

  g_assert_true (size == NULL || pld_input_size_parse (size, &options.input_width, &options.input_height, NULL));
  plan = pld_model_plan (&options.engine, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (plan->minimum_limit, >, 0);
  return plan->minimum_limit;
}

/* Float pictures take more than the planned byte pictures do. */
static guint64
pixels_bytes (const char *path, const char *size)
{
  PldVision *vision = vision_open (path, 0, 0, 2, 1, size);
  const PldVisionInfo *info = pld_vision_get_info (vision);
  guint64 bytes = (guint64) info->input_width * info->input_height * 12 + 4096;

  g_clear_pointer (&vision, pld_vision_close);
  return bytes;
}

static void
check_streamed (const char *path, guint64 limit, guint loaders, const Npy *pixels, const float *resident)
{
  g_autofree char *size = vision_pixels_size (pixels);
  PldVision *vision = vision_open (path, limit, loaders, 2, 1, size);
  guint n_values = pld_vision_get_info (vision)->n_values;
  PldStats stats;

  /* Several passes: the first fills the pinned set, later ones live on the ring across the tape's end. */
  for (guint pass = 0; pass < 3; pass++)
    {
      g_autofree float *logits = vision_run_pixels (vision, pixels, 1);

      if (memcmp (logits, resident, n_values * sizeof (float)) != 0)
        g_error ("pass %u under %" G_GUINT64_FORMAT " bytes with %u loaders differs from the resident run", pass, limit,
                 loaders);
    }
  pld_handle_get_stats (PLD_HANDLE (vision), &stats);
  g_assert_cmpuint (stats.engine_peak, <=, limit);
  g_assert_cmpuint (stats.memory_limit, ==, limit);
  g_assert_cmpuint (stats.passes, ==, 3);
  if (g_strcmp0 (g_getenv ("PIPELOAD_DIRECT_IO"), "0") == 0)
    g_assert_false (stats.direct_io);
  g_clear_pointer (&vision, pld_vision_close);
}

void
vision_sweep (const char *model, const Npy *pixels, guint n_limits)
{
  static const guint loaders[] = { 1, 2, 4 };
  g_autofree char *size = vision_pixels_size (pixels);
  guint64 least = minimum_limit (model, size) + pixels_bytes (model, size), most;
  PldVision *vision = vision_open (model, 0, 0, 2, 1, size);
  g_autofree float *resident = vision_run_pixels (vision, pixels, 1);
  PldStats stats;

  pld_handle_get_stats (PLD_HANDLE (vision), &stats);
  most = stats.engine_peak + 65536;
  g_clear_pointer (&vision, pld_vision_close);
  for (guint i = 0; i < n_limits; i++)
    for (guint j = 0; j < G_N_ELEMENTS (loaders); j++)
      check_streamed (model, least + (most - least) * i / (n_limits - 1), loaders[j], pixels, resident);
}
