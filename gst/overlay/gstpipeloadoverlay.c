/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-pipeloadoverlay
 * @title: pipeloadoverlay
 *
 * Draws results on video: boxes, labels, confidences and ids of the objects of pipeloadvit and pipeloadtrack, the trail
 * of each track, and the zones of pipeloadevents. The drawing is blended into the frame, or attached as
 * #GstVideoOverlayCompositionMeta for a sink that can blend it. Frames without a drawing pass untouched.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! pipeloadvit mode=async ! pipeloadtrack ! pipeloadoverlay corner=top-left !
 *     videoconvert ! autovideosink
 * ]| Shows who walks past a camera.
 * |[
 * gst-launch-1.0 filesrc location=video.mp4 ! decodebin ! videoconvert ! pipeloadvit ! pipeloadoverlay zones=zones.json
 * ids=false ! videoconvert ! x264enc ! mp4mux ! filesink location=annotated.mp4
 * ]| Makes an annotated copy of a recording.
 *
 * Since: 0.1
 */

#include "gst/overlay/gstpipeloadoverlay.h"

#include "gst/common/util.h"
#include "gst/overlay/blend.h"
#include "gst/overlay/scene.h"

GST_DEBUG_CATEGORY_STATIC (gst_pipeload_overlay_debug);
#define GST_CAT_DEFAULT gst_pipeload_overlay_debug

/* The sticky event with which pipeloadevents announces its zones, with them as JSON in the field "json". */
#define ZONES_EVENT "pipeload-zones"

#define UNKNOWN_DURATION (GST_SECOND / 25)

#define COMPOSITION_FEATURE GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION
#define SINK_CAPS GST_VIDEO_CAPS_MAKE (GST_PIPELOAD_OVERLAY_FORMATS)
#define SRC_CAPS GST_VIDEO_CAPS_MAKE_WITH_FEATURES (COMPOSITION_FEATURE, GST_PIPELOAD_OVERLAY_FORMATS) "; " SINK_CAPS

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (SINK_CAPS));
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (SRC_CAPS));

struct _GstPipeloadOverlay
{
  GstBaseTransform parent;

  GstPipeloadOverlaySettings settings; /* OBJECT_LOCK */
  gboolean changed;                    /* OBJECT_LOCK: the scene does not have them yet */

  /* Streaming thread, from start() to stop(). */
  GstPipeloadScene *scene;
  gboolean own_zones; /* they are the property's, not the event's */
  GstVideoInfo info;
  gboolean may_attach;                     /* caps allow it; downstream has not been asked yet */
  gboolean attach;                         /* downstream blends */
  GstVideoOverlayComposition *composition; /* of the frame that is at hand; NULL = nothing to draw */
};

G_DEFINE_FINAL_TYPE (GstPipeloadOverlay, gst_pipeload_overlay, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (pipeloadoverlay, "pipeloadoverlay", GST_RANK_NONE, GST_TYPE_PIPELOAD_OVERLAY,
                                       GST_DEBUG_CATEGORY_INIT (gst_pipeload_overlay_debug, "pipeloadoverlay", 0,
                                                                "results drawn on video"))

/* ---- object -------------------------------------------------------------------------------- */

static void
gst_pipeload_overlay_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstPipeloadOverlay *self = GST_PIPELOAD_OVERLAY (object);

  GST_OBJECT_LOCK (self);
  gst_pipeload_settings_set (&self->settings, id, value);
  self->changed = TRUE;
  GST_OBJECT_UNLOCK (self);
}

static void
gst_pipeload_overlay_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstPipeloadOverlay *self = GST_PIPELOAD_OVERLAY (object);

  GST_OBJECT_LOCK (self);
  gst_pipeload_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_pipeload_overlay_finalize (GObject *object)
{
  GstPipeloadOverlay *self = GST_PIPELOAD_OVERLAY (object);

  gst_pipeload_overlay_settings_clear (&self->settings);
  G_OBJECT_CLASS (gst_pipeload_overlay_parent_class)->finalize (object);
}

/* ---- states -------------------------------------------------------------------------------- */

static gboolean
gst_pipeload_overlay_start (GstBaseTransform *trans)
{
  GstPipeloadOverlay *self = GST_PIPELOAD_OVERLAY (trans);
  g_autoptr (PldZones) zones = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *setting = NULL;

  GST_OBJECT_LOCK (self);
  setting = g_strdup (self->settings.zones);
  self->changed = TRUE;
  GST_OBJECT_UNLOCK (self);
  self->own_zones = setting != NULL;
  if (self->own_zones)
    zones = pld_zones_load (setting, &error);
  if (error != NULL)
    {
      gst_pipeload_post_error (GST_ELEMENT (self), error, NULL, TRUE);
      return FALSE;
    }
  gst_video_info_init (&self->info);
  self->may_attach = self->attach = FALSE;
  self->scene = gst_pipeload_scene_new ();
  gst_pipeload_scene_set_zones (self->scene, g_steal_pointer (&zones));
  return TRUE;
}

static gboolean
gst_pipeload_overlay_stop (GstBaseTransform *trans)
{
  GstPipeloadOverlay *self = GST_PIPELOAD_OVERLAY (trans);

  g_clear_pointer (&self->composition, gst_video_overlay_composition_unref);
  g_clear_pointer (&self->scene, gst_pipeload_scene_free);
  return TRUE;
}

static void
on_zones (GstPipeloadOverlay *self, const char *json)
{
  g_autoptr (GError) error = NULL;
  PldZones *zones;

  if (self->own_zones || json == NULL)
    return;
  zones = pld_zones_parse (json, strlen (json), &error);
  if (zones == NULL)
    GST_WARNING_OBJECT (self, "zones of an event: %s", error->message);
  gst_pipeload_scene_set_zones (self->scene, zones);
}

static gboolean
gst_pipeload_overlay_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstPipeloadOverlay *self = GST_PIPELOAD_OVERLAY (trans);

  if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM_STICKY && gst_event_has_name (event, ZONES_EVENT))
    on_zones (self, gst_structure_get_string (gst_event_get_structure (event), "json"));
  else if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    gst_pipeload_scene_flush (self->scene);
  return GST_BASE_TRANSFORM_CLASS (gst_pipeload_overlay_parent_class)->sink_event (trans, event);
}

/* ---- caps ---------------------------------------------------------------------------------- */

/* Whether a composition is their only feature besides plain memory. */
static gboolean
are_plain (const GstCapsFeatures *features)
{
  g_autoptr (GstCapsFeatures) others = gst_caps_features_copy (features);

  gst_caps_features_remove (others, COMPOSITION_FEATURE);
  return gst_caps_features_is_any (others)
         || gst_caps_features_is_equal (others, GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY);
}

static void
append_with (GstCaps *all, const GstCaps *caps, const char *feature)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    if (are_plain (gst_caps_get_features (caps, i)))
      gst_caps_append_structure_full (all, gst_structure_copy (gst_caps_get_structure (caps, i)),
                                      gst_caps_features_new (feature, NULL));
}

/* The same video; downstream may have it with what is to be blended beside it, and rather so. */
static GstCaps *
gst_pipeload_overlay_transform_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  g_autoptr (GstCaps) all = gst_caps_new_empty ();

  if (direction == GST_PAD_SINK)
    append_with (all, caps, COMPOSITION_FEATURE);
  append_with (all, caps, GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY);
  if (filter == NULL)
    return g_steal_pointer (&all);
  return gst_caps_intersect_full (filter, all, GST_CAPS_INTERSECT_FIRST);
}

static gboolean
gst_pipeload_overlay_set_caps (GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
  GstPipeloadOverlay *self = GST_PIPELOAD_OVERLAY (trans);
  GstClockTime duration = UNKNOWN_DURATION;

  if (!gst_video_info_from_caps (&self->info, in))
    return FALSE;
  if (GST_VIDEO_INFO_FPS_N (&self->info) > 0 && GST_VIDEO_INFO_FPS_D (&self->info) > 0)
    duration
        = gst_util_uint64_scale (GST_SECOND, GST_VIDEO_INFO_FPS_D (&self->info), GST_VIDEO_INFO_FPS_N (&self->info));
  self->may_attach = gst_caps_features_contains (gst_caps_get_features (out, 0), COMPOSITION_FEATURE);
  self->attach = FALSE;
  gst_pipeload_scene_set_size (self->scene, GST_VIDEO_INFO_WIDTH (&self->info), GST_VIDEO_INFO_HEIGHT (&self->info),
                               duration);
  return TRUE;
}

/* ---- frames -------------------------------------------------------------------------------- */

static void
hand_settings_on (GstPipeloadOverlay *self)
{
  GST_OBJECT_LOCK (self);
  if (self->changed)
    gst_pipeload_scene_set_settings (self->scene, &self->settings);
  self->changed = FALSE;
  GST_OBJECT_UNLOCK (self);
}

/* The caps say that downstream lets a composition pass, its answer that it will be blended. It knows its caps with the
 * first frame only, and the base class asks nothing for frames that stay in place. */
static void
ask_downstream (GstPipeloadOverlay *self)
{
  GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD (self);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);

  self->attach = gst_pad_peer_query (pad, query)
                 && gst_query_find_allocation_meta (query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  self->may_attach = FALSE;
}

/* Draws before it is known whether the frame must be writable: where nothing is to be seen, it need not. */
static GstFlowReturn
gst_pipeload_overlay_prepare_output_buffer (GstBaseTransform *trans, GstBuffer *in, GstBuffer **out)
{
  GstPipeloadOverlay *self = GST_PIPELOAD_OVERLAY (trans);

  hand_settings_on (self);
  g_clear_pointer (&self->composition, gst_video_overlay_composition_unref);
  self->composition = gst_pipeload_scene_draw (self->scene, in);
  if (self->composition != NULL && self->may_attach)
    ask_downstream (self);
  if (self->composition == NULL || gst_buffer_is_writable (in))
    *out = in;
  else
    *out = gst_buffer_copy (in);
  return GST_FLOW_OK;
}

/* A GstVideoMeta may contradict the caps. */
static gboolean
is_as_caps_say (GstPipeloadOverlay *self, GstBuffer *buffer)
{
  const GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);

  return meta == NULL
         || (meta->format == GST_VIDEO_INFO_FORMAT (&self->info)
             && (int) meta->width == GST_VIDEO_INFO_WIDTH (&self->info)
             && (int) meta->height == GST_VIDEO_INFO_HEIGHT (&self->info));
}

static GstFlowReturn
blend (GstPipeloadOverlay *self, GstBuffer *buffer)
{
  GstVideoFrame frame;

  if (!is_as_caps_say (self, buffer) || !gst_video_frame_map (&frame, &self->info, buffer, GST_MAP_READWRITE))
    {
      GST_ELEMENT_ERROR (self, STREAM, FORMAT,
                         ("A frame of %" G_GSIZE_FORMAT " bytes does not have the size and format that its caps "
                          "say, or cannot be written to; put videoconvert before pipeloadoverlay.",
                          gst_buffer_get_size (buffer)),
                         (NULL));
      return GST_FLOW_ERROR;
    }
  gst_pipeload_overlay_blend (self->composition, &frame);
  gst_video_frame_unmap (&frame);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_pipeload_overlay_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstPipeloadOverlay *self = GST_PIPELOAD_OVERLAY (trans);
  GstFlowReturn flow = GST_FLOW_OK;

  if (self->composition != NULL && self->attach)
    gst_buffer_add_video_overlay_composition_meta (buffer, self->composition);
  else if (self->composition != NULL)
    flow = blend (self, buffer);
  g_clear_pointer (&self->composition, gst_video_overlay_composition_unref);
  return flow;
}

/* ---- class --------------------------------------------------------------------------------- */

static void
gst_pipeload_overlay_class_init (GstPipeloadOverlayClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = gst_pipeload_overlay_set_property;
  object_class->get_property = gst_pipeload_overlay_get_property;
  object_class->finalize = gst_pipeload_overlay_finalize;
  gst_pipeload_overlay_settings_install (object_class);

  gst_element_class_set_static_metadata (element_class, "Results drawn on video", "Filter/Editor/Video",
                                         "Draws boxes, labels, ids, trails and zones that frames carry",
                                         "The pipeload authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  trans_class->start = GST_DEBUG_FUNCPTR (gst_pipeload_overlay_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_pipeload_overlay_stop);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_pipeload_overlay_sink_event);
  trans_class->transform_caps = GST_DEBUG_FUNCPTR (gst_pipeload_overlay_transform_caps);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_pipeload_overlay_set_caps);
  trans_class->propose_allocation = GST_DEBUG_FUNCPTR (gst_pipeload_propose_downstream);
  trans_class->prepare_output_buffer = GST_DEBUG_FUNCPTR (gst_pipeload_overlay_prepare_output_buffer);
  trans_class->transform_ip = GST_DEBUG_FUNCPTR (gst_pipeload_overlay_transform_ip);
}

static void
gst_pipeload_overlay_init (GstPipeloadOverlay *self)
{
  gst_pipeload_overlay_settings_init (&self->settings);
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), TRUE);
}
