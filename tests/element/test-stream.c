/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element in a running pipeline: async, flush, end of stream, states, latency, quality of service.
 */
#include "tests/element/rig.h"

/* 64 × 64 patches: one pass takes a tenth of a second and more. */
#define SLOW "input-size=1024 threads=1 threshold=0 "

static guint64
age_of (GstBuffer *buffer)
{
  GstVideoRegionOfInterestMeta *meta = gst_buffer_get_video_region_of_interest_meta_id (buffer, 0);
  guint64 age = G_MAXUINT64;

  if (meta != NULL)
    gst_structure_get_uint64 (gst_video_region_of_interest_meta_get_param (meta, "classification"), "age", &age);
  return age;
}

/* Frames go through while the first is looked at; none of them waits, all but one are skipped. */
static void
test_async (void)
{
  GstMessage *message;
  GstBuffer *out;
  Rig rig;

  rig_open_rgb (&rig, SLOW "mode=async messages=all");
  for (guint i = 0; i < 10; i++)
    {
      out = gst_harness_push_and_pull (rig.harness, rig_frame (PICTURE_RED, i));
      g_assert_cmpuint (age_of (out), ==, G_MAXUINT64); /* nothing known yet */
      gst_buffer_unref (out);
    }
  g_assert_cmpuint (rig_stat (&rig, "skipped-busy"), ==, 9);
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 0);
  message = rig_wait (&rig, GST_MESSAGE_ELEMENT);
  g_assert_nonnull (message);
  gst_message_unref (message);
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 1);
  out = gst_harness_push_and_pull (rig.harness, rig_frame (PICTURE_RED, 10));
  g_assert_cmpuint (age_of (out), ==, 10);
  gst_buffer_unref (out);
  g_assert_cmpuint (gst_harness_query_latency (rig.harness), ==, 0);
  rig_close (&rig);
}

/* Same pictures, same answers as in sync mode. */
static void
test_async_values (void)
{
  Rig rig;

  rig_open_rgb (&rig, "mode=async threshold=0 messages=all");
  for (guint i = 0; i < 6; i++)
    {
      g_autoptr (GstPipeloadFrame) frame = NULL;
      GstMessage *message;

      gst_buffer_unref (
          gst_harness_push_and_pull (rig.harness, rig_frame (i % 2 == 0 ? PICTURE_RED : PICTURE_GREEN, i)));
      message = rig_wait (&rig, GST_MESSAGE_ELEMENT);
      g_assert_nonnull (message);
      frame = gst_pipeload_frame_from_structure (gst_message_get_structure (message));
      rig_assert_best (frame, i % 2 == 0 ? "class_2" : "class_3", i % 2 == 0 ? 0.42030 : 0.63815, 1e-4);
      g_assert_cmpuint (frame->number, ==, i);
      gst_message_unref (message);
      /* Drains: the message comes a little before the worker is free again. */
      g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_segment_done (GST_FORMAT_TIME, 0)));
    }
  rig_close (&rig);
}

static void
test_eos_drains (void)
{
  Rig rig;

  rig_open_rgb (&rig, SLOW "mode=async messages=all");
  gst_buffer_unref (gst_harness_push_and_pull (rig.harness, rig_frame (PICTURE_RED, 0)));
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 0);
  g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_eos ()));
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 1);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ELEMENT), ==, 1);
  rig_close (&rig);
}

typedef struct
{
  Rig *rig;
  GstFlowReturn flow;
} Push;

static gpointer
push_main (gpointer data)
{
  Push *push = data;

  push->flow = gst_harness_push (push->rig->harness, rig_frame (PICTURE_RED, 0));
  return NULL;
}

/* Pushes a frame from a thread of its own, and comes back while it is being looked at. */
static GThread *
push_begin (Rig *rig, Push *push)
{
  GThread *thread;

  *push = (Push) { rig, GST_FLOW_CUSTOM_SUCCESS };
  thread = g_thread_new ("push", push_main, push);
  while (rig_stat (rig, "frames") == 0)
    g_usleep (1000);
  g_usleep (10000);
  return thread;
}

static void
test_flush (void)
{
  static const char *const modes[] = { "mode=sync", "mode=async" };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *properties = g_strdup_printf (SLOW "%s messages=all", modes[i]);
      Push push;
      GThread *thread;
      Rig rig;

      rig_open_rgb (&rig, properties);
      thread = push_begin (&rig, &push);
      if (i == 1)
        g_thread_join (thread); /* the frame has passed, its inference is under way */
      g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_flush_start ()));
      if (i == 0)
        g_thread_join (thread);
      g_assert_cmpint (push.flow, ==, i == 0 ? GST_FLOW_FLUSHING : GST_FLOW_OK);
      rig_flush_stop (&rig);
      g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 0);
      g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING), ==, 0);
      /* And it works again. */
      g_assert_cmpint (gst_harness_push (rig.harness, rig_frame (PICTURE_GREEN, 0)), ==, GST_FLOW_OK);
      gst_harness_push_event (rig.harness, gst_event_new_eos ());
      g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 1);
      g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ELEMENT), ==, 1);
      rig_close (&rig);
    }
}

/* READY in mid-inference does not wait for it, and is not an error. */
static void
test_stop (void)
{
  static const char *const modes[] = { "mode=sync", "mode=async" };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *properties = g_strdup_printf (SLOW "%s messages=all", modes[i]);
      Push push;
      GThread *thread;
      Rig rig;

      rig_open_rgb (&rig, properties);
      thread = push_begin (&rig, &push);
      g_assert_cmpint (gst_element_set_state (rig.element, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
      g_thread_join (thread);
      g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 0);
      g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING), ==, 0);
      rig_close (&rig);
    }
}

static void
test_restart (void)
{
  static const char *const lines[]
      = { "videotestsrc num-buffers=3 pattern=red ! video/x-raw,width=64,height=64 ! pipeloadvit name=vit "
          "threshold=0 messages=all ! "
          "fakesink",
          "videotestsrc num-buffers=3 pattern=red ! video/x-raw,width=64,height=64 ! pipeloadvit name=vit "
          "threshold=0 messages=all "
          "mode=async ! fakesink" };

#if defined(__SANITIZE_THREAD__)
  g_test_skip ("ThreadSanitizer does not see how GStreamer's own threads hand on buffers and messages");
  return;
#endif
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autofree char *model = rig_model ();
      GstElement *pipeline = gst_parse_launch (lines[i], NULL);
      GstElement *vit = gst_bin_get_by_name (GST_BIN (pipeline), "vit");
      GstBus *bus = gst_element_get_bus (pipeline);

      g_object_set (vit, "model", model, NULL);
      for (guint run = 0; run < 5; run++)
        {
          g_autoptr (GstStructure) stats = NULL;
          guint64 frames, inferred;
          GstMessage *message;
          guint seen = 0;

          g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
          while ((message = gst_bus_timed_pop_filtered (bus, 300 * GST_SECOND,
                                                        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT))
                     != NULL
                 && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT)
            {
              g_assert_cmpstr (gst_structure_get_string (gst_message_get_structure (message), "label"), ==, "class_2");
              gst_message_unref (message);
              seen++;
            }
          g_assert_nonnull (message);
          g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
          gst_message_unref (message);
          gst_element_set_state (pipeline, GST_STATE_NULL);
          /* The figures stay readable. */
          g_object_get (vit, "stats", &stats, NULL);
          gst_structure_get (stats, "frames", G_TYPE_UINT64, &frames, "inferred", G_TYPE_UINT64, &inferred, NULL);
          g_assert_cmpuint (frames, ==, 3);
          g_assert_cmpuint (inferred, ==, seen);
          g_assert_cmpuint (seen, >=, i == 0 ? 3 : 1);
        }
      gst_object_unref (bus);
      gst_object_unref (vit);
      gst_object_unref (pipeline);
    }
}

static void
test_latency (void)
{
  g_autoptr (GstStructure) stats = NULL;
  GstClockTime latency;
  double mean;
  Rig rig;

  rig_open_rgb (&rig, SLOW);
  g_assert_cmpuint (gst_harness_query_latency (rig.harness), ==, 0); /* not known yet */
  gst_buffer_unref (gst_harness_push_and_pull (rig.harness, rig_frame (PICTURE_RED, 0)));
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_LATENCY), ==, 1);
  g_object_get (rig.element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_double (stats, "mean-latency", &mean));
  latency = gst_harness_query_latency (rig.harness);
  g_assert_cmpfloat_with_epsilon (latency / 1e6, mean * 1.05, 0.01);
  rig_close (&rig);
}

/* Ten frames a second, the sink a second late at the first: looks are skipped, frames are not, and after a
 * second one gets through whatever the sink says. */
static void
test_qos (void)
{
  const GstStructure *values;
  GstMessage *message;
  guint64 processed, dropped;
  GstFormat format;
  Rig rig;

  rig_open_rgb (&rig, "threshold=0");
  gst_buffer_unref (gst_harness_push_and_pull (rig.harness, rig_frame (PICTURE_RED, 0)));
  g_assert_true (gst_harness_push_upstream_event (
      rig.harness, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 2.0, 10 * GST_SECOND, GST_SECOND)));
  for (guint i = 1; i <= 30; i++)
    gst_buffer_unref (gst_harness_push_and_pull (rig.harness, rig_frame (PICTURE_RED, i)));
  g_assert_cmpuint (rig_stat (&rig, "frames"), ==, 31);
  g_assert_cmpuint (rig_stat (&rig, "skipped-qos"), ==, 29);
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 2);
  message = rig_wait (&rig, GST_MESSAGE_QOS);
  g_assert_nonnull (message);
  values = gst_message_get_structure (message);
  g_assert_nonnull (values);
  gst_message_parse_qos_stats (message, &format, &processed, &dropped);
  g_assert_cmpint (format, ==, GST_FORMAT_BUFFERS);
  g_assert_cmpuint (processed, ==, 1);
  g_assert_cmpuint (dropped, ==, 1);
  gst_message_unref (message);
  /* Downstream has caught up. */
  g_assert_true (gst_harness_push_upstream_event (
      rig.harness, gst_event_new_qos (GST_QOS_TYPE_OVERFLOW, 0.5, -GST_SECOND, GST_SECOND)));
  gst_buffer_unref (gst_harness_push_and_pull (rig.harness, rig_frame (PICTURE_RED, 31)));
  g_assert_cmpuint (rig_stat (&rig, "inferred"), ==, 3);
  rig_close (&rig);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/stream/async", test_async);
  g_test_add_func ("/stream/async-values", test_async_values);
  g_test_add_func ("/stream/eos-drains", test_eos_drains);
  g_test_add_func ("/stream/flush", test_flush);
  g_test_add_func ("/stream/stop", test_stop);
  g_test_add_func ("/stream/restart", test_restart);
  g_test_add_func ("/stream/latency", test_latency);
  g_test_add_func ("/stream/qos", test_qos);
  return g_test_run ();
}
