/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * pipeloadevents between a source of tracked boxes and a sink: its reports, where and in which order, and its life. A
 * second is ten frames here, unless a test says otherwise; analytics/visits.c has its own tests.
 */
#include "tests/element/rig.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define RATE 10
#define YARD                                                                                                           \
  "{\\\"zones\\\": [{\\\"name\\\": \\\"yard\\\", \\\"polygon\\\": [[0,0.5],[1,0.5],[1,1],[0,1]]},"                     \
  " {\\\"name\\\": \\\"all\\\", \\\"polygon\\\": [[0,0],[1,0],[1,1],[0,1]], \\\"labels\\\": "                          \
  "[\\\"dog\\\"]}]}"
#define GATE "{\\\"lines\\\": [{\\\"name\\\": \\\"gate\\\", \\\"from\\\": [0.5,1], \\\"to\\\": [0.5,0]}]}"

typedef struct
{
  Rig rig;
  guint frame;    /* time of the next one */
  guint64 number; /* of the next result */
  GString *order; /* what has left the element: events by their names, frames as "|" */
  GPtrArray *json;
} Yard;

static GstPadProbeReturn
note (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Yard *yard = data;
  const GstStructure *structure;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER)
    {
      g_string_append (yard->order, "|");
      return GST_PAD_PROBE_OK;
    }
  structure = gst_event_get_structure (GST_PAD_PROBE_INFO_EVENT (info));
  switch (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)))
    {
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      g_assert_true (gst_structure_has_name (structure, GST_PIPELOAD_EVENT_MESSAGE));
      g_string_append_printf (yard->order, " %s ", gst_structure_get_string (structure, "event"));
      g_ptr_array_add (yard->json, g_strdup (gst_structure_get_string (structure, "json")));
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
      g_assert_true (gst_structure_has_name (structure, GST_PIPELOAD_ZONES_EVENT));
      g_string_append (yard->order, " zones ");
      break;
    case GST_EVENT_EOS:
      g_string_append (yard->order, " eos ");
      break;
    case GST_EVENT_FLUSH_STOP:
      g_string_append (yard->order, " flushed ");
      break;
    case GST_EVENT_SEGMENT:
      g_string_append (yard->order, " segment ");
      break;
    default:
      break;
    }
  return GST_PAD_PROBE_OK;
}

static void
make (Yard *yard, const char *properties)
{
  g_autofree char *line = g_strdup_printf ("pipeloadevents %s", properties);
  g_autoptr (GError) error = NULL;

  *yard = (Yard) { .order = g_string_new (NULL), .json = g_ptr_array_new_with_free_func (g_free) };
  yard->rig.element = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (yard->rig.element);
  yard->rig.bus = gst_bus_new ();
  gst_element_set_bus (yard->rig.element, yard->rig.bus);
}

static void
play (Yard *yard)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (yard->rig.element, "src");

  rig_play (&yard->rig);
  gst_harness_set_live (yard->rig.harness, FALSE);
  gst_pad_add_probe (pad,
                     GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
                     note, yard, NULL);
}

static void
open_yard (Yard *yard, const char *properties)
{
  make (yard, properties);
  play (yard);
  rig_set_caps (&yard->rig, "RGB", 640, 480);
}

static void
close_yard (Yard *yard)
{
  rig_close (&yard->rig);
  g_string_free (yard->order, TRUE);
  g_ptr_array_unref (yard->json);
}

/* A tracked person whose feet are at @x, @y. */
static GstPipeloadObject
person (int id, double confidence, double x, double y)
{
  return (GstPipeloadObject) { .id = id,
                               .label = g_intern_static_string ("person"),
                               .confidence = confidence,
                               .box = { x - 0.0625, y - 0.25, x + 0.0625, y },
                               .tracked = id > 0,
                               .start = 7,
                               .dx = 0.5 };
}

static GstBuffer *
make_frame (Yard *yard, const GstPipeloadObject *objects, guint n)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 16, NULL); /* pixels are not looked at */
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_new (yard->number);

  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (yard->frame++, GST_SECOND, RATE);
  frame->kind = GST_PIPELOAD_FRAME_DETECTIONS;
  frame->width = 640;
  frame->height = 480;
  g_array_append_vals (frame->objects, objects, n);
  gst_pipeload_frame_attach (frame, buffer, 0);
  return buffer;
}

static void
push (Yard *yard, GstBuffer *buffer)
{
  g_assert_cmpint (gst_harness_push (yard->rig.harness, buffer), ==, GST_FLOW_OK);
  gst_buffer_unref (gst_harness_pull (yard->rig.harness));
}

/* @frames new results that show one object. */
static void
show (Yard *yard, guint frames, GstPipeloadObject object)
{
  for (guint i = 0; i < frames; i++, yard->number++)
    push (yard, make_frame (yard, &object, 1));
}

static void
show_nothing (Yard *yard, guint frames)
{
  for (guint i = 0; i < frames; i++, yard->number++)
    push (yard, make_frame (yard, NULL, 0));
}

#define assert_order(yard, expected)                                                                                   \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_assert_cmpstr ((yard)->order->str, ==, expected);                                                                \
    g_string_truncate ((yard)->order, 0);                                                                              \
  }                                                                                                                    \
  G_STMT_END

/* Events on the bus, one letter each: e(nter), u(pdate), l(eave), c(ross). */
#define assert_bus(yard, expected)                                                                                     \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    g_autofree char *letters = take_messages (yard);                                                                   \
    g_assert_cmpstr (letters, ==, expected);                                                                           \
  }                                                                                                                    \
  G_STMT_END

static char *
take_messages (Yard *yard)
{
  GString *letters = g_string_new (NULL);
  GstMessage *message;

  while ((message = gst_bus_pop_filtered (yard->rig.bus, GST_MESSAGE_ELEMENT)) != NULL)
    {
      const GstStructure *structure = gst_message_get_structure (message);

      g_assert_true (gst_structure_has_name (structure, GST_PIPELOAD_EVENT_MESSAGE));
      g_string_append_c (letters, *gst_structure_get_string (structure, "event"));
      gst_message_unref (message);
    }
  return g_string_free (letters, FALSE);
}

static JsonObject *
parse (Yard *yard, guint i, JsonParser *parser)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (i, <, yard->json->len);
  g_assert_null (strchr (yard->json->pdata[i], '\n'));
  json_parser_load_from_data (parser, yard->json->pdata[i], -1, &error);
  g_assert_no_error (error);
  return json_node_get_object (json_parser_get_root (parser));
}

/* ---- reports ------------------------------------------------------------------------------- */

static void
test_message (void)
{
  const GstStructure *structure;
  GstClockTime timestamp, start, end, duration;
  GstMessage *message;
  double confidence;
  guint64 id;
  Yard yard;

  open_yard (&yard, "leave-after=1");
  show (&yard, 2, person (5, 0.5, 0.5, 0.75));
  show (&yard, 1, person (5, 0.75, 0.5, 0.75));
  message = rig_wait (&yard.rig, GST_MESSAGE_ELEMENT);
  structure = gst_message_get_structure (message);
  g_assert_true (gst_structure_has_name (structure, "pipeload-event"));
  g_assert_true (gst_structure_get (structure, "id", G_TYPE_UINT64, &id, "confidence", G_TYPE_DOUBLE, &confidence,
                                    "timestamp", G_TYPE_UINT64, &timestamp, "start", G_TYPE_UINT64, &start, NULL));
  g_assert_cmpstr (gst_structure_get_string (structure, "event"), ==, "enter");
  g_assert_cmpstr (gst_structure_get_string (structure, "label"), ==, "person");
  g_assert_cmpstr (gst_structure_get_string (structure, "zone"), ==, "");
  g_assert_cmpuint (id, ==, 5);
  g_assert_cmpfloat (confidence, ==, 0.5);
  g_assert_cmpuint (timestamp, ==, GST_SECOND / 5);
  g_assert_cmpuint (start, ==, 0);
  g_assert_false (gst_structure_has_field (structure, "duration"));
  g_assert_cmpstr (gst_structure_get_string (structure, "json"), ==, yard.json->pdata[0]);
  gst_message_unref (message);
  show_nothing (&yard, 10);
  message = rig_wait (&yard.rig, GST_MESSAGE_ELEMENT);
  structure = gst_message_get_structure (message);
  g_assert_cmpstr (gst_structure_get_string (structure, "event"), ==, "leave");
  g_assert_true (gst_structure_get (structure, "timestamp", G_TYPE_UINT64, &timestamp, "end", G_TYPE_UINT64, &end,
                                    "duration", G_TYPE_UINT64, &duration, NULL));
  g_assert_cmpuint (timestamp, ==, 12 * GST_SECOND / 10);
  g_assert_cmpuint (end, ==, 2 * GST_SECOND / 10);
  g_assert_cmpuint (duration, ==, 2 * GST_SECOND / 10);
  gst_message_unref (message);
  assert_order (&yard, " segment || enter |||||||||| leave |");
  close_yard (&yard);
}

static void
assert_keys (JsonObject *object, const char *expected)
{
  g_autoptr (GList) keys = json_object_get_members (object);
  g_autoptr (GString) text = g_string_new (NULL);

  for (const GList *key = keys; key != NULL; key = key->next)
    g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", (const char *) key->data);
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_json (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *event, *object, *box;
  Yard yard;

  open_yard (&yard, "camera=front zones=\"" YARD "\"");
  yard.frame = 50;
  show (&yard, 2, person (5, 0.5, 0.5, 0.75));
  show (&yard, 1, person (5, 0.75, 0.5, 0.875));
  show (&yard, 1, person (5, 0.5, 0.25, 0.625));
  gst_harness_push_event (yard.rig.harness, gst_event_new_eos ());
  assert_order (&yard, " segment  zones || enter || leave  eos ");

  event = parse (&yard, 0, parser);
  assert_keys (event, "event zone id label timestamp start confidence best_confidence camera resolution objects");
  g_assert_cmpstr (json_object_get_string_member (event, "event"), ==, "enter");
  g_assert_cmpstr (json_object_get_string_member (event, "zone"), ==, "yard");
  g_assert_cmpint (json_object_get_int_member (event, "id"), ==, 5);
  g_assert_cmpstr (json_object_get_string_member (event, "label"), ==, "person");
  g_assert_cmpint (json_object_get_int_member (event, "timestamp"), ==, 5200000000);
  g_assert_cmpint (json_object_get_int_member (event, "start"), ==, 5000000000);
  g_assert_cmpfloat (json_object_get_double_member (event, "confidence"), ==, 0.5);
  g_assert_cmpfloat (json_object_get_double_member (event, "best_confidence"), ==, 0.75);
  g_assert_cmpstr (json_object_get_string_member (event, "camera"), ==, "front");
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (event, "resolution"), "width"), ==, 640);
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (event, "resolution"), "height"), ==, 480);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (event, "objects")), ==, 1);
  object = json_array_get_object_element (json_object_get_array_member (event, "objects"), 0);
  assert_keys (object, "id label confidence box x y w h zones");
  g_assert_cmpint (json_object_get_int_member (object, "id"), ==, 5);
  g_assert_cmpfloat (json_object_get_double_member (object, "confidence"), ==, 0.75);
  box = json_object_get_object_member (object, "box");
  g_assert_cmpfloat (json_object_get_double_member (box, "x_min"), ==, 0.4375);
  g_assert_cmpfloat (json_object_get_double_member (box, "x_max"), ==, 0.5625);
  g_assert_cmpfloat (json_object_get_double_member (box, "y_min"), ==, 0.625);
  g_assert_cmpfloat (json_object_get_double_member (box, "y_max"), ==, 0.875);
  g_assert_cmpint (json_object_get_int_member (object, "x"), ==, 280);
  g_assert_cmpint (json_object_get_int_member (object, "y"), ==, 300);
  g_assert_cmpint (json_object_get_int_member (object, "w"), ==, 80);
  g_assert_cmpint (json_object_get_int_member (object, "h"), ==, 120);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "zones")), ==, 1);
  g_assert_cmpstr (json_array_get_string_element (json_object_get_array_member (object, "zones"), 0), ==, "yard");

  event = parse (&yard, 1, parser);
  assert_keys (event, "event zone id label timestamp start end duration confidence best_confidence camera resolution "
                      "objects");
  g_assert_cmpstr (json_object_get_string_member (event, "event"), ==, "leave");
  g_assert_cmpint (json_object_get_int_member (event, "start"), ==, 5000000000);
  g_assert_cmpint (json_object_get_int_member (event, "end"), ==, 5300000000);
  g_assert_cmpint (json_object_get_int_member (event, "duration"), ==, 300000000);
  g_assert_cmpfloat (json_object_get_double_member (event, "best_confidence"), ==, 0.75);
  object = json_array_get_object_element (json_object_get_array_member (event, "objects"), 0);
  g_assert_cmpfloat (json_object_get_double_member (object, "confidence"), ==, 0.75);
  g_assert_cmpint (json_object_get_int_member (object, "x"), ==, 280); /* where it was best */
  close_yard (&yard);
}

static void
test_cross (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *event;
  Yard yard;

  open_yard (&yard, "zones=\"" GATE "\"");
  show (&yard, 3, person (1, 0.9, 0.25, 0.75));
  show (&yard, 3, person (1, 0.9, 0.75, 0.75));
  show (&yard, 3, person (1, 0.9, 0.25, 0.75));
  assert_order (&yard, " segment  zones || enter ||| cross ||| cross |");
  assert_bus (&yard, "ecc");
  event = parse (&yard, 1, parser);
  assert_keys (event,
               "event zone id label direction timestamp start confidence best_confidence camera resolution objects");
  g_assert_cmpstr (json_object_get_string_member (event, "zone"), ==, "gate");
  g_assert_cmpstr (json_object_get_string_member (event, "direction"), ==, "left-to-right");
  g_assert_cmpint (json_object_get_int_member (event, "start"), ==, 300000000);
  g_assert_cmpint (json_object_get_int_member (event, "timestamp"), ==, 500000000);
  event = parse (&yard, 2, parser);
  g_assert_cmpstr (json_object_get_string_member (event, "direction"), ==, "right-to-left");
  g_assert_cmpuint (rig_count (&yard.rig, GST_MESSAGE_WARNING), ==, 0);
  close_yard (&yard);
}

static void
test_update (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  Yard yard;

  open_yard (&yard, "update-interval=1");
  show (&yard, 23, person (1, 0.75, 0.5, 0.75));
  assert_bus (&yard, "euu"); /* at 0.2, 1.2, 2.2 */
  g_assert_cmpstr (json_object_get_string_member (parse (&yard, 1, parser), "event"), ==, "update");
  g_assert_cmpint (json_object_get_int_member (parse (&yard, 1, parser), "timestamp"), ==, 1200000000);
  g_object_set (yard.rig.element, "update-interval", 0.0, NULL);
  show (&yard, 23, person (1, 0.9, 0.5, 0.75));
  assert_bus (&yard, "");
  close_yard (&yard);
}

/* ---- on the frames ------------------------------------------------------------------------- */

static void
test_metas (void)
{
  GstPipeloadObject objects[] = { person (5, 0.5, 0.5, 0.75), person (6, 0.5, 0.5, 0.25), person (7, 0.5, 0.5, 0.75) };
  g_autoptr (GstPipeloadFrame) frame = NULL;
  GstPipeloadResultCursor cursor = { 0 };
  GstBuffer *out;
  Yard yard;

  objects[2].label = g_intern_static_string ("dog");
  objects[2].predicted = TRUE;
  open_yard (&yard, "zones=\"" YARD "\" min-height=0.2");
  yard.number = 77;
  out = gst_harness_push_and_pull (yard.rig.harness, make_frame (&yard, objects, 3));
  g_assert_cmpint (gst_pipeload_result_next (&cursor, out), ==, GST_PIPELOAD_RESULT_NEW);
  g_assert_cmpuint (cursor.number, ==, 77);
  g_assert_cmpuint (cursor.age, ==, 0);
  g_assert_cmpuint (gst_buffer_get_n_meta (out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), ==, 3);
  frame = gst_pipeload_frame_from_buffer (out, 640, 480);
  g_assert_cmpuint (frame->objects->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      static const char *const zones[] = { "yard", "", "yard,all" };
      const GstPipeloadObject *object = gst_pipeload_frame_object (frame, i);
      g_autofree char *joined = g_strjoinv (",", (char **) object->zones);

      g_assert_cmpstr (joined, ==, zones[i]);
      g_assert_cmpint (object->id, ==, objects[i].id);
      g_assert_true (object->tracked);
      g_assert_cmpint (object->predicted, ==, objects[i].predicted);
      g_assert_cmpuint (object->start, ==, 7);
      g_assert_cmpfloat (object->dx, ==, 0.5);
      g_assert_cmpfloat (object->box.x_min, ==, objects[i].box.x_min);
      g_assert_cmpfloat (object->confidence, ==, 0.5);
    }
  gst_buffer_unref (out);
  close_yard (&yard);
}

/* Without zones, frames stay as they are. */
static void
test_no_zones (void)
{
  const GstPipeloadObject object = person (5, 0.5, 0.5, 0.75);
  g_autoptr (GstPipeloadFrame) frame = NULL;
  GstBuffer *out;
  Yard yard;

  open_yard (&yard, "");
  out = gst_harness_push_and_pull (yard.rig.harness, make_frame (&yard, &object, 1));
  frame = gst_pipeload_frame_from_buffer (out, 640, 480);
  g_assert_cmpuint (frame->objects->len, ==, 1);
  g_assert_null (gst_pipeload_frame_object (frame, 0)->zones);
  gst_buffer_unref (out);
  assert_order (&yard, " segment |");
  close_yard (&yard);
}

static void
test_zones_event (void)
{
  Yard yard;

  open_yard (&yard, "zones=\"" YARD "\"");
  for (guint run = 0; run < 2; run++)
    {
      g_autoptr (GstPad) pad = gst_element_get_static_pad (yard.rig.element, "src");
      GstEvent *event = NULL;
      const char *json;

      show (&yard, 1, person (5, 0.5, 0.5, 0.75));
      event = gst_pad_get_sticky_event (pad, GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, 0);
      g_assert_nonnull (event);
      g_assert_true (gst_event_has_name (event, "pipeload-zones"));
      json = gst_structure_get_string (gst_event_get_structure (event), "json");
      g_assert_true (g_str_has_prefix (json, "{\"zones\": [{\"name\": \"yard\""));
      gst_event_unref (event);
      gst_element_set_state (yard.rig.element, GST_STATE_READY);
      gst_element_set_state (yard.rig.element, GST_STATE_PLAYING);
      gst_harness_push_event (yard.rig.harness, gst_event_new_stream_start ("again"));
      rig_set_caps (&yard.rig, "RGB", 640, 480); /* and the segment again */
    }
  close_yard (&yard);
}

/* Frames between two looks bring nothing new: only six looks at the last two. */
static void
test_interval (void)
{
  GstPipeloadObject object = person (1, 0.75, 0.5, 0.75);
  Yard yard;

  open_yard (&yard, "");
  for (guint i = 0; i < 11; i++)
    {
      yard.number = i / 5 * 5;
      object.predicted = i % 5 != 0;
      push (&yard, make_frame (&yard, &object, 1));
    }
  assert_order (&yard, " segment |||||||||| enter |"); /* the third look is frame 10 */
  close_yard (&yard);
}

/* ---- time ---------------------------------------------------------------------------------- */

/* The framerate gives the time of buffers without one; without a framerate it is 25 a second. */
static void
test_no_timestamps (void)
{
  static const struct
  {
    const char *rate;
    GstClockTime third;
  } cases[] = { { "10/1", GST_SECOND / 5 }, { "0/1", 2 * GST_SECOND / 25 } };

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      g_autofree char *caps
          = g_strdup_printf ("video/x-raw,format=RGB,width=640,height=480,framerate=%s", cases[c].rate);
      g_autoptr (JsonParser) parser = json_parser_new ();
      const GstPipeloadObject object = person (1, 0.75, 0.5, 0.75);
      Yard yard;

      open_yard (&yard, "leave-after=1");
      gst_harness_set_src_caps_str (yard.rig.harness, caps);
      for (guint i = 0; i < 100; i++, yard.number++)
        {
          GstBuffer *buffer = make_frame (&yard, &object, i < 3 ? 1 : 0);

          GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = GST_BUFFER_DURATION (buffer) = GST_CLOCK_TIME_NONE;
          push (&yard, buffer);
        }
      assert_bus (&yard, "el");
      g_assert_cmpint (json_object_get_int_member (parse (&yard, 0, parser), "timestamp"), ==, cases[c].third);
      g_assert_cmpint (json_object_get_int_member (parse (&yard, 1, parser), "timestamp"), ==,
                       cases[c].third + GST_SECOND);
      close_yard (&yard);
    }
}

static void
test_start_time (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  GstSegment segment;
  Yard yard;

  open_yard (&yard, "start-time=2025-01-31T23:59:58.5+01:00");
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = GST_SECOND;
  segment.time = 2 * GST_SECOND;
  g_assert_true (gst_harness_push_event (yard.rig.harness, gst_event_new_segment (&segment)));
  yard.frame = 10; /* stream time 2; the third frame is 2.2 */
  show (&yard, 3, person (1, 0.75, 0.5, 0.75));
  g_assert_cmpstr (json_object_get_string_member (parse (&yard, 0, parser), "system_timestamp"), ==,
                   "2025-01-31T23:00:00.700000Z");
  close_yard (&yard);
}

static void
test_live (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GDateTime) before = g_date_time_new_now_utc (), when = NULL, after = NULL;
  Yard yard;

  open_yard (&yard, "");
  gst_harness_set_live (yard.rig.harness, TRUE);
  show (&yard, 3, person (1, 0.75, 0.5, 0.75));
  after = g_date_time_new_now_utc ();
  when = g_date_time_new_from_iso8601 (json_object_get_string_member (parse (&yard, 0, parser), "system_timestamp"),
                                       NULL);
  g_assert_cmpint (g_date_time_compare (before, when), <=, 0);
  g_assert_cmpint (g_date_time_compare (when, after), <=, 0);
  close_yard (&yard);
}

/* ---- life ---------------------------------------------------------------------------------- */

static void
test_eos (void)
{
  Yard yard;

  open_yard (&yard, "");
  show (&yard, 5, person (1, 0.75, 0.5, 0.75));
  g_assert_true (gst_harness_push_event (yard.rig.harness, gst_event_new_eos ()));
  assert_order (&yard, " segment || enter ||| leave  eos ");
  assert_bus (&yard, "el");
  close_yard (&yard);
}

static void
test_stop (void)
{
  Yard yard;

  open_yard (&yard, "");
  show (&yard, 5, person (1, 0.75, 0.5, 0.75));
  assert_bus (&yard, "e");
  gst_element_set_state (yard.rig.element, GST_STATE_READY);
  assert_bus (&yard, "l");
  gst_element_set_state (yard.rig.element, GST_STATE_NULL);
  assert_bus (&yard, "");
  close_yard (&yard);
}

static void
test_flush (void)
{
  Yard yard;

  open_yard (&yard, "");
  show (&yard, 5, person (1, 0.75, 0.5, 0.75));
  g_assert_true (gst_harness_push_event (yard.rig.harness, gst_event_new_flush_start ()));
  rig_flush_stop (&yard.rig);
  assert_order (&yard, " segment || enter ||| flushed  leave  segment ");
  yard.frame = 0;
  show (&yard, 3, person (1, 0.75, 0.5, 0.75)); /* begins anew */
  assert_order (&yard, "|| enter |");
  assert_bus (&yard, "ele");
  g_assert_true (gst_harness_push_event (yard.rig.harness, gst_event_new_flush_start ()));
  rig_flush_stop (&yard.rig);
  g_assert_true (gst_harness_push_event (yard.rig.harness, gst_event_new_flush_start ()));
  rig_flush_stop (&yard.rig);
  assert_bus (&yard, "l");
  close_yard (&yard);
}

static void
test_segment (void)
{
  GstSegment segment;
  Yard yard;

  open_yard (&yard, "");
  show (&yard, 5, person (1, 0.75, 0.5, 0.75));
  rig_push_segment (&yard.rig); /* the same again: it goes on */
  show (&yard, 5, person (1, 0.75, 0.5, 0.75));
  assert_order (&yard, " segment || enter ||| segment |||||");
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = 10 * GST_SECOND;
  g_assert_true (gst_harness_push_event (yard.rig.harness, gst_event_new_segment (&segment)));
  assert_order (&yard, " leave  segment ");
  yard.frame = 0;
  show (&yard, 3, person (1, 0.75, 0.5, 0.75));
  assert_order (&yard, "|| enter |");
  g_assert_true (gst_harness_push_event (yard.rig.harness, gst_event_new_segment_done (GST_FORMAT_TIME, 0)));
  assert_bus (&yard, "elel");
  close_yard (&yard);
}

/* Sizes of all kinds, and formats: a visit goes on, its places are shares of the picture. */
static void
test_caps (void)
{
  static const struct
  {
    const char *caps;
    int width, height, x, y, h;
  } cases[] = { { "video/x-raw,format=I420,width=7680,height=4320,framerate=30/1", 7680, 4320, 3360, 2160, 1080 },
                { "video/x-raw,format=GRAY8,width=1,height=1,framerate=0/1", 1, 1, 0, 1, 0 },
                { "image/jpeg,width=320,height=240,framerate=30/1", 320, 240, 140, 120, 60 },
                { "image/jpeg", 0, 0, 0, 0, 0 } };
  Yard yard;

  open_yard (&yard, "update-interval=0.1");
  show (&yard, 3, person (1, 0.75, 0.5, 0.75));
  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      g_autoptr (JsonParser) parser = json_parser_new ();
      JsonObject *event, *object;

      gst_harness_set_src_caps_str (yard.rig.harness, cases[c].caps);
      show (&yard, 1, person (1, 0.75, 0.5, 0.75));
      event = parse (&yard, 1 + c, parser);
      g_assert_cmpstr (json_object_get_string_member (event, "event"), ==, "update");
      g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (event, "resolution"), "width"), ==,
                       cases[c].width);
      g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (event, "resolution"), "height"), ==,
                       cases[c].height);
      object = json_array_get_object_element (json_object_get_array_member (event, "objects"), 0);
      g_assert_cmpint (json_object_get_int_member (object, "x"), ==, cases[c].x);
      g_assert_cmpint (json_object_get_int_member (object, "y"), ==, cases[c].y);
      g_assert_cmpint (json_object_get_int_member (object, "h"), ==, cases[c].h);
    }
  assert_bus (&yard, "euuuu");
  close_yard (&yard);
}

/* All reports over a varied life, as one text. */
static char *
live (const char *properties)
{
  GString *text = g_string_new (NULL);
  Yard yard;

  open_yard (&yard, properties);
  for (guint i = 0; i < 200; i++)
    {
      GstPipeloadObject objects[2] = { person (1 + (int) i / 60, 0.4 + i * 7 % 11 / 20.0, i % 40 / 40.0, 0.75),
                                       person (9, 0.6, 0.3 + i / 1000.0, i % 50 < 30 ? 0.75 : 0.3) };

      push (&yard, make_frame (&yard, objects, i % 7 == 0 ? 0 : 2));
      yard.number++;
    }
  gst_harness_push_event (yard.rig.harness, gst_event_new_eos ());
  g_assert_cmpuint (yard.json->len, >, 10);
  for (guint i = 0; i < yard.json->len; i++)
    g_string_append_printf (text, "%s\n", (char *) yard.json->pdata[i]);
  close_yard (&yard);
  return g_string_free (text, FALSE);
}

static void
test_identical (void)
{
  static const char *const properties[]
      = { "update-interval=0.5 camera=a leave-after=0.5", "zones=\"" YARD "\" leave-after=0.3",
          "zones=\"" GATE "\" start-time=2025-01-31T00:00:00Z" };

  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      g_autofree char *first = live (properties[i]);
      g_autofree char *second = live (properties[i]);

      g_assert_cmpstr (first, ==, second);
    }
}

static void
test_restart (void)
{
  Yard yard;

  open_yard (&yard, "zones=\"" YARD "\"");
  for (guint run = 0; run < 5; run++)
    {
      yard.frame = 0;
      show (&yard, 4, person (1, 0.75, 0.5, 0.75));
      assert_order (&yard, " segment  zones || enter ||");
      assert_bus (&yard, "e");
      gst_element_set_state (yard.rig.element, run % 2 == 0 ? GST_STATE_READY : GST_STATE_NULL);
      assert_bus (&yard, "l");
      g_assert_cmpint (gst_element_set_state (yard.rig.element, GST_STATE_PLAYING), ==, GST_STATE_CHANGE_SUCCESS);
      gst_harness_push_event (yard.rig.harness, gst_event_new_stream_start ("again"));
      rig_set_caps (&yard.rig, "RGB", 640, 480); /* and the segment again */
    }
  close_yard (&yard);
}

/* ---- without ids, without notes ------------------------------------------------------------ */

static void
test_untracked (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  Yard yard;

  open_yard (&yard, "zones=\"" GATE "\"");
  show (&yard, 3, person (0, 0.75, 0.25, 0.75));
  show (&yard, 5, person (0, 0.75, 0.75, 0.75));
  gst_harness_push_event (yard.rig.harness, gst_event_new_eos ());
  g_assert_cmpuint (yard.json->len, ==, 2);
  g_assert_cmpint (json_object_get_int_member (parse (&yard, 0, parser), "id"), ==, 0);
  rig_assert_message (&yard.rig, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "pipeloadtrack");
  close_yard (&yard);
}

/* Detections of elements that know nothing of ours: each frame that has some is a look. */
static void
test_foreign (void)
{
  Yard yard;

  open_yard (&yard, "leave-after=1");
  for (guint i = 0; i < 20; i++)
    {
      GstBuffer *buffer = gst_buffer_new_allocate (NULL, 16, NULL);

      GST_BUFFER_PTS (buffer) = i * GST_SECOND / RATE;
      if (i < 5)
        {
          GstVideoRegionOfInterestMeta *meta
              = gst_buffer_add_video_region_of_interest_meta (buffer, "car", 64, 48, 64, 48);

          meta->id = (int) i + 1;
          gst_video_region_of_interest_meta_add_param (
              meta, gst_structure_new ("detection", "confidence", G_TYPE_DOUBLE, 0.75, NULL));
        }
      push (&yard, buffer);
    }
  assert_order (&yard, " segment || enter |||||||||||| leave ||||||"); /* last seen at 0.4 */
  g_assert_nonnull (strstr (yard.json->pdata[0], "\"label\":\"car\""));
  close_yard (&yard);
}

/* ---- errors -------------------------------------------------------------------------------- */

static void
test_refused (void)
{
  static const struct
  {
    const char *properties;
    int code;
    const char *word;
  } cases[] = {
    { "zones=/nonexistent/zones.json", GST_RESOURCE_ERROR_NOT_FOUND, "/nonexistent/zones.json" },
    { "zones=/tmp", GST_RESOURCE_ERROR_OPEN_READ, "/tmp" },
    { "zones=\"{\\\"zones\\\": [}\"", GST_RESOURCE_ERROR_SETTINGS, "line 1" },
    { "zones=\"{\\\"zones\\\": [{\\\"name\\\": \\\"yard\\\", \\\"polygon\\\": [[0,0],[1,1]]}]}\"",
      GST_RESOURCE_ERROR_SETTINGS, "zone \"yard\"" },
    { "zones=\"{\\\"zones\\\": [{\\\"name\\\": \\\"yard\\\", \\\"polygon\\\": [[0,0],[1,1]]}]}\"",
      GST_RESOURCE_ERROR_SETTINGS, "2 points" },
    { "zones=\"{\\\"zoness\\\": []}\"", GST_RESOURCE_ERROR_SETTINGS, "\"zoness\"" },
    { "start-time=yesterday", GST_RESOURCE_ERROR_SETTINGS, "\"yesterday\"" },
    { "start-time=2025-01-31T00:00:00", GST_RESOURCE_ERROR_SETTINGS, "2025-01-31T20:00:00Z" }, /* of which zone? */
  };

  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      Yard yard;

      make (&yard, cases[c].properties);
      rig_assert_refused (&yard.rig, GST_RESOURCE_ERROR, cases[c].code, cases[c].word);
      close_yard (&yard);
    }
}

/* A file that is wrong, then right. */
static void
test_recovery (void)
{
  g_autofree char *folder = g_dir_make_tmp ("pipeload-zones-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "zones.json", NULL);
  Yard yard;

  make (&yard, "");
  g_object_set (yard.rig.element, "zones", path, NULL);
  g_assert_true (g_file_set_contents (path, "{\n\n  \"zones\": nothing\n}", -1, NULL));
  rig_assert_refused (&yard.rig, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, path);
  gst_element_set_state (yard.rig.element, GST_STATE_NULL);
  g_assert_true (g_file_set_contents (path, "{\"zones\": []}\n", -1, NULL));
  play (&yard);
  rig_set_caps (&yard.rig, "RGB", 640, 480);
  show (&yard, 3, person (1, 0.75, 0.5, 0.75));
  assert_bus (&yard, "e");
  g_assert_cmpuint (rig_count (&yard.rig, GST_MESSAGE_ERROR), ==, 0);
  close_yard (&yard);
  g_unlink (path);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/events/message", test_message);
  g_test_add_func ("/events/json", test_json);
  g_test_add_func ("/events/cross", test_cross);
  g_test_add_func ("/events/update", test_update);
  g_test_add_func ("/events/metas", test_metas);
  g_test_add_func ("/events/no-zones", test_no_zones);
  g_test_add_func ("/events/zones-event", test_zones_event);
  g_test_add_func ("/events/interval", test_interval);
  g_test_add_func ("/events/no-timestamps", test_no_timestamps);
  g_test_add_func ("/events/start-time", test_start_time);
  g_test_add_func ("/events/live", test_live);
  g_test_add_func ("/events/eos", test_eos);
  g_test_add_func ("/events/stop", test_stop);
  g_test_add_func ("/events/flush", test_flush);
  g_test_add_func ("/events/segment", test_segment);
  g_test_add_func ("/events/caps", test_caps);
  g_test_add_func ("/events/identical", test_identical);
  g_test_add_func ("/events/restart", test_restart);
  g_test_add_func ("/events/untracked", test_untracked);
  g_test_add_func ("/events/foreign", test_foreign);
  g_test_add_func ("/events/refused", test_refused);
  g_test_add_func ("/events/recovery", test_recovery);
  return g_test_run ();
}
