/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/detect.h"

#include <json-glib/json-glib.h>
#include <stdio.h>

/* Returns: (transfer full): RFC 3339 in UTC, to the microsecond */
static char *
format_time (gint64 microseconds)
{
  g_autoptr (GDateTime) second = g_date_time_new_from_unix_utc (microseconds / G_USEC_PER_SEC);
  g_autofree char *text = g_date_time_format (second, "%Y-%m-%dT%H:%M:%S");

  return g_strdup_printf ("%s.%06dZ", text, (int) (microseconds % G_USEC_PER_SEC));
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

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_object (JsonBuilder *builder, const PldDetectResult *result, const PldObject *object)
{
  gint64 x = (gint64) (object->x_min * result->width + 0.5), y = (gint64) (object->y_min * result->height + 0.5);

  json_builder_begin_object (builder);
  add_integer (builder, "id", 0);
  add_string (builder, "label", object->label);
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
  add_integer (builder, "w", (gint64) (object->x_max * result->width + 0.5) - x);
  add_integer (builder, "h", (gint64) (object->y_max * result->height + 0.5) - y);
  json_builder_set_member_name (builder, "zones");
  json_builder_begin_array (builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

/* The form of all events and frames of this project, and where the frame comes from. */
static void
print_json (const PldDetectResult *result)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autofree char *when = format_time (result->system_time);
  g_autofree char *source = g_utf8_make_valid (result->source, -1);
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "timestamp");
  if (result->time != G_MAXUINT64)
    json_builder_add_int_value (builder, (gint64) result->time);
  else
    json_builder_add_null_value (builder);
  add_string (builder, "system_timestamp", when);
  json_builder_set_member_name (builder, "camera");
  json_builder_add_null_value (builder);
  add_string (builder, "source", source);
  add_integer (builder, "frame", (gint64) result->frame);
  json_builder_set_member_name (builder, "resolution");
  json_builder_begin_object (builder);
  add_integer (builder, "width", result->width);
  add_integer (builder, "height", result->height);
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "objects");
  json_builder_begin_array (builder);
  for (guint i = 0; i < result->n; i++)
    add_object (builder, result, &result->objects[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  puts (text);
}

static void
print_text (const PldDetect *detect, const PldDetectResult *result)
{
  if (!result->video || detect->many)
    printf ("%s  ", result->source);
  if (result->video && result->time == G_MAXUINT64)
    printf ("frame %" G_GUINT64_FORMAT " ", result->frame);
  else if (result->video)
    {
      guint64 ms = result->time / 1000000;

      printf ("%02" G_GUINT64_FORMAT ":%02u:%02u.%03u ", ms / 3600000, (guint) (ms / 60000 % 60),
              (guint) (ms / 1000 % 60), (guint) (ms % 1000));
    }
  for (guint i = 0; i < result->n; i++)
    printf ("%s%s %.2f", i > 0 ? ", " : "", result->objects[i].label, result->objects[i].confidence);
  puts (result->n > 0 ? "" : "-");
}

void
pld_detect_print (const PldDetect *detect, const PldDetectResult *result)
{
  pld_tool_progress_end ();
  if (detect->json)
    print_json (result);
  else
    print_text (detect, result);
  /* Whoever reads a pipe wants to know now. */
  fflush (stdout);
}

void
pld_detect_complain (PldDetect *detect, const char *source, const char *message)
{
  pld_tool_progress_end ();
  fprintf (stderr, "pipeload: %s: %s\n", source, message);
  detect->bad = TRUE;
}
