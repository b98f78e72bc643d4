/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The facade: sharing, limits, cancellation, many threads, and models that contradict themselves.
 */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "pipeload/pipeload.h"
#include "tests/support/options.h"

#define SIDE 48
#define CLASSES 7

static char *
model_path (void)
{
  g_assert_nonnull (g_getenv ("G_TEST_SRCDIR"));
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "data", "vit-random", NULL);
}

static PldVision *
open_vision (guint64 limit, guint batch)
{
  g_autofree char *path = model_path ();
  g_autoptr (GError) error = NULL;
  PldVisionOptions options
      = VISION_OPTIONS (.engine.model = path, .engine.memory_limit = limit, .batch = batch, .engine.threads = 2);
  PldVision *vision = pld_vision_open (&options, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  return vision;
}

static void
load_picture (PldVision *vision, guint slot, guint seed)
{
  g_autofree guint8 *rgb = g_malloc (SIDE * SIDE * 3);
  g_autoptr (GError) error = NULL;
  PldImage image = { .kind = PLD_IMAGE_RGB, .width = SIDE, .height = SIDE };

  for (guint i = 0; i < SIDE * SIDE * 3; i++)
    rgb[i] = (guint8) ((i * (seed + 3)) % 251);
  for (guint c = 0; c < 3; c++)
    *pld_image_plane (&image, c) = (PldPlane) { rgb + c, SIDE * 3, 3, SIDE, SIDE };
  pld_vision_load_image (vision, slot, &image, &error);
  g_assert_no_error (error);
}

static void
run_one (PldVision *vision, guint seed, float *logits)
{
  g_autoptr (GError) error = NULL;

  load_picture (vision, 0, seed);
  pld_vision_run (vision, 1, logits, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
plan_limits (guint64 *least, guint64 *most)
{
  g_autofree char *path = model_path ();
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path, .engine.threads = 2);
  g_autoptr (GError) error = NULL;
  g_autoptr (PldPlanInfo) plan = NULL;

  plan = pld_model_plan (&options.engine, &error);
  g_assert_no_error (error);
  *least = plan->minimum_limit;
  *most = plan->resident_limit;
}

static void
test_objects (void)
{
  PldVision *vision = open_vision (0, 1);
  PldObject objects[CLASSES];
  float logits[CLASSES];
  guint n;
  double sum = 0, best = 0, total = 0;
  gboolean seen[CLASSES] = { FALSE };

  load_picture (vision, 0, 1);
  g_assert_true (pld_vision_run (vision, 1, logits, objects, &n, NULL, NULL));
  g_assert_cmpuint (n, ==, CLASSES);
  for (guint i = 0; i < CLASSES; i++)
    total += exp (logits[i]);
  for (guint i = 0; i < CLASSES; i++)
    {
      g_assert_false (seen[objects[i].label_id]);
      seen[objects[i].label_id] = TRUE;
      sum += objects[i].confidence;
      best = MAX (best, objects[i].confidence);
      g_assert_cmpfloat_with_epsilon (objects[i].confidence, exp (logits[objects[i].label_id]) / total, 1e-5);
      g_assert_true (i == 0 || objects[i - 1].confidence >= objects[i].confidence);
      g_assert_cmpfloat (objects[i].x_max, ==, 1);
      g_assert_true (g_str_has_prefix (objects[i].label, "class_"));
    }
  g_assert_cmpfloat_with_epsilon (sum, 1, 1e-5);
  g_assert_cmpfloat (best, ==, objects[0].confidence);
  g_clear_pointer (&vision, pld_vision_close);
}

/* Handles of one model: one copy, the smallest limit, and each its own pictures. */
static void
test_shared (void)
{
  guint64 least, most, alone;
  PldVision *a = open_vision (0, 1), *b, *c;
  float first[CLASSES], second[CLASSES], again[CLASSES];
  PldStats stats;

  plan_limits (&least, &most);
  run_one (a, 1, first);
  run_one (a, 2, second);
  g_assert_cmpint (memcmp (first, second, sizeof first), !=, 0);
  pld_handle_get_stats (PLD_HANDLE (a), &stats);
  alone = stats.engine_bytes;
  g_assert_cmpuint (stats.users, ==, 1);
  b = open_vision (0, 1);
  c = open_vision (most + 2000000, 1);
  run_one (b, 2, again);
  g_assert_cmpmem (again, sizeof again, second, sizeof second);
  pld_handle_get_stats (PLD_HANDLE (b), &stats);
  g_assert_cmpuint (stats.users, ==, 3);
  g_assert_cmpuint (stats.passes, ==, 3);
  g_assert_cmpuint (stats.memory_limit, ==, most + 2000000);
  /* Pictures, results and activations for two more, not two more models. */
  g_assert_cmpuint (stats.engine_bytes, <, alone * 2);
  g_assert_true (pld_handle_set_memory_limit (PLD_HANDLE (b), 3 * least, NULL));
  run_one (c, 1, again);
  g_assert_cmpmem (again, sizeof again, first, sizeof first);
  pld_handle_get_stats (PLD_HANDLE (a), &stats);
  g_assert_cmpuint (stats.memory_limit, ==, 3 * least);
  g_assert_cmpuint (stats.engine_bytes, <=, 3 * least);
  g_clear_pointer (&b, pld_vision_close);
  run_one (c, 2, again);
  g_assert_cmpmem (again, sizeof again, second, sizeof second);
  pld_handle_get_stats (PLD_HANDLE (a), &stats);
  g_assert_cmpuint (stats.memory_limit, ==, most + 2000000);
  g_clear_pointer (&a, pld_vision_close);
  g_clear_pointer (&c, pld_vision_close);
}

static void
test_limit_refused (void)
{
  PldVision *vision = open_vision (0, 1);
  g_autoptr (GError) error = NULL;
  float before[CLASSES], after[CLASSES];
  PldStats stats;

  run_one (vision, 1, before);
  g_assert_false (pld_handle_set_memory_limit (PLD_HANDLE (vision), 5000, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  run_one (vision, 1, after);
  g_assert_cmpmem (before, sizeof before, after, sizeof after);
  pld_handle_get_stats (PLD_HANDLE (vision), &stats);
  g_assert_cmpuint (stats.memory_limit, ==, 0);
  g_clear_pointer (&vision, pld_vision_close);
}

/* A batch in one pass gives what its pictures give alone, within the rounding of other shapes of product. */
static void
test_batch (void)
{
  PldVision *vision = open_vision (0, 5);
  float alone[5][CLASSES], together[5 * CLASSES];
  PldStats before, after;

  for (guint i = 0; i < 5; i++)
    run_one (vision, i, alone[i]);
  for (guint i = 0; i < 5; i++)
    load_picture (vision, i, i);
  pld_handle_get_stats (PLD_HANDLE (vision), &before);
  g_assert_true (pld_vision_run (vision, 5, together, NULL, NULL, NULL, NULL));
  pld_handle_get_stats (PLD_HANDLE (vision), &after);
  g_assert_cmpuint (after.passes, ==, before.passes + 1);
  g_assert_cmpuint (after.frames, ==, before.frames + 5);
  for (guint i = 0; i < 5; i++)
    for (guint j = 0; j < CLASSES; j++)
      g_assert_cmpfloat_with_epsilon (alone[i][j], together[i * CLASSES + j], 1e-4);
  g_clear_pointer (&vision, pld_vision_close);
}

static void
test_change (void)
{
  PldVision *vision = open_vision (0, 1);

  load_picture (vision, 0, 1);
  g_assert_cmpfloat (pld_vision_change (vision, 0, TRUE), ==, 1);
  g_assert_cmpfloat (pld_vision_change (vision, 0, TRUE), ==, 0);
  load_picture (vision, 0, 2);
  g_assert_cmpfloat (pld_vision_change (vision, 0, FALSE), >, 0.1);
  load_picture (vision, 0, 1);
  g_assert_cmpfloat (pld_vision_change (vision, 0, FALSE), ==, 0);
  g_clear_pointer (&vision, pld_vision_close);
}

static void
test_cancelled (void)
{
  PldVision *vision = open_vision (0, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  float logits[CLASSES], again[CLASSES];

  run_one (vision, 1, logits);
  load_picture (vision, 0, 1);
  g_cancellable_cancel (cancellable);
  g_assert_false (pld_vision_run (vision, 1, again, NULL, NULL, cancellable, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_CANCELLED);
  run_one (vision, 1, again);
  g_assert_cmpmem (logits, sizeof logits, again, sizeof again);
  g_clear_pointer (&vision, pld_vision_close);
}

typedef struct
{
  guint seed;
  float want[CLASSES];
  GCancellable *cancellable;
  gint *n_open; /* atomic */
} Runner;

static gpointer
run_many (gpointer data)
{
  Runner *runner = data;
  PldVision *vision = open_vision (0, 1);
  GRand *random = g_rand_new_with_seed (runner->seed);

  g_atomic_int_inc (runner->n_open);
  for (guint i = 0; i < 60; i++)
    {
      g_autoptr (GError) error = NULL;
      float got[CLASSES];

      load_picture (vision, 0, runner->seed);
      if (g_rand_int_range (random, 0, 4) == 0)
        g_cancellable_cancel (runner->cancellable);
      if (pld_vision_run (vision, 1, got, NULL, NULL, runner->cancellable, &error))
        {
          for (guint j = 0; j < CLASSES; j++)
            g_assert_cmpfloat_with_epsilon (got[j], runner->want[j], 1e-4);
        }
      else
        g_assert_error (error, PLD_ERROR, PLD_ERROR_CANCELLED);
      g_cancellable_reset (runner->cancellable);
      /* Also while a pass still works on its picture. */
      if (error != NULL && i % 8 == 0)
        {
          g_clear_pointer (&vision, pld_vision_close);
          vision = open_vision (0, 1);
        }
    }
  g_rand_free (random);
  g_clear_pointer (&vision, pld_vision_close);
  return NULL;
}

/* Eight threads share a model, cancel now and then, while the limit jumps: right results, and never above the limit. */
static void
test_threads (void)
{
  Runner runners[8];
  GThread *threads[8];
  PldVision *vision = open_vision (0, 1);
  guint64 least, most;
  PldStats stats;
  gint n_open = 0;

  plan_limits (&least, &most);
  for (guint i = 0; i < 8; i++)
    {
      runners[i] = (Runner) { .seed = i, .cancellable = g_cancellable_new (), .n_open = &n_open };
      run_one (vision, i, runners[i].want);
    }
  for (guint i = 0; i < 8; i++)
    threads[i] = g_thread_new ("runner", run_many, &runners[i]);
  /* A limit that leaves no room for one more handle would rightly refuse it. */
  while (g_atomic_int_get (&n_open) < 8)
    g_usleep (100);
  /* The smallest for all of them: found by asking. Then a pass has places for few. */
  while (!pld_handle_set_memory_limit (PLD_HANDLE (vision), least, NULL))
    least += 16384;
  for (guint i = 0; i < 400; i++)
    {
      guint64 limit = i % 50 == 0 ? 0
                                  : (guint64) g_test_rand_double_range (
                                        (double) least, i % 20 < 10 ? 1.1 * (double) least : 8.0 * (double) most);

      if (i % 10 == 0)
        pld_handle_set_memory_limit (PLD_HANDLE (vision), limit, NULL);
      g_cancellable_cancel (runners[g_test_rand_int_range (0, 8)].cancellable);
      g_usleep (300);
    }
  for (guint i = 0; i < 8; i++)
    {
      g_thread_join (threads[i]);
      g_object_unref (runners[i].cancellable);
    }
  pld_handle_get_stats (PLD_HANDLE (vision), &stats);
  g_assert_cmpuint (stats.users, ==, 1);
  g_clear_pointer (&vision, pld_vision_close);
}

/* ---- models that are wrong ----------------------------------------------------------------- */

static void
replace_in (char **text, const char *old, const char *new)
{
  g_auto (GStrv) parts = g_strsplit (*text, old, -1);

  g_assert_nonnull (parts[1]);
  g_free (*text);
  *text = g_strjoinv (new, parts);
}

/* Opens vit-random with one text of one of its files replaced; for the weights only by one of the same length. */
static void
check_broken (const char *file, const char *old, const char *new, PldError code, const char *words)
{
  static const char *const files[] = { "config.json", "preprocessor_config.json", "model.safetensors" };
  g_autofree char *source = model_path (), *folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  PldVisionOptions options = VISION_OPTIONS (.engine.model = folder);

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *from = g_build_filename (source, files[i], NULL),
                      *to = g_build_filename (folder, files[i], NULL);
      g_autofree char *bytes = NULL;
      gsize size;

      g_assert_true (g_file_get_contents (from, &bytes, &size, NULL));
      if (strcmp (files[i], file) == 0 && i < 2)
        {
          replace_in (&bytes, old, new);
          size = strlen (bytes);
        }
      else if (strcmp (files[i], file) == 0)
        {
          char *at = memmem (bytes, size, old, strlen (old));

          g_assert_nonnull (at);
          g_assert_cmpuint (strlen (old), ==, strlen (new));
          memcpy (at, new, strlen (new));
        }
      g_assert_true (g_file_set_contents (to, bytes, (gssize) size, NULL));
    }
  g_assert_null (pld_vision_open (&options, NULL, NULL, NULL, &error));
  g_assert_error (error, PLD_ERROR, (gint) code);
  if (strstr (error->message, words) == NULL || strstr (error->message, folder) == NULL)
    g_error ("\"%s\" names neither \"%s\" nor the file", error->message, words);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (folder, files[i], NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
}

static void
test_broken (void)
{
  const char *config = "config.json", *weights = "model.safetensors", *preprocessor = "preprocessor_config.json";

  check_broken (config, "\"vit\"", "\"resnet\"", PLD_ERROR_UNSUPPORTED, "resnet");
  check_broken (config, "\"hidden_size\": 64", "\"hidden_size\": 65", PLD_ERROR_FORMAT, "hidden_size");
  check_broken (config, "\"hidden_size\": 64", "\"hidden_size\": -1", PLD_ERROR_FORMAT, "hidden_size");
  check_broken (config, "\"hidden_size\": 64", "\"hidden_size\": 128", PLD_ERROR_FORMAT, "shape");
  check_broken (config, "\"hidden_size\": 64", "\"hidden_size\": \"wide\"", PLD_ERROR_FORMAT, "hidden_size");
  check_broken (config, "\"hidden_size\": 64,", "", PLD_ERROR_FORMAT, "hidden_size");
  check_broken (config, "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", PLD_ERROR_FORMAT, "layer.3");
  check_broken (config, "\"patch_size\": 16", "\"patch_size\": 0", PLD_ERROR_FORMAT, "patch_size");
  check_broken (config, "\"patch_size\": 16", "\"patch_size\": 8", PLD_ERROR_FORMAT, "embed");
  check_broken (config, "\"image_size\": 48", "\"image_size\": 4", PLD_ERROR_FORMAT, "patch");
  check_broken (config, "\"gelu\"", "\"mish\"", PLD_ERROR_UNSUPPORTED, "mish");
  check_broken (config, "\"6\": \"class_6\"", "\"7\": \"class_6\"", PLD_ERROR_FORMAT, "id2label");
  check_broken (config, "\"num_channels\": 3", "\"num_channels\": 1", PLD_ERROR_FORMAT, "num_channels");
  check_broken (config, "{", "[", PLD_ERROR_FORMAT, "config.json");
  check_broken (preprocessor, "0.5", "\"half\"", PLD_ERROR_FORMAT, "image_");
  check_broken (weights, "classifier.weight", "classifier.wrong_", PLD_ERROR_FORMAT, "classifier.weight");
  check_broken (weights, "vit.layernorm.bias", "vit.layernorm.base", PLD_ERROR_FORMAT, "vit.layernorm.bias");
}

static void
test_missing (void)
{
  PldVisionOptions options = VISION_OPTIONS (.engine.model = "/nonexistent/model");
  g_autoptr (GError) error = NULL;

  g_assert_null (pld_vision_open (&options, NULL, NULL, NULL, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nonexistent/model"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vision/objects", test_objects);
  g_test_add_func ("/vision/shared", test_shared);
  g_test_add_func ("/vision/limit-refused", test_limit_refused);
  g_test_add_func ("/vision/batch", test_batch);
  g_test_add_func ("/vision/change", test_change);
  g_test_add_func ("/vision/cancelled", test_cancelled);
  g_test_add_func ("/vision/threads", test_threads);
  g_test_add_func ("/vision/broken", test_broken);
  g_test_add_func ("/vision/missing", test_missing);
  return g_test_run ();
}
