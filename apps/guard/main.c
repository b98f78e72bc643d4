/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * pipeload-guard: who comes and goes before a camera, as events on stdout, in a file, at an MQTT broker. A camera that
 * goes away is waited for, with the model kept.
 */
#include "gst/common/meta.h"
#include "apps/guard/source.h"
#include "apps/common/pace.h"

#include <glib-unix.h>
#include <signal.h>

/* Exit statuses, as of the pipeload command. */
#define MISUSED 1
#define FAILED 2
#define STOPPED 130

/* What is under way when it is stopped gets so long. */
#define FAREWELL (5 * GST_SECOND)

typedef struct
{
  /* Options. */
  char *input, *model, *memory_limit, *zones, *camera, *output, *broker, *topic;
  double motion;
  int timeout;

  GMainLoop *loop;
  GstElement *pipeline, *vit;
  GuardSource *source;
  int status;
} Guard;

/* ---- before -------------------------------------------------------------------------------- */

/* Adds @name behind @tail. Returns: (transfer none) (nullable) */
static GstElement *
append (Guard *guard, GstElement *tail, const char *name, GError **error)
{
  GstElement *element = gst_element_factory_make (name, NULL);

  if (element == NULL)
    {
      g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
                   "the element %s is missing; set GST_PLUGIN_PATH to the folder of libgstpipeload.so", name);
      return NULL;
    }
  gst_bin_add (GST_BIN (guard->pipeline), element);
  if (tail != NULL)
    gst_element_link (tail, element);
  return element;
}

static gboolean
make_pipeline (Guard *guard, GError **error)
{
  const gboolean publishes = guard->output != NULL || guard->broker != NULL;
  GstElement *track, *events, *publish = NULL, *sink;

  guard->pipeline = gst_object_ref_sink (gst_pipeline_new ("guard"));
  if ((guard->vit = append (guard, NULL, "pipeloadvit", error)) == NULL
      || (track = append (guard, guard->vit, "pipeloadtrack", error)) == NULL
      || (events = append (guard, track, "pipeloadevents", error)) == NULL
      || (publishes && (publish = append (guard, events, "pipeloadpublish", error)) == NULL)
      || (sink = append (guard, publishes ? publish : events, "fakesink", error)) == NULL)
    return FALSE;
  g_object_set (guard->vit, "model", guard->model, "memory-limit", guard->memory_limit, "motion-threshold",
                guard->motion, "threshold", WATCH_FAINT, NULL);
  gst_util_set_object_arg (G_OBJECT (guard->vit), "mode", "async");
  gst_util_set_object_arg (G_OBJECT (guard->vit), "messages", "none");
  watch_pace_follow (guard->vit);
  g_object_set (events, "zones", guard->zones, "camera", guard->camera, NULL);
  if (publishes)
    g_object_set (publish, "location", guard->output, "broker", guard->broker, "topic", guard->topic, "camera",
                  guard->camera, NULL);
  /* The camera comes when it comes. */
  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  return TRUE;
}

/* ---- during -------------------------------------------------------------------------------- */

static void
take_notice (const char *text, gboolean ended, gpointer user_data)
{
  Guard *guard = user_data;

  g_printerr ("%s: %s\n", guard->camera, text);
  if (!ended)
    return;
  guard->status = FAILED;
  g_main_loop_quit (guard->loop);
}

static void
take_event (const GstStructure *structure)
{
  if (structure != NULL && gst_structure_has_name (structure, GST_PIPELOAD_EVENT_MESSAGE))
    g_print ("%s\n", gst_structure_get_string (structure, "json"));
}

static void
report (Guard *guard, GstMessage *message)
{
  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  /* What stopped because of an error says so too: the first one counts. */
  if (guard->status == 0)
    g_printerr ("pipeload-guard: %s\n", error->message);
}

static gboolean
take_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Guard *guard = user_data;

  if (guard->source != NULL && guard_source_take (guard->source, message))
    return G_SOURCE_CONTINUE;
  switch (GST_MESSAGE_TYPE (message))
    {
    case GST_MESSAGE_ELEMENT:
      take_event (gst_message_get_structure (message));
      break;
    case GST_MESSAGE_WARNING:
      report (guard, message);
      break;
    case GST_MESSAGE_ERROR:
      report (guard, message);
      guard->status = FAILED;
      g_main_loop_quit (guard->loop);
      break;
    case GST_MESSAGE_EOS:
      g_main_loop_quit (guard->loop);
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (guard->pipeline));
      break;
    default:
      break;
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
interrupt (gpointer user_data)
{
  Guard *guard = user_data;

  guard->status = STOPPED;
  g_main_loop_quit (guard->loop);
  return G_SOURCE_CONTINUE;
}

/* Whoever is there leaves, and that is told. */
static void
say_goodbye (Guard *guard, GstBus *bus)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (guard->vit, "sink");
  const GstClockTime end = gst_util_get_timestamp () + FAREWELL;
  gboolean done = !gst_pad_send_event (pad, gst_event_new_eos ());

  while (!done)
    {
      const GstClockTime now = gst_util_get_timestamp ();
      /* Errors are the camera's, which was cut off. */
      GstMessage *message
          = gst_bus_timed_pop_filtered (bus, end > now ? end - now : 0, GST_MESSAGE_EOS | GST_MESSAGE_ELEMENT);

      if (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT)
        take_event (gst_message_get_structure (message));
      else
        done = TRUE;
      gst_clear_message (&message);
    }
}

static void
run (Guard *guard)
{
  GstBus *bus = gst_element_get_bus (guard->pipeline);
  const guint sources[] = { gst_bus_add_watch (bus, take_message, guard), g_unix_signal_add (SIGINT, interrupt, guard),
                            g_unix_signal_add (SIGTERM, interrupt, guard) };

  /* A failure is on the bus. */
  gst_element_set_state (guard->pipeline, GST_STATE_PLAYING);
  g_main_loop_run (guard->loop);
  g_clear_pointer (&guard->source, guard_source_free);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  if (guard->status == STOPPED)
    say_goodbye (guard, bus);
  gst_element_set_state (guard->pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
}

/* ---- options ------------------------------------------------------------------------------- */

static void
set_default (char **option, const char *value)
{
  if (*option == NULL)
    *option = g_strdup (value);
}

static gboolean
parse_options (Guard *guard, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[]
      = { { "output", 'o', 0, G_OPTION_ARG_FILENAME, &guard->output, "Append the events to this file, too", "FILE" },
          { "broker", 'b', 0, G_OPTION_ARG_STRING, &guard->broker, "Publish them at this MQTT broker, too",
            "mqtt://[USER:PASSWORD@]HOST[:PORT]" },
          { "topic", 0, 0, G_OPTION_ARG_STRING, &guard->topic, "What MQTT topics begin with (pipeload)", "TOPIC" },
          { "camera", 'c', 0, G_OPTION_ARG_STRING, &guard->camera, "The camera's name in events and topics (camera)",
            "NAME" },
          { "zones", 'z', 0, G_OPTION_ARG_FILENAME, &guard->zones,
            "Zones, masks and lines: a JSON file (the whole picture)", "FILE" },
          { "model", 'm', 0, G_OPTION_ARG_FILENAME, &guard->model, "Model file or folder (the bundled one)", "PATH" },
          { "memory-limit", 'l', 0, G_OPTION_ARG_STRING, &guard->memory_limit,
            "Such as 64MB; 0 for none; auto: what the machine can spare (0)", "SIZE" },
          { "motion-threshold", 0, 0, G_OPTION_ARG_DOUBLE, &guard->motion,
            "Do not look while nothing has changed by this share; 0: always look (0.03)", "SHARE" },
          { "timeout", 't', 0, G_OPTION_ARG_INT, &guard->timeout,
            "Seconds without a picture until the camera is called again (10)", "SECONDS" },
          G_OPTION_ENTRY_NULL };
  g_autoptr (GOptionContext) context = g_option_context_new ("CAMERA - say who comes and goes before a camera");

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc == 2 && guard->timeout >= 1 && guard->motion >= 0 && guard->motion <= 1)
    {
      guard->input = g_strdup ((*argv)[1]);
      set_default (&guard->memory_limit, "0");
      set_default (&guard->camera, "camera");
      set_default (&guard->topic, "pipeload");
      return TRUE;
    }
  g_set_error (
      error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "one CAMERA (rtsp://..., /dev/videoN), --timeout of at least 1, --motion-threshold of 0 to 1 are needed; "
      "see --help");
  return FALSE;
}

static void
clear (Guard *guard)
{
  if (guard->pipeline != NULL)
    gst_object_unref (guard->pipeline);
  g_main_loop_unref (guard->loop);
  g_free (guard->input);
  g_free (guard->model);
  g_free (guard->memory_limit);
  g_free (guard->zones);
  g_free (guard->camera);
  g_free (guard->output);
  g_free (guard->broker);
  g_free (guard->topic);
}

int
main (int argc, char **argv)
{
  Guard guard = { .motion = 0.03, .timeout = 10 };
  g_autoptr (GError) error = NULL;

  guard.loop = g_main_loop_new (NULL, FALSE);
  if (!parse_options (&guard, &argc, &argv, &error))
    guard.status = MISUSED;
  else if (!make_pipeline (&guard, &error)
           || (guard.source = guard_source_new (GST_BIN (guard.pipeline), guard.vit, guard.input, (guint) guard.timeout,
                                                take_notice, &guard, &error))
                  == NULL)
    guard.status = FAILED;
  if (error != NULL)
    g_printerr ("pipeload-guard: %s\n", error->message);
  else
    run (&guard);
  clear (&guard);
  return guard.status;
}
