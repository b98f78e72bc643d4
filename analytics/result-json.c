/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The objects or the event of a frame as one line of JSON: the form of every file and message of this project.
 */
#include "pipeload/results.h"

#include <json-glib/json-glib.h>

/* Returns: (transfer full): RFC 3339 in UTC, to the microsecond */
static char *
format_time (gint64 microseconds)
{
  gint64 seconds = microseconds / G_USEC_PER_SEC - (microseconds % G_USEC_PER_SEC < 0);
  g_autoptr (GDateTime) second = g_date_time_new_from_unix_utc (seconds);
  g_autofree char *text = second != NULL ? g_date_time_format (second, "%Y-%m-%dT%H:%M:%S") : g_strdup ("");

  return g_strdup_printf ("%s.%06dZ", text, (int) (microseconds - seconds * G_USEC_PER_SEC));
}

static void
add_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

static void
add_integer (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

/* Text may come from a file's name or a model's labels. */
static void
add_text (JsonBuilder *builder, const char *name, const char *value)
{
  g_autofree char *valid = value != NULL ? g_utf8_make_valid (value, -1) : NULL;

  json_builder_set_member_name (builder, name);
  if (valid != NULL)
    json_builder_add_string_value (builder, valid);
  else
    json_builder_add_null_value (builder);
}

static void
add_zones (JsonBuilder *builder, const char *const *zones)
{
  json_builder_set_member_name (builder, "zones");
  json_builder_begin_array (builder);
  for (guint i = 0; zones != NULL && zones[i] != NULL; i++)
    {
      g_autofree char *valid = g_utf8_make_valid (zones[i], -1);

      json_builder_add_string_value (builder, valid);
    }
  json_builder_end_array (builder);
}

static void
add_object (JsonBuilder *builder, const PldFrame *frame, const PldObject *object, const PldIdentity *identity)
{
  gint64 x = (gint64) (object->x_min * frame->width + 0.5), y = (gint64) (object->y_min * frame->height + 0.5);

  json_builder_begin_object (builder);
  add_integer (builder, "id", (gint64) identity->id);
  add_text (builder, "label", object->label);
  add_number (builder, "confidence", object->confidence);
  json_builder_set_member_name (builder, "box");
  json_builder_begin_object (builder);
  add_number (builder, "x_min", object->x_min);
  add_number (builder, "y_min", object->y_min);
  add_number (builder, "x_max", object->x_max);
  add_number (builder, "y_max", object->y_max);
  json_builder_end_object (builder);
  add_integer (builder, "x", x);
  add_integer (builder, "y", y);
  add_integer (builder, "w", (gint64) (object->x_max * frame->width + 0.5) - x);
  add_integer (builder, "h", (gint64) (object->y_max * frame->height + 0.5) - y);
  add_zones (builder, identity->zones);
  json_builder_end_object (builder);
}

static void
add_event (JsonBuilder *builder, const PldEvent *event)
{
  add_text (builder, "event", event->event);
  add_text (builder, "zone", event->zone);
  add_integer (builder, "id", (gint64) event->id);
  add_text (builder, "label", event->label);
  if (event->direction != NULL)
    add_text (builder, "direction", event->direction);
}

static void
add_event_facts (JsonBuilder *builder, const PldEvent *event)
{
  add_integer (builder, "start", (gint64) event->start);
  if (event->end != G_MAXUINT64)
    {
      add_integer (builder, "end", (gint64) event->end);
      add_integer (builder, "duration", (gint64) (event->end - event->start));
    }
  add_number (builder, "confidence", event->confidence);
  add_number (builder, "best_confidence", event->best_confidence);
}

static void
add_times (JsonBuilder *builder, const PldFrame *frame)
{
  if (frame->timestamp != G_MAXUINT64)
    add_integer (builder, "timestamp", (gint64) frame->timestamp);
  else
    add_text (builder, "timestamp", NULL);
  if (frame->system_time != G_MININT64)
    {
      g_autofree char *when = format_time (frame->system_time);

      add_text (builder, "system_timestamp", when);
    }
}

static void
add_frame (JsonBuilder *builder, const PldFrame *frame)
{
  add_text (builder, "camera", frame->camera);
  if (frame->source != NULL)
    add_text (builder, "source", frame->source);
  if (frame->number >= 0)
    add_integer (builder, "frame", frame->number);
  json_builder_set_member_name (builder, "resolution");
  json_builder_begin_object (builder);
  add_integer (builder, "width", frame->width);
  add_integer (builder, "height", frame->height);
  json_builder_end_object (builder);
}

char *
pld_frame_to_json (const PldFrame *frame, const PldObject *objects, const PldIdentity *identities, guint n)
{
  static const PldIdentity nobody = { 0 };
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  if (frame->event != NULL)
    add_event (builder, frame->event);
  add_times (builder, frame);
  if (frame->event != NULL)
    add_event_facts (builder, frame->event);
  add_frame (builder, frame);
  json_builder_set_member_name (builder, "objects");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++)
    add_object (builder, frame, &objects[i], identities != NULL ? &identities[i] : &nobody);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}
