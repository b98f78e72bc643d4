/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/analyse/pipeline.h"

#include "apps/common/pace.h"

#include <string.h>

/* Looks at keyframes may be far apart: who is seen in one and the next has not left in between. In distances of
 * keyframes, and in seconds at least. */
#define LEAVE_AFTER 2.5
#define LEAVE_AFTER_LEAST 3.0

/* ---- keyframes ----------------------------------------------------------------------------- */

static GstPadProbeReturn
drop_others (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  return GST_BUFFER_FLAG_IS_SET (GST_PAD_PROBE_INFO_BUFFER (info), GST_BUFFER_FLAG_DELTA_UNIT) ? GST_PAD_PROBE_DROP
                                                                                               : GST_PAD_PROBE_OK;
}

/* Decoders get keyframes alone. Frames are dropped rather than sought: every container knows its keyframes, not every
 * one can seek. */
static void
take_element (GstBin *pipeline, GstBin *bin, GstElement *element, gpointer user_data)
{
  const char *class = gst_element_class_get_metadata (GST_ELEMENT_GET_CLASS (element), GST_ELEMENT_METADATA_KLASS);
  g_autoptr (GstPad) pad = NULL;

  if (class != NULL && strstr (class, "Decoder") != NULL && strstr (class, "Video") != NULL)
    pad = gst_element_get_static_pad (element, "sink");
  if (pad != NULL)
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, drop_others, NULL, NULL);
}

static GstPadProbeReturn
widen_gap (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  AnalysePipeline *self = user_data;
  GstClockTime time = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_PAD_PROBE_OK;
  if (GST_CLOCK_TIME_IS_VALID (self->last_key) && time > self->last_key && time - self->last_key > self->widest)
    {
      self->widest = time - self->last_key;
      g_object_set (self->events, "leave-after",
                    CLAMP (LEAVE_AFTER * (double) self->widest / GST_SECOND, LEAVE_AFTER_LEAST, 3600), NULL);
    }
  self->last_key = time;
  return GST_PAD_PROBE_OK;
}

/* ---- elements ---------------------------------------------------------------------------- */

static GstElement *
add (AnalysePipeline *self, const char *name, GError **error)
{
  GstElement *element = gst_element_factory_make (name, NULL);

  if (element == NULL)
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN, "the element %s is missing; %s", name,
                 g_str_has_prefix (name, "pipeload") ? "set GST_PLUGIN_PATH to the folder of libgstpipeload.so"
                                                     : "install GStreamer's base and good plugins");
  else
    gst_bin_add (GST_BIN (self->pipeline), element);
  return element;
}

/* Adds @name behind @tail. Returns: (transfer none) (nullable): it; NULL if @tail is */
static GstElement *
append (AnalysePipeline *self, GstElement *tail, const char *name, GError **error)
{
  GstElement *element = tail != NULL ? add (self, name, error) : NULL;

  if (element != NULL && !gst_element_link (tail, element))
    {
      g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_PAD, "%s cannot be linked", name);
      element = NULL;
    }
  return element;
}

/* The first of those that are there. */
static const char *
choose_encoder (void)
{
  static const char *const names[] = { "x264enc", "openh264enc", "vp8enc" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GstElementFactory) factory = gst_element_factory_find (names[i]);

      if (factory != NULL)
        return names[i];
    }
  return "jpegenc";
}

static gboolean
add_annotation (AnalysePipeline *self, GstElement *tail, const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "annotated.mkv", NULL);
  const char *encoder = choose_encoder ();
  GstElement *element;

  tail = append (self, tail, "pipeloadoverlay", error);
  tail = append (self, tail, "videoconvert", error);
  tail = element = append (self, tail, encoder, error);
  if (element != NULL && g_str_equal (encoder, "x264enc"))
    gst_util_set_object_arg (G_OBJECT (element), "speed-preset", "veryfast");
  else if (element != NULL && g_str_equal (encoder, "openh264enc"))
    g_object_set (element, "bitrate", 2000000u, NULL);
  else if (element != NULL && g_str_equal (encoder, "vp8enc"))
    g_object_set (element, "deadline", G_GINT64_CONSTANT (1), "target-bitrate", 2000000, NULL);
  if (g_str_has_suffix (encoder, "264enc"))
    tail = append (self, tail, "h264parse", error);
  tail = append (self, tail, "matroskamux", error);
  tail = append (self, tail, "filesink", error);
  if (tail != NULL)
    g_object_set (tail, "location", path, "sync", FALSE, NULL);
  return tail != NULL;
}

static gboolean
add_end (AnalysePipeline *self, GstElement *tail, const AnalyseOptions *options, const char *folder, GError **error)
{
  if (options->annotate)
    return add_annotation (self, tail, folder, error);
  tail = append (self, tail, "fakesink", error);
  if (tail != NULL)
    g_object_set (tail, "sync", FALSE, NULL);
  return tail != NULL;
}

/* Keyframes are too far apart to follow anybody from one to the next: who is of one label is one visit, and each look
 * counts. */
static void
set_up_keyframes (AnalysePipeline *self)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (self->events, "sink");

  g_object_set (self->events, "median", 1, "inertia", 1, NULL);
  g_signal_connect (self->pipeline, "deep-element-added", G_CALLBACK (take_element), NULL);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, widen_gap, self, NULL);
}

static void
set_up (AnalysePipeline *self, const AnalyseOptions *options, const char *name)
{
  g_object_set (self->vit, "model", options->model, "memory-limit", options->memory_limit, "threads", options->threads,
                NULL);
  gst_util_set_object_arg (G_OBJECT (self->vit), "messages", "none");
  g_object_set (self->events, "zones", options->zones, "camera", name, NULL);
  if (options->keyframes)
    set_up_keyframes (self);
  else
    g_object_set (self->vit, "threshold", WATCH_FAINT, NULL);
  if (!options->keyframes && options->every == 0)
    watch_pace_follow (self->vit);
  if (options->every > 0)
    g_object_set (self->vit, "interval", (guint) options->every, NULL);
}

gboolean
analyse_pipeline_make (AnalysePipeline *self, const AnalyseOptions *options, const AnalyseInput *input,
                       const char *folder, GError **error)
{
  self->last_key = GST_CLOCK_TIME_NONE;
  self->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  /* What is drawn on must be decoded; else JPEG pictures are read without that. */
  if (options->annotate)
    {
      self->head = add (self, "videoconvert", error);
      self->vit = append (self, self->head, "pipeloadvit", error);
    }
  else
    self->head = self->vit = add (self, "pipeloadvit", error);
  self->events = self->vit;
  if (!options->keyframes)
    self->events = append (self, self->events, "pipeloadtrack", error);
  self->events = append (self, self->events, "pipeloadevents", error);
  if (self->events == NULL || !add_end (self, self->events, options, folder, error))
    return FALSE;
  set_up (self, options, input->name);
  self->source = watch_source_new (GST_BIN (self->pipeline), self->head, input->path, error);
  return self->source != NULL;
}

void
analyse_pipeline_clear (AnalysePipeline *self)
{
  if (self->pipeline != NULL)
    {
      gst_element_set_state (self->pipeline, GST_STATE_NULL);
      gst_clear_object (&self->pipeline);
    }
  g_clear_pointer (&self->source, watch_source_free);
}
