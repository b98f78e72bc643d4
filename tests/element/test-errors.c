/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bad models, bad properties, bad pictures: one message on the bus each, of the right kind, that names the
 * culprit.
 */
#include "tests/element/rig.h"

#include "pipeload/pipeload.h"
#include "tests/support/options.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Returns: (transfer full): a folder of its own with a copy of the test model */
static char *
copy_model (void)
{
  static const char *const names[] = { "config.json", "preprocessor_config.json", "model.safetensors" };
  g_autoptr (GError) error = NULL;
  g_autofree char *model = rig_model ();
  char *folder = g_dir_make_tmp ("pipeload-model-XXXXXX", &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *from = g_build_filename (model, names[i], NULL);
      g_autofree char *to = g_build_filename (folder, names[i], NULL);
      g_autofree char *data = NULL;
      gsize size;

      g_assert_true (g_file_get_contents (from, &data, &size, &error));
      g_assert_true (g_file_set_contents (to, data, size, &error));
    }
  return folder;
}

static void
remove_model (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
}

static void
write_file (const char *folder, const char *name, const char *data, gsize size)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, data, size, NULL));
}

/* Does not start with @properties, and says why. */
static void
refuse (const char *properties, GQuark domain, int code, const char *word)
{
  Rig rig;

  rig_make (&rig, properties);
  rig_assert_refused (&rig, domain, code, word);
  rig_close (&rig);
}

static void
refuse_model (const char *folder, GQuark domain, int code)
{
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", folder);

  refuse (properties, domain, code, folder);
}

static void
test_missing (void)
{
  refuse_model ("/nonexistent/model", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  refuse_model ("/nonexistent/model.gguf", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
}

static void
test_missing_config (void)
{
  g_autofree char *folder = copy_model ();
  g_autofree char *config = g_build_filename (folder, "config.json", NULL);

  g_assert_cmpint (g_unlink (config), ==, 0);
  refuse_model (folder, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  remove_model (folder);
}

static void
test_truncated (void)
{
  g_autofree char *folder = copy_model ();
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);

  g_assert_cmpint (truncate (path, 100000), ==, 0);
  refuse_model (folder, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_assert_cmpint (truncate (path, 3), ==, 0);
  refuse_model (folder, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_assert_cmpint (truncate (path, 0), ==, 0);
  refuse_model (folder, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  remove_model (folder);
}

static void
test_garbage (void)
{
  g_autofree char *folder = copy_model ();

  write_file (folder, "config.json", "{ \"model_type\": ", -1);
  refuse_model (folder, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  remove_model (folder);
}

static void
test_unsupported (void)
{
  g_autofree char *folder = copy_model ();

  write_file (folder, "config.json", "{ \"model_type\": \"perceiver\", \"architectures\": [\"Perceiver\"] }", -1);
  refuse_model (folder, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
  remove_model (folder);
}

static void
test_settings (void)
{
  refuse ("memory-limit=10kB", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "vit-random");
  refuse ("memory-limit=10kB", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "smallest");
  refuse ("memory-limit=much", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "\"much\"");
  refuse ("memory-limit=-1", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "\"-1\"");
  refuse ("labels=one,two", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "7 classes");
  refuse ("labels=/nonexistent/labels.txt", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "/nonexistent/labels.txt");
  refuse ("classes=persn", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "\"class_0\"");
}

/* After a failure the same element starts once its cause is gone. */
static void
test_recovery (void)
{
  Rig rig;

  rig_make (&rig, "classes=persn");
  g_assert_cmpint (gst_element_set_state (rig.element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "persn");
  gst_element_set_state (rig.element, GST_STATE_NULL);
  g_object_set (rig.element, "classes", "", NULL);
  g_assert_cmpint (gst_element_set_state (rig.element, GST_STATE_PAUSED), !=, GST_STATE_CHANGE_FAILURE);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR), ==, 0);
  rig_close (&rig);
}

static void
test_progress (void)
{
  Rig rig;

  rig_open (&rig, "");
  rig_assert_progress (&rig);
  rig_close (&rig);
}

static void
test_damaged_jpeg (void)
{
  GstBuffer *whole = rig_jpeg (PICTURE_RED, 480, 480);
  gsize size = gst_buffer_get_size (whole);
  Rig rig;

  rig_open (&rig, "threshold=0");
  gst_harness_set_src_caps_str (rig.harness, "image/jpeg");
  gst_pipeload_frame_unref (rig_see (&rig, gst_buffer_copy (whole), 480, 480));
  for (guint i = 0; i < 9; i++)
    {
      static const double parts[] = { 0, 0.01, 0.6 };
      GstBuffer *part = gst_buffer_copy_region (whole, GST_BUFFER_COPY_ALL, 0, (gsize) (size * parts[i % 3]));
      g_autoptr (GstPipeloadFrame) frame = rig_see (&rig, part, 480, 480);

      rig_assert_best (frame, "class_2", 0.42030, 1e-2); /* the last result rides on */
    }
  g_assert_cmpuint (rig_stat (&rig, "damaged"), ==, 9);
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 1);
  g_assert_cmpuint (rig_stat (&rig, "frames"), ==, 10);
  /* The 1st, 2nd, 4th and 8th. */
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_WARNING), ==, 4);
  gst_pipeload_frame_unref (rig_see (&rig, gst_buffer_ref (whole), 480, 480));
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 2);
  gst_buffer_unref (whole);
  rig_close (&rig);
}

static void
test_short_frame (void)
{
  Rig rig;

  rig_open (&rig, "");
  rig_set_caps (&rig, "RGB", 48, 48);
  g_assert_cmpint (gst_harness_push (rig.harness, gst_buffer_new_allocate (NULL, 100, NULL)), ==, GST_FLOW_OK);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_WARNING), ==, 1);
  g_assert_cmpuint (rig_stat (&rig, "damaged"), ==, 1);
  rig_close (&rig);
}

static void
test_regions_of_jpeg (void)
{
  GstBuffer *jpeg = rig_jpeg (PICTURE_RED, 48, 48);
  Rig rig;

  rig_open (&rig, "region=roi-list");
  gst_harness_set_src_caps_str (rig.harness, "image/jpeg");
  g_assert_cmpint (gst_harness_push (rig.harness, jpeg), !=, GST_FLOW_OK);
  rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, "jpegdec");
  rig_close (&rig);
}

/* The file loses its end while it streams. */
static void
test_shrinking_model (void)
{
  static const char *const modes[] = { "sync", "async" };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *folder = copy_model ();
      g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
      PldVisionOptions options = VISION_OPTIONS (.engine.model = folder, .batch = 1);
      g_autofree char *properties = NULL;
      g_autoptr (PldPlanInfo) plan = NULL;
      Rig rig;

      g_assert_true ((plan = pld_model_plan (&options.engine, NULL)) != NULL);
      properties = g_strdup_printf ("model=\"%s\" mode=%s memory-limit=%" G_GUINT64_FORMAT, folder, modes[i],
                                    plan->minimum_limit);
      rig_open (&rig, properties);
      rig_set_caps (&rig, "RGB", 48, 48);
      g_assert_cmpint (gst_harness_push (rig.harness, rig_frame (PICTURE_RED, 0)), ==, GST_FLOW_OK);
      g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_segment_done (GST_FORMAT_TIME, 0)));
      g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 1);
      g_assert_cmpint (truncate (path, 50000), ==, 0);
      /* Tiles read ahead may still carry it a little way. */
      for (guint n = 1; n < 5; n++)
        {
          gst_harness_push (rig.harness, rig_frame (PICTURE_RED, n));
          gst_harness_push_event (rig.harness, gst_event_new_segment_done (GST_FORMAT_TIME, 0));
        }
      g_assert_cmpint (gst_harness_push (rig.harness, rig_frame (PICTURE_RED, 5)), ==, GST_FLOW_ERROR);
      rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, folder);
      rig_close (&rig);
      remove_model (folder);
    }
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/errors/missing", test_missing);
  g_test_add_func ("/errors/missing-config", test_missing_config);
  g_test_add_func ("/errors/truncated", test_truncated);
  g_test_add_func ("/errors/garbage", test_garbage);
  g_test_add_func ("/errors/unsupported", test_unsupported);
  g_test_add_func ("/errors/settings", test_settings);
  g_test_add_func ("/errors/recovery", test_recovery);
  g_test_add_func ("/errors/progress", test_progress);
  g_test_add_func ("/errors/damaged-jpeg", test_damaged_jpeg);
  g_test_add_func ("/errors/short-frame", test_short_frame);
  g_test_add_func ("/errors/regions-of-jpeg", test_regions_of_jpeg);
  g_test_add_func ("/errors/shrinking-model", test_shrinking_model);
  return g_test_run ();
}
