/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The bundled person detector: what its head says, against PyTorch in double precision (data/person-detector.json);
 * which boxes follow from that, against its reference in Python; and streamed equals resident.
 */
#include <json-glib/json-glib.h>
#include <math.h>

#include "tests/support/figures.h"
#include "tests/support/model-bytes.h"
#include "tests/support/vision-rig.h"

#define WIDE 512
#define HIGH 384
#define COLUMNS (WIDE / 16)
#define PATCHES (COLUMNS * HIGH / 16)
#define CELLS (4 * PATCHES)

static char *
bundled (void)
{
  return g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "models", "bundled", "person-detector", NULL);
}

static JsonNode *
golden (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "data", "person-detector.json", NULL);
  g_autofree char *text = NULL;
  JsonNode *node;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  node = json_from_string (text, NULL);
  g_assert_nonnull (node);
  return node;
}

/* As make-person-detector.py makes it. */
static void
load_pattern (PldVision *vision)
{
  g_autofree guint8 *rgb = g_malloc (WIDE * HIGH * 3);
  PldImage image = { .kind = PLD_IMAGE_RGB, .width = WIDE, .height = HIGH };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < WIDE * HIGH * 3; i++)
    {
      const guint c = i % 3, x = i / 3 % WIDE, y = i / 3 / WIDE;

      rgb[i] = (guint8) (3 * x + 5 * y + 40 * c + x * y / 64);
    }
  for (guint c = 0; c < 3; c++)
    *pld_image_plane (&image, c) = (PldPlane) { rgb + c, WIDE * 3, 3, WIDE, HIGH };
  pld_vision_load_image (vision, 0, &image, &error);
  g_assert_no_error (error);
}

/* Cells of the golden file are counted row by row of the picture; the head's, patch by patch. */
static guint
head_cell (guint cell)
{
  const guint line = cell / (2 * COLUMNS), column = cell % (2 * COLUMNS);

  return 4 * (line / 2 * COLUMNS + column / 2) + line % 2 * 2 + column % 2;
}

static void
test_head (void)
{
  g_autofree char *path = bundled ();
  g_autoptr (JsonNode) node = golden ();
  JsonArray *pattern = json_object_get_array_member (json_node_get_object (node), "pattern");
  PldVision *vision = vision_open (path, 0, 0, 0, 1, NULL);
  const PldVisionInfo *info = pld_vision_get_info (vision);
  g_autofree float *values = g_new (float, CELLS * 5);
  g_autoptr (GError) error = NULL;

  g_assert_true (info->detector);
  g_assert_cmpuint (info->n_values, ==, CELLS * 5);
  g_assert_cmpuint (info->n_classes, ==, 1);
  g_assert_cmpstr (info->labels[0], ==, "person");
  g_assert_cmpfloat_with_epsilon (info->threshold,
                                  json_object_get_double_member (json_node_get_object (node), "threshold"), 1e-6);
  load_pattern (vision);
  g_assert_true (pld_vision_run (vision, 1, values, NULL, NULL, NULL, &error));
  g_assert_cmpuint (json_array_get_length (pattern), >, 20);
  for (guint i = 0; i < json_array_get_length (pattern); i++)
    {
      JsonObject *cell = json_array_get_object_element (pattern, i);
      JsonArray *head = json_object_get_array_member (cell, "head");
      const float *got = values + 5 * head_cell ((guint) json_object_get_int_member (cell, "cell"));

      /* Values reach 7; the file has five digits. */
      for (guint j = 0; j < 5; j++)
        g_assert_cmpfloat_with_epsilon (got[j], json_array_get_double_element (head, j), 7e-4);
    }
  g_clear_pointer (&vision, pld_vision_close);
}

/* ---- boxes --------------------------------------------------------------------------------- */

static void
load_figures (PldVision *vision)
{
  g_autofree guint8 *rgb = g_malloc (WIDE * HIGH * 3);
  PldImage image = { .kind = PLD_IMAGE_RGB, .width = WIDE, .height = HIGH };
  g_autoptr (GError) error = NULL;

  figures_draw (rgb);
  for (guint c = 0; c < 3; c++)
    *pld_image_plane (&image, c) = (PldPlane) { rgb + c, WIDE * 3, 3, WIDE, HIGH };
  pld_vision_load_image (vision, 0, &image, &error);
  g_assert_no_error (error);
}

/* All boxes from a score of 0.05 on, as Python decodes and suppresses them. */
static void
test_boxes (void)
{
  g_autofree char *path = bundled ();
  g_autoptr (JsonNode) node = golden ();
  JsonArray *want = json_object_get_array_member (json_node_get_object (node), "figures");
  PldVision *vision = vision_open (path, 0, 0, 0, 1, NULL);
  g_autofree PldObject *got = g_new0 (PldObject, pld_vision_get_info (vision)->max_objects);
  guint n = 0, sure = 0;

  load_figures (vision);
  g_assert_true (pld_vision_run (vision, 1, NULL, got, &n, NULL, NULL));
  g_assert_cmpuint (n, ==, json_array_get_length (want));
  for (guint i = 0; i < n; i++)
    {
      JsonObject *person = json_array_get_object_element (want, i);
      JsonArray *box = json_object_get_array_member (person, "box");
      const float sides[] = { got[i].x_min, got[i].y_min, got[i].x_max, got[i].y_max };

      g_assert_cmpstr (got[i].label, ==, "person");
      g_assert_cmpfloat_with_epsilon (got[i].confidence, json_object_get_double_member (person, "score"), 1e-3);
      for (guint j = 0; j < 4; j++)
        g_assert_cmpfloat_with_epsilon (sides[j], json_array_get_double_element (box, j), 1e-3);
      sure += got[i].confidence >= pld_vision_get_info (vision)->threshold;
    }
  g_assert_cmpuint (sure, ==, FIGURES);
  g_clear_pointer (&vision, pld_vision_close);
}

/* ---- streaming ----------------------------------------------------------------------------- */

static void
test_streamed (void)
{
  g_autofree char *path = bundled ();
  Npy pixels = { .n = WIDE * HIGH * 3 };

  pixels.values = g_new (double, pixels.n);
  for (gsize i = 0; i < pixels.n; i++)
    pixels.values[i] = (double) (i * 37 % 251) / 125 - 1;
  vision_sweep (path, &pixels, 4);
  g_free (pixels.values);
}

/* ---- GGUF ---------------------------------------------------------------------------------- */

static void
quantize (const char *type, const char *out)
{
  g_autofree char *folder = bundled ();
  g_autoptr (GError) error = NULL;

  pld_model_quantize (folder, type, out, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* Runs @path on the figures. Returns: the number of objects */
static guint
look (const char *path, float *values, PldObject *objects, PldVisionInfo *info)
{
  PldVision *vision = vision_open (path, 0, 0, 2, 1, NULL);
  guint n = 0;

  *info = *pld_vision_get_info (vision);
  g_assert_cmpuint (info->n_values, ==, CELLS * 5);
  g_assert_cmpuint (info->max_objects, ==, 300);
  g_assert_cmpstr (info->labels[0], ==, "person");
  load_figures (vision);
  g_assert_true (pld_vision_run (vision, 1, values, objects, &n, NULL, NULL));
  g_clear_pointer (&vision, pld_vision_close);
  return n;
}

/* The folder's weights are F16, so they are the same in a file of F16, to the last bit. */
static void
test_gguf_same (void)
{
  g_autofree char *folder = bundled (), *tmp = g_dir_make_tmp ("pipeload-XXXXXX", NULL),
                  *path = g_build_filename (tmp, "detector.gguf", NULL);
  g_autofree float *want = g_new (float, CELLS * 5), *got = g_new (float, CELLS * 5);
  PldObject objects[300], again[300];
  PldVisionInfo a, b;
  guint n, n_again;

  quantize ("f16", path);
  n = look (folder, want, objects, &a);
  n_again = look (path, got, again, &b);
  g_assert_cmpmem (got, CELLS * 5 * sizeof (float), want, CELLS * 5 * sizeof (float));
  g_assert_cmpuint (n, >=, FIGURES);
  g_assert_cmpuint (n_again, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpmem (&again[i].confidence, 5 * sizeof (float), &objects[i].confidence, 5 * sizeof (float));
  g_assert_true (b.detector);
  g_assert_cmpstr (b.architecture, ==, a.architecture);
  g_assert_cmpfloat (b.threshold, ==, a.threshold);
  g_assert_cmpuint (b.input_width, ==, a.input_width);
  g_assert_cmpuint (b.input_height, ==, a.input_height);
  remove_folder (tmp);
}

/* In blocks of 8 bits every figure is still found, where it was. */
static void
test_gguf_blocks (void)
{
  g_autofree char *folder = bundled (), *tmp = g_dir_make_tmp ("pipeload-XXXXXX", NULL),
                  *path = g_build_filename (tmp, "detector.gguf", NULL);
  g_autofree float *values = g_new (float, CELLS * 5);
  PldObject objects[300], again[300];
  PldVisionInfo info;
  guint n_again;

  quantize ("q8_0", path);
  look (folder, values, objects, &info);
  n_again = look (path, values, again, &info);
  for (guint i = 0; i < n_again; i++)
    g_assert_true ((again[i].confidence >= info.threshold) == (i < FIGURES));
  for (guint i = 0; i < FIGURES; i++)
    {
      guint j = 0;

      while (j < FIGURES
             && (fabsf (again[j].x_min - objects[i].x_min) > 0.01f || fabsf (again[j].y_min - objects[i].y_min) > 0.01f
                 || fabsf (again[j].x_max - objects[i].x_max) > 0.01f
                 || fabsf (again[j].y_max - objects[i].y_max) > 0.01f))
        j++;
      g_assert_cmpuint (j, <, FIGURES);
      g_assert_cmpfloat_with_epsilon (again[j].confidence, objects[i].confidence, 0.03);
    }
  remove_folder (tmp);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/detector/head", test_head);
  g_test_add_func ("/detector/boxes", test_boxes);
  g_test_add_func ("/detector/streamed", test_streamed);
  g_test_add_func ("/detector/gguf/same", test_gguf_same);
  g_test_add_func ("/detector/gguf/blocks", test_gguf_blocks);
  return g_test_run ();
}
