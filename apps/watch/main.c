/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * pipeload-watch: runs pipeloadvit over a video, a camera or pictures; prints each change of what is seen,
 * and at the end how it went; writes every result as a line of JSON.
 */
#include "gst/common/meta.h"
#include "apps/common/figures.h"
#include "apps/common/source.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Exit statuses, as of the pipeload command. */
#define MISUSED 1
#define FAILED 2
#define STOPPED 130

typedef struct
{
  /* Options. */
  char *input, *model, *memory_limit, *output, *mode, *camera;
  gint64 frames;
  int interval;
  guint threads; /* 0: all CPUs that it may use */

  GMainLoop *loop;
  GstElement *pipeline, *vit;
  WatchSource *source;
  FILE *json;
  gint64 passed;     /* frames that came to @vit */
  gint64 start, end; /* microseconds: first result, end of stream */
  guint64 results;
  int status;
} Watch;

/* ---- before -------------------------------------------------------------------------------- */

/* After the last frame that was asked for: the stream ends here. */
static GstPadProbeReturn
limit_frames (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Watch *watch = user_data;

  if (watch->passed++ < watch->frames)
    return GST_PAD_PROBE_OK;
  if (watch->passed == watch->frames + 1)
    gst_pad_send_event (pad, gst_event_new_eos ());
  return GST_PAD_PROBE_DROP;
}

static void
add_frame_limit (Watch *watch)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (watch->vit, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, limit_frames, watch, NULL);
}

static gboolean
make_pipeline (Watch *watch, GError **error)
{
  g_autofree char *limit = watch_limit_choose (watch->model, watch->memory_limit, 1, &watch->threads, error);
  GstElement *sink;
  gboolean async = strcmp (watch->mode, "async") == 0;

  if (limit == NULL)
    return FALSE;
  watch->pipeline = gst_pipeline_new ("watch");
  watch->vit = gst_element_factory_make ("pipeloadvit", NULL);
  sink = gst_element_factory_make ("fakesink", NULL);
  if (watch->vit == NULL || sink == NULL)
    {
      g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN, "the element %s is missing; %s",
                   watch->vit == NULL ? "pipeloadvit" : "fakesink",
                   watch->vit == NULL ? "set GST_PLUGIN_PATH to the folder of libgstpipeload.so"
                                      : "reinstall GStreamer");
      return FALSE;
    }
  gst_bin_add_many (GST_BIN (watch->pipeline), watch->vit, sink, NULL);
  gst_element_link (watch->vit, sink);
  watch->source = watch_source_new (GST_BIN (watch->pipeline), watch->vit, watch->input, error);
  if (watch->source == NULL)
    return FALSE;
  if (watch->frames > 0)
    add_frame_limit (watch);
  g_object_set (watch->vit, "model", watch->model, "memory-limit", limit, "interval", (guint) watch->interval,
                "threads", watch->threads, "threshold", 0.0, NULL);
  gst_util_set_object_arg (G_OBJECT (watch->vit), "mode", watch->mode);
  gst_util_set_object_arg (G_OBJECT (watch->vit), "messages", "all");
  /* A file in async mode plays at its own pace; else nothing is gained by waiting. */
  g_object_set (sink, "sync", async && !watch_source_is_live (watch->source), NULL);
  return TRUE;
}

/* ---- during -------------------------------------------------------------------------------- */

static char *
describe_place (const Watch *watch, const GstPipeloadFrame *frame)
{
  const char *name = watch_source_name (watch->source, frame->number);
  GstClockTime time = GST_CLOCK_TIME_IS_VALID (frame->stream_time) ? frame->stream_time : frame->timestamp;

  if (name != NULL)
    return g_strdup (name);
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return g_strdup_printf ("frame %" G_GUINT64_FORMAT, frame->number);
  return g_strdup_printf ("%u:%02u:%02u.%03u", (guint) (time / (GST_SECOND * 3600)),
                          (guint) (time / (GST_SECOND * 60) % 60), (guint) (time / GST_SECOND % 60),
                          (guint) (time / GST_MSECOND % 1000));
}

static void
take_result (Watch *watch, const GstStructure *structure)
{
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_from_structure (structure);
  gboolean changed = FALSE;

  if (frame == NULL)
    return;
  if (watch->results++ == 0)
    watch->start = g_get_monotonic_time ();
  if (watch->json != NULL)
    {
      g_autofree char *line = gst_pipeload_frame_to_json (frame, watch->camera);

      if (fprintf (watch->json, "%s\n", line) < 0)
        {
          g_printerr ("pipeload-watch: %s: %s\n", watch->output, g_strerror (errno));
          watch->status = FAILED;
          g_main_loop_quit (watch->loop);
        }
    }
  gst_structure_get_boolean (structure, "changed", &changed);
  if (changed && frame->objects->len > 0)
    {
      const GstPipeloadObject *best = gst_pipeload_frame_object (frame, 0);
      g_autofree char *place = describe_place (watch, frame);

      g_print ("%-14s  %s (%.0f %%)\n", place, best->label, floor (best->confidence * 100));
    }
}

static void
report (GstMessage *message, const char *kind)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, &debug);
  else
    gst_message_parse_warning (message, &error, &debug);
  g_printerr ("pipeload-watch: %s%s: %s\n", kind, GST_MESSAGE_SRC_NAME (message), error->message);
}

static gboolean
take_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Watch *watch = user_data;

  switch (GST_MESSAGE_TYPE (message))
    {
    case GST_MESSAGE_ELEMENT:
      take_result (watch, gst_message_get_structure (message));
      break;
    case GST_MESSAGE_WARNING:
      report (message, "warning: ");
      break;
    case GST_MESSAGE_ERROR:
      /* What stopped because of it says so too: the first one counts. */
      if (watch->status == 0)
        report (message, "");
      watch->status = FAILED;
      g_main_loop_quit (watch->loop);
      break;
    case GST_MESSAGE_EOS:
      g_main_loop_quit (watch->loop);
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (watch->pipeline));
      break;
    default:
      break;
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
interrupt (gpointer user_data)
{
  Watch *watch = user_data;

  watch->status = STOPPED;
  g_main_loop_quit (watch->loop);
  return G_SOURCE_CONTINUE;
}

static void
run (Watch *watch)
{
  GstBus *bus = gst_element_get_bus (watch->pipeline);
  guint sources[] = { gst_bus_add_watch (bus, take_message, watch), g_unix_signal_add (SIGINT, interrupt, watch),
                      g_unix_signal_add (SIGTERM, interrupt, watch) };

  /* A failure is on the bus. */
  gst_element_set_state (watch->pipeline, GST_STATE_PLAYING);
  g_main_loop_run (watch->loop);
  watch->end = g_get_monotonic_time ();
  gst_element_set_state (watch->pipeline, GST_STATE_NULL);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  gst_object_unref (bus);
}

/* ---- after --------------------------------------------------------------------------------- */

static void
print_table (const Watch *watch)
{
  g_autoptr (GstStructure) stats = NULL;
  double seconds = (double) (watch->end - watch->start) / G_USEC_PER_SEC;
  guint64 frames;

  g_object_get (watch->vit, "stats", &stats, NULL);
  frames = watch_figure (stats, "frames");
  g_print ("\nframes           %" G_GUINT64_FORMAT ", looked at %" G_GUINT64_FORMAT, frames,
           watch_figure (stats, "inferred"));
  if (watch_figure (stats, "damaged") > 0)
    g_print (", damaged %" G_GUINT64_FORMAT, watch_figure (stats, "damaged"));
  g_print ("\n");
  if (watch->results > 1 && seconds > 0)
    g_print ("frames/s         %.1f\n", (double) (frames - 1) / seconds);
  g_print ("latency          %.1f ms on average, floor %.1f ms\n", watch_figure_ms (stats, "mean-latency"),
           watch_figure_ms (stats, "floor"));
  watch_memory_print (stats);
  if (watch->json != NULL)
    g_print ("results          %s\n", watch->output);
}

static gboolean
parse_options (Watch *watch, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "input", 'i', 0, G_OPTION_ARG_FILENAME, &watch->input,
      "A video, a picture, a folder of pictures, a URI such as rtsp://..., or /dev/videoN", "INPUT" },
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &watch->model, "Model file or folder (the bundled one)", "PATH" },
    { "memory-limit", 'l', 0, G_OPTION_ARG_STRING, &watch->memory_limit,
      "Such as 64MB; 0 for none; auto: what the machine can spare; small: so little that weights are streamed (small)",
      "SIZE" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &watch->output, "Write each result there as a line of JSON", "FILE" },
    { "frames", 'n', 0, G_OPTION_ARG_INT64, &watch->frames, "Stop after N frames (0: at the end)", "N" },
    { "mode", 0, 0, G_OPTION_ARG_STRING, &watch->mode, "sync: look at each frame; async: never hold one up (sync)",
      "MODE" },
    { "interval", 0, 0, G_OPTION_ARG_INT, &watch->interval, "Look at every Nth frame (1)", "N" },
    { "camera", 0, 0, G_OPTION_ARG_STRING, &watch->camera, "The camera's name in the JSON (the input's)", "NAME" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- say what a vision transformer sees");

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (watch->input == NULL && *argc == 2)
    watch->input = g_strdup ((*argv)[1]);
  if (watch->input == NULL || *argc > 2 || (strcmp (watch->mode, "sync") != 0 && strcmp (watch->mode, "async") != 0)
      || watch->interval < 1 || watch->frames < 0)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "one --input, --mode=sync or async, --interval of at least 1 are needed; see --help");
      return FALSE;
    }
  if (watch->camera == NULL)
    watch->camera = g_path_get_basename (watch->input);
  return TRUE;
}

static void
clear (Watch *watch)
{
  watch_source_free (watch->source);
  if (watch->pipeline != NULL)
    gst_object_unref (watch->pipeline);
  g_main_loop_unref (watch->loop);
  g_free (watch->input);
  g_free (watch->model);
  g_free (watch->memory_limit);
  g_free (watch->output);
  g_free (watch->mode);
  g_free (watch->camera);
}

int
main (int argc, char **argv)
{
  Watch watch = { .memory_limit = g_strdup ("small"), .mode = g_strdup ("sync"), .interval = 1 };
  g_autoptr (GError) error = NULL;

  watch.loop = g_main_loop_new (NULL, FALSE);
  if (!parse_options (&watch, &argc, &argv, &error))
    watch.status = MISUSED;
  else if (!make_pipeline (&watch, &error))
    watch.status = FAILED;
  else if (watch.output != NULL && (watch.json = g_fopen (watch.output, "we")) == NULL)
    {
      g_set_error (&error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", watch.output, g_strerror (errno));
      watch.status = FAILED;
    }
  if (error != NULL)
    g_printerr ("pipeload-watch: %s\n", error->message);
  else
    {
      run (&watch);
      if (watch.results > 0)
        print_table (&watch);
    }
  if (watch.json != NULL && fclose (watch.json) != 0 && watch.status == 0)
    {
      g_printerr ("pipeload-watch: %s: %s\n", watch.output, g_strerror (errno));
      watch.status = FAILED;
    }
  clear (&watch);
  return watch.status;
}
