/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-pipeloadevents
 * @title: pipeloadevents
 *
 * Reports when objects enter and leave zones of the picture, and cross lines in it. Reads the metas of pipeloadvit and
 * pipeloadtrack on the frames, and reports to the bus and downstream with messages and events named "pipeload-event",
 * each of which also has its JSON. Frames pass; the zones of their objects are written on them.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 -m filesrc location=video.mp4 ! decodebin ! videoconvert ! pipeloadvit ! pipeloadtrack !
 *     pipeloadevents ! fakesink
 * ]| Reports people who enter and leave the picture.
 * |[
 * gst-launch-1.0 -m filesrc location=video.mp4 ! decodebin ! videoconvert ! pipeloadvit ! pipeloadtrack !
 *     pipeloadevents camera=yard zones=zones.json ! fakesink
 * ]| Reads zones from a file.
 *
 * Since: 0.1
 */

#include "gst/events/gstpipeloadevents-private.h"

#include "gst/common/meta.h"
#include "gst/common/util.h"

#include <gst/video/video.h>

GST_DEBUG_CATEGORY (gst_pipeload_events_debug);
#define GST_CAT_DEFAULT gst_pipeload_events_debug

#define CAPS GST_VIDEO_CAPS_MAKE (GST_VIDEO_FORMATS_ALL) "; image/jpeg"

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

G_DEFINE_FINAL_TYPE (GstPipeloadEvents, gst_pipeload_events, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (pipeloadevents, "pipeloadevents", GST_RANK_NONE, GST_TYPE_PIPELOAD_EVENTS,
                                       GST_DEBUG_CATEGORY_INIT (gst_pipeload_events_debug, "pipeloadevents", 0,
                                                                "objects in zones"))

/* ---- object -------------------------------------------------------------------------------- */

static void
gst_pipeload_events_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GST_OBJECT_LOCK (object);
  gst_pipeload_settings_set (&GST_PIPELOAD_EVENTS (object)->settings, id, value);
  GST_OBJECT_UNLOCK (object);
}

static void
gst_pipeload_events_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GST_OBJECT_LOCK (object);
  gst_pipeload_settings_get (&GST_PIPELOAD_EVENTS (object)->settings, id, value);
  GST_OBJECT_UNLOCK (object);
}

static void
clear_stream (GstPipeloadEvents *self)
{
  g_clear_pointer (&self->visits, pld_visits_free);
  g_clear_pointer (&self->zones, pld_zones_free);
  g_clear_pointer (&self->camera, g_free);
  g_clear_pointer (&self->epoch, g_date_time_unref);
}

static void
gst_pipeload_events_finalize (GObject *object)
{
  GstPipeloadEvents *self = GST_PIPELOAD_EVENTS (object);

  clear_stream (self);
  gst_pipeload_events_settings_clear (&self->settings);
  G_OBJECT_CLASS (gst_pipeload_events_parent_class)->finalize (object);
}

/* ---- states -------------------------------------------------------------------------------- */

static gboolean
open_settings (GstPipeloadEvents *self, GError **error)
{
  g_autofree char *zones = NULL;
  g_autofree char *start = NULL;

  GST_OBJECT_LOCK (self);
  zones = g_strdup (self->settings.zones);
  start = g_strdup (self->settings.start_time);
  self->camera = g_strdup (self->settings.camera);
  GST_OBJECT_UNLOCK (self);
  self->configured = zones != NULL;
  self->zones = pld_zones_load (zones, error);
  if (self->zones == NULL)
    return FALSE;
  if (start != NULL)
    {
      self->epoch = g_date_time_new_from_iso8601 (start, NULL);
      if (self->epoch == NULL)
        g_set_error (error, GST_PIPELOAD_SETTINGS_ERROR, 0,
                     "property start-time: \"%s\" is not a time; write it like 2025-01-31T20:00:00Z", start);
    }
  return start == NULL || self->epoch != NULL;
}

static gboolean
gst_pipeload_events_start (GstBaseTransform *trans)
{
  GstPipeloadEvents *self = GST_PIPELOAD_EVENTS (trans);
  g_autoptr (GError) error = NULL;

  clear_stream (self);
  if (!open_settings (self, &error))
    {
      /* An error in the file is an error of the setting. */
      if (g_error_matches (error, PLD_ERROR, PLD_ERROR_FORMAT))
        error->domain = GST_PIPELOAD_SETTINGS_ERROR;
      gst_pipeload_post_error (GST_ELEMENT (self), error, NULL, TRUE);
      return FALSE;
    }
  self->visits = pld_visits_new (self->zones);
  self->video = (GstPipeloadVideo) { 0 };
  self->next = 0;
  self->cursor = (GstPipeloadResultCursor) { 0 };
  self->asked = self->live = self->announced = self->warned = FALSE;
  return TRUE;
}

/* Downstream is down already. */
static gboolean
gst_pipeload_events_stop (GstBaseTransform *trans)
{
  GstPipeloadEvents *self = GST_PIPELOAD_EVENTS (trans);

  if (self->visits != NULL)
    gst_pipeload_events_finish (self, FALSE);
  clear_stream (self);
  return TRUE;
}

/* ---- stream -------------------------------------------------------------------------------- */

static gboolean
gst_pipeload_events_set_caps (GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GST_PIPELOAD_EVENTS (trans)->video = gst_pipeload_video_from_caps (incaps);
  return TRUE;
}

static void
announce_zones (GstPipeloadEvents *self)
{
  if (self->announced || !self->configured)
    return;
  self->announced = TRUE;
  gst_pad_push_event (GST_BASE_TRANSFORM_SRC_PAD (self),
                      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
                                            gst_structure_new (GST_PIPELOAD_ZONES_EVENT, "json", G_TYPE_STRING,
                                                               self->zones->json, NULL)));
}

static gboolean
is_other_segment (GstPipeloadEvents *self, GstEvent *event)
{
  GstSegment segment;

  gst_event_copy_segment (event, &segment);
  segment.position = GST_BASE_TRANSFORM (self)->segment.position;
  return !gst_segment_is_equal (&segment, &GST_BASE_TRANSFORM (self)->segment);
}

static gboolean
gst_pipeload_events_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstPipeloadEvents *self = GST_PIPELOAD_EVENTS (trans);
  const GstEventType type = GST_EVENT_TYPE (event);
  gboolean ok;

  if (type == GST_EVENT_EOS || type == GST_EVENT_SEGMENT_DONE
      || (type == GST_EVENT_SEGMENT && is_other_segment (self, event)))
    gst_pipeload_events_finish (self, TRUE);
  ok = GST_BASE_TRANSFORM_CLASS (gst_pipeload_events_parent_class)->sink_event (trans, event);
  if (type == GST_EVENT_FLUSH_STOP) /* before it, nothing gets through */
    gst_pipeload_events_finish (self, TRUE);
  else if (type == GST_EVENT_SEGMENT)
    announce_zones (self);
  return ok;
}

static GstFlowReturn
gst_pipeload_events_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  gst_pipeload_events_process (GST_PIPELOAD_EVENTS (trans), buffer);
  return GST_FLOW_OK;
}

/* ---- class --------------------------------------------------------------------------------- */

static void
gst_pipeload_events_class_init (GstPipeloadEventsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = gst_pipeload_events_set_property;
  object_class->get_property = gst_pipeload_events_get_property;
  object_class->finalize = gst_pipeload_events_finalize;
  gst_pipeload_events_settings_install (object_class);

  gst_element_class_set_static_metadata (element_class, "Objects in zones", "Filter/Analyzer/Video",
                                         "Reports when objects enter and leave zones of the picture, and cross lines",
                                         "The pipeload authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  trans_class->start = GST_DEBUG_FUNCPTR (gst_pipeload_events_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_pipeload_events_stop);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_pipeload_events_set_caps);
  trans_class->propose_allocation = GST_DEBUG_FUNCPTR (gst_pipeload_propose_downstream);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_pipeload_events_sink_event);
  trans_class->transform_ip = GST_DEBUG_FUNCPTR (gst_pipeload_events_transform_ip);
  trans_class->transform_ip_on_passthrough = FALSE;
}

static void
gst_pipeload_events_init (GstPipeloadEvents *self)
{
  gst_pipeload_events_settings_init (&self->settings);
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), TRUE);
  gst_base_transform_set_qos_enabled (GST_BASE_TRANSFORM (self), FALSE);
}
