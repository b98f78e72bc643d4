/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ViT against PyTorch's logits in double precision, and the project's main guarantee: streamed output equals resident
 * output, byte for byte.
 */
#include <math.h>
#include <string.h>

#include "tests/support/vision-rig.h"
#include "tests/support/options.h"

static void
assert_close (const float *got, const Npy *want, double tolerance)
{
  double largest = 0;

  for (gsize i = 0; i < want->n; i++)
    largest = fmax (largest, fabs (want->values[i]));
  for (gsize i = 0; i < want->n; i++)
    {
      if (!(fabs (got[i] - want->values[i]) <= tolerance * largest))
        g_error ("logit %" G_GSIZE_FORMAT " is %.9g, wanted %.9g, within %.3g", i, got[i], want->values[i],
                 tolerance * largest);
    }
}

static void
check_logits (const char *folder, double tolerance)
{
  g_autofree char *pixels_path = g_build_filename (folder, "pixel_values.npy", NULL);
  g_autofree char *logits_path = g_build_filename (folder, "logits.npy", NULL);
  g_autoptr (Npy) pixels = npy_read (pixels_path);
  g_autoptr (Npy) want = npy_read (logits_path);
  guint n = pixels->n_dims == 4 ? (guint) pixels->dims[0] : 1;
  PldVision *vision = vision_open (folder, 0, 0, 0, n, NULL);
  g_autofree float *got = NULL;

  g_assert_cmpuint (pld_vision_get_info (vision)->n_classes * n, ==, want->n);
  got = vision_run_pixels (vision, pixels, n);
  assert_close (got, want, tolerance);
  g_clear_pointer (&vision, pld_vision_close);
}

/* f32 sums in another order than PyTorch's differ by some 1e-6; files in half precision are widened exactly, so they
 * are as close. */
static void
test_logits_f32 (void)
{
  g_autofree char *folder = vision_fixture ("vit-random", NULL);

  check_logits (folder, 1e-4);
}

static void
test_logits_f16 (void)
{
  g_autofree char *folder = vision_fixture ("vit-random-f16", NULL);

  check_logits (folder, 1e-4);
}

static void
test_logits_bf16 (void)
{
  g_autofree char *folder = vision_fixture ("vit-random-bf16-p8", NULL);

  check_logits (folder, 1e-4);
}

static void
test_logits_trained (void)
{
  g_autofree char *folder = vision_shared ("models/vit-tiny-tinyimagenet");

  if (folder == NULL)
    g_test_skip ("vit-tiny-tinyimagenet is not there");
  else
    check_logits (folder, 1e-4);
}

/* The position embeddings of vit-random interpolated to another size: pictures and logits made by make-golden.py. */
static void
test_interpolated (void)
{
  static const guint sizes[] = { 80, 32 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *folder = vision_fixture ("vit-random", NULL);
      g_autofree char *pixels_name = g_strdup_printf ("pixel_values_%u.npy", sizes[i]);
      g_autofree char *logits_name = g_strdup_printf ("logits_%u.npy", sizes[i]);
      g_autofree char *pixels_path = vision_fixture ("vit-random", pixels_name);
      g_autofree char *logits_path = vision_fixture ("vit-random", logits_name);
      g_autoptr (Npy) pixels = npy_read (pixels_path);
      g_autoptr (Npy) want = npy_read (logits_path);
      g_autofree char *size = vision_pixels_size (pixels);
      PldVision *vision = vision_open (folder, 0, 0, 0, 1, size);
      g_autofree float *got = vision_run_pixels (vision, pixels, 1);

      assert_close (got, want, 1e-4);
      g_clear_pointer (&vision, pld_vision_close);
    }
}

/* ---- streamed equals resident -------------------------------------------------------------- */

static void
sweep_folder (const char *folder, guint n_limits)
{
  g_autofree char *path = g_build_filename (folder, "pixel_values.npy", NULL);
  g_autoptr (Npy) pixels = npy_read (path);

  vision_sweep (folder, pixels, n_limits);
}

static void
test_streamed (gconstpointer model)
{
  g_autofree char *folder = vision_fixture (model, NULL);

  sweep_folder (folder, 12);
}

static void
test_streamed_trained (void)
{
  g_autofree char *folder = vision_shared ("models/vit-tiny-tinyimagenet");

  if (folder == NULL)
    g_test_skip ("vit-tiny-tinyimagenet is not there");
  else
    sweep_folder (folder, 6);
}

/* A limit below the smallest is refused; the one named works. */
static void
test_limit_too_small (void)
{
  g_autofree char *folder = vision_fixture ("vit-random", NULL);
  g_autoptr (GError) error = NULL;
  PldVisionOptions options = VISION_OPTIONS (.engine.model = folder, .engine.memory_limit = 1000);
  guint64 named = 0;
  char *words;

  g_assert_null (pld_vision_open (&options, NULL, NULL, NULL, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, folder));
  words = strstr (error->message, "works is ");
  g_assert_nonnull (words);
  g_assert_true (pld_size_parse (words + strlen ("works is "), &named, NULL));
  options.engine.memory_limit = named;
  {
    PldVision *vision = pld_vision_open (&options, NULL, NULL, NULL, NULL);

    g_assert_nonnull (vision);
    g_clear_pointer (&vision, pld_vision_close);
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
