/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * pipeloadoverlay over time: trails, zones, caps that change, sinks that blend, restarts, errors.
 */
#include "tests/element/rig-overlay.h"

#include <string.h>

#define WIDTH 160
#define HEIGHT 120
#define LINE 2

#define PLAIN "labels=false confidence=false ids=false"
#define COMPOSED "video/x-raw(meta:GstVideoOverlayComposition),format=RGBA,width=160,height=120,framerate=30/1"

/* A square zone, and a line beside it. */
#define ZONES                                                                                                          \
  "{\"zones\": [{\"name\": \"a\", \"polygon\": [[0.25, 0.25], [0.5, 0.25], [0.5, 0.75], [0.25, 0.75]]}], "             \
  "\"lines\": [{\"name\": \"b\", \"from\": [0.75, 0.25], \"to\": [0.75, 0.75]}]}"
#define OTHER_ZONES                                                                                                    \
  "{\"zones\": [{\"name\": \"a\", \"polygon\": [[0.0625, 0.25], [0.125, 0.25], [0.125, 0.75], [0.0625, "               \
  "0.75]]}]}"

/* Stops the element, and begins another stream of the same kind. */
static void
restart (Rig *rig, const char *zones)
{
  g_assert_cmpint (gst_element_set_state (rig->element, GST_STATE_READY), ==, GST_STATE_CHANGE_SUCCESS);
  g_object_set (rig->element, "zones", zones, NULL);
  g_assert_cmpint (gst_element_set_state (rig->element, GST_STATE_PLAYING), ==, GST_STATE_CHANGE_SUCCESS);
  g_assert_true (gst_harness_push_event (rig->harness, gst_event_new_stream_start ("again")));
  rig_set_caps (rig, "RGBA", WIDTH, HEIGHT);
  rig_push_segment (rig);
}

static GstBuffer *
push_at (Rig *rig, GstClockTime time, double x)
{
  GstBuffer *buffer = overlay_flat (WIDTH, HEIGHT, 0);

  GST_BUFFER_PTS (buffer) = time;
  overlay_detect (buffer, WIDTH, HEIGHT, 1, "person", x - 10, 40, x + 10, 80);
  return overlay_push (rig, buffer);
}

/* Pushes a track that walks from column 30 to 120 in a second. Returns: (transfer full): the last frame */
static GstBuffer *
walk (Rig *rig, GstClockTime begin)
{
  GstBuffer *out = NULL;

  for (guint i = 0; i <= 30; i++)
    {
      gst_clear_buffer (&out);
      out = push_at (rig, begin + i * GST_SECOND / 30, 30 + 3 * i);
    }
  return out;
}

static void
test_trail (void)
{
  GstBuffer *out;
  OverlayArea area;
  Rig rig;

  overlay_open (&rig, PLAIN " boxes=false trails=2");
  rig_set_caps (&rig, "RGBA", WIDTH, HEIGHT);
  out = walk (&rig, 0);
  area = overlay_changed (out, WIDTH, 0, HEIGHT);
  g_assert_cmpint (ABS (area.x - 30), <=, LINE);
  g_assert_cmpint (ABS (area.right - 120), <=, LINE);
  g_assert_true (area.y >= 80 - LINE && area.bottom <= 80 + LINE);
  for (int x = 32; x < 118; x++)
    g_assert_cmphex (overlay_pixel (out, WIDTH, x, 80), ==, 0x40ff78); /* id 1; see test-overlay.c */
  gst_buffer_unref (out);
  /* After another 1.5 s, what is older than 2 s is forgotten: the first half. */
  out = push_at (&rig, 5 * GST_SECOND / 2, 120);
  area = overlay_changed (out, WIDTH, 0, HEIGHT);
  g_assert_cmpint (ABS (area.x - 75), <=, 6);
  gst_buffer_unref (out);
  rig_close (&rig);
}

/* No trail: switched off, forgotten with a flush, and when time goes back. */
static void
test_no_trail (void)
{
  static const char *const properties[] = { PLAIN " boxes=false trails=0", PLAIN " boxes=false", PLAIN " boxes=false" };

  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      GstBuffer *out;
      Rig rig;

      overlay_open (&rig, properties[i]);
      rig_set_caps (&rig, "RGBA", WIDTH, HEIGHT);
      out = walk (&rig, GST_SECOND);
      g_assert_cmpint (overlay_changed (out, WIDTH, 0, HEIGHT).count > 0, ==, i > 0);
      gst_buffer_unref (out);
      if (i == 1)
        {
          g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_flush_start ()));
          rig_flush_stop (&rig);
        }
      out = push_at (&rig, i == 1 ? 2 * GST_SECOND : 0, 120);
      g_assert_cmpuint (overlay_changed (out, WIDTH, 0, HEIGHT).count, ==, 0);
      gst_buffer_unref (out);
      rig_close (&rig);
    }
}

/* Frames without a time, of no known rate, go on as if they were 25 a second. */
static void
test_no_time (void)
{
  GstBuffer *out = NULL;
  OverlayArea area;
  Rig rig;

  overlay_open (&rig, PLAIN " boxes=false trails=1");
  gst_harness_set_src_caps_str (rig.harness, "video/x-raw,format=RGBA,width=160,height=120,framerate=0/1");
  for (guint i = 0; i <= 50; i++)
    {
      gst_clear_buffer (&out);
      out = push_at (&rig, GST_CLOCK_TIME_NONE, 20 + 2 * i);
    }
  area = overlay_changed (out, WIDTH, 0, HEIGHT);
  g_assert_cmpint (ABS (area.x - 70), <=, 6);
  g_assert_cmpint (ABS (area.right - 120), <=, LINE);
  gst_buffer_unref (out);
  rig_close (&rig);
}

static void
push_zones (Rig *rig, const char *json)
{
  g_assert_true (gst_harness_push_event (
      rig->harness, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
                                          gst_structure_new ("pipeload-zones", "json", G_TYPE_STRING, json, NULL))));
}

/* Returns: where a frame without detections was drawn on. */
static OverlayArea
push_empty (Rig *rig, guint number)
{
  g_autoptr (GstBuffer) out = overlay_push (rig, overlay_flat (WIDTH, HEIGHT, number));

  return overlay_changed (out, WIDTH, 0, HEIGHT);
}

/* The same, where zones are to be seen. */
static OverlayArea
push_zoned (Rig *rig, guint number)
{
  g_autoptr (GstBuffer) out = overlay_push (rig, overlay_flat (WIDTH, HEIGHT, number));
  OverlayArea area = overlay_changed (out, WIDTH, 0, HEIGHT);

  g_assert_cmpuint (area.count, >, 0);
  for (int y = 60; y < 80; y++)
    {
      const gboolean first = area.right > 100; /* ZONES, not OTHER_ZONES */

      g_assert_cmphex (overlay_pixel (out, WIDTH, first ? 40 : 10, y), !=, 0x808080);
      g_assert_cmphex (overlay_pixel (out, WIDTH, first ? 60 : 15, y), ==, 0x808080);
      g_assert_cmphex (overlay_pixel (out, WIDTH, first ? 80 : 20, y), !=, 0x808080);
      g_assert_cmpint (overlay_pixel (out, WIDTH, 120, y) != 0x808080, ==, first);
    }
  return area;
}

static void
assert_zones (OverlayArea area)
{
  g_assert_cmpint (ABS (area.x - 40), <=, LINE);
  g_assert_true (area.y >= 30 - LINE && area.bottom <= 90 + LINE);
}

static void
test_zones_of_event (void)
{
  g_autoptr (GstEvent) event = NULL;
  Rig rig;

  overlay_open (&rig, "");
  rig_set_caps (&rig, "RGBA", WIDTH, HEIGHT);
  g_assert_cmpuint (push_empty (&rig, 0).count, ==, 0);
  push_zones (&rig, ZONES);
  for (guint i = 1; i < 4; i++)
    assert_zones (push_zoned (&rig, i));
  g_object_set (rig.element, "line-width", 4, NULL);
  g_assert_cmpint (push_zoned (&rig, 4).y, <, 30 - 1);
  /* It goes on downstream. */
  do
    {
      gst_clear_event (&event);
      event = gst_harness_pull_event (rig.harness);
    }
  while (!gst_event_has_name (event, "pipeload-zones"));
  g_assert_cmpstr (gst_structure_get_string (gst_event_get_structure (event), "json"), ==, ZONES);
  push_zones (&rig, OTHER_ZONES);
  g_assert_cmpint (push_zoned (&rig, 5).x, <, 12);
  push_zones (&rig, "{ no zones");
  g_assert_cmpuint (push_empty (&rig, 6).count, ==, 0);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR), ==, 0);
  rig_close (&rig);
}

/* The property sets the zones, without and with pipeloadevents. */
static void
test_zones_of_property (void)
{
  Rig rig;

  overlay_open (&rig, "");
  restart (&rig, ZONES);
  assert_zones (push_zoned (&rig, 0));
  push_zones (&rig, OTHER_ZONES);
  assert_zones (push_zoned (&rig, 1));
  rig_close (&rig);
}

static void
test_wrong_zones (void)
{
  static const struct
  {
    const char *zones, *word;
    GQuark (*domain) (void);
    int code;
  } cases[] = {
    { "/nonexistent/zones.json", "/nonexistent/zones.json", gst_resource_error_quark, GST_RESOURCE_ERROR_NOT_FOUND },
    { "{ \"zones\": 7 }", "zones", gst_stream_error_quark, GST_STREAM_ERROR_FORMAT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Rig rig;

      overlay_open (&rig, "");
      gst_element_set_state (rig.element, GST_STATE_READY);
      g_object_set (rig.element, "zones", cases[i].zones, NULL);
      rig_assert_refused (&rig, cases[i].domain (), cases[i].code, cases[i].word);
      g_object_set (rig.element, "zones", NULL, NULL);
      g_assert_cmpint (gst_element_set_state (rig.element, GST_STATE_PAUSED), !=, GST_STATE_CHANGE_FAILURE);
      rig_close (&rig);
    }
}

/* Frames a second and memory, once a second has gone by. */
static void
test_corner (void)
{
  static const char *const corners[] = { "top-left", "top-right", "bottom-left", "bottom-right" };
  guint number = 1;
  OverlayArea area;
  Rig rig;

  overlay_open (&rig, "corner=top-left");
  rig_set_caps (&rig, "RGBA", WIDTH, HEIGHT);
  g_assert_cmpuint (push_empty (&rig, 0).count, ==, 0);
  while (push_empty (&rig, number++).count == 0)
    g_usleep (10000);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GstBuffer) out = NULL;

      gst_util_set_object_arg (G_OBJECT (rig.element), "corner", corners[i]);
      out = overlay_push (&rig, overlay_flat (WIDTH, HEIGHT, number++));
      area = overlay_changed (out, WIDTH, 0, HEIGHT);
      g_assert_cmpuint (area.count, >, 0);
      g_assert_cmpuint (area.count * 10, >=, (area.right - area.x) * (area.bottom - area.y) * 9); /* gray on gray */
      g_assert_cmpint (i % 2 == 0 ? area.x : WIDTH - area.right, <=, 1);
      g_assert_cmpint (i < 2 ? area.y : HEIGHT - area.bottom, <=, 1);
    }
  g_object_set (rig.element, "corner", 0, NULL);
  g_assert_cmpuint (push_empty (&rig, number).count, ==, 0);
  rig_close (&rig);
}

/* Sinks that blend get small pictures and the frame as it is; where caps allow that but nobody does it, it is done
 * here. */
static void
test_attach (void)
{
  for (guint blends = 0; blends < 2; blends++)
    {
      GstBuffer *in = overlay_flat (WIDTH, HEIGHT, 0), *out;
      GstVideoOverlayCompositionMeta *meta;
      guint covered = 0;
      Rig rig;

      overlay_open (&rig, "");
      if (blends)
        gst_harness_add_propose_allocation_meta (rig.harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
      gst_harness_set_sink_caps_str (rig.harness, COMPOSED);
      rig_set_caps (&rig, "RGBA", WIDTH, HEIGHT);
      overlay_detect (in, WIDTH, HEIGHT, 1, "person", 30, 40, 90, 100);
      out = overlay_push (&rig, in);
      meta = gst_buffer_get_video_overlay_composition_meta (out);
      g_assert_cmpint (meta != NULL, ==, blends);
      g_assert_cmpint (overlay_changed (out, WIDTH, 0, HEIGHT).count > 0, ==, !blends);
      for (guint i = 0; meta != NULL && i < gst_video_overlay_composition_n_rectangles (meta->overlay); i++)
        {
          guint width, height;
          int x, y;

          gst_video_overlay_rectangle_get_render_rectangle (
              gst_video_overlay_composition_get_rectangle (meta->overlay, i), &x, &y, &width, &height);
          g_assert_true (x >= 0 && y >= 0 && x + width <= WIDTH && y + height <= HEIGHT);
          covered += width * height;
        }
      if (meta != NULL) /* the four edges, and a label */
        g_assert_true (covered > 60 * 60 - 56 * 56 && covered < 60 * 60 - 56 * 56 + 130 * 20);
      gst_buffer_unref (out);
      rig_close (&rig);
    }
}

/* Any size, one after the other, in one stream. */
static void
test_sizes (void)
{
  static const int sizes[][2]
      = { { 160, 120 }, { 1, 1 }, { 3, 2 }, { 7680, 4320 }, { 17, 1 }, { 1, 301 }, { 160, 120 } };
  Rig rig;

  overlay_open (&rig, "corner=top-right");
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      const int width = sizes[i][0], height = sizes[i][1];
      GstBuffer *out;

      rig_set_caps (&rig, "RGBA", width, height);
      push_zones (&rig, ZONES);
      for (guint j = 0; j < 2; j++)
        {
          out = overlay_flat (width, height, 2 * i + j);
          overlay_detect (out, width, height, 1, "person", 0, 0, width, height);
          out = overlay_push (&rig, out);
          g_assert_cmphex (overlay_pixel (out, width, width - 1, height - 1), !=, 0x808080);
          gst_buffer_unref (out);
        }
    }
  rig_close (&rig);
}

/* Settings change between frames; what is switched off is not drawn any more, and nothing is left of a stream
 * that was stopped. */
static void
test_restart (void)
{
  Rig rig;

  overlay_open (&rig, PLAIN);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (GstBuffer) boxed = NULL;
      g_autoptr (GstBuffer) trailed = NULL;
      g_autoptr (GstBuffer) bare = NULL;

      restart (&rig, NULL);
      g_object_set (rig.element, "boxes", TRUE, "trails", 2.0, NULL);
      boxed = push_at (&rig, 0, 60);
      g_assert_cmpuint (overlay_changed (boxed, WIDTH, 0, HEIGHT).count, ==, 20 * 40 - 16 * 36);
      g_object_set (rig.element, "boxes", FALSE, NULL);
      trailed = push_at (&rig, 0, 120);
      g_assert_cmpuint (overlay_changed (trailed, WIDTH, 0, HEIGHT).count, >, 0);
      g_object_set (rig.element, "trails", 0.0, NULL);
      bare = push_at (&rig, 0, 90);
      g_assert_cmpuint (overlay_changed (bare, WIDTH, 0, HEIGHT).count, ==, 0);
    }
  rig_close (&rig);
}

/* A frame that is not what its caps say: one error. */
static void
test_wrong_frame (void)
{
  for (guint i = 0; i < 2; i++)
    {
      GstBuffer *buffer = overlay_flat (WIDTH, i == 0 ? HEIGHT / 2 : HEIGHT, 0);
      Rig rig;

      overlay_open (&rig, "");
      rig_set_caps (&rig, "RGBA", WIDTH, HEIGHT);
      overlay_detect (buffer, WIDTH, HEIGHT, 1, "person", 30, 40, 90, 100);
      if (i == 1)
        gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_RGBA, WIDTH / 2, HEIGHT);
      g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
      rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "caps");
      rig_close (&rig);
    }
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/overlay-stream/trail", test_trail);
  g_test_add_func ("/overlay-stream/no-trail", test_no_trail);
  g_test_add_func ("/overlay-stream/no-time", test_no_time);
  g_test_add_func ("/overlay-stream/zones-of-event", test_zones_of_event);
  g_test_add_func ("/overlay-stream/zones-of-property", test_zones_of_property);
  g_test_add_func ("/overlay-stream/wrong-zones", test_wrong_zones);
  g_test_add_func ("/overlay-stream/corner", test_corner);
  g_test_add_func ("/overlay-stream/attach", test_attach);
  g_test_add_func ("/overlay-stream/sizes", test_sizes);
  g_test_add_func ("/overlay-stream/restart", test_restart);
  g_test_add_func ("/overlay-stream/wrong-frame", test_wrong_frame);
  return g_test_run ();
}
