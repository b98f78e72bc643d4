/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * pipeloadtrack between two pads: a person who walks at a known speed, reported as by pipeloadvit and as by others.
 */
#include "tests/element/rig.h"

#include <string.h>

#define WIDTH 640
#define HEIGHT 360
#define RATE 10

static void
open_track (Rig *rig, const char *properties, const char *caps)
{
  g_autofree char *line = g_strdup_printf ("pipeloadtrack %s", properties);
  g_autoptr (GError) error = NULL;

  rig->element = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (rig->element);
  rig->bus = gst_bus_new ();
  gst_element_set_bus (rig->element, rig->bus);
  rig_play (rig);
  gst_harness_set_src_caps_str (rig->harness, caps);
}

static void
open_usual (Rig *rig, const char *properties)
{
  open_track (rig, properties, "video/x-raw,format=GRAY8,width=640,height=360,framerate=10/1");
}

/* ---- frames -------------------------------------------------------------------------------- */

#define SPEED 0.06 /* shares of the frame a second */
#define PERSON_WIDTH 0.05
#define PERSON_HEIGHT 0.25

/* The middle of the person in frame @n. */
static double
place (double n)
{
  return 0.2 + SPEED * n / RATE;
}

static GstPipeloadObject
person (double x, double confidence)
{
  return (GstPipeloadObject) { .label_id = 3,
                               .label = g_intern_string ("person"),
                               .confidence = confidence,
                               .box = { x - PERSON_WIDTH / 2, 0.3, x + PERSON_WIDTH / 2, 0.3 + PERSON_HEIGHT } };
}

static GstBuffer *
frame_at (GstClockTime time)
{
  GstBuffer *buffer = gst_buffer_new ();

  GST_BUFFER_PTS (buffer) = time;
  return buffer;
}

static GstClockTime
time_of (guint n)
{
  return n * GST_SECOND / RATE;
}

/* Writes the result of frame @number, with a person at @x unless that is negative, as pipeloadvit does. */
static GstBuffer *
with_result (GstBuffer *buffer, guint64 number, guint64 age, double x)
{
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_new (number);
  const GstPipeloadObject object = person (x, 0.8);

  frame->kind = GST_PIPELOAD_FRAME_DETECTIONS;
  frame->width = WIDTH;
  frame->height = HEIGHT;
  if (x >= 0)
    g_array_append_val (frame->objects, object);
  gst_pipeload_frame_attach (frame, buffer, age);
  return buffer;
}

/* A region as other elements write it, with pixels alone. */
static GstBuffer *
with_region (GstBuffer *buffer, double x)
{
  GstVideoRegionOfInterestMeta *meta = gst_buffer_add_video_region_of_interest_meta (
      buffer, "person", (guint) ((x - PERSON_WIDTH / 2) * WIDTH + 0.5), 108, 32, 90);

  gst_video_region_of_interest_meta_add_param (meta,
                                               gst_structure_new ("detection", "confidence", G_TYPE_DOUBLE, 0.8, NULL));
  return buffer;
}

static GstPipeloadFrame *
push (Rig *rig, GstBuffer *buffer)
{
  return rig_see (rig, buffer, WIDTH, HEIGHT);
}

/* Returns: the id of the one object, or 0 if there is none. */
static int
push_for_id (Rig *rig, GstBuffer *buffer)
{
  g_autoptr (GstPipeloadFrame) frame = push (rig, buffer);

  g_assert_cmpuint (frame->objects->len, <=, 1);
  return frame->objects->len == 0 ? 0 : gst_pipeload_frame_object (frame, 0)->id;
}

/* Three results in a row for a person at @x, from frame @first on. Returns: the id */
static int
introduce (Rig *rig, guint first, double x)
{
  g_assert_cmpint (push_for_id (rig, with_result (frame_at (time_of (first)), first, 0, x)), ==, 0);
  g_assert_cmpint (push_for_id (rig, with_result (frame_at (time_of (first + 1)), first + 1, 0, x)), ==, 0);
  return push_for_id (rig, with_result (frame_at (time_of (first + 2)), first + 2, 0, x));
}

/* The one object is the person, within @tolerance (shares of the frame). */
static const GstPipeloadObject *
assert_person (const GstPipeloadFrame *frame, int id, double x, double tolerance)
{
  const GstPipeloadObject *object = gst_pipeload_frame_object (frame, 0);

  g_assert_cmpuint (frame->objects->len, ==, 1);
  g_assert_cmpint (object->id, ==, id);
  g_assert_true (object->tracked);
  g_assert_cmpfloat_with_epsilon ((object->box.x_min + object->box.x_max) / 2, x, tolerance);
  g_assert_cmpfloat_with_epsilon ((object->box.y_min + object->box.y_max) / 2, 0.3 + PERSON_HEIGHT / 2, tolerance);
  return object;
}

/* ---- results ------------------------------------------------------------------------------- */

/* The metas of a frame, to the letter. */
static void
test_metas (void)
{
  GstPipeloadResultCursor cursor = { 0 };
  GstVideoRegionOfInterestMeta *meta;
  const GstStructure *param;
  double dx, dy, confidence;
  guint64 start, number, age;
  GstBuffer *out = NULL;
  guint label_id;
  int id;
  Rig rig;

  open_usual (&rig, "");
  for (guint i = 0; i < 30; i++)
    {
      GstBuffer *buffer = with_result (frame_at (time_of (i + 5)), i + 5, 0, place (i));

      gst_buffer_add_video_region_of_interest_meta (buffer, "face", 1, 2, 3, 4); /* none of ours */
      g_clear_pointer (&out, gst_buffer_unref);
      out = gst_harness_push_and_pull (rig.harness, buffer);
      g_assert_cmpuint (gst_buffer_get_n_meta (out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), ==, i < 2 ? 1 : 2);
    }
  g_assert_cmpint (gst_pipeload_result_next (&cursor, out), ==, GST_PIPELOAD_RESULT_NEW);
  g_assert_cmpuint (cursor.number, ==, 34);
  g_assert_cmpuint (cursor.age, ==, 0);
  meta = gst_buffer_get_video_region_of_interest_meta_id (out, 1);
  g_assert_nonnull (meta);
  g_assert_cmpstr (g_quark_to_string (meta->roi_type), ==, "person");
  g_assert_cmpint (ABS ((int) meta->x - (int) ((place (29) - PERSON_WIDTH / 2) * WIDTH)), <=, 3);
  g_assert_cmpint (ABS ((int) meta->y - 108), <=, 1);
  g_assert_cmpint (ABS ((int) meta->w - 32), <=, 1);
  g_assert_cmpint (ABS ((int) meta->h - 90), <=, 1);
  param = gst_video_region_of_interest_meta_get_param (meta, "detection");
  g_assert_true (gst_structure_get (param, "label_id", G_TYPE_UINT, &label_id, "confidence", G_TYPE_DOUBLE, &confidence,
                                    "frame", G_TYPE_UINT64, &number, "age", G_TYPE_UINT64, &age, NULL));
  g_assert_cmpuint (label_id, ==, 3);
  g_assert_cmpfloat (confidence, ==, 0.8);
  g_assert_cmpuint (number, ==, 34);
  g_assert_cmpuint (age, ==, 0);
  param = gst_video_region_of_interest_meta_get_param (meta, "track");
  g_assert_true (gst_structure_get (param, "id", G_TYPE_INT, &id, "start", G_TYPE_UINT64, &start, "dx", G_TYPE_DOUBLE,
                                    &dx, "dy", G_TYPE_DOUBLE, &dy, NULL));
  g_assert_cmpint (id, ==, 1);
  g_assert_cmpuint (start, ==, time_of (5));
  g_assert_cmpfloat_with_epsilon (dx, SPEED, 0.005);
  g_assert_cmpfloat_with_epsilon (dy, 0, 0.005);
  g_assert_cmpstr (gst_structure_get_string (param, "state"), ==, "measured");
  gst_buffer_unref (out);
  rig_close (&rig);
}

/* interval=6: five frames carry an old result, their boxes move on; the sixth brings a new one. */
static void
test_interval (void)
{
  Rig rig;

  open_usual (&rig, "");
  for (guint i = 0; i < 60; i++)
    {
      guint age = i % 6;
      g_autoptr (GstPipeloadFrame) frame
          = push (&rig, with_result (frame_at (time_of (i)), i - age, age, place (i - age)));

      if (i < 12)
        g_assert_cmpuint (frame->objects->len, ==, 0);
      else
        g_assert_true (assert_person (frame, 1, place (i), 0.01)->predicted == (age != 0));
    }
  g_assert_cmpuint (rig_stat (&rig, "results"), ==, 10);
  g_assert_cmpuint (rig_stat (&rig, "frames"), ==, 60);
  g_assert_cmpuint (rig_stat (&rig, "tracks"), ==, 1);
  g_assert_cmpuint (rig_stat (&rig, "lost"), ==, 0);
  g_assert_cmpuint (rig_stat (&rig, "ids"), ==, 1);
  rig_close (&rig);
}

/* mode=async: results are four frames old when they come, and seven before the next comes. Frames do not come at an
 * even pace, so only their own times say when the picture was taken. */
static void
test_async (void)
{
  static const guint uneven[] = { 0, 3, 1, 6, 9, 5, 0, 4 };
  Rig rig;

  open_usual (&rig, "");
  for (guint i = 0; i < 80; i++)
    {
      GstClockTime time = time_of (i) + uneven[i % 8] * 10 * GST_MSECOND;
      GstBuffer *buffer = frame_at (time);
      guint number = (i - 4) / 4 * 4;
      g_autoptr (GstPipeloadFrame) frame = NULL;

      if (i >= 4)
        with_result (buffer, number, i - number, place (number + uneven[number % 8] / 10.0));
      frame = push (&rig, buffer);
      if (i >= 24)
        assert_person (frame, 1, place (i + uneven[i % 8] / 10.0), 0.002);
    }
  rig_close (&rig);
}

/* A result that stays the same while nothing moves says so for as long as it does. */
static void
test_held (void)
{
  Rig rig;

  open_usual (&rig, "");
  g_assert_cmpint (introduce (&rig, 0, 0.5), ==, 1);
  for (guint i = 3; i < 600; i++)
    {
      g_autoptr (GstPipeloadFrame) frame = push (&rig, with_result (frame_at (time_of (i)), 2, i - 2, 0.5));

      g_assert_true (assert_person (frame, 1, 0.5, 0.001)->predicted);
    }
  g_assert_cmpint (push_for_id (&rig, with_result (frame_at (time_of (600)), 600, 0, 0.5)), ==, 1);
  rig_close (&rig);
}

/* A result with nobody in it: the person is shown for as long as "hold" says. */
static void
test_lost (void)
{
  Rig rig;

  open_usual (&rig, "hold=0.3");
  g_assert_cmpint (introduce (&rig, 0, 0.5), ==, 1);
  for (guint i = 3; i < 15; i++)
    {
      g_autoptr (GstPipeloadFrame) frame = push (&rig, with_result (frame_at (time_of (i)), i, 0, -1));

      if (i > 5)
        g_assert_cmpuint (frame->objects->len, ==, 0);
      else
        g_assert_true (assert_person (frame, 1, 0.5, 0.001)->predicted);
    }
  g_assert_cmpuint (rig_stat (&rig, "lost"), ==, 1);
  g_assert_cmpint (push_for_id (&rig, with_result (frame_at (time_of (15)), 15, 0, 0.5)), ==, 1);
  g_assert_cmpuint (rig_stat (&rig, "lost"), ==, 0);
  rig_close (&rig);
}

/* Elements that write no note of a result: every frame is one, with nobody in it too. */
static void
test_foreign (void)
{
  Rig rig;

  open_usual (&rig, "");
  g_assert_cmpint (push_for_id (&rig, frame_at (0)), ==, 0);
  for (guint i = 1; i < 20; i++)
    {
      g_autoptr (GstPipeloadFrame) frame = push (&rig, with_region (frame_at (time_of (i)), place (i)));

      if (i > 2)
        g_assert_false (assert_person (frame, 1, place (i), 0.02)->predicted);
    }
  for (guint i = 20; i < 30; i++)
    g_assert_cmpint (push_for_id (&rig, frame_at (time_of (i))), ==, i < 25 ? 1 : 0);
  g_assert_cmpuint (rig_stat (&rig, "results"), ==, 29);
  rig_close (&rig);
}

/* The classes of a classifier stay as they are. */
static void
test_classes (void)
{
  Rig rig;

  open_usual (&rig, "");
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_new (i), out = NULL;
      const GstPipeloadObject object = { .label = g_intern_string ("cat"), .confidence = 0.9, .box = { 0, 0, 1, 1 } };
      GstBuffer *buffer = frame_at (time_of (i));

      frame->width = WIDTH;
      frame->height = HEIGHT;
      g_array_append_val (frame->objects, object);
      gst_pipeload_frame_attach (frame, buffer, 0);
      out = push (&rig, buffer);
      g_assert_cmpint (out->kind, ==, GST_PIPELOAD_FRAME_CLASSES);
      g_assert_cmpuint (out->objects->len, ==, 1);
      g_assert_cmpint (gst_pipeload_frame_object (out, 0)->id, ==, 0);
    }
  g_assert_cmpuint (rig_stat (&rig, "ids"), ==, 0);
  rig_close (&rig);
}

/* ---- streams ------------------------------------------------------------------------------- */

/* Without timestamps the framerate gives the time, and without that 25 a second: at the wrong pace velocities are
 * wrong. */
static void
test_no_time (void)
{
  static const struct
  {
    const char *caps;
    double rate;
  } cases[] = { { "video/x-raw,format=GRAY8,width=640,height=360,framerate=10/1", 10 },
                { "video/x-raw,format=GRAY8,width=640,height=360,framerate=0/1", 25 } };

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      g_autoptr (GstPipeloadFrame) frame = NULL;
      Rig rig;

      open_track (&rig, "", cases[c].caps);
      for (guint i = 0; i < 50; i++)
        {
          g_clear_pointer (&frame, gst_pipeload_frame_unref);
          frame = push (&rig, with_result (frame_at (GST_CLOCK_TIME_NONE), i, 0, place (i)));
        }
      g_assert_cmpfloat_with_epsilon (gst_pipeload_frame_object (frame, 0)->dx, SPEED * cases[c].rate / RATE, 0.01);
      rig_close (&rig);
    }
}

/* Without a new segment. */
static void
push_caps (Rig *rig, const char *text)
{
  GstCaps *caps = gst_caps_from_string (text);

  g_assert_true (gst_harness_push_event (rig->harness, gst_event_new_caps (caps)));
  gst_caps_unref (caps);
}

/* After each of these nobody is known any more, and ids go on. */
static void
test_forgets (void)
{
  Rig rig;

  open_usual (&rig, "");
  g_assert_cmpint (introduce (&rig, 0, 0.5), ==, 1);
  g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_flush_start ()));
  rig_flush_stop (&rig);
  g_assert_cmpint (introduce (&rig, 3, 0.5), ==, 2);
  rig_push_segment (&rig);
  g_assert_cmpint (introduce (&rig, 6, 0.5), ==, 3);
  push_caps (&rig, "video/x-raw,format=GRAY8,width=320,height=240,framerate=10/1");
  g_assert_cmpint (introduce (&rig, 9, 0.5), ==, 4);
  g_assert_cmpint (introduce (&rig, 1000, 0.5), ==, 5); /* a leap forwards */
  g_assert_cmpint (introduce (&rig, 12, 0.5), ==, 6);   /* and back */
  push_caps (&rig, "video/x-raw,format=I420,width=320,height=240,framerate=5/1");
  g_assert_cmpint (push_for_id (&rig, with_result (frame_at (time_of (15)), 15, 0, 0.5)), ==, 6); /* same size */
  g_assert_cmpint (push_for_id (&rig, with_result (frame_at (time_of (13)), 16, 0, 0.5)), ==,
                   6); /* a clock set right */
  rig_close (&rig);
}

static void
test_restart (void)
{
  Rig rig;

  open_usual (&rig, "");
  for (guint round = 0; round < 5; round++)
    {
      g_assert_cmpint (introduce (&rig, 0, 0.5), ==, 1);
      g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_eos ()));
      g_assert_cmpint (gst_element_set_state (rig.element, round % 2 == 0 ? GST_STATE_READY : GST_STATE_NULL), ==,
                       GST_STATE_CHANGE_SUCCESS);
      g_assert_cmpuint (rig_stat (&rig, "ids"), ==, 1);
      g_assert_cmpint (gst_element_set_state (rig.element, GST_STATE_PLAYING), ==, GST_STATE_CHANGE_SUCCESS);
      g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_stream_start ("again")));
      gst_harness_set_src_caps_str (rig.harness, "video/x-raw,format=GRAY8,width=640,height=360,framerate=10/1");
    }
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING), ==, 0);
  rig_close (&rig);
}

static void
test_jpeg (void)
{
  Rig rig;

  open_track (&rig, "", "image/jpeg,width=640,height=360");
  g_assert_cmpint (introduce (&rig, 0, 0.5), ==, 1);
  gst_harness_set_src_caps_str (rig.harness, "image/jpeg");
  gst_harness_push (rig.harness, frame_at (time_of (3)));
  gst_harness_push (rig.harness, frame_at (time_of (4)));
  rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "jpegparse");
  rig_close (&rig);
}

static void
test_sizes (void)
{
  static const guint sizes[][2] = { { 1, 1 }, { 7680, 4320 }, { 1, 4320 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *caps
          = g_strdup_printf ("video/x-raw,format=GRAY8,width=%u,height=%u,framerate=10/1", sizes[i][0], sizes[i][1]);
      GstVideoRegionOfInterestMeta *meta;
      GstBuffer *out;
      Rig rig;

      open_track (&rig, "", caps);
      g_assert_cmpint (introduce (&rig, 0, 0.5), ==, 1);
      out = gst_harness_push_and_pull (rig.harness, with_result (frame_at (time_of (3)), 3, 0, 0.5));
      meta = gst_buffer_get_video_region_of_interest_meta_id (out, 1);
      g_assert_nonnull (meta);
      g_assert_cmpuint (meta->x + meta->w, <=, sizes[i][0]);
      g_assert_cmpuint (meta->y + meta->h, <=, sizes[i][1]);
      gst_buffer_unref (out);
      rig_close (&rig);
    }
}

/* At the border boxes are cut, and objects outside the picture are not on it. */
static void
test_border (void)
{
  Rig rig;

  open_usual (&rig, "hold=5");
  for (guint i = 0; i < 40; i++)
    {
      double x = 0.9 + 0.1 * i / RATE;
      g_autoptr (GstPipeloadFrame) frame = push (&rig, with_result (frame_at (time_of (i)), i, 0, i < 9 ? x : -1));

      for (guint k = 0; k < frame->objects->len; k++)
        {
          g_assert_cmpfloat (gst_pipeload_frame_object (frame, k)->box.x_max, <=, 1);
          g_assert_cmpfloat (gst_pipeload_frame_object (frame, k)->box.x_min, <, 1);
        }
      g_assert_cmpuint (frame->objects->len, ==, i < 2 || i > 15 ? 0 : i < 9 ? 1 : frame->objects->len);
    }
  rig_close (&rig);
}

/* Settings hold from the next frame on. */
static void
test_properties (void)
{
  double high, max_age;
  guint min_hits;
  Rig rig;

  open_usual (&rig, "min-hits=1 high-threshold=0.9");
  g_object_get (rig.element, "high-threshold", &high, "min-hits", &min_hits, "max-age", &max_age, NULL);
  g_assert_cmpfloat (high, ==, 0.9);
  g_assert_cmpuint (min_hits, ==, 1);
  g_assert_cmpfloat (max_age, >, 0);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (push_for_id (&rig, with_result (frame_at (time_of (i)), i, 0, 0.5)), ==, 0);
  g_object_set (rig.element, "high-threshold", 0.8, NULL);
  g_assert_cmpint (push_for_id (&rig, with_result (frame_at (time_of (5)), 5, 0, 0.5)), ==, 1);
  g_object_set (rig.element, "low-threshold", 0.85, NULL);
  g_assert_cmpint (push_for_id (&rig, with_result (frame_at (time_of (6)), 6, 0, 0.5)), ==, 1);
  g_assert_cmpuint (rig_stat (&rig, "lost"), ==, 1);
  g_object_set (rig.element, "hold", 0.0, NULL);
  g_assert_cmpint (push_for_id (&rig, with_result (frame_at (time_of (7)), 7, 0, 0.5)), ==, 0);
  rig_close (&rig);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/track/metas", test_metas);
  g_test_add_func ("/track/interval", test_interval);
  g_test_add_func ("/track/async", test_async);
  g_test_add_func ("/track/held", test_held);
  g_test_add_func ("/track/lost", test_lost);
  g_test_add_func ("/track/foreign", test_foreign);
  g_test_add_func ("/track/classes", test_classes);
  g_test_add_func ("/track/no-time", test_no_time);
  g_test_add_func ("/track/forgets", test_forgets);
  g_test_add_func ("/track/restart", test_restart);
  g_test_add_func ("/track/jpeg", test_jpeg);
  g_test_add_func ("/track/sizes", test_sizes);
  g_test_add_func ("/track/border", test_border);
  g_test_add_func ("/track/properties", test_properties);
  return g_test_run ();
}
