/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The reports, their place and time: metas, messages, JSON, labels, classes, threshold, top-k, interval,
 * motion, regions.
 */
#include "tests/element/rig.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

/* From make-expected.py; without resizing there is nothing but rounding. */
#define EXACT 1e-4
static const struct
{
  guint label_id;
  double confidence;
} red[] = { { 2, 0.42030 }, { 5, 0.18988 }, { 3, 0.15701 }, { 4, 0.07784 },
            { 0, 0.07003 }, { 6, 0.06823 }, { 1, 0.01672 } };
#define GREEN "class_3", 0.63815

static void
test_meta (void)
{
  GstVideoRegionOfInterestMeta *meta;
  const char *label;
  guint label_id;
  double confidence, x_min, y_min, x_max, y_max;
  guint64 number, age;
  GstStructure *param;
  GstBuffer *out;
  Rig rig;

  rig_open_rgb (&rig, "threshold=0");
  out = gst_harness_push_and_pull (rig.harness, rig_frame (PICTURE_RED, 7));
  g_assert_cmpuint (gst_buffer_get_n_meta (out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), ==, 1);
  meta = gst_buffer_get_video_region_of_interest_meta_id (out, 0);
  g_assert_cmpstr (g_quark_to_string (meta->roi_type), ==, "class_2");
  g_assert_cmpuint (meta->x, ==, 0);
  g_assert_cmpuint (meta->y, ==, 0);
  g_assert_cmpuint (meta->w, ==, 48);
  g_assert_cmpuint (meta->h, ==, 48);
  g_assert_cmpuint (g_list_length (meta->params), ==, 1);
  param = gst_video_region_of_interest_meta_get_param (meta, "classification");
  g_assert_true (gst_structure_get (param, "label_id", G_TYPE_UINT, &label_id, "confidence", G_TYPE_DOUBLE, &confidence,
                                    "x_min", G_TYPE_DOUBLE, &x_min, "y_min", G_TYPE_DOUBLE, &y_min, "x_max",
                                    G_TYPE_DOUBLE, &x_max, "y_max", G_TYPE_DOUBLE, &y_max, "frame", G_TYPE_UINT64,
                                    &number, "age", G_TYPE_UINT64, &age, NULL));
  label = gst_structure_get_string (param, "label");
  g_assert_cmpstr (label, ==, "class_2");
  g_assert_cmpuint (label_id, ==, 2);
  g_assert_cmpfloat_with_epsilon (confidence, red[0].confidence, EXACT);
  g_assert_true (x_min == 0 && y_min == 0 && x_max == 1 && y_max == 1);
  g_assert_cmpuint (number, ==, 0);
  g_assert_cmpuint (age, ==, 0);
  gst_buffer_unref (out);
  rig_close (&rig);
}

/* A buffer that somebody else holds too stays as it is, and its memory is not copied. */
static void
test_shared_buffer (void)
{
  GstBuffer *in = rig_frame (PICTURE_RED, 0), *out;
  Rig rig;

  rig_open_rgb (&rig, "threshold=0");
  out = gst_harness_push_and_pull (rig.harness, gst_buffer_ref (in));
  g_assert_true (out != in);
  g_assert_true (gst_buffer_peek_memory (out, 0) == gst_buffer_peek_memory (in, 0));
  g_assert_cmpuint (gst_buffer_get_n_meta (in, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), ==, 0);
  g_assert_cmpuint (gst_buffer_get_n_meta (out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), ==, 1);
  gst_buffer_unref (in);
  gst_buffer_unref (out);
  rig_close (&rig);
}

static void
test_top_k (void)
{
  static const guint ks[] = { 1, 3, 7, 100, 0 };

  for (guint k = 0; k < G_N_ELEMENTS (ks); k++)
    {
      g_autofree char *properties = g_strdup_printf ("threshold=0 top-k=%u", ks[k]);
      guint expected = ks[k] == 0 ? 7 : MIN (ks[k], 7);
      g_autoptr (GstPipeloadFrame) frame = NULL;
      Rig rig;

      rig_open_rgb (&rig, properties);
      frame = rig_see (&rig, rig_frame (PICTURE_RED, 0), 48, 48);
      g_assert_cmpuint (frame->objects->len, ==, expected);
      for (guint i = 0; i < expected; i++)
        {
          g_assert_cmpuint (gst_pipeload_frame_object (frame, i)->label_id, ==, red[i].label_id);
          g_assert_cmpfloat_with_epsilon (gst_pipeload_frame_object (frame, i)->confidence, red[i].confidence, EXACT);
        }
      rig_close (&rig);
    }
}

static void
test_threshold (void)
{
  g_autoptr (GstPipeloadFrame) none = NULL;
  g_autoptr (GstPipeloadFrame) sure = NULL;
  g_autoptr (GstPipeloadFrame) three = NULL;
  Rig rig;

  rig_open_rgb (&rig, "top-k=0"); /* threshold 0.5 */
  none = rig_see (&rig, rig_frame (PICTURE_RED, 0), 48, 48);
  g_assert_cmpuint (none->objects->len, ==, 0);
  sure = rig_see (&rig, rig_frame (PICTURE_GREEN, 1), 48, 48);
  g_assert_cmpuint (sure->objects->len, ==, 1);
  rig_assert_best (sure, GREEN, EXACT);
  g_object_set (rig.element, "threshold", 0.15, NULL); /* while PLAYING */
  three = rig_see (&rig, rig_frame (PICTURE_RED, 2), 48, 48);
  g_assert_cmpuint (three->objects->len, ==, 3);
  rig_close (&rig);
}

static void
test_classes (void)
{
  g_autoptr (GstPipeloadFrame) frame = NULL;
  Rig rig;

  rig_open_rgb (&rig, "threshold=0 top-k=0 classes=\"class_0, class_5\"");
  frame = rig_see (&rig, rig_frame (PICTURE_RED, 0), 48, 48);
  g_assert_cmpuint (frame->objects->len, ==, 2);
  rig_assert_best (frame, "class_5", red[1].confidence, EXACT);
  g_assert_cmpstr (gst_pipeload_frame_object (frame, 1)->label, ==, "class_0");
  rig_close (&rig);
}

static void
test_labels (void)
{
  g_autofree char *file = g_build_filename (g_get_tmp_dir (), "pipeload-labels-XXXXXX", NULL);
  int fd = g_mkstemp (file);
  g_autofree char *by_file = g_strdup_printf ("threshold=0 labels=\"%s\" classes=owl", file);
  const char *const properties[] = { "threshold=0 labels=\"ant, bee, cat, dog, emu, fox, gnu\"", by_file };
  const char *const expected[] = { "cat", "owl" };
  static const guint best[] = { 0, 0 };

  g_assert_cmpint (fd, >=, 0);
  close (fd);
  g_assert_true (g_file_set_contents (file, "ant\nbee\nowl\r\ndog\nemu\nfox\ngnu\n\n", -1, NULL));
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GstPipeloadFrame) frame = NULL;
      Rig rig;

      rig_open_rgb (&rig, properties[i]);
      frame = rig_see (&rig, rig_frame (PICTURE_RED, 0), 48, 48);
      rig_assert_best (frame, expected[i], red[best[i]].confidence, EXACT);
      rig_close (&rig);
    }
  g_assert_cmpint (g_unlink (file), ==, 0);
}

/* Frames: R G G G G G G; with interval 3 those at 0, 3 and 6 are looked at. */
static void
test_interval (void)
{
  static const char *const seen[] = { "class_2", "class_2", "class_2", "class_3", "class_3", "class_3", "class_3" };
  Rig rig;

  rig_open_rgb (&rig, "threshold=0 interval=3");
  for (guint i = 0; i < G_N_ELEMENTS (seen); i++)
    {
      GstBuffer *out = gst_harness_push_and_pull (rig.harness, rig_frame (i == 0 ? PICTURE_RED : PICTURE_GREEN, i));
      GstVideoRegionOfInterestMeta *meta = gst_buffer_get_video_region_of_interest_meta_id (out, 0);
      GstStructure *param = gst_video_region_of_interest_meta_get_param (meta, "classification");
      guint64 age, number;

      g_assert_cmpstr (gst_structure_get_string (param, "label"), ==, seen[i]);
      g_assert_true (gst_structure_get (param, "age", G_TYPE_UINT64, &age, "frame", G_TYPE_UINT64, &number, NULL));
      g_assert_cmpuint (age, ==, i % 3);
      g_assert_cmpuint (number, ==, i - i % 3);
      gst_buffer_unref (out);
    }
  g_assert_cmpuint (rig_stat (&rig, "frames"), ==, 7);
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 3);
  g_assert_cmpuint (rig_stat (&rig, "skipped"), ==, 4);
  g_assert_cmpuint (rig_stat (&rig, "skipped-interval"), ==, 4);
  rig_close (&rig);
}

static void
test_motion (void)
{
  static const Picture pictures[]
      = { PICTURE_RED, PICTURE_RED, PICTURE_RED, PICTURE_GREEN, PICTURE_GREEN, PICTURE_RED };
  static const char *const seen[] = { "class_2", "class_2", "class_2", "class_3", "class_3", "class_2" };
  Rig rig;

  rig_open_rgb (&rig, "threshold=0 motion-threshold=0.1");
  for (guint i = 0; i < G_N_ELEMENTS (pictures); i++)
    {
      g_autoptr (GstPipeloadFrame) frame = rig_see (&rig, rig_frame (pictures[i], i), 48, 48);

      g_assert_cmpstr (gst_pipeload_frame_object (frame, 0)->label, ==, seen[i]);
    }
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 3);
  g_assert_cmpuint (rig_stat (&rig, "skipped-motion"), ==, 3);
  rig_close (&rig);
}

static void
test_messages (void)
{
  static const Picture pictures[]
      = { PICTURE_RED, PICTURE_RED, PICTURE_GREEN, PICTURE_GREEN, PICTURE_BLUE, PICTURE_RED };
  static const struct
  {
    const char *mode;
    guint expected; /* green and blue are both class_3 */
  } cases[] = { { "none", 0 }, { "changes", 3 }, { "all", 6 } };

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      g_autofree char *properties = g_strdup_printf ("threshold=0 messages=%s", cases[c].mode);
      Rig rig;

      rig_open_rgb (&rig, properties);
      for (guint i = 0; i < G_N_ELEMENTS (pictures); i++)
        gst_pipeload_frame_unref (rig_see (&rig, rig_frame (pictures[i], i), 48, 48));
      g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ELEMENT), ==, cases[c].expected);
      rig_close (&rig);
    }
}

static void
test_message_content (void)
{
  g_autoptr (GstPipeloadFrame) frame = NULL;
  const GstStructure *structure;
  GstClockTime timestamp, stream_time, running_time;
  GstMessage *message;
  GstSegment segment;
  double confidence;
  gboolean changed;
  Rig rig;

  rig_open_rgb (&rig, "threshold=0 top-k=2");
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = GST_SECOND / 2;
  segment.time = 5 * GST_SECOND;
  segment.base = 3 * GST_SECOND;
  g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_segment (&segment)));
  gst_pipeload_frame_unref (rig_see (&rig, rig_frame (PICTURE_RED, 30), 48, 48));
  message = rig_wait (&rig, GST_MESSAGE_ELEMENT);
  structure = gst_message_get_structure (message);
  g_assert_true (gst_structure_has_name (structure, "pipeload-vit"));
  g_assert_true (gst_structure_get (structure, "timestamp", G_TYPE_UINT64, &timestamp, "stream-time", G_TYPE_UINT64,
                                    &stream_time, "running-time", G_TYPE_UINT64, &running_time, "confidence",
                                    G_TYPE_DOUBLE, &confidence, "changed", G_TYPE_BOOLEAN, &changed, NULL));
  g_assert_cmpuint (timestamp, ==, GST_SECOND);
  g_assert_cmpuint (stream_time, ==, 5 * GST_SECOND + GST_SECOND / 2);
  g_assert_cmpuint (running_time, ==, 3 * GST_SECOND + GST_SECOND / 2);
  g_assert_cmpstr (gst_structure_get_string (structure, "label"), ==, "class_2");
  g_assert_cmpfloat_with_epsilon (confidence, red[0].confidence, EXACT);
  g_assert_true (changed);
  frame = gst_pipeload_frame_from_structure (structure);
  g_assert_cmpuint (frame->objects->len, ==, 2);
  g_assert_cmpuint (frame->timestamp, ==, GST_SECOND);
  g_assert_cmpuint (frame->width, ==, 48);
  g_assert_cmpuint (gst_pipeload_frame_object (frame, 1)->label_id, ==, red[1].label_id);
  gst_message_unref (message);
  rig_close (&rig);
}

static void
test_json (void)
{
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_new (9);
  GstPipeloadObject object = { 4, 1, "a \"dog\"", 0.75, { 0.25, 0.5, 0.75, 1 } };
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  JsonObject *root, *seen, *box;

  frame->timestamp = 9007199254740993; /* no double holds it */
  frame->system_time = G_GINT64_CONSTANT (1700000000000123);
  frame->width = 640;
  frame->height = 480;
  g_array_append_val (frame->objects, object);
  text = gst_pipeload_frame_to_json (frame, "yard");
  g_assert_null (strchr (text, '\n'));
  json_parser_load_from_data (parser, text, -1, &error);
  g_assert_no_error (error);
  root = json_node_get_object (json_parser_get_root (parser));
  g_assert_cmpint (json_object_get_int_member (root, "timestamp"), ==, G_GINT64_CONSTANT (9007199254740993));
  g_assert_cmpstr (json_object_get_string_member (root, "system_timestamp"), ==, "2023-11-14T22:13:20.000123Z");
  g_assert_cmpstr (json_object_get_string_member (root, "camera"), ==, "yard");
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (root, "resolution"), "height"), ==, 480);
  seen = json_array_get_object_element (json_object_get_array_member (root, "objects"), 0);
  g_assert_cmpint (json_object_get_int_member (seen, "id"), ==, 4);
  g_assert_cmpstr (json_object_get_string_member (seen, "label"), ==, "a \"dog\"");
  g_assert_cmpfloat (json_object_get_double_member (seen, "confidence"), ==, 0.75);
  box = json_object_get_object_member (seen, "box");
  g_assert_cmpfloat (json_object_get_double_member (box, "x_min"), ==, 0.25);
  g_assert_cmpfloat (json_object_get_double_member (box, "y_max"), ==, 1);
  g_assert_cmpint (json_object_get_int_member (seen, "x"), ==, 160);
  g_assert_cmpint (json_object_get_int_member (seen, "y"), ==, 240);
  g_assert_cmpint (json_object_get_int_member (seen, "w"), ==, 320);
  g_assert_cmpint (json_object_get_int_member (seen, "h"), ==, 240);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (seen, "zones")), ==, 0);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/results/meta", test_meta);
  g_test_add_func ("/results/shared-buffer", test_shared_buffer);
  g_test_add_func ("/results/top-k", test_top_k);
  g_test_add_func ("/results/threshold", test_threshold);
  g_test_add_func ("/results/classes", test_classes);
  g_test_add_func ("/results/labels", test_labels);
  g_test_add_func ("/results/interval", test_interval);
  g_test_add_func ("/results/motion", test_motion);
  g_test_add_func ("/results/messages", test_messages);
  g_test_add_func ("/results/message-content", test_message_content);
  g_test_add_func ("/results/json", test_json);
  return g_test_run ();
}
