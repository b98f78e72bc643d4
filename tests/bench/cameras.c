/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cameras that share a model in one pipeline, none of them live, so that the model alone sets the pace: one line of
 * JSON with the frames a second of all together.
 *
 *   bench-cameras PLUGIN_FOLDER MODEL LIMIT CAMERAS FRAMES
 */
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>

/* Frames of each camera before it is timed: loading, and passes that are not full yet. */
#define WARMUP 3

/* One camera, as its frames leave the element. */
typedef struct
{
  guint n_frames; /* to be timed */
  guint n;
  gint64 begun, ended;
  GMutex lock; /* of ended */
} Camera;

static GstPadProbeReturn
take_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Camera *camera = user_data;

  camera->n++;
  if (camera->n == WARMUP)
    camera->begun = g_get_monotonic_time ();
  else if (camera->n == WARMUP + camera->n_frames)
    {
      g_mutex_lock (&camera->lock);
      camera->ended = g_get_monotonic_time ();
      g_mutex_unlock (&camera->lock);
    }
  return GST_PAD_PROBE_OK;
}

static void
watch (GstElement *pipeline, Camera *camera, guint number)
{
  g_autofree char *name = g_strdup_printf ("camera%u", number);
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), name);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "src");

  g_mutex_init (&camera->lock);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, take_frame, camera, NULL);
}

static gboolean
all_ended (Camera *cameras, guint n)
{
  gboolean ended = TRUE;

  for (guint i = 0; i < n; i++)
    {
      g_mutex_lock (&cameras[i].lock);
      ended = ended && cameras[i].ended > 0;
      g_mutex_unlock (&cameras[i].lock);
    }
  return ended;
}

static GstElement *
make_pipeline (const char *model, const char *limit, guint n, GError **error)
{
  g_autoptr (GString) line = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (
        line,
        "videotestsrc is-live=false pattern=ball ! video/x-raw,width=640,height=480 ! pipeloadvit name=camera%u "
        "model=\"%s\" memory-limit=%s ! fakesink sync=false  ",
        i, model, limit);
  return gst_parse_launch (line->str, error);
}

/* Until each camera has had its frames, which all go on for that long. */
static gboolean
run (GstElement *pipeline, Camera *cameras, guint n, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (message == NULL && !all_ended (cameras, n))
    message = gst_bus_timed_pop_filtered (bus, 20 * GST_MSECOND, GST_MESSAGE_ERROR);
  if (message != NULL)
    gst_message_parse_error (message, error, NULL);
  return message == NULL;
}

static void
print (GstElement *pipeline, const Camera *cameras, guint n)
{
  g_autoptr (GstElement) first = gst_bin_get_by_name (GST_BIN (pipeline), "camera0");
  g_autoptr (GstStructure) stats = NULL;
  guint64 bytes = 0, peak = 0;
  double rate = 0;

  for (guint i = 0; i < n; i++)
    rate += 1e6 * cameras[i].n_frames / (double) (cameras[i].ended - cameras[i].begun);
  g_object_get (first, "stats", &stats, NULL);
  gst_structure_get (stats, "engine-bytes", G_TYPE_UINT64, &bytes, "engine-peak", G_TYPE_UINT64, &peak, NULL);
  printf ("{\"cameras\": %u, \"frames_per_second\": %.3f, \"engine_bytes\": %" G_GUINT64_FORMAT
          ", \"engine_peak\": %" G_GUINT64_FORMAT "}\n",
          n, rate, bytes, peak);
}

int
main (int argc, char **argv)
{
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree Camera *cameras = NULL;
  gboolean ok;
  guint n;

  gst_init (&argc, &argv);
  if (argc != 6 || atoi (argv[4]) < 1 || atoi (argv[5]) < 1)
    {
      g_printerr ("%s PLUGIN_FOLDER MODEL LIMIT CAMERAS FRAMES\n", argv[0]);
      return 1;
    }
  gst_registry_scan_path (gst_registry_get (), argv[1]);
  n = (guint) atoi (argv[4]);
  cameras = g_new0 (Camera, n);
  pipeline = make_pipeline (argv[2], argv[3], n, &error);
  ok = pipeline != NULL;
  for (guint i = 0; ok && i < n; i++)
    {
      cameras[i].n_frames = (guint) atoi (argv[5]);
      watch (pipeline, &cameras[i], i);
    }
  ok = ok && run (pipeline, cameras, n, &error);
  if (ok)
    print (pipeline, cameras, n);
  else
    g_printerr ("%s\n", error->message);
  if (pipeline != NULL)
    gst_element_set_state (pipeline, GST_STATE_NULL);
  return ok ? 0 : 1;
}
