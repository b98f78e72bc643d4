/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The detect verb with GStreamer: videos and cameras through pipeloadvit, and pictures other than JPEG.
 */
#include "apps/detect/detect.h"

#include "apps/common/figures.h"
#include "apps/common/video.h"
#include "gst/common/meta.h"

#include <string.h>

#include <gst/gst.h>
#include <gst/video/video.h>

#define POLL (100 * GST_MSECOND)

/* Of a video or picture under way. */
typedef struct
{
  PldDetect *detect;
  const char *path;
  GstElement *pipeline;
  GstElement *vit;        /* NULL: a picture is decoded */
  GstPipeloadFrame *last; /* what was printed last; NULL: nothing was */
  guint64 results;
  gint64 start;  /* microseconds: of the first result */
  gint64 passed; /* frames that reached the element */
  PldDetectOutcome outcome;
} Run;

static gboolean
start_gstreamer (GError **error)
{
  g_autoptr (GError) why = NULL;

  if (gst_is_initialized () || gst_init_check (NULL, NULL, &why))
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "GStreamer does not start: %s",
               why != NULL ? why->message : "no reason given");
  return FALSE;
}

/* Returns: (transfer full): what uridecodebin reads */
static char *
path_to_uri (const char *path, GError **error)
{
  return strstr (path, "://") != NULL ? g_strdup (path) : gst_filename_to_uri (path, error);
}

static void
on_pad (GstElement *decoder, GstPad *pad, gpointer user_data)
{
  pld_video_link (pad, user_data);
}

/* @launch: begins with the element "first", which gets the decoder's first stream of @caps; other streams are not
 * decoded. */
static gboolean
run_open (Run *run, const char *caps, const char *launch, GError **error)
{
  const gboolean device = g_str_has_prefix (run->path, "/dev/");
  g_autofree char *text = g_strconcat (
      device ? "v4l2src name=decoder ! " : "uridecodebin name=decoder expose-all-streams=false ", launch, NULL);
  g_autofree char *uri = NULL;
  g_autoptr (GError) why = NULL;
  g_autoptr (GstElement) decoder = NULL, first = NULL;
  g_autoptr (GstCaps) wanted = NULL;

  run->outcome = PLD_DETECT_BAD_INPUT;
  if (!start_gstreamer (error))
    return FALSE;
  uri = device ? NULL : path_to_uri (run->path, error);
  if (!device && uri == NULL)
    return FALSE;
  run->pipeline = gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &why);
  if (run->pipeline == NULL)
    {
      run->outcome = PLD_DETECT_FAILED;
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "GStreamer cannot be used: %s; install pipeload's plugin and gstreamer1.0-plugins-base, or set "
                   "GST_PLUGIN_PATH to their folders",
                   why->message);
      return FALSE;
    }
  decoder = gst_bin_get_by_name (GST_BIN (run->pipeline), "decoder");
  if (device)
    {
      g_object_set (decoder, "device", run->path, NULL);
      return TRUE;
    }
  first = gst_bin_get_by_name (GST_BIN (run->pipeline), "first");
  wanted = gst_caps_from_string (caps);
  g_object_set (decoder, "uri", uri, "caps", wanted, NULL);
  g_signal_connect_object (decoder, "pad-added", G_CALLBACK (on_pad), first, 0);
  if (gst_uri_has_protocol (uri, "file"))
    pld_video_start_at_zero (first);
  return TRUE;
}

static void
run_close (Run *run)
{
  if (run->pipeline != NULL)
    gst_element_set_state (run->pipeline, GST_STATE_NULL);
  gst_clear_object (&run->vit);
  gst_clear_object (&run->pipeline);
  g_clear_pointer (&run->last, gst_pipeload_frame_unref);
}

/* ---- results ------------------------------------------------------------------------------- */

static void
run_print (Run *run, const GstPipeloadFrame *frame, gboolean changed)
{
  g_autofree PldObject *objects = g_new0 (PldObject, MAX (frame->objects->len, 1));
  PldDetectResult result = { .source = run->path,
                             .video = TRUE,
                             .frame = frame->number,
                             .time = frame->stream_time,
                             .system_time = frame->system_time,
                             .width = frame->width,
                             .height = frame->height,
                             .objects = objects,
                             .n = frame->objects->len };

  if (!GST_CLOCK_TIME_IS_VALID (result.time))
    result.time = frame->timestamp;
  for (guint i = 0; i < result.n; i++)
    objects[i] = gst_pipeload_object_to_pld (gst_pipeload_frame_object (frame, i));
  pld_detect_print (run->detect, &result, changed);
}

static void
run_on_result (Run *run, const GstStructure *structure)
{
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_from_structure (structure);

  if (frame == NULL)
    return;
  if (run->results++ == 0)
    run->start = g_get_monotonic_time ();
  run_print (run, frame, run->last == NULL || !gst_pipeload_frame_same_labels (run->last, frame));
  g_clear_pointer (&run->last, gst_pipeload_frame_unref);
  run->last = g_steal_pointer (&frame);
}

/* ---- the bus ------------------------------------------------------------------------------- */

/* Decoders that are not there are named in the debug text alone: "Missing decoder: NAME (CAPS)". Returns:
 * (transfer full) */
static char *
missing_decoder (const char *debug)
{
  static const char mark[] = "Missing decoder: ";
  const char *name = debug != NULL ? strstr (debug, mark) : NULL;

  if (name == NULL)
    return g_strdup ("this format");
  name += strlen (mark);
  return g_strndup (name, strcspn (name, "(\n"));
}

/* An error of pipeloadvit's is about the model, and the next video would meet it again. */
static void
run_on_error (Run *run, GstMessage *message, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autofree char *debug = NULL;

  gst_message_parse_error (message, &why, &debug);
  if (run->vit != NULL && GST_MESSAGE_SRC (message) == GST_OBJECT (run->vit))
    {
      run->outcome = PLD_DETECT_FAILED;
      g_set_error_literal (error, PLD_ERROR, PLD_ERROR_FORMAT, why->message);
    }
  else if (g_error_matches (why, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN))
    {
      g_autofree char *name = missing_decoder (debug);

      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "GStreamer has no plugin for %s; install gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad or "
                   "gstreamer1.0-libav, or convert the file",
                   g_strchomp (name));
    }
  else
    g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "GStreamer cannot read it: %s", why->message);
}

static void
run_on_warning (Run *run, GstMessage *message)
{
  g_autoptr (GError) why = NULL;

  gst_message_parse_warning (message, &why, NULL);
  if (GST_MESSAGE_SRC (message) != GST_OBJECT (run->vit)
      || !g_error_matches (why, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT))
    pld_detect_complain (run->detect, run->path, why->message);
  else if (!run->detect->warned)
    {
      /* pipeloadvit's, of the model, which all videos have in common. */
      pld_tool_progress_end ();
      fprintf (stderr, "pipeload: warning: %s\n", why->message);
    }
}

static void
run_show_progress (Run *run)
{
  gint64 at, duration;

  if (run->vit != NULL && gst_element_query_position (run->pipeline, GST_FORMAT_TIME, &at)
      && gst_element_query_duration (run->pipeline, GST_FORMAT_TIME, &duration) && duration > 0 && at >= 0)
    pld_tool_progress ("detecting", (guint) (100.0 * MIN (at, duration) / duration), NULL);
}

/* PLAYING: until the end of the stream. PAUSED: until the first picture is there, as some files go round for
 * ever. An error or Ctrl-C ends both. */
static void
run_play (Run *run, GstState state, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (run->pipeline);
  gboolean running = TRUE;

  gst_element_set_state (run->pipeline, state);
  while (running)
    {
      g_autoptr (GstMessage) message = gst_bus_timed_pop (bus, POLL);

      if (g_cancellable_is_cancelled (run->detect->cancellable))
        {
          run->outcome = PLD_DETECT_FAILED;
          g_set_error_literal (error, PLD_ERROR, PLD_ERROR_CANCELLED, "stopped");
          break;
        }
      if (message == NULL)
        {
          run_show_progress (run);
          continue;
        }
      switch (GST_MESSAGE_TYPE (message))
        {
        case GST_MESSAGE_EOS:
        case GST_MESSAGE_ASYNC_DONE:
          running = state == GST_STATE_PLAYING && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ASYNC_DONE;
          run->outcome = PLD_DETECT_OK;
          break;
        case GST_MESSAGE_ERROR:
          run_on_error (run, message, error);
          running = FALSE;
          break;
        case GST_MESSAGE_WARNING:
          run_on_warning (run, message);
          break;
        case GST_MESSAGE_ELEMENT:
          run_on_result (run, gst_message_get_structure (message));
          break;
        default:
          break;
        }
    }
}

/* ---- the figures --------------------------------------------------------------------------- */

static void
run_print_stats (const Run *run)
{
  const double seconds = (double) (g_get_monotonic_time () - run->start) / G_USEC_PER_SEC;
  g_autoptr (GstStructure) stats = NULL;
  guint64 frames, damaged;

  g_object_get (run->vit, "stats", &stats, NULL);
  frames = pld_figure (stats, "frames");
  damaged = pld_figure (stats, "damaged");
  pld_tool_progress_end ();
  fprintf (stderr, "frames           %" G_GUINT64_FORMAT ", inferred %" G_GUINT64_FORMAT, frames,
           pld_figure (stats, "inferred"));
  if (damaged > 0)
    fprintf (stderr, ", damaged %" G_GUINT64_FORMAT, damaged);
  if (run->results > 1 && seconds > 0)
    fprintf (stderr, "\nframes/s         %.1f", (double) (frames - 1) / seconds);
  fprintf (stderr, "\nlatency          %.1f ms on average, floor %.1f ms\n", pld_figure_ms (stats, "mean-latency"),
           pld_figure_ms (stats, "floor"));
  pld_figures_print_memory (stats, stderr);
}

/* Ends the stream after the requested number of frames. */
static GstPadProbeReturn
on_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Run *run = user_data;

  if (run->passed++ < run->detect->frames)
    return GST_PAD_PROBE_OK;
  if (run->passed == run->detect->frames + 1)
    gst_pad_send_event (pad, gst_event_new_eos ());
  return GST_PAD_PROBE_DROP;
}

static void
run_set_up (Run *run)
{
  const PldDetect *detect = run->detect;
  g_autoptr (GstPad) pad = NULL;

  run->vit = gst_bin_get_by_name (GST_BIN (run->pipeline), "vit");
  g_object_set (run->vit, "model", detect->vision.engine.model, "memory-limit",
                detect->memory_limit != NULL ? detect->memory_limit : "0", "loaders", detect->vision.engine.loaders,
                "threads", detect->vision.engine.threads, "input-size", detect->input_size, "classes", detect->classes,
                "threshold", detect->threshold, "top-k", detect->top_k, "interval", detect->interval, NULL);
  if (detect->async)
    gst_util_set_object_arg (G_OBJECT (run->vit), "mode", "async");
  if (detect->frames == 0)
    return;
  pad = gst_element_get_static_pad (run->vit, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, run, NULL);
}

/* ---- what the verb calls ------------------------------------------------------------------- */

/* JPEG frames are not decoded here: the element takes them as they are, at the scale it needs. */
PldDetectOutcome
pld_detect_video (PldDetect *detect, const char *path, GError **error)
{
  Run run = { .detect = detect, .path = path };

  /* In async mode a recording plays at its own pace; otherwise waiting gains nothing. */
  g_autofree char *launch
      = g_strdup_printf ("queue name=first max-size-buffers=4 max-size-bytes=0 max-size-time=0 ! pipeloadvit "
                         "name=vit messages=all ! fakesink sync=%s",
                         detect->async ? "true" : "false");

  if (run_open (&run, "video/x-raw(ANY); image/jpeg", launch, error))
    {
      run_set_up (&run);
      run_play (&run, GST_STATE_PLAYING, error);
      if (run.outcome == PLD_DETECT_OK && run.last == NULL)
        {
          run.outcome = PLD_DETECT_BAD_INPUT;
          g_set_error_literal (error, PLD_ERROR, PLD_ERROR_FORMAT, "it holds no picture that could be read");
        }
      if (detect->stats && run.results > 0)
        run_print_stats (&run);
    }
  run_close (&run);
  detect->warned = TRUE;
  return run.outcome;
}

/* Returns: (transfer full): RGB rows without gaps */
static guint8 *
copy_pixels (GstSample *sample, guint *width, guint *height, GError **error)
{
  GstVideoInfo info;
  GstVideoFrame frame;
  guint8 *pixels = NULL;

  if (sample == NULL || !gst_video_info_from_caps (&info, gst_sample_get_caps (sample))
      || !gst_video_frame_map (&frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ))
    {
      g_set_error_literal (error, PLD_ERROR, PLD_ERROR_FORMAT, "it holds no picture that could be read");
      return NULL;
    }
  *width = (guint) GST_VIDEO_FRAME_WIDTH (&frame);
  *height = (guint) GST_VIDEO_FRAME_HEIGHT (&frame);
  pixels = g_try_malloc_n (*height, (gsize) *width * 3);
  if (pixels == NULL)
    g_set_error (error, PLD_ERROR, PLD_ERROR_MEMORY, "no memory for its %u × %u pixels", *width, *height);
  for (guint y = 0; pixels != NULL && y < *height; y++)
    memcpy (pixels + (gsize) y * *width * 3,
            (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0)
                + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0),
            (gsize) *width * 3);
  gst_video_frame_unmap (&frame);
  return pixels;
}

PldDetectOutcome
pld_detect_decode (PldDetect *detect, const char *path, guint8 **pixels, guint *width, guint *height, GError **error)
{
  Run run = { .detect = detect, .path = path };

  if (run_open (
          &run, "video/x-raw(ANY)",
          "videoconvert name=first ! video/x-raw,format=RGB ! fakesink name=sink sync=false enable-last-sample=true",
          error))
    {
      run_play (&run, GST_STATE_PAUSED, error);
      if (run.outcome == PLD_DETECT_OK)
        {
          g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (run.pipeline), "sink");
          g_autoptr (GstSample) sample = NULL;

          g_object_get (sink, "last-sample", &sample, NULL);
          *pixels = copy_pixels (sample, width, height, error);
          run.outcome = *pixels != NULL ? PLD_DETECT_OK : PLD_DETECT_BAD_INPUT;
        }
    }
  run_close (&run);
  return run.outcome;
}
