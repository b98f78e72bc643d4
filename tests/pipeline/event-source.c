/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A camera that sees something all the time, for test-mqtt.sh: numbered events, from 1, in real time.
 *
 *   event-source RATE COUNT DESCRIPTION    RATE: events a second; DESCRIPTION: an element named "publish"
 *
 * Prints warnings and errors, "all sent" once the element has all events, and last the element's stats. Exit status 1
 * after an error.
 */
#include <gst/gst.h>
#include <stdlib.h>

typedef struct
{
  guint number, count;
} Feed;

/* The first comes into the picture, and the last leaves it. */
static GstPadProbeReturn
put_event (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Feed *feed = data;
  guint number = ++feed->number;
  const char *event = number == 1 ? "enter" : number == feed->count ? "leave" : "update";
  g_autofree char *json = g_strdup_printf ("{\"number\":%u}", number);

  gst_pad_push_event (
      pad, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
                                 gst_structure_new ("pipeload-event", "event", G_TYPE_STRING, event, "id",
                                                    G_TYPE_UINT64, (guint64) 7, "label", G_TYPE_STRING, "person",
                                                    "zone", G_TYPE_STRING, "", "json", G_TYPE_STRING, json, NULL)));
  if (number == feed->count)
    g_print ("all sent\n");
  return GST_PAD_PROBE_OK;
}

/* Returns: whether it ended without an error */
static gboolean
watch (GstBus *bus)
{
  gboolean ended = FALSE, failed = FALSE;

  while (!ended)
    {
      g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
          bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
      g_autoptr (GError) error = NULL;

      failed = GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR;
      ended = failed || GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
      if (failed)
        gst_message_parse_error (message, &error, NULL);
      else if (!ended)
        gst_message_parse_warning (message, &error, NULL);
      if (error != NULL)
        g_print ("%s: %s\n", failed ? "error" : "warning", error->message);
    }
  return !failed;
}

int
main (int argc, char **argv)
{
  g_autofree char *line = NULL, *text = NULL;
  g_autoptr (GstElement) pipeline = NULL, publish = NULL, feed = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstStructure) stats = NULL;
  g_autoptr (GError) error = NULL;
  Feed events = { 0 };
  gboolean well;

  gst_init (&argc, &argv);
  if (argc != 4)
    return 1;
  line = g_strdup_printf ("videotestsrc is-live=true num-buffers=%s ! "
                          "video/x-raw,format=GRAY8,width=16,height=16,framerate=%s/1 ! identity name=feed ! %s ! "
                          "fakesink sync=true",
                          argv[2], argv[1], argv[3]);
  pipeline = gst_parse_launch (line, &error);
  if (error != NULL)
    {
      g_print ("error: %s\n", error->message);
      return 1;
    }
  events.count = (guint) atoi (argv[2]);
  feed = gst_bin_get_by_name (GST_BIN (pipeline), "feed");
  publish = gst_bin_get_by_name (GST_BIN (pipeline), "publish");
  pad = gst_element_get_static_pad (feed, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, put_event, &events, NULL);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  well = watch (bus);
  g_object_get (publish, "stats", &stats, NULL);
  text = gst_structure_to_string (stats);
  g_print ("stats: %s\n", text);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
