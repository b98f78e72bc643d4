/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The guard verb: reports who enters and leaves a camera's view, as events on stdout, in a file, at an MQTT broker. The
 * model stays open while a camera that went away is retried.
 */
#include "gst/common/meta.h"
#include "apps/guard/source.h"
#include "apps/common/chain.h"
#include "apps/common/engine.h"
#include "apps/common/terminal.h"
#include "apps/common/verb.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>

/* Time for pending work on shutdown. */
#define SHUTDOWN_TIME (5 * GST_SECOND)

static char *zones, *camera, *output, *broker, *topic;
static double motion = 0.03;
static int timeout = 10;

typedef struct
{
  GMainLoop *loop;
  GstElement *pipeline, *vit;
  GuardSource *source;
  int status;
} Guard;

/* ---- the pipeline -------------------------------------------------------------------------- */

static gboolean
make_pipeline (Guard *guard, GError **error)
{
  const gboolean publishes = output != NULL || broker != NULL;
  GstBin *bin = GST_BIN (guard->pipeline = gst_object_ref_sink (gst_pipeline_new ("guard")));
  GstElement *publish, *sink;
  PldChain chain;

  if (!pld_chain_add (&chain, bin, NULL, TRUE, pld_engine.memory_limit, camera, zones, error)
      || ((publish = chain.events) != NULL && publishes
          && (publish = pld_chain_append (bin, chain.events, "pipeloadpublish", error)) == NULL)
      || (sink = pld_chain_append (bin, publish, "fakesink", error)) == NULL)
    return FALSE;
  guard->vit = chain.vit;
  g_object_set (guard->vit, "motion-threshold", motion, NULL);
  gst_util_set_object_arg (G_OBJECT (guard->vit), "mode", "async");
  pld_chain_pace (guard->vit);
  if (publishes)
    g_object_set (publish, "location", output, "broker", broker, "topic", topic, "camera", camera, NULL);
  /* The pipeline does not wait for the first frame. */
  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  return TRUE;
}

/* ---- events and messages -------------------------------------------------------------------------------- */

static void
on_notice (const char *text, gboolean ended, gpointer user_data)
{
  Guard *guard = user_data;

  g_printerr ("%s: %s\n", camera, text);
  if (!ended)
    return;
  guard->status = PLD_EXIT_FAILED;
  g_main_loop_quit (guard->loop);
}

static void
print_event (const GstStructure *structure)
{
  if (structure != NULL && gst_structure_has_name (structure, GST_PIPELOAD_EVENT_MESSAGE))
    {
      puts (gst_structure_get_string (structure, "json"));
      fflush (stdout);
    }
}

static void
report (Guard *guard, GstMessage *message)
{
  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  /* Elements that stop because of an error report errors too: the first one counts. */
  if (guard->status == 0)
    pld_tool_say ("pipeload: %s", error->message);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Guard *guard = user_data;

  if (guard->source != NULL && guard_source_handle (guard->source, message))
    return G_SOURCE_CONTINUE;
  switch (GST_MESSAGE_TYPE (message))
    {
    case GST_MESSAGE_ELEMENT:
      print_event (gst_message_get_structure (message));
      break;
    case GST_MESSAGE_WARNING:
      report (guard, message);
      break;
    case GST_MESSAGE_ERROR:
      report (guard, message);
      guard->status = PLD_EXIT_FAILED;
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

  guard->status = PLD_EXIT_STOPPED;
  g_main_loop_quit (guard->loop);
  return G_SOURCE_CONTINUE;
}

/* Visits under way end, and their events are printed. */
static void
drain (Guard *guard, GstBus *bus)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (guard->vit, "sink");
  const GstClockTime end = gst_util_get_timestamp () + SHUTDOWN_TIME;
  gboolean done = !gst_pad_send_event (pad, gst_event_new_eos ());

  while (!done)
    {
      const GstClockTime now = gst_util_get_timestamp ();
      /* Errors are those of the camera, which was removed. */
      GstMessage *message
          = gst_bus_timed_pop_filtered (bus, end > now ? end - now : 0, GST_MESSAGE_EOS | GST_MESSAGE_ELEMENT);

      if (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT)
        print_event (gst_message_get_structure (message));
      else
        done = TRUE;
      gst_clear_message (&message);
    }
}

static void
play (Guard *guard)
{
  GstBus *bus = gst_element_get_bus (guard->pipeline);
  const guint sources[] = { gst_bus_add_watch (bus, on_message, guard), g_unix_signal_add (SIGINT, interrupt, guard),
                            g_unix_signal_add (SIGTERM, interrupt, guard) };

  /* Failures are reported on the bus. */
  gst_element_set_state (guard->pipeline, GST_STATE_PLAYING);
  g_main_loop_run (guard->loop);
  g_clear_pointer (&guard->source, guard_source_free);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  if (guard->status == PLD_EXIT_STOPPED)
    drain (guard, bus);
  gst_element_set_state (guard->pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
}

/* ---- the verb ------------------------------------------------------------------------------ */

static const GOptionEntry options[]
    = { { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "Append the events to this file, too", "FILE" },
        { "broker", 'b', 0, G_OPTION_ARG_STRING, &broker, "Publish them at this MQTT broker, too",
          "mqtt://[USER:PASSWORD@]HOST[:PORT]" },
        { "topic", 0, 0, G_OPTION_ARG_STRING, &topic, "Beginning of MQTT topics (pipeload)", "TOPIC" },
        { "camera", 'c', 0, G_OPTION_ARG_STRING, &camera, "Name of the camera in events and topics (camera)", "NAME" },
        { "zones", 'z', 0, G_OPTION_ARG_FILENAME, &zones, "Zones, masks and lines: a JSON file (the whole picture)",
          "FILE" },
        { "motion-threshold", 0, 0, G_OPTION_ARG_DOUBLE, &motion,
          "Infer only when this share of the picture has changed; 0 = always (0.03)", "SHARE" },
        { "timeout", 0, 0, G_OPTION_ARG_INT, &timeout, "Seconds without a frame until the camera is restarted (10)",
          "SECONDS" },
        { NULL } };

static void
set_default (char **option, const char *value)
{
  if (*option == NULL)
    *option = g_strdup (value);
}

static int
run (int argc, char **argv)
{
  Guard guard = { .status = PLD_EXIT_OK };
  g_autoptr (GError) error = NULL;

  if (timeout < 1 || !(motion >= 0 && motion <= 1))
    return pld_tool_usage ("--timeout must be from 1, --motion-threshold from 0 to 1");
  set_default (&camera, "camera");
  set_default (&topic, "pipeload");
  guard.loop = g_main_loop_new (NULL, FALSE);
  if (!make_pipeline (&guard, &error)
      || (guard.source
          = guard_source_new (GST_BIN (guard.pipeline), guard.vit, argv[1], (guint) timeout, on_notice, &guard, &error))
             == NULL)
    guard.status = pld_tool_fail (error);
  else
    play (&guard);
  gst_clear_object (&guard.pipeline);
  g_main_loop_unref (guard.loop);
  return guard.status;
}

static const PldVerb verb = {
  .name = "guard",
  .arguments = "CAMERA",
  .min = 1,
  .max = 1,
  .description
  = "Reports who enters and leaves a camera's view, one JSON object a line. A camera that goes away is retried "
    "until it is back.\n"
    "CAMERA: rtsp://user:password@camera/stream, or a device such as /dev/video0.",
  .options = { pld_model_options, pld_limit_options, options },
  .examples = { { "rtsp://camera/stream", "events on stdout" },
                { "--broker=mqtt://localhost --camera=yard rtsp://camera/stream", "at an MQTT broker, too" } },
  .libraries = gst_init_get_option_group,
  .run = run,
};

int
main (int argc, char **argv)
{
  return pld_verb_main (&verb, argc, argv);
}
