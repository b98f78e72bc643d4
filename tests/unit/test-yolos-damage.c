/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * YOLOS models that contradict themselves or are damaged: a clear error that names the file, or a model that runs;
 * never a crash.
 */
#include <math.h>
#include <string.h>

#include "pipeload/pipeload.h"
#include "tests/support/model-bytes.h"
#include "tests/support/options.h"

static const char *const files[] = { "config.json", "preprocessor_config.json", "model.safetensors" };

static char *
fixture (const char *model, const char *file)
{
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "data", model, file, NULL);
}

static GByteArray *
read_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  char *bytes;
  gsize size;

  g_file_get_contents (path, &bytes, &size, &error);
  g_assert_no_error (error);
  return g_byte_array_new_take ((guint8 *) bytes, size);
}

/* The one place where @old is becomes @new. */
static void
replace (GByteArray *bytes, const char *old, const char *new)
{
  guint8 *at = memmem (bytes->data, bytes->len, old, strlen (old));
  const gsize start = at != NULL ? (gsize) (at - bytes->data) : 0;
  g_autofree guint8 *rest = NULL;
  gsize n_rest;

  if (at == NULL)
    g_error ("no %s in the fixture", old);
  n_rest = bytes->len - start - strlen (old);
  rest = g_memdup2 (at + strlen (old), n_rest);
  g_byte_array_set_size (bytes, (guint) start);
  g_byte_array_append (bytes, (const guint8 *) new, (guint) strlen (new));
  g_byte_array_append (bytes, rest, (guint) n_rest);
}

/* A copy of @model with one of its files changed. */
static void
make_changed (const char *model, const char *folder, const char *file, const char *old, const char *new)
{
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *from = fixture (model, files[i]);
      g_autoptr (GByteArray) bytes = read_file (from);

      if (strcmp (files[i], file) == 0)
        replace (bytes, old, new);
      g_free (bytes_save (bytes, folder, files[i]));
    }
}

typedef struct
{
  const char *file, *old, *new, *part;
} Case;

static void
check_refused (const char *model, const Case *c)
{
  g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  PldVisionOptions options = VISION_OPTIONS (.engine.model = folder, .engine.threads = 1);
  GError *error = NULL;
  PldVision *vision;

  make_changed (model, folder, c->file, c->old, c->new);
  vision = pld_vision_open (&options, NULL, NULL, NULL, &error);
  if (vision != NULL)
    g_error ("%s for %s in %s is not refused", c->new, c->old, c->file);
  if (strstr (error->message, folder) == NULL)
    g_error ("\"%s\" does not name the file", error->message);
  assert_pld_error (&error, (PldError) error->code, c->part);
  remove_folder (folder);
}

static void
test_config (void)
{
  static const Case cases[] = {
    { "config.json", "\"num_detection_tokens\": 10", "\"num_detection_tokens\": 0", "\"num_detection_tokens\" is 0" },
    { "config.json", "\"num_detection_tokens\": 10", "\"num_detection_tokens\": 1001", "from 1 to 1000" },
    { "config.json", "\"num_detection_tokens\": 10", "\"num_detection_tokens\": \"ten\"", "num_detection_tokens" },
    { "config.json", "\"num_detection_tokens\": 10", "\"num_detection_tokens\": 11", "detection_tokens" },
    /* Hugging Face's default, 100 */
    { "config.json", "\"num_detection_tokens\": 10,", "", "detection_tokens" },
    { "config.json", "\"use_mid_position_embeddings\": true", "\"use_mid_position_embeddings\": \"yes\"",
      "use_mid_position_embeddings" },
    { "config.json", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2", "vit.encoder.mid_position_embeddings" },
    { "config.json", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", "vit.encoder.mid_position_embeddings" },
    { "config.json", "\"num_attention_heads\": 2", "\"num_attention_heads\": 3", "hidden_size" },
    { "config.json", "\"patch_size\": 16", "\"patch_size\": 8", "patch_embeddings" },
    { "config.json", "\"image_size\": [\n  80,\n  112\n ]", "\"image_size\": [80, 128]",
      "vit.embeddings.position_embeddings" },
    { "config.json", "\"image_size\": [\n  80,\n  112\n ]", "\"image_size\": [80, 9000]", "9000" },
    { "config.json", "\"image_size\": [\n  80,\n  112\n ]", "\"image_size\": [8, 112]", "no patch" },
    { "config.json", ",\n  \"90\": \"label_90\"", "", "90 classes" },
    { "config.json", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"mish\"", "mish" },
    { "config.json", "\"model_type\": \"yolos\"", "\"model_type\": \"yolov8\"", "yolov8" },
    { "preprocessor_config.json", "\"longest_edge\": 1333", "\"longest_edge\": 9", "pixels" },
    { "preprocessor_config.json", "\"shortest_edge\": 64", "\"shortest_edge\": \"64\"", "\"size\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    check_refused ("yolos-random", &cases[i]);
}

/* The model has none. */
static void
test_no_mid (void)
{
  static const Case wanted
      = { "config.json", "\"use_mid_position_embeddings\": false", "\"use_mid_position_embeddings\": true",
          "has no tensor \"vit.encoder.mid_position_embeddings\"" };
  static const Case unsaid = { "config.json", "\"use_mid_position_embeddings\": false,", "",
                               "has no tensor \"vit.encoder.mid_position_embeddings\"" };

  check_refused ("yolos-random-nomid", &wanted);
  check_refused ("yolos-random-nomid", &unsaid);
}

/* Names and shapes in the file's directory, which keeps its length. */
static void
test_tensors (void)
{
  static const char *const names[]
      = { "vit.embeddings.detection_tokens",         "vit.embeddings.position_embeddings",
          "vit.encoder.mid_position_embeddings",     "class_labels_classifier.layers.0.weight",
          "class_labels_classifier.layers.2.weight", "bbox_predictor.layers.1.bias",
          "bbox_predictor.layers.2.weight" };
  static const Case shapes[] = {
    { "model.safetensors", "\"shape\": [1, 10, 64]", "\"shape\": [1, 64, 9]", "detection_tokens" },
    { "model.safetensors", "\"shape\": [2, 1, 46, 64]", "\"shape\": [4, 1, 23, 64]", "mid_position_embeddings" },
    { "model.safetensors", "\"shape\": [1, 46, 64]", "\"shape\": [1, 64, 46]", "position_embeddings" },
    { "model.safetensors", "\"shape\": [92, 64]", "\"shape\": [64, 92]", "class_labels_classifier.layers.2" },
    { "model.safetensors", "\"shape\": [4, 64]", "\"shape\": [64, 4]", "bbox_predictor.layers.2" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *other = g_strdup (names[i]);
      const Case c = { "model.safetensors", names[i], other, names[i] };

      other[0] = 'x';
      check_refused ("yolos-random", &c);
    }
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    check_refused ("yolos-random", &shapes[i]);
}

/* ---- weights ------------------------------------------------------------------------------- */

/* Looks at a picture. Returns: how many objects there are; -1: an error of ours */
static gint
try_model (const char *path, PldObject *objects)
{
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path, .engine.threads = 1);
  static const guint8 rgb[8 * 8 * 3];
  PldImage image = { .kind = PLD_IMAGE_RGB, .width = 8, .height = 8 };
  g_autoptr (GError) error = NULL;
  PldVision *vision = pld_vision_open (&options, NULL, NULL, NULL, &error);
  g_autofree PldObject *own = NULL;
  gint found = -1;
  guint n;

  if (vision == NULL)
    {
      g_assert_cmpint (error->domain, ==, (gint) PLD_ERROR);
      g_assert_nonnull (strstr (error->message, path));
      return -1;
    }
  if (objects == NULL)
    objects = own = g_new0 (PldObject, pld_vision_get_info (vision)->max_objects);
  for (guint c = 0; c < 3; c++)
    *pld_image_plane (&image, c) = (PldPlane) { rgb + c, 8 * 3, 3, 8, 8 };
  if (pld_vision_load_image (vision, 0, &image, &error) && pld_vision_run (vision, 1, NULL, objects, &n, NULL, &error))
    found = (gint) n;
  else
    g_assert_cmpint (error->domain, ==, (gint) PLD_ERROR);
  g_clear_pointer (&vision, pld_vision_close);
  return found;
}

/* Fills tensor @name with NaN. */
static void
spoil (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  g_autoptr (GByteArray) bytes = read_file (path);
  g_autoptr (PldWeights) weights = pld_weights_open (folder, NULL);
  const PldTensor *tensor = pld_weights_find (weights, name);

  g_assert_nonnull (tensor);
  memset (bytes->data + tensor->offset, 0xff, tensor->n_bytes);
  g_free (bytes_save (bytes, folder, "model.safetensors"));
}

/* Weights that are NaN: boxes within the picture all the same, or no objects. */
static void
test_nan (void)
{
  static const struct
  {
    const char *tensor;
    gint n;
  } cases[] = { { "bbox_predictor.layers.2.bias", 10 }, { "class_labels_classifier.layers.2.bias", 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
      PldObject objects[10];

      make_changed ("yolos-random", folder, "config.json", "yolos", "yolos");
      spoil (folder, cases[i].tensor);
      g_assert_cmpint (try_model (folder, objects), ==, cases[i].n);
      for (gint j = 0; j < cases[i].n; j++)
        {
          g_assert_true (objects[j].x_min >= 0 && objects[j].x_min <= objects[j].x_max && objects[j].x_max <= 1);
          g_assert_true (objects[j].y_min >= 0 && objects[j].y_min <= objects[j].y_max && objects[j].y_max <= 1);
        }
      remove_folder (folder);
    }
}

/* Bytes of a GGUF file's directory replaced at random. */
static void
test_gguf (void)
{
  g_autofree char *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL), *from = fixture ("yolos-random", NULL);
  g_autofree char *whole = g_build_filename (folder, "whole.gguf", NULL);
  g_autoptr (GByteArray) model = NULL;
  g_autoptr (PldWeights) weights = NULL;
  GRand *random = g_rand_new_with_seed (11);
  guint refused = 0;

  g_assert_true (pld_model_quantize (from, "q8_0", whole, NULL, NULL, NULL, NULL));
  model = read_file (whole);
  weights = pld_weights_open (whole, NULL);
  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (GByteArray) damaged = g_byte_array_new ();
      g_autofree char *path = NULL;

      g_byte_array_append (damaged, model->data, model->len);
      for (guint j = 0; j < 1 + i % 3; j++)
        damaged->data[g_rand_int_range (random, 0, (gint) weights->tensors[0].offset)]
            = (guint8) g_rand_int_range (random, 0, 256);
      path = bytes_save (damaged, folder, "damaged.gguf");
      refused += try_model (path, NULL) < 0;
    }
  g_assert_cmpuint (refused, >, 100);
  g_rand_free (random);
  remove_folder (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/yolos-damage/config", test_config);
  g_test_add_func ("/yolos-damage/no-mid", test_no_mid);
  g_test_add_func ("/yolos-damage/tensors", test_tensors);
  g_test_add_func ("/yolos-damage/nan", test_nan);
  g_test_add_func ("/yolos-damage/gguf", test_gguf);
  return g_test_run ();
}
