/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Builds the pipeline that analyses one recording.
 */
#include "apps/analyse/pipeline.h"

#include "apps/common/chain.h"

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
on_element (GstBin *pipeline, GstBin *bin, GstElement *element, gpointer user_data)
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

/* Adds @name behind @tail. Returns: (transfer none) (nullable): NULL if @tail is, too */
static GstElement *
append (AnalysePipeline *self, GstElement *tail, const char *name, GError **error)
{
  return tail != NULL ? pld_chain_append (GST_BIN (self->pipeline), tail, name, error) : NULL;
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
  g_signal_connect (self->pipeline, "deep-element-added", G_CALLBACK (on_element), NULL);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, widen_gap, self, NULL);
}

static void
set_up (AnalysePipeline *self, const AnalyseOptions *options)
{
  g_object_set (self->vit, "threads", options->threads, NULL);
  if (options->keyframes)
    set_up_keyframes (self);
  else if (options->every == 0)
    pld_chain_pace (self->vit);
  if (options->every > 0)
    g_object_set (self->vit, "interval", (guint) options->every, NULL);
}

gboolean
analyse_pipeline_make (AnalysePipeline *self, const AnalyseOptions *options, const AnalyseInput *input,
                       const char *folder, GError **error)
{
  PldChain chain;

  self->last_key = GST_CLOCK_TIME_NONE;
  self->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  /* Drawing needs decoded frames; JPEG frames are read without that otherwise. */
  if (options->annotate
      && (self->head = pld_chain_append (GST_BIN (self->pipeline), NULL, "videoconvert", error)) == NULL)
    return FALSE;
  if (!pld_chain_add (&chain, GST_BIN (self->pipeline), self->head, !options->keyframes, options->memory_limit,
                      input->name, options->zones, error))
    return FALSE;
  self->vit = chain.vit;
  self->events = chain.events;
  if (self->head == NULL)
    self->head = chain.vit;
  if (!add_end (self, self->events, options, folder, error))
    return FALSE;
  set_up (self, options);
  self->source = pld_source_new (GST_BIN (self->pipeline), self->head, input->path, error);
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
  g_clear_pointer (&self->source, pld_source_free);
}
