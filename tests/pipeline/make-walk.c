/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * make-walk FILE FRAMES ENCODER MUXER FROM TO: a video of ten frames a second in which one of the figures of
 * tests/support/figures.h, of which the bundled detector is sure, walks from frame FROM up to frame TO, and nobody is
 * there before and after.
 */
#include "tests/support/figures.h"

#include <gst/app/gstappsrc.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN (1u << 3)
#define STEP 4 /* pixels a frame */
#define LAST 120

static void
push (GstAppSrc *source, int number, int from, int to)
{
  const gsize size = FIGURES_WIDE * FIGURES_HIGH * 3;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  guint8 *rgb = g_malloc (size);

  figures_draw_some (rgb, number >= from && number < to ? SHOWN : 0, MIN ((number - from) * STEP, LAST) - LAST / 2);
  gst_buffer_fill (buffer, 0, rgb, size);
  GST_BUFFER_PTS (buffer) = (guint64) number * GST_SECOND / 10;
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 10;
  gst_app_src_push_buffer (source, buffer);
  g_free (rgb);
}

int
main (int argc, char **argv)
{
  g_autofree char *text = NULL;
  GstElement *pipeline, *source, *sink;
  GstMessage *message;
  GstBus *bus;
  int status;

  gst_init (&argc, &argv);
  if (argc != 7)
    return 1;
  text = g_strdup_printf ("appsrc name=source format=time block=true caps=video/x-raw,format=RGB,width=%d,height=%d,"
                          "framerate=10/1 ! videoconvert ! video/x-raw,format=I420 ! %s ! %s ! filesink name=sink",
                          FIGURES_WIDE, FIGURES_HIGH, argv[3], argv[4]);
  pipeline = gst_parse_launch (text, NULL);
  if (pipeline == NULL)
    return 1;
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_object_set (sink, "location", argv[1], NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (int i = 0; i < atoi (argv[2]); i++)
    push (GST_APP_SRC (source), i, atoi (argv[5]), atoi (argv[6]));
  gst_app_src_end_of_stream (GST_APP_SRC (source));
  bus = gst_element_get_bus (pipeline);
  message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  status = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS ? 0 : 1;
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (source);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
  return status;
}
