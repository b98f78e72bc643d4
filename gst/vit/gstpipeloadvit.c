/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-pipeloadvit
 * @title: pipeloadvit
 *
 * Detects objects in video, or classifies it, with a vision transformer whose weights are streamed from storage, so
 * that memory stays under a limit that may be smaller than the model. Frames pass untouched; results are attached to
 * them as #GstVideoRegionOfInterestMeta and posted on the bus as element messages named "pipeload-vit".
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 -m videotestsrc num-buffers=30 ! pipeloadvit ! fakesink
 * ]| Posts on the bus the persons that the bundled model detects in the test picture.
 * |[
 * gst-launch-1.0 -m v4l2src ! image/jpeg,framerate=30/1 ! pipeloadvit mode=async interval=6 ! fakesink
 * ]| Processes five pictures a second of an MJPEG camera, which are never decoded in full.
 * |[
 * gst-launch-1.0 -m filesrc location=video.mp4 ! decodebin ! pipeloadvit model=/path/to/vit-base
 *     memory-limit=64MB top-k=5 threshold=0 messages=all ! fakesink
 * ]| Runs a model of 346 MB in 64 MB.
 *
 * Since: 0.1
 */

#include "gst/vit/gstpipeloadvit-private.h"

#include "gst/common/picture.h"
#include "gst/common/util.h"

#include <gst/video/video.h>

GST_DEBUG_CATEGORY (gst_pipeload_vit_debug);
#define GST_CAT_DEFAULT gst_pipeload_vit_debug

/* Sources that leave the choice to us take the first format: one that maps as it is and is small. */
#define CAPS                                                                                                           \
  GST_VIDEO_CAPS_MAKE ("{ I420, NV12, YV12, NV21, YUY2, UYVY, RGB, BGR, RGBx, BGRx, RGBA, BGRA, GRAY8 }")              \
  "; " GST_VIDEO_CAPS_MAKE (GST_VIDEO_FORMATS_ALL) "; image/jpeg"

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

G_DEFINE_FINAL_TYPE (GstPipeloadVit, gst_pipeload_vit, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (pipeloadvit, "pipeloadvit", GST_RANK_NONE, GST_TYPE_PIPELOAD_VIT,
                                       GST_DEBUG_CATEGORY_INIT (gst_pipeload_vit_debug, "pipeloadvit", 0,
                                                                "vision transformer"))

/* ---- object -------------------------------------------------------------------------------- */

static void
gst_pipeload_vit_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  gst_pipeload_model_set (&GST_PIPELOAD_VIT (object)->model, id, value);
}

static void
gst_pipeload_vit_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstPipeloadVit *self = GST_PIPELOAD_VIT (object);

  if (id == GST_PIPELOAD_PROP_STATS)
    g_value_take_boxed (value, gst_pipeload_vit_get_stats (self));
  else
    gst_pipeload_model_get (&self->model, id, value);
}

static void
clear_stream (GstPipeloadVit *self)
{
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->latest, gst_pipeload_frame_unref);
  g_clear_pointer (&self->seen, gst_pipeload_frame_unref);
  g_clear_object (&self->cancellable);
  g_mutex_unlock (&self->lock);
  gst_clear_caps (&self->caps);
}

static void
gst_pipeload_vit_finalize (GObject *object)
{
  GstPipeloadVit *self = GST_PIPELOAD_VIT (object);

  clear_stream (self);
  gst_pipeload_vit_settings_clear (&self->settings);
  gst_pipeload_model_clear (&self->model);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_pipeload_vit_parent_class)->finalize (object);
}

/* ---- states -------------------------------------------------------------------------------- */

static gboolean
gst_pipeload_vit_start (GstBaseTransform *trans)
{
  GstPipeloadVit *self = GST_PIPELOAD_VIT (trans);

  clear_stream (self);
  g_mutex_lock (&self->lock);
  self->stats = (GstPipeloadVitStats) { 0 };
  self->reported = 0;
  self->live = FALSE;
  g_mutex_unlock (&self->lock);
  g_atomic_int_set (&self->model.failed, FALSE);
  gst_pipeload_vit_restart (self);
  return gst_pipeload_vit_open (self);
}

static gboolean
gst_pipeload_vit_stop (GstBaseTransform *trans)
{
  GstPipeloadVit *self = GST_PIPELOAD_VIT (trans);

  gst_pipeload_vit_cancel (self);
  g_clear_pointer (&self->worker, gst_pipeload_worker_free);
  gst_pipeload_vit_close (self);
  clear_stream (self);
  return TRUE;
}

static GstStateChangeReturn
gst_pipeload_vit_change_state (GstElement *element, GstStateChange transition)
{
  /* Pads wait for the streaming thread when they are deactivated: it must not wait for an inference then. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_pipeload_vit_cancel (GST_PIPELOAD_VIT (element));
  return GST_ELEMENT_CLASS (gst_pipeload_vit_parent_class)->change_state (element, transition);
}

/* ---- stream -------------------------------------------------------------------------------- */

static gboolean
gst_pipeload_vit_set_caps (GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstPipeloadVit *self = GST_PIPELOAD_VIT (trans);

  if (self->in_regions && gst_pipeload_caps_are_jpeg (incaps))
    {
      if (gst_pipeload_model_first_error (&self->model)) /* upstream may try again with each frame */
        GST_ELEMENT_ERROR (self, STREAM, WRONG_TYPE,
                           ("Regions cannot be cut out of JPEG pictures; put jpegdec in front of %s, or set "
                            "region=full-frame",
                            GST_OBJECT_NAME (self)),
                           ("caps %" GST_PTR_FORMAT, incaps));
      return FALSE;
    }
  gst_caps_replace (&self->caps, incaps);
  self->force = TRUE;
  g_mutex_lock (&self->lock);
  self->epoch++;
  g_clear_pointer (&self->latest, gst_pipeload_frame_unref);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* The worker's buffer would hold one that came from a pool, which then was not ours alone to write metas on. */
static GstFlowReturn
gst_pipeload_vit_prepare_output_buffer (GstBaseTransform *trans, GstBuffer *input, GstBuffer **output)
{
  if (GST_PIPELOAD_VIT (trans)->worker == NULL)
    return GST_BASE_TRANSFORM_CLASS (gst_pipeload_vit_parent_class)->prepare_output_buffer (trans, input, output);
  *output = gst_buffer_copy (input);
  return GST_FLOW_OK;
}

static gboolean
gst_pipeload_vit_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstPipeloadVit *self = GST_PIPELOAD_VIT (trans);

  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_FLUSH_START:
      gst_pipeload_vit_cancel (self);
      break;
    case GST_EVENT_FLUSH_STOP:
      if (self->worker != NULL)
        gst_pipeload_worker_drain (self->worker);
      gst_pipeload_vit_restart (self);
      break;
    case GST_EVENT_EOS:
    case GST_EVENT_SEGMENT_DONE:
      if (self->worker != NULL)
        gst_pipeload_worker_drain (self->worker);
      break;
    case GST_EVENT_SEGMENT:
      gst_pipeload_vit_qos_reset (self);
      break;
    default:
      break;
    }
  return GST_BASE_TRANSFORM_CLASS (gst_pipeload_vit_parent_class)->sink_event (trans, event);
}

static gboolean
gst_pipeload_vit_src_event (GstBaseTransform *trans, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS)
    gst_pipeload_vit_qos_update (GST_PIPELOAD_VIT (trans), event);
  return GST_BASE_TRANSFORM_CLASS (gst_pipeload_vit_parent_class)->src_event (trans, event);
}

static gboolean
gst_pipeload_vit_query (GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  if (direction == GST_PAD_SRC && GST_QUERY_TYPE (query) == GST_QUERY_LATENCY)
    return gst_pipeload_vit_query_latency (GST_PIPELOAD_VIT (trans), query);
  return GST_BASE_TRANSFORM_CLASS (gst_pipeload_vit_parent_class)->query (trans, direction, query);
}

/* Why this frame is not processed. */
static GstPipeloadVitSkip
reason_to_skip (GstPipeloadVit *self, GstBuffer *buffer)
{
  guint interval;

  if (self->force)
    return GST_PIPELOAD_VIT_SKIP_NONE;
  GST_OBJECT_LOCK (self);
  interval = self->settings.interval;
  GST_OBJECT_UNLOCK (self);
  if (self->since_inference + 1 < interval)
    return GST_PIPELOAD_VIT_SKIP_INTERVAL;
  if (gst_pipeload_vit_qos_skip (self, buffer))
    return GST_PIPELOAD_VIT_SKIP_QOS;
  if (self->worker != NULL && gst_pipeload_worker_is_busy (self->worker))
    return GST_PIPELOAD_VIT_SKIP_BUSY;
  return GST_PIPELOAD_VIT_SKIP_NONE;
}

static GstFlowReturn
gst_pipeload_vit_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstPipeloadVit *self = GST_PIPELOAD_VIT (trans);
  GstPipeloadVitSkip skip = reason_to_skip (self, buffer);
  g_autoptr (GstPipeloadFrame) latest = NULL;
  GstFlowReturn flow = GST_FLOW_OK;
  guint64 number;

  g_mutex_lock (&self->lock);
  number = self->stats.frames;
  gst_pipeload_vit_stats_frame (&self->stats);
  if (skip != GST_PIPELOAD_VIT_SKIP_NONE)
    self->stats.skipped[skip]++;
  g_mutex_unlock (&self->lock);

  if (skip == GST_PIPELOAD_VIT_SKIP_NONE)
    gst_pipeload_vit_process (self, buffer, number);
  else
    self->since_inference++;

  g_mutex_lock (&self->lock);
  if (self->latest != NULL)
    latest = gst_pipeload_frame_ref (self->latest);
  if (g_atomic_int_get (&self->model.failed))
    flow = GST_FLOW_ERROR;
  else if (g_cancellable_is_cancelled (self->cancellable))
    flow = GST_FLOW_FLUSHING;
  g_mutex_unlock (&self->lock);
  if (flow == GST_FLOW_OK && latest != NULL)
    gst_pipeload_frame_attach (latest, buffer, number - latest->number);
  return flow;
}

/* ---- class --------------------------------------------------------------------------------- */

static void
gst_pipeload_vit_class_init (GstPipeloadVitClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = gst_pipeload_vit_set_property;
  object_class->get_property = gst_pipeload_vit_get_property;
  object_class->finalize = gst_pipeload_vit_finalize;
  gst_pipeload_vit_settings_install (object_class);

  gst_element_class_set_static_metadata (
      element_class, "Vision transformer in a memory limit", "Filter/Analyzer/Video",
      "Detects objects in video, or classifies it; weights are streamed from storage", "The pipeload authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_pipeload_vit_change_state);

  trans_class->start = GST_DEBUG_FUNCPTR (gst_pipeload_vit_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_pipeload_vit_stop);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_pipeload_vit_set_caps);
  trans_class->propose_allocation = GST_DEBUG_FUNCPTR (gst_pipeload_propose_downstream);
  trans_class->prepare_output_buffer = GST_DEBUG_FUNCPTR (gst_pipeload_vit_prepare_output_buffer);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_pipeload_vit_sink_event);
  trans_class->src_event = GST_DEBUG_FUNCPTR (gst_pipeload_vit_src_event);
  trans_class->query = GST_DEBUG_FUNCPTR (gst_pipeload_vit_query);
  trans_class->transform_ip = GST_DEBUG_FUNCPTR (gst_pipeload_vit_transform_ip);
  trans_class->transform_ip_on_passthrough = FALSE;
}

static void
gst_pipeload_vit_init (GstPipeloadVit *self)
{
  gst_pipeload_vit_settings_init (&self->settings);
  gst_pipeload_model_init (&self->model, GST_ELEMENT (self), &self->settings);
  g_mutex_init (&self->lock);
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), TRUE);
  /* The base class would drop frames; ours skips inferences. */
  gst_base_transform_set_qos_enabled (GST_BASE_TRANSFORM (self), FALSE);
}
