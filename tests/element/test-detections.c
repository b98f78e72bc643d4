/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A detector in pipeloadvit: objects as regions of interest, messages, and what a second pipeloadvit says of each; and
 * how detections travel on frames.
 */
#include "tests/element/rig.h"

#include "tests/support/figures.h"

#include <json-glib/json-glib.h>

static void
open_detector (Rig *rig, const char *properties)
{
  g_autofree char *model
      = g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "models", "bundled", "person-detector", NULL);

  rig_make_element (rig, "pipeloadvit", model, properties);
  rig_play (rig);
  rig_set_caps (rig, "RGB", FIGURES_WIDE, FIGURES_HIGH);
}

/* @shown: as figures_draw_some () */
static GstBuffer *
figures_buffer (guint shown, guint number)
{
  guint8 *rgb = g_malloc (FIGURES_WIDE * FIGURES_HIGH * 3);
  GstBuffer *buffer;

  figures_draw_some (rgb, shown, 0);
  buffer = gst_buffer_new_wrapped (rgb, FIGURES_WIDE * FIGURES_HIGH * 3);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (number, GST_SECOND, 30);
  return buffer;
}

/* Scores of the figures' picture, best first: from make-person-detector.py. */
static JsonArray *
golden (JsonNode **node)
{
  g_autofree char *path = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "data", "person-detector.json", NULL);
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  *node = json_from_string (text, NULL);
  return json_object_get_array_member (json_node_get_object (*node), "figures");
}

static guint
count_regions (GstBuffer *buffer)
{
  return gst_buffer_get_n_meta (buffer, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
}

/* Each figure has one region about it. */
static void
test_regions (void)
{
  g_autoptr (JsonNode) node = NULL;
  JsonArray *want = golden (&node);
  g_autoptr (GstPipeloadFrame) frame = NULL;
  GstPipeloadResultCursor cursor = { 0 };
  guint64 matched = 0;
  GstBuffer *buffer;
  Rig rig;

  open_detector (&rig, "messages=all");
  buffer = gst_harness_push_and_pull (rig.harness, figures_buffer (~0u, 0));
  g_assert_cmpuint (count_regions (buffer), ==, FIGURES);
  g_assert_cmpint (gst_pipeload_result_next (&cursor, buffer), ==, GST_PIPELOAD_RESULT_NEW);
  g_assert_cmpuint (cursor.number, ==, 0);
  g_assert_cmpuint (cursor.age, ==, 0);
  frame = gst_pipeload_frame_from_buffer (buffer, FIGURES_WIDE, FIGURES_HIGH);
  g_assert_cmpint (frame->kind, ==, GST_PIPELOAD_FRAME_DETECTIONS);
  g_assert_cmpuint (frame->objects->len, ==, FIGURES);
  for (guint i = 0; i < FIGURES; i++)
    {
      const GstPipeloadObject *object = gst_pipeload_frame_object (frame, i);
      JsonObject *person = json_array_get_object_element (want, i);
      JsonArray *box = json_object_get_array_member (person, "box");
      const double middle = (object->box.x_min + object->box.x_max) / 2 * FIGURES_WIDE;

      g_assert_cmpstr (object->label, ==, "person");
      g_assert_cmpint (object->id, ==, 0);
      g_assert_false (object->tracked);
      g_assert_cmpfloat_with_epsilon (object->confidence, json_object_get_double_member (person, "score"), 1e-3);
      g_assert_cmpfloat_with_epsilon (object->box.x_min, json_array_get_double_element (box, 0), 1e-3);
      g_assert_cmpfloat_with_epsilon (object->box.y_max, json_array_get_double_element (box, 3), 1e-3);
      for (guint j = 0; j < FIGURES; j++)
        matched += ABS (middle - figures[j].x) < 6 && ABS (object->box.y_max * FIGURES_HIGH - figures[j].y) < 12;
    }
  g_assert_cmpuint (matched, ==, FIGURES);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ELEMENT), ==, 1);
  gst_buffer_unref (buffer);
  rig_close (&rig);
}

/* A rectangle in whole pixels: of the object, rounded. */
static void
test_rectangles (void)
{
  GstVideoRegionOfInterestMeta *meta;
  gpointer state = NULL;
  GstBuffer *buffer;
  Rig rig;

  open_detector (&rig, "");
  buffer = gst_harness_push_and_pull (rig.harness, figures_buffer (~0u, 0));
  while ((meta = (GstVideoRegionOfInterestMeta *) gst_buffer_iterate_meta_filtered (
              buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))
         != NULL)
    {
      GstStructure *param = gst_video_region_of_interest_meta_get_param (meta, "detection");
      double x_min, y_max;

      g_assert_cmpstr (g_quark_to_string (meta->roi_type), ==, "person");
      g_assert_true (gst_structure_get (param, "x_min", G_TYPE_DOUBLE, &x_min, "y_max", G_TYPE_DOUBLE, &y_max, NULL));
      g_assert_cmpfloat_with_epsilon (meta->x, x_min * FIGURES_WIDE, 0.51);
      g_assert_cmpfloat_with_epsilon (meta->y + meta->h, y_max * FIGURES_HIGH, 0.51);
    }
  gst_buffer_unref (buffer);
  rig_close (&rig);
}

static void
test_choice (void)
{
  const struct
  {
    const char *properties;
    guint n;
  } cases[] = {
    { "top-k=3", 3 }, { "top-k=0", FIGURES }, { "threshold=0.62", 5 }, { "threshold=0.99", 0 }, { "threshold=0.05", 14 }
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GstPipeloadResultCursor cursor = { 0 };
      GstBuffer *buffer;
      Rig rig;

      open_detector (&rig, cases[i].properties);
      buffer = gst_harness_push_and_pull (rig.harness, figures_buffer (~0u, 0));
      g_assert_cmpuint (count_regions (buffer), ==, cases[i].n);
      g_assert_cmpint (gst_pipeload_result_next (&cursor, buffer), ==, GST_PIPELOAD_RESULT_NEW);
      gst_buffer_unref (buffer);
      rig_close (&rig);
    }
}

/* An empty result is a result too, and later frames hold it. */
static void
test_nobody (void)
{
  static const guint64 numbers[] = { 0, 0, 2, 2 }, ages[] = { 0, 1, 0, 1 };
  GstPipeloadResultCursor cursor = { 0 };
  Rig rig;

  open_detector (&rig, "interval=2");
  for (guint i = 0; i < 4; i++)
    {
      GstBuffer *buffer = gst_harness_push_and_pull (rig.harness, figures_buffer (i < 2 ? 0 : 1 << 3, i));

      g_assert_cmpint (gst_pipeload_result_next (&cursor, buffer), ==,
                       ages[i] == 0 ? GST_PIPELOAD_RESULT_NEW : GST_PIPELOAD_RESULT_HELD);
      g_assert_cmpuint (cursor.number, ==, numbers[i]);
      g_assert_cmpuint (cursor.age, ==, ages[i]);
      g_assert_cmpuint (count_regions (buffer), ==, i < 2 ? 0 : 1);
      gst_buffer_unref (buffer);
    }
  rig_close (&rig);
}

/* A region that is the whole frame shows what the frame does, and a smaller one what is in it, in its place. */
static void
test_in_regions (void)
{
  g_autoptr (GstPipeloadFrame) whole = NULL;
  g_autoptr (GstPipeloadFrame) in_region = NULL;
  GstBuffer *buffer;
  Rig rig;

  open_detector (&rig, "");
  buffer = gst_harness_push_and_pull (rig.harness, figures_buffer (~0u, 0));
  whole = gst_pipeload_frame_from_buffer (buffer, FIGURES_WIDE, FIGURES_HIGH);
  gst_buffer_unref (buffer);
  rig_close (&rig);

  open_detector (&rig, "region=roi-list");
  buffer = figures_buffer (~0u, 0);
  gst_buffer_add_video_region_of_interest_meta (buffer, "area", 0, 0, FIGURES_WIDE, FIGURES_HIGH);
  buffer = gst_harness_push_and_pull (rig.harness, buffer);
  in_region = gst_pipeload_frame_from_buffer (buffer, FIGURES_WIDE, FIGURES_HIGH);
  g_assert_cmpuint (in_region->objects->len, ==, whole->objects->len);
  for (guint i = 0; i < whole->objects->len; i++)
    {
      const GstPipeloadObject *a = gst_pipeload_frame_object (whole, i), *b = gst_pipeload_frame_object (in_region, i);

      g_assert_cmpfloat (a->confidence, ==, b->confidence);
      g_assert_cmpfloat_with_epsilon (a->box.x_min, b->box.x_min, 1e-6);
      g_assert_cmpfloat_with_epsilon (a->box.y_max, b->box.y_max, 1e-6);
    }
  gst_buffer_unref (buffer);

  buffer = figures_buffer (~0u, 1);
  gst_buffer_add_video_region_of_interest_meta (buffer, "area", 256, 144, 256, 240); /* of figures 3 and 5 alone */
  buffer = gst_harness_push_and_pull (rig.harness, buffer);
  g_clear_pointer (&in_region, gst_pipeload_frame_unref);
  in_region = gst_pipeload_frame_from_buffer (buffer, FIGURES_WIDE, FIGURES_HIGH);
  g_assert_cmpuint (in_region->objects->len, >=, 2);
  for (guint i = 0; i < in_region->objects->len; i++)
    {
      g_assert_cmpfloat (gst_pipeload_frame_object (in_region, i)->box.x_min, >=, 0.499);
      g_assert_cmpfloat (gst_pipeload_frame_object (in_region, i)->box.y_min, >=, 0.374);
    }
  gst_buffer_unref (buffer);
  rig_close (&rig);
}

/* detector ! classifier region=roi-list */
static void
test_classified (void)
{
  GstVideoRegionOfInterestMeta *meta;
  gpointer state = NULL;
  guint n = 0;
  GstBuffer *buffer;
  Rig first, second;

  open_detector (&first, "");
  rig_open (&second, "region=roi-list threshold=0 top-k=2");
  rig_set_caps (&second, "RGB", FIGURES_WIDE, FIGURES_HIGH);
  buffer = gst_harness_push_and_pull (first.harness, figures_buffer (~0u, 0));
  buffer = gst_harness_push_and_pull (second.harness, buffer);
  for (; (meta = (GstVideoRegionOfInterestMeta *) gst_buffer_iterate_meta_filtered (
              buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))
         != NULL;
       n++)
    {
      g_assert_nonnull (gst_video_region_of_interest_meta_get_param (meta, "detection"));
      g_assert_nonnull (gst_video_region_of_interest_meta_get_param (meta, "classification"));
      g_assert_cmpuint (g_list_length (meta->params), ==, 3);
    }
  g_assert_cmpuint (n, ==, FIGURES);
  gst_buffer_unref (buffer);
  rig_close (&first);
  rig_close (&second);
}

/* From a single pixel to 8K, one after the other in one stream without a framerate; a blank picture shows
 * nobody. */
static void
test_sizes (void)
{
  static const struct
  {
    int width, height;
  } sizes[] = { { 1, 1 }, { 7680, 4320 }, { 3, 2000 }, { 1, 1 }, { FIGURES_WIDE, FIGURES_HIGH } };
  GstPipeloadResultCursor cursor = { 0 };
  Rig rig;

  open_detector (&rig, "");
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      const gsize n = GST_ROUND_UP_4 (sizes[i].width * 3) * (gsize) sizes[i].height;
      g_autofree char *caps = g_strdup_printf ("video/x-raw,format=RGB,width=%d,height=%d,framerate=0/1",
                                               sizes[i].width, sizes[i].height);
      GstBuffer *buffer
          = i + 1 < G_N_ELEMENTS (sizes) ? gst_buffer_new_allocate (NULL, n, NULL) : figures_buffer (~0u, i);

      if (i + 1 < G_N_ELEMENTS (sizes))
        gst_buffer_memset (buffer, 0, 128, n);
      gst_harness_set_src_caps_str (rig.harness, caps);
      buffer = gst_harness_push_and_pull (rig.harness, buffer);
      g_assert_cmpint (gst_pipeload_result_next (&cursor, buffer), ==, GST_PIPELOAD_RESULT_NEW);
      g_assert_cmpuint (count_regions (buffer), ==, i + 1 < G_N_ELEMENTS (sizes) ? 0 : FIGURES);
      gst_buffer_unref (buffer);
    }
  rig_close (&rig);
}

/* ---- on frames ----------------------------------------------------------------------------- */

static void
test_travel (void)
{
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_new (7);
  g_autoptr (GstPipeloadFrame) back = NULL;
  GstPipeloadObject object = { .id = 12,
                               .label_id = 1,
                               .label = g_intern_string ("person"),
                               .confidence = 0.75,
                               .box = { 0.25, 0.125, 0.5, 1 },
                               .tracked = TRUE,
                               .predicted = TRUE,
                               .start = 40,
                               .dx = -0.5,
                               .dy = 0.25 };
  const GstPipeloadObject *got;
  GstBuffer *buffer = gst_buffer_new ();

  object.zones = g_new0 (const char *, 3);
  object.zones[0] = g_intern_string ("drive");
  object.zones[1] = g_intern_string ("gate");
  frame->width = 640;
  frame->height = 480;
  frame->kind = GST_PIPELOAD_FRAME_DETECTIONS;
  g_array_append_val (frame->objects, object);
  gst_buffer_add_video_region_of_interest_meta (buffer, "foreign", 1, 2, 3, 4);
  gst_pipeload_frame_attach (frame, buffer, 3);
  gst_pipeload_frame_attach (frame, buffer, 3);
  g_assert_cmpuint (count_regions (buffer), ==, 3);
  gst_pipeload_frame_replace (frame, buffer, 3);
  g_assert_cmpuint (count_regions (buffer), ==, 2);
  gst_video_region_of_interest_meta_add_param (gst_buffer_get_video_region_of_interest_meta_id (buffer, 12),
                                               gst_structure_new_empty ("classification"));
  /* Replaced, with the structures of other elements. */
  back = gst_pipeload_frame_from_buffer (buffer, 640, 480);
  gst_pipeload_frame_replace (back, buffer, 3);
  g_assert_cmpuint (count_regions (buffer), ==, 2);
  g_clear_pointer (&back, gst_pipeload_frame_unref);
  back = gst_pipeload_frame_from_buffer (buffer, 640, 480);
  g_assert_cmpuint (back->number, ==, 7);
  g_assert_cmpuint (back->objects->len, ==, 1);
  got = gst_pipeload_frame_object (back, 0);
  g_assert_cmpuint (g_list_length (got->others), ==, 1);
  g_assert_true (gst_structure_has_name (got->others->data, "classification"));
  g_assert_cmpint (got->id, ==, 12);
  g_assert_cmpuint (got->label_id, ==, 1);
  g_assert_true (got->label == object.label);
  g_assert_cmpfloat (got->box.x_max, ==, 0.5);
  g_assert_true (got->tracked && got->predicted);
  g_assert_cmpuint (got->start, ==, 40);
  g_assert_cmpfloat (got->dx, ==, -0.5);
  g_assert_cmpfloat (got->dy, ==, 0.25);
  g_assert_cmpstr (got->zones[0], ==, "drive");
  g_assert_cmpstr (got->zones[1], ==, "gate");
  g_assert_null (got->zones[2]);
  gst_buffer_unref (buffer);
}

/* A number makes a result new, however old it is; a frame without one in between changes nothing. */
static void
test_cursor (void)
{
  static const struct
  {
    int number; /* -1: no result */
    guint64 age;
    GstPipeloadResultState state;
  } steps[] = {
    { -1, 0, GST_PIPELOAD_RESULT_NONE }, { 0, 0, GST_PIPELOAD_RESULT_NEW },  { 0, 1, GST_PIPELOAD_RESULT_HELD },
    { -1, 0, GST_PIPELOAD_RESULT_NONE }, { 0, 3, GST_PIPELOAD_RESULT_HELD }, { 4, 2, GST_PIPELOAD_RESULT_NEW },
    { 3, 1, GST_PIPELOAD_RESULT_NEW },
  };
  GstPipeloadResultCursor cursor = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      GstBuffer *buffer = gst_buffer_new ();
      g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_new ((guint64) MAX (steps[i].number, 0));

      frame->kind = GST_PIPELOAD_FRAME_DETECTIONS;
      if (steps[i].number >= 0)
        gst_pipeload_frame_attach (frame, buffer, steps[i].age);
      g_assert_cmpint (gst_pipeload_result_next (&cursor, buffer), ==, steps[i].state);
      g_assert_cmpuint (cursor.age, ==, steps[i].age);
      g_assert_cmpint (cursor.any, ==, i > 0);
      if (steps[i].number >= 0)
        g_assert_cmpuint (cursor.number, ==, (guint64) steps[i].number);
      gst_buffer_unref (buffer);
    }
}

/* Structures of these names, as any element may write them. */
static void
test_foreign (void)
{
  GstPipeloadResultCursor cursor = { 0 };
  GstBuffer *buffer = gst_buffer_new ();
  GstVideoRegionOfInterestMeta *meta = gst_buffer_add_video_region_of_interest_meta (buffer, "bird", 10, 20, 30, 40);
  g_autoptr (GstPipeloadFrame) frame = NULL;
  const GstPipeloadObject *object;

  gst_video_region_of_interest_meta_add_param (meta,
                                               gst_structure_from_string ("detection, confidence=(double)0.5", NULL));
  gst_video_region_of_interest_meta_add_param (meta, gst_structure_from_string ("track, id=(string)x", NULL));
  gst_video_region_of_interest_meta_add_param (meta, gst_structure_from_string ("zones, names=(int)3", NULL));
  frame = gst_pipeload_frame_from_buffer (buffer, 100, 100);
  g_assert_cmpuint (frame->objects->len, ==, 1);
  object = gst_pipeload_frame_object (frame, 0);
  g_assert_cmpstr (object->label, ==, "bird");
  g_assert_false (object->tracked);
  g_assert_cmpfloat_with_epsilon (object->box.x_min, 0.1, 1e-9);
  g_assert_cmpfloat_with_epsilon (object->box.y_max, 0.6, 1e-9);
  g_assert_nonnull (object->zones);
  g_assert_null (object->zones[0]);
  g_assert_cmpint (gst_pipeload_result_next (&cursor, buffer), ==, GST_PIPELOAD_RESULT_NONE);
  gst_buffer_unref (buffer);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/detections/nobody", test_nobody);
  g_test_add_func ("/detections/travel", test_travel);
  g_test_add_func ("/detections/cursor", test_cursor);
  g_test_add_func ("/detections/foreign", test_foreign);
  g_test_add_func ("/detections/regions", test_regions);
  g_test_add_func ("/detections/rectangles", test_rectangles);
  g_test_add_func ("/detections/choice", test_choice);
  g_test_add_func ("/detections/in-regions", test_in_regions);
  g_test_add_func ("/detections/classified", test_classified);
  g_test_add_func ("/detections/sizes", test_sizes);
  return g_test_run ();
}
