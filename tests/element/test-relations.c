/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Results as GStreamer's own analytics meta (1.24): read back by its API.
 */
#include "tests/element/rig.h"

#include <gst/analytics/analytics.h>

static GstPipeloadFrame *
make_frame (GstPipeloadFrameKind kind)
{
  GstPipeloadFrame *frame = gst_pipeload_frame_new (3);

  frame->kind = kind;
  frame->width = 640;
  frame->height = 480;
  frame->timestamp = 5 * GST_SECOND;
  for (int i = 0; i < 2; i++)
    {
      GstPipeloadObject object
          = { .label = g_intern_string (i == 0 ? "person" : "cat"),
              .confidence = 0.75 - 0.25 * i,
              .box = kind == GST_PIPELOAD_FRAME_CLASSES ? (PldBox) { 0, 0, 1, 1 } : (PldBox) { 0.25 * i, 0, 0.5, 1 } };

      g_array_append_val (frame->objects, object);
    }
  return frame;
}

static guint
count (GstBuffer *buffer, GstAnalyticsMtdType type)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  GstAnalyticsMtd mtd;
  gpointer state = NULL;
  guint n = 0;

  while (meta != NULL && gst_analytics_relation_meta_iterate (meta, &state, type, &mtd))
    n++;
  return n;
}

static void
test_detections (void)
{
  g_autoptr (GstPipeloadFrame) frame = make_frame (GST_PIPELOAD_FRAME_DETECTIONS);
  GstBuffer *buffer = gst_buffer_new ();
  GstAnalyticsRelationMeta *meta;
  GstAnalyticsODMtd box;
  gpointer state = NULL;
  int x, y, w, h;
  float confidence;

  gst_pipeload_frame_attach (frame, buffer, 0);
  meta = gst_buffer_get_analytics_relation_meta (buffer);
  g_assert_nonnull (meta);
  g_assert_cmpuint (count (buffer, GST_ANALYTICS_MTD_TYPE_ANY), ==, 2);
  g_assert_true (gst_analytics_relation_meta_iterate (meta, &state, gst_analytics_od_mtd_get_mtd_type (), &box));
  g_assert_true (gst_analytics_relation_meta_iterate (meta, &state, gst_analytics_od_mtd_get_mtd_type (), &box));
  g_assert_true (gst_analytics_od_mtd_get_location (&box, &x, &y, &w, &h, &confidence));
  g_assert_cmpint (x, ==, 160);
  g_assert_cmpint (y, ==, 0);
  g_assert_cmpint (w, ==, 160);
  g_assert_cmpint (h, ==, 480);
  g_assert_cmpfloat (confidence, ==, 0.5f);
  g_assert_cmpstr (g_quark_to_string (gst_analytics_od_mtd_get_obj_type (&box)), ==, "cat");
  gst_buffer_unref (buffer);
}

/* A tracker's objects come in place of the detector's, each related to its track. */
static void
test_tracks (void)
{
  g_autoptr (GstPipeloadFrame) frame = make_frame (GST_PIPELOAD_FRAME_DETECTIONS);
  GstBuffer *buffer = gst_buffer_new ();
  GstAnalyticsRelationMeta *meta;
  GstAnalyticsMtd box, related;
  gpointer state = NULL, relations = NULL;
  GstClockTime first, last;
  guint64 id;
  gboolean lost;

  gst_pipeload_frame_attach (frame, buffer, 0);
  for (guint i = 0; i < 2; i++)
    {
      gst_pipeload_frame_object (frame, i)->tracked = TRUE;
      gst_pipeload_frame_object (frame, i)->id = (int) (7 + i);
      gst_pipeload_frame_object (frame, i)->start = GST_SECOND;
    }
  gst_pipeload_frame_replace (frame, buffer, 0);
  g_assert_cmpuint (count (buffer, gst_analytics_od_mtd_get_mtd_type ()), ==, 2);
  g_assert_cmpuint (count (buffer, gst_analytics_tracking_mtd_get_mtd_type ()), ==, 2);
  meta = gst_buffer_get_analytics_relation_meta (buffer);
  g_assert_true (gst_analytics_relation_meta_iterate (meta, &state, gst_analytics_od_mtd_get_mtd_type (), &box));
  g_assert_true (gst_analytics_relation_meta_get_direct_related (meta, box.id, GST_ANALYTICS_REL_TYPE_RELATE_TO,
                                                                 gst_analytics_tracking_mtd_get_mtd_type (), &relations,
                                                                 &related));
  g_assert_true (gst_analytics_tracking_mtd_get_info (&related, &id, &first, &last, &lost));
  g_assert_cmpuint (id, ==, 7);
  g_assert_cmpuint (first, ==, GST_SECOND);
  g_assert_cmpuint (last, ==, 5 * GST_SECOND);
  g_assert_false (lost);
  gst_buffer_unref (buffer);
}

/* Relations of other elements stay. */
static void
test_foreign (void)
{
  g_autoptr (GstPipeloadFrame) frame = make_frame (GST_PIPELOAD_FRAME_DETECTIONS);
  GstBuffer *buffer = gst_buffer_new ();
  GstAnalyticsRelationMeta *meta = gst_buffer_add_analytics_relation_meta (buffer);
  GQuark label = g_quark_from_static_string ("night");
  float confidence = 0.5f;
  GstAnalyticsClsMtd classes;

  g_assert_true (gst_analytics_relation_meta_add_cls_mtd (meta, 1, &confidence, &label, &classes));
  gst_pipeload_frame_replace (frame, buffer, 0);
  g_assert_cmpuint (count (buffer, gst_analytics_cls_mtd_get_mtd_type ()), ==, 1);
  g_assert_cmpuint (count (buffer, gst_analytics_od_mtd_get_mtd_type ()), ==, 2);
  gst_buffer_unref (buffer);
}

static void
test_classes (void)
{
  g_autoptr (GstPipeloadFrame) frame = make_frame (GST_PIPELOAD_FRAME_CLASSES);
  GstBuffer *buffer = gst_buffer_new ();
  GstAnalyticsClsMtd classes;
  gpointer state = NULL;

  gst_pipeload_frame_attach (frame, buffer, 0);
  g_assert_cmpuint (count (buffer, GST_ANALYTICS_MTD_TYPE_ANY), ==, 1);
  g_assert_true (gst_analytics_relation_meta_iterate (gst_buffer_get_analytics_relation_meta (buffer), &state,
                                                      gst_analytics_cls_mtd_get_mtd_type (), &classes));
  g_assert_cmpuint (gst_analytics_cls_mtd_get_length (&classes), ==, 2);
  g_assert_cmpstr (g_quark_to_string (gst_analytics_cls_mtd_get_quark (&classes, 1)), ==, "cat");
  g_assert_cmpfloat (gst_analytics_cls_mtd_get_level (&classes, 0), ==, 0.75f);
  gst_buffer_unref (buffer);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/relations/detections", test_detections);
  g_test_add_func ("/relations/tracks", test_tracks);
  g_test_add_func ("/relations/foreign", test_foreign);
  g_test_add_func ("/relations/classes", test_classes);
  return g_test_run ();
}
