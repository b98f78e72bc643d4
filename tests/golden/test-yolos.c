/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * YOLOS against PyTorch's logits and boxes in double precision, at sizes that the position embeddings are interpolated
 * to; streamed equals resident; and what follows from logits and boxes, against a plain account of it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/model-bytes.h"
#include "tests/support/vision-rig.h"
#include "tests/support/options.h"

/* Floats of a detection token: logits, one of them for no object, and a box. */
static guint
token_values (const PldVisionInfo *info)
{
  return info->n_classes + 1 + 4;
}

static Npy *
read_fixture (const char *model, const char *file)
{
  g_autofree char *path = vision_fixture (model, file);

  return npy_read (path);
}

static PldVision *
open_for (const char *path, const Npy *pixels, guint batch)
{
  g_autofree char *size = vision_pixels_size (pixels);

  return vision_open (path, 0, 0, 2, batch, size);
}

/* ---- PyTorch ------------------------------------------------------------------------------- */

/* @want, [tokens, n], against the columns of @values, [tokens, @stride], from its first on. */
static void
assert_columns (const float *values, guint stride, const Npy *want, const char *what)
{
  const gsize n = want->dims[1];
  double largest = 0, worst = 0;

  for (gsize i = 0; i < want->n; i++)
    largest = fmax (largest, fabs (want->values[i]));
  for (gsize i = 0; i < want->n; i++)
    {
      const double off = fabs (values[i / n * stride + i % n] - want->values[i]);

      g_assert_false (isnan (off));
      worst = fmax (worst, off / largest);
    }
  g_test_message ("%s: %.2e of the largest", what, worst);
  g_assert_cmpfloat (worst, <=, 1e-4);
}

static void
test_golden (gconstpointer model)
{
  g_autofree char *path = vision_fixture (model, NULL);
  g_autoptr (Npy) pixels = read_fixture (model, "pixel_values.npy");
  g_autoptr (Npy) logits = read_fixture (model, "logits.npy");
  g_autoptr (Npy) boxes = read_fixture (model, "pred_boxes.npy");
  PldVision *vision = open_for (path, pixels, 1);
  const PldVisionInfo *info = pld_vision_get_info (vision);
  g_autofree float *got = vision_run_pixels (vision, pixels, 1);

  g_assert_cmpstr (info->architecture, ==, "yolos");
  g_assert_true (info->detector);
  g_assert_cmpuint (info->n_classes + 1, ==, logits->dims[1]);
  g_assert_cmpstr (info->labels[1], ==, "person");
  g_assert_cmpuint (info->n_values, ==, logits->dims[0] * token_values (info));
  g_assert_cmpuint (info->max_objects, ==, logits->dims[0]);
  assert_columns (got, token_values (info), logits, "logits");
  assert_columns (got + logits->dims[1], token_values (info), boxes, "boxes");
  g_clear_pointer (&vision, pld_vision_close);
}

/* ---- the same bits ------------------------------------------------------------------------- */

static void
test_streamed (gconstpointer model)
{
  g_autofree char *path = vision_fixture (model, NULL);
  g_autoptr (Npy) pixels = read_fixture (model, "pixel_values.npy");

  vision_sweep (path, pixels, 12);
}

/* The same where position embeddings are larger than a tile, so that limits cut them differently, also among those that
 * an edge of the grid is made of. */
static void
test_streamed_large (void)
{
  g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL),
                  *path = g_build_filename (folder, "yolos.gguf", NULL);
  Npy pixels = { .n_dims = 3, .dims = { 3, 320, 480 }, .n = 3 * 320 * 480 };
  g_autoptr (GError) error = NULL;

  pld_model_synth ("yolos-tiny", "f32", NULL, 3, path, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  pixels.values = g_new (double, pixels.n);
  for (gsize i = 0; i < pixels.n; i++)
    pixels.values[i] = (double) (i * 37 % 251) / 125 - 1;
  vision_sweep (path, &pixels, 2);
  g_free (pixels.values);
  remove_folder (folder);
}

/* A picture's result does not depend on those beside it. */
static void
test_batch (gconstpointer model)
{
  g_autofree char *path = vision_fixture (model, NULL);
  g_autoptr (Npy) pixels = read_fixture (model, "pixel_values.npy"), three = g_new0 (Npy, 1);
  PldVision *alone = open_for (path, pixels, 1), *together = open_for (path, pixels, 3);
  const guint n_values = pld_vision_get_info (alone)->n_values;
  g_autofree float *got = NULL;

  three->n = 3 * pixels->n;
  three->values = g_new (double, three->n);
  for (gsize i = 0; i < three->n; i++)
    three->values[i] = pixels->values[(i * (1 + i / pixels->n)) % pixels->n];
  got = vision_run_pixels (together, three, 3);
  for (guint i = 0; i < 3; i++)
    {
      Npy one = { .n = pixels->n, .values = three->values + i * pixels->n };
      g_autofree float *want = vision_run_pixels (alone, &one, 1);

      g_assert_cmpmem (got + i * n_values, n_values * sizeof (float), want, n_values * sizeof (float));
    }
  g_assert_cmpint (memcmp (got, got + n_values, n_values * sizeof (float)), !=, 0);
  g_clear_pointer (&alone, pld_vision_close);
  g_clear_pointer (&together, pld_vision_close);
}

/* ---- objects ------------------------------------------------------------------------------- */

typedef struct
{
  guint label;
  double confidence, box[4];
} Seen;

static int
compare_seen (const void *a, const void *b)
{
  const Seen *p = a, *q = b;

  return p->confidence > q->confidence ? -1 : p->confidence < q->confidence;
}

/* Hugging Face's post_process_object_detection: softmax, the best class but "no object", corners. */
static Seen
look (const float *values, guint n_classes)
{
  const float *box = values + n_classes + 1;
  Seen seen = { .box = { box[0] - box[2] / 2, box[1] - box[3] / 2, box[0] + box[2] / 2, box[1] + box[3] / 2 } };
  double sum = 0;

  for (guint c = 0; c <= n_classes; c++)
    sum += exp (values[c]);
  for (guint c = 0; c < n_classes; c++)
    if (exp (values[c]) / sum > seen.confidence)
      {
        seen.label = c;
        seen.confidence = exp (values[c]) / sum;
      }
  for (guint i = 0; i < 4; i++)
    seen.box[i] = fmin (fmax (seen.box[i], 0), 1);
  return seen;
}

static void
test_objects (gconstpointer model)
{
  g_autofree char *path = vision_fixture (model, NULL);
  g_autoptr (Npy) pixels = read_fixture (model, "pixel_values.npy");
  PldVision *vision = open_for (path, pixels, 1);
  const PldVisionInfo *info = pld_vision_get_info (vision);
  const guint tokens = info->max_objects;
  g_autofree float *values = vision_run_pixels (vision, pixels, 1);
  g_autofree PldObject *objects = g_new0 (PldObject, tokens);
  g_autofree Seen *want = g_new0 (Seen, tokens);
  guint n, clamped = 0;

  for (guint t = 0; t < tokens; t++)
    want[t] = look (values + t * token_values (info), info->n_classes);
  qsort (want, tokens, sizeof *want, compare_seen);
  g_assert_true (pld_vision_run (vision, 1, NULL, objects, &n, NULL, NULL));
  g_assert_cmpuint (n, ==, tokens);
  for (guint i = 0; i < n; i++)
    {
      const float got[] = { objects[i].x_min, objects[i].y_min, objects[i].x_max, objects[i].y_max };

      g_assert_cmpuint (objects[i].label_id, ==, want[i].label);
      g_assert_cmpstr (objects[i].label, ==, info->labels[want[i].label]);
      g_assert_cmpfloat_with_epsilon (objects[i].confidence, want[i].confidence, 1e-6);
      for (guint j = 0; j < 4; j++)
        {
          g_assert_cmpfloat_with_epsilon (got[j], want[i].box[j], 1e-6);
          clamped += got[j] == 0 || got[j] == 1;
        }
    }
  g_assert_cmpuint (clamped, >, 0);
  g_assert_cmpfloat (info->threshold, ==, 0.5f);
  g_clear_pointer (&vision, pld_vision_close);
}

/* ---- size ---------------------------------------------------------------------------------- */

/* A folder with the model and @preprocessing, (nullable): none. */
static void
make_folder (const char *folder, const char *preprocessing)
{
  static const char *const files[] = { "config.json", "model.safetensors" };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *from = vision_fixture ("yolos-random", files[i]),
                      *to = g_build_filename (folder, files[i], NULL);
      g_autofree char *bytes = NULL;
      gsize n;

      g_assert_true (g_file_get_contents (from, &bytes, &n, NULL));
      g_assert_true (g_file_set_contents (to, bytes, (gssize) n, NULL));
    }
  if (preprocessing != NULL)
    g_free (text_save (preprocessing, folder, "preprocessor_config.json"));
}

static void
test_size (void)
{
  static const struct
  {
    const char *preprocessing, *asked;
    guint width, height;
  } cases[] = {
    { NULL, NULL, 112, 80 },
    /* YolosImageProcessor's own edges: 800 and 1333. */
    { "{}", NULL, 1328, 736 },
    { "{\"size\": null, \"max_size\": null}", NULL, 1328, 736 },
    { "{\"image_processor_type\": \"ViTImageProcessor\"}", NULL, 112, 80 },
    { "{\"size\": {\"height\": 48, \"width\": 96}}", NULL, 96, 48 },
    { "{\"size\": {\"height\": 50, \"width\": 111}}", NULL, 96, 48 },
    /* The size to which Hugging Face scales a picture of 16 : 9. */
    { "{\"size\": {\"shortest_edge\": 64, \"longest_edge\": 1333}}", NULL, 112, 64 },
    { "{\"size\": {\"shortest_edge\": 512, \"longest_edge\": 1333}}", NULL, 896, 512 },
    { "{\"size\": {\"shortest_edge\": 800, \"longest_edge\": 1333}}", NULL, 1328, 736 },
    { "{\"size\": 800, \"max_size\": 1333}", NULL, 1328, 736 },
    { "{\"size\": {\"shortest_edge\": 64, \"longest_edge\": 1333}}", "96x80", 96, 80 },
    { "{\"size\": {\"shortest_edge\": 64, \"longest_edge\": 1333}}", "100x95", 96, 80 },
    { "{\"size\": \"of a cat\"}", "100x95", 96, 80 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
      PldVision *vision;

      make_folder (folder, cases[i].preprocessing);
      vision = vision_open (folder, 0, 0, 2, 1, cases[i].asked);
      g_assert_cmpuint (pld_vision_get_info (vision)->input_width, ==, cases[i].width);
      g_assert_cmpuint (pld_vision_get_info (vision)->input_height, ==, cases[i].height);
      g_clear_pointer (&vision, pld_vision_close);
      remove_folder (folder);
    }
}

static void
test_size_fails (void)
{
  static const char *const cases[]
      = { "{\"size\": \"of a cat\"}", "{\"size\": {\"shortest_edge\": 4, \"longest_edge\": 8}}",
          "{\"size\": [1, 2, 3]}", "{\"size\": {\"shortest_edge\": 60000, \"longest_edge\": 60000}}" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
      PldVisionOptions options = VISION_OPTIONS (.engine.model = folder);
      g_autoptr (GError) error = NULL;

      make_folder (folder, cases[i]);
      g_assert_null (pld_vision_open (&options, NULL, NULL, NULL, &error));
      g_assert_cmpint (error->domain, ==, (gint) PLD_ERROR);
      g_assert_nonnull (strstr (error->message, folder));
      g_assert_true (strstr (error->message, "\"size\"") != NULL || strstr (error->message, "pixels") != NULL);
      remove_folder (folder);
    }
}

/* ---- GGUF ---------------------------------------------------------------------------------- */

static void
quantize (const char *model, const char *type, const char *out)
{
  g_autoptr (GError) error = NULL;

  pld_model_quantize (model, type, out, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

static float *
values_of (const char *path, const Npy *pixels, guint *n_values)
{
  PldVision *vision = open_for (path, pixels, 1);
  float *values = vision_run_pixels (vision, pixels, 1);

  *n_values = pld_vision_get_info (vision)->n_values;
  g_clear_pointer (&vision, pld_vision_close);
  return values;
}

/* The same weights in another file are the same model, to the last bit; and from there into a third file, the same
 * bytes. */
static void
test_gguf_same (gconstpointer model)
{
  g_autofree char *folder = vision_fixture (model, NULL), *tmp = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (tmp, "model.gguf", NULL),
                  *again = g_build_filename (tmp, "again.gguf", NULL);
  g_autoptr (Npy) pixels = read_fixture (model, "pixel_values.npy");
  guint n, n_gguf;
  g_autofree float *want = values_of (folder, pixels, &n), *got = NULL;
  g_autofree char *first = NULL, *second = NULL;
  gsize n_first, n_second;
  PldVision *a, *b;

  quantize (folder, "f32", path);
  got = values_of (path, pixels, &n_gguf);
  g_assert_cmpmem (got, n_gguf * sizeof (float), want, n * sizeof (float));
  quantize (path, "f32", again);
  g_assert_true (g_file_get_contents (path, &first, &n_first, NULL));
  g_assert_true (g_file_get_contents (again, &second, &n_second, NULL));
  g_assert_cmpmem (first, n_first, second, n_second);
  a = vision_open (folder, 0, 0, 2, 1, NULL);
  b = vision_open (path, 0, 0, 2, 1, NULL);
  g_assert_cmpuint (pld_vision_get_info (a)->input_width, ==, pld_vision_get_info (b)->input_width);
  g_assert_cmpuint (pld_vision_get_info (a)->input_height, ==, pld_vision_get_info (b)->input_height);
  for (guint i = 0; i < pld_vision_get_info (a)->n_classes; i++)
    g_assert_cmpstr (pld_vision_get_info (a)->labels[i], ==, pld_vision_get_info (b)->labels[i]);
  g_clear_pointer (&a, pld_vision_close);
  g_clear_pointer (&b, pld_vision_close);
  remove_folder (tmp);
}

static double
relative_error (const float *got, const float *want, guint n)
{
  double difference = 0, size = 0;

  for (guint i = 0; i < n; i++)
    {
      difference += ((double) got[i] - want[i]) * ((double) got[i] - want[i]);
      size += (double) want[i] * want[i];
    }
  return sqrt (difference / size);
}

/* In fewer bits close, and what is streamed of that the same as what is resident. */
static void
test_gguf_types (gconstpointer model)
{
  static const struct
  {
    const char *type;
    double most; /* about twice what was measured */
  } types[] = { { "f16", 1e-3 }, { "bf16", 8e-3 }, { "q8_0", 3.5e-2 }, { "q4_0", 0.25 } };
  g_autofree char *folder = vision_fixture (model, NULL), *tmp = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (tmp, "model.gguf", NULL);
  g_autoptr (Npy) pixels = read_fixture (model, "pixel_values.npy");
  guint n;
  g_autofree float *want = values_of (folder, pixels, &n);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree float *got = NULL;
      double error;

      quantize (folder, types[i].type, path);
      got = values_of (path, pixels, &n);
      error = relative_error (got, want, n);
      g_test_message ("%s: %.2e", types[i].type, error);
      g_assert_cmpfloat (error, >, 0);
      g_assert_cmpfloat (error, <=, types[i].most);
      if (strcmp (types[i].type, "q8_0") == 0)
        vision_sweep (path, pixels, 6);
    }
  remove_folder (tmp);
}

#define ADD_ALL(name, function)                                                                                        \
  g_test_add_data_func ("/yolos/" name "/mid", "yolos-random", function);                                              \
  g_test_add_data_func ("/yolos/" name "/plain", "yolos-random-nomid", function);                                      \
  g_test_add_data_func ("/yolos/" name "/odd", "yolos-random-odd", function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD_ALL ("golden", test_golden);
  ADD_ALL ("streamed", test_streamed);
  g_test_add_func ("/yolos/streamed/large", test_streamed_large);
  ADD_ALL ("batch", test_batch);
  ADD_ALL ("objects", test_objects);
  g_test_add_func ("/yolos/size/own", test_size);
  g_test_add_func ("/yolos/size/fails", test_size_fails);
  ADD_ALL ("gguf/same", test_gguf_same);
  ADD_ALL ("gguf/types", test_gguf_types);
  return g_test_run ();
}
