/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The cost of pipeloadoverlay: the median time of a 1080p frame on which ten tracked persons walk about, with boxes,
 * labels and trails. Processor time of the one thread that draws, so that what else the machine does counts little.
 *
 *   bench-overlay PLUGIN [FRAMES]
 */
#include "gst/common/meta.h"

#include <gst/check/gstharness.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WIDTH 1920
#define HEIGHT 1080
#define PERSONS 10
#define WARMUP 60 /* until trails have their length */

static double
milliseconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const double *left = a, *right = b;

  return (*left > *right) - (*left < *right);
}

/* Persons of 80 x 240 to 160 x 480 pixels, who walk some hundred pixels a second; what is measured changes with every
 * frame. */
static void
attach_persons (GstBuffer *buffer, guint number)
{
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_new (number);

  frame->width = WIDTH;
  frame->height = HEIGHT;
  frame->kind = GST_PIPELOAD_FRAME_DETECTIONS;
  for (guint i = 0; i < PERSONS; i++)
    {
      const double height = (240 + 24 * i) / (double) HEIGHT, width = (80 + 8 * i) / (double) WIDTH;
      const double x = 0.5 + 0.42 * sin (number * 0.01 + i), y = 0.7 + 0.25 * sin (number * 0.006 + 2 * i);
      GstPipeloadObject person = { .id = (int) i + 1, .label = g_intern_static_string ("person"), .tracked = TRUE };

      person.confidence = 0.75 + 0.2 * sin (number * 0.3 + i);
      person.box.x_min = x - width / 2;
      person.box.x_max = x + width / 2;
      person.box.y_min = y - height;
      person.box.y_max = y;
      g_array_append_val (frame->objects, person);
    }
  gst_pipeload_frame_replace (frame, buffer, 0);
}

static void
time_frames (const char *format, gboolean persons, gboolean attach, guint n)
{
  g_autofree char *caps
      = g_strdup_printf ("video/x-raw,format=%s,width=%d,height=%d,framerate=25/1", format, WIDTH, HEIGHT);
  g_autofree char *composed
      = g_strdup_printf ("video/x-raw(meta:GstVideoOverlayComposition),format=%s,width=%d,height=%d,framerate=25/1",
                         format, WIDTH, HEIGHT);
  g_autofree double *times = g_new (double, n);
  GstHarness *harness = gst_harness_new ("pipeloadoverlay");
  GstVideoInfo info;

  gst_video_info_set_format (&info, gst_video_format_from_string (format), WIDTH, HEIGHT);
  if (attach)
    gst_harness_add_propose_allocation_meta (harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_caps_str (harness, caps, attach ? composed : caps);
  for (guint i = 0; i < WARMUP + n; i++)
    {
      GstBuffer *buffer = gst_buffer_new_allocate (NULL, info.size, NULL);
      double begun;

      gst_buffer_memset (buffer, 0, 128, info.size);
      GST_BUFFER_PTS (buffer) = i * (GST_SECOND / 25);
      if (persons)
        attach_persons (buffer, i);
      begun = milliseconds ();
      if (gst_harness_push (harness, buffer) != GST_FLOW_OK)
        exit (1);
      if (i >= WARMUP)
        times[i - WARMUP] = milliseconds () - begun;
      gst_buffer_unref (gst_harness_pull (harness));
    }
  gst_harness_teardown (harness);
  qsort (times, n, sizeof (double), compare);
  printf ("%-5s %-12s %-9s median %.3f ms, 95th percentile %.3f ms\n", format, persons ? "ten persons" : "nothing",
          attach ? "attached" : "blended", times[n / 2], times[n * 95 / 100]);
}

int
main (int argc, char **argv)
{
  static const char *const formats[] = { "I420", "NV12", "BGRx" };
  const guint n = argc > 2 ? (guint) atoi (argv[2]) : 250;
  g_autoptr (GError) error = NULL;
  GstPlugin *plugin;

  gst_init (NULL, NULL);
  plugin = argc > 1 && n > 0 ? gst_plugin_load_file (argv[1], &error) : NULL;
  if (plugin == NULL)
    {
      fprintf (stderr, "%s\n", error != NULL ? error->message : "usage: bench-overlay PLUGIN [FRAMES]");
      return 1;
    }
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    time_frames (formats[i], TRUE, FALSE, n);
  time_frames ("I420", TRUE, TRUE, n);
  time_frames ("I420", FALSE, FALSE, n);
  gst_object_unref (plugin);
  return 0;
}
