/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ViTs as GGUF files: against PyTorch's logits in double precision of files that make-vit-gguf.py wrote, and what
 * pld_model_quantize() writes against the model that it was made of.
 */
#include <math.h>
#include <string.h>

#include "tests/support/model-bytes.h"
#include "tests/support/vision-rig.h"

static double
relative_error (const float *got, const double *want, gsize n)
{
  double difference = 0, size = 0;

  for (gsize i = 0; i < n; i++)
    {
      difference += (got[i] - want[i]) * (got[i] - want[i]);
      size += want[i] * want[i];
    }
  return sqrt (difference / size);
}

static Npy *
random_pixels (void)
{
  g_autofree char *path = vision_fixture ("vit-random", "pixel_values.npy");

  return npy_read (path);
}

/* ---- files of another writer --------------------------------------------------------------- */

static void
check_logits (const char *name, double tolerance)
{
  g_autofree char *file = g_strconcat (name, ".gguf", NULL), *logits_file = g_strdup_printf ("logits_%s.npy", name);
  g_autofree char *path = vision_fixture ("vit-gguf", file), *logits_path = vision_fixture ("vit-gguf", logits_file);
  g_autoptr (Npy) pixels = random_pixels ();
  g_autoptr (Npy) want = npy_read (logits_path);
  PldVision *vision = vision_open (path, 0, 0, 0, 1, NULL);
  g_autofree float *got = vision_run_pixels (vision, pixels, 1);

  g_assert_cmpuint (pld_vision_get_info (vision)->n_classes, ==, want->n);
  g_assert_cmpfloat (relative_error (got, want->values, want->n), <=, tolerance);
  g_clear_pointer (&vision, pld_vision_close);
}

static void
test_plain (void)
{
  check_logits ("plain", 1e-5);
}

/* Activations of 8 bits meet weights in blocks. */
static void
test_blocks (void)
{
  check_logits ("blocks", 2e-2);
}

/* A grey picture without edges, which every filter leaves as it is, against values that are normalised by hand. */
static void
test_preprocessing (void)
{
  static const float mean[] = { 0.4f, 0.5f, 0.6f }, std[] = { 0.2f, 0.3f, 0.25f };
  g_autofree char *path = vision_fixture ("vit-gguf", "plain.gguf");
  g_autoptr (GError) error = NULL;
  PldVision *vision = vision_open (path, 0, 0, 0, 1, NULL);
  const PldVisionInfo *info = pld_vision_get_info (vision);
  const gsize n = (gsize) info->input_width * info->input_height;
  g_autofree float *values = g_new (float, 3 * n);
  g_autofree guint8 *rgb = g_malloc (3 * n);
  PldImage image = { .kind = PLD_IMAGE_RGB, .width = info->input_width, .height = info->input_height };
  float by_hand[7], by_file[7];

  g_assert_cmpuint (info->input_width, ==, 48);
  memset (rgb, 77, 3 * n);
  for (guint c = 0; c < 3; c++)
    {
      *pld_image_plane (&image, c)
          = (PldPlane) { rgb + c, (gssize) info->input_width * 3, 3, info->input_width, info->input_height };
      for (gsize i = 0; i < n; i++)
        values[c * n + i] = (77 / 255.0f - mean[c]) / std[c];
    }
  g_assert_true (pld_vision_load_pixels (vision, 0, values, &error));
  g_assert_true (pld_vision_run (vision, 1, by_hand, NULL, NULL, NULL, &error));
  g_assert_true (pld_vision_load_image (vision, 0, &image, &error));
  g_assert_true (pld_vision_run (vision, 1, by_file, NULL, NULL, NULL, &error));
  for (guint i = 0; i < 7; i++)
    g_assert_cmpfloat_with_epsilon (by_file[i], by_hand[i], 1e-4f);
  g_clear_pointer (&vision, pld_vision_close);
}

static void
test_labels (void)
{
  static const char *const labels[] = { "cat", "dog", "händ", "", "a b", "five", "six" };
  g_autofree char *path = vision_fixture ("vit-gguf", "blocks.gguf");
  PldVision *vision = vision_open (path, 0, 0, 0, 1, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    g_assert_cmpstr (pld_vision_get_info (vision)->labels[i], ==, labels[i]);
  g_clear_pointer (&vision, pld_vision_close);
}

static void
test_streamed (gconstpointer file)
{
  g_autofree char *path = vision_fixture ("vit-gguf", file);
  g_autoptr (Npy) pixels = random_pixels ();

  vision_sweep (path, pixels, 8);
}

/* ---- files of our own ---------------------------------------------------------------------- */

static void
quantize (const char *model, const char *type, const char *out)
{
  g_autoptr (GError) error = NULL;

  pld_model_quantize (model, type, out, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

static float *
logits_of (const char *path, const Npy *pixels)
{
  PldVision *vision = vision_open (path, 0, 0, 2, 1, NULL);
  float *logits = vision_run_pixels (vision, pixels, 1);

  g_clear_pointer (&vision, pld_vision_close);
  return logits;
}

/* The same weights in another file are the same model, to the last bit; and from there into a third file, the same
 * bytes. */
static void
test_same (Scratch *scratch, gconstpointer data)
{
  g_autofree char *folder = vision_fixture ("vit-random", NULL),
                  *again = g_build_filename (scratch->folder, "again.gguf", NULL);
  g_autoptr (Npy) pixels = random_pixels ();
  g_autofree float *want = logits_of (folder, pixels), *got = NULL;
  g_autofree char *first = NULL, *second = NULL;
  gsize n_first, n_second;

  quantize (folder, "f32", scratch->path);
  got = logits_of (scratch->path, pixels);
  g_assert_cmpmem (got, 7 * sizeof (float), want, 7 * sizeof (float));
  quantize (scratch->path, "f32", again);
  g_assert_true (g_file_get_contents (scratch->path, &first, &n_first, NULL));
  g_assert_true (g_file_get_contents (again, &second, &n_second, NULL));
  g_assert_cmpmem (first, n_first, second, n_second);
}

static void
test_types (Scratch *scratch, gconstpointer data)
{
  static const struct
  {
    const char *type;
    double most; /* about twice what was measured */
  } types[] = { { "f16", 1e-3 },  { "bf16", 1e-2 }, { "q8_0", 2e-2 }, { "q6_k", 2e-2 }, { "q5_k", 8e-2 },
                { "q5_1", 8e-2 }, { "q5_0", 1e-1 }, { "q4_k", 1e-1 }, { "q4_1", 2e-1 }, { "q4_0", 2e-1 } };
  g_autofree char *folder = vision_fixture ("vit-random", NULL);
  g_autoptr (Npy) pixels = random_pixels ();
  g_autofree float *want = logits_of (folder, pixels);
  double wide[7];

  for (guint i = 0; i < 7; i++)
    wide[i] = want[i];
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree float *got = NULL;
      double error;

      quantize (folder, types[i].type, scratch->path);
      got = logits_of (scratch->path, pixels);
      error = relative_error (got, wide, 7);
      g_test_message ("%s: %.2e", types[i].type, error);
      g_assert_cmpfloat (error, >, 0);
      g_assert_cmpfloat (error, <=, types[i].most);
    }
}

/* ---- the trained model --------------------------------------------------------------------- */

static guint
best_class (const float *logits, guint n)
{
  guint best = 0;

  for (guint i = 1; i < n; i++)
    if (logits[i] > logits[best])
      best = i;
  return best;
}

static void
run_jpeg (PldVision *vision, const char *path, float *logits)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *bytes = NULL;
  PldImage image = { .kind = PLD_IMAGE_JPEG };

  g_assert_true (g_file_get_contents (path, &bytes, &image.size, NULL));
  image.data = (const guint8 *) bytes;
  pld_vision_load_image (vision, 0, &image, &error);
  g_assert_no_error (error);
  pld_vision_run (vision, 1, logits, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* All pictures of @folder: the relative error of all logits together, and for how many the best class is the same. */
static void
compare (PldVision *a, PldVision *b, const char *folder, double *error, guint *n_same, guint *n_pictures)
{
  const guint n = pld_vision_get_info (a)->n_classes;
  g_autofree float *x = g_new (float, n), *y = g_new (float, n);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  double difference = 0, size = 0;
  const char *name;

  *n_same = *n_pictures = 0;
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      run_jpeg (a, path, x);
      run_jpeg (b, path, y);
      for (guint i = 0; i < n; i++)
        {
          difference += ((double) y[i] - x[i]) * ((double) y[i] - x[i]);
          size += (double) x[i] * x[i];
        }
      *n_same += best_class (x, n) == best_class (y, n);
      ++*n_pictures;
    }
  *error = sqrt (difference / size);
}

static void
test_trained (Scratch *scratch, gconstpointer data)
{
  g_autofree char *folder = vision_shared ("models/vit-tiny-tinyimagenet"),
                  *pictures = vision_shared ("train/coco128/images");
  PldVision *full, *small;
  guint n_same, n_pictures;
  double error;

  if (folder == NULL || pictures == NULL)
    {
      g_test_skip ("vit-tiny-tinyimagenet or coco128 is not there");
      return;
    }
  quantize (folder, "q8_0", scratch->path);
  full = vision_open (folder, 0, 0, 0, 1, NULL);
  small = vision_open (scratch->path, 0, 0, 0, 1, NULL);
  compare (full, small, pictures, &error, &n_same, &n_pictures);
  g_test_message ("q8_0: error %.2e, the same class for %u of %u", error, n_same, n_pictures);
  g_clear_pointer (&full, pld_vision_close);
  g_clear_pointer (&small, pld_vision_close);
  g_assert_cmpuint (n_pictures, ==, 128);
  g_assert_cmpfloat (error, <=, 2.6e-2);
  g_assert_cmpuint (n_same, >=, 121);
}

static void
test_trained_streamed (Scratch *scratch, gconstpointer data)
{
  g_autofree char *folder = vision_shared ("models/vit-tiny-tinyimagenet"), *path = NULL;
  g_autoptr (Npy) pixels = NULL;

  if (folder == NULL)
    {
      g_test_skip ("vit-tiny-tinyimagenet is not there");
      return;
    }
  path = g_build_filename (folder, "pixel_values.npy", NULL);
  pixels = npy_read (path);
  quantize (folder, "q8_0", scratch->path);
  vision_sweep (scratch->path, pixels, 6);
}

static void
set_up (Scratch *scratch, gconstpointer data)
{
  scratch_make (scratch, "model.gguf");
}

#define ADD(path, function) g_test_add (path, Scratch, NULL, set_up, function, scratch_remove)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vit-gguf/plain", test_plain);
  g_test_add_func ("/vit-gguf/blocks", test_blocks);
  g_test_add_func ("/vit-gguf/preprocessing", test_preprocessing);
  g_test_add_func ("/vit-gguf/labels", test_labels);
  g_test_add_data_func ("/vit-gguf/streamed/plain", "plain.gguf", test_streamed);
  g_test_add_data_func ("/vit-gguf/streamed/blocks", "blocks.gguf", test_streamed);
  ADD ("/vit-gguf/quantize/same", test_same);
  ADD ("/vit-gguf/quantize/types", test_types);
  ADD ("/vit-gguf/quantize/trained", test_trained);
  ADD ("/vit-gguf/quantize/trained-streamed", test_trained_streamed);
  return g_test_run ();
}
