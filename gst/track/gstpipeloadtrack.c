/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-pipeloadtrack
 * @title: pipeloadtrack
 *
 * Gives detected objects ids that persist from frame to frame, and predicts their boxes between two results. Takes
 * detections of pipeloadvit, or of any element that writes #GstVideoRegionOfInterestMeta with a structure "detection",
 * off the frames and writes the tracks instead, each with a structure "track". Objects seen only once or twice are left
 * out.
 *
 * A track's state is "measured" on the frame that brings a new result with the object in it, and "predicted" on others.
 * If results are late (mode=async), boxes are predicted for the elapsed time.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=video.mp4 ! decodebin ! videoconvert ! pipeloadvit threshold=0.2 interval=3 !
 *     pipeloadtrack ! fakesink
 * ]| A detector's threshold should be no higher than low-threshold: weak detections keep tracks alive.
 *
 * Since: 0.1
 */

#include "gst/track/gstpipeloadtrack.h"

#include "analytics/tracker.h"
#include "gst/common/meta.h"
#include "gst/common/settings.h"
#include "gst/common/util.h"

#include <gst/video/video.h>

GST_DEBUG_CATEGORY_STATIC (gst_pipeload_track_debug);
#define GST_CAT_DEFAULT gst_pipeload_track_debug

#define CAPS GST_VIDEO_CAPS_MAKE (GST_VIDEO_FORMATS_ALL) "; image/jpeg"

/* Frames whose times are remembered, for results that come late. */
#define REMEMBERED 256

/* Tolerate small backward steps from clock corrections. */
#define BACK (GST_SECOND / 2)

#define PROP_STATS G_MAXUINT

typedef struct
{
  guint64 number;
  GstClockTime time;
} Moment;

struct _GstPipeloadTrack
{
  GstBaseTransform parent;

  PldTrackerSettings settings; /* OBJECT_LOCK */
  PldTrackerCounts counts;     /* OBJECT_LOCK; after the newest frame */
  guint64 frames, results;     /* OBJECT_LOCK */

  /* Streaming thread. */
  PldTracker *tracker;
  GstPipeloadVideo video;
  GstClockTime last; /* the newest frame's time; NONE: there is none that goes with the next one */
  Moment moments[REMEMBERED];
  guint64 number; /* of the newest frame, as the detector counts */
  GstPipeloadResultCursor cursor;
  gboolean foreign; /* detections came without a mark of a result */
  gboolean failed;  /* the one error is posted */
};

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

G_DEFINE_FINAL_TYPE (GstPipeloadTrack, gst_pipeload_track, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (pipeloadtrack, "pipeloadtrack", GST_RANK_NONE, GST_TYPE_PIPELOAD_TRACK,
                                       GST_DEBUG_CATEGORY_INIT (gst_pipeload_track_debug, "pipeloadtrack", 0,
                                                                "ids of objects from frame to frame"))

/* ---- object -------------------------------------------------------------------------------- */

static void
gst_pipeload_track_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GST_OBJECT_LOCK (object);
  gst_pipeload_settings_set (&GST_PIPELOAD_TRACK (object)->settings, id, value);
  GST_OBJECT_UNLOCK (object);
}

static GstStructure *
get_stats (GstPipeloadTrack *self)
{
  return gst_structure_new ("application/x-pipeload-stats", "frames", G_TYPE_UINT64, self->frames, "results",
                            G_TYPE_UINT64, self->results, "tracks", G_TYPE_UINT64, (guint64) self->counts.tracks,
                            "lost", G_TYPE_UINT64, (guint64) self->counts.lost, "beginnings", G_TYPE_UINT64,
                            (guint64) self->counts.beginnings, "ids", G_TYPE_UINT64, self->counts.ids, NULL);
}

static void
gst_pipeload_track_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstPipeloadTrack *self = GST_PIPELOAD_TRACK (object);

  GST_OBJECT_LOCK (self);
  if (id == PROP_STATS)
    g_value_take_boxed (value, get_stats (self));
  else
    gst_pipeload_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_pipeload_track_finalize (GObject *object)
{
  g_clear_pointer (&GST_PIPELOAD_TRACK (object)->tracker, pld_tracker_free);
  G_OBJECT_CLASS (gst_pipeload_track_parent_class)->finalize (object);
}

/* ---- stream -------------------------------------------------------------------------------- */

/* The next frame is unrelated to the previous ones; counts of frames and ids continue. */
static void
forget (GstPipeloadTrack *self)
{
  pld_tracker_clear (self->tracker, self->video.height > 0 ? (double) self->video.width / self->video.height : 1);
  self->last = GST_CLOCK_TIME_NONE;
  self->foreign = FALSE;
}

static gboolean
gst_pipeload_track_start (GstBaseTransform *trans)
{
  GstPipeloadTrack *self = GST_PIPELOAD_TRACK (trans);

  g_clear_pointer (&self->tracker, pld_tracker_free);
  self->tracker = pld_tracker_new ();
  self->video = (GstPipeloadVideo) { 0 };
  self->number = G_MAXUINT64;
  self->cursor = (GstPipeloadResultCursor) { 0 };
  self->failed = FALSE;
  for (guint i = 0; i < REMEMBERED; i++)
    self->moments[i] = (Moment) { G_MAXUINT64, 0 };
  forget (self);
  GST_OBJECT_LOCK (self);
  self->counts = (PldTrackerCounts) { 0 };
  self->frames = self->results = 0;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
gst_pipeload_track_set_caps (GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstPipeloadTrack *self = GST_PIPELOAD_TRACK (trans);
  const GstPipeloadVideo video = gst_pipeload_video_from_caps (incaps);
  const gboolean same_size = video.width == self->video.width && video.height == self->video.height;

  if (video.width == 0 || video.height == 0)
    {
      if (!self->failed) /* upstream may try again with each frame */
        GST_ELEMENT_ERROR (self, STREAM, FORMAT,
                           ("The frames' size is not known; put jpegparse in front of %s", GST_OBJECT_NAME (self)),
                           ("caps %" GST_PTR_FORMAT, incaps));
      self->failed = TRUE;
      return FALSE;
    }
  self->video = video;
  if (!same_size)
    forget (self);
  return TRUE;
}

static gboolean
gst_pipeload_track_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) /* one comes after each flush, too */
    forget (GST_PIPELOAD_TRACK (trans));
  return GST_BASE_TRANSFORM_CLASS (gst_pipeload_track_parent_class)->sink_event (trans, event);
}

/* The time of @buffer, which is the newest one from now on. Over a leap in time no track is kept. */
static GstClockTime
keep_time (GstPipeloadTrack *self, GstBuffer *buffer, const PldTrackerSettings *settings)
{
  GstClockTime time = GST_BUFFER_PTS (buffer);

  if (!GST_CLOCK_TIME_IS_VALID (time))
    time = GST_CLOCK_TIME_IS_VALID (self->last) ? self->last + self->video.duration : 0;
  if (GST_CLOCK_TIME_IS_VALID (self->last) && time < self->last && self->last - time <= BACK)
    time = self->last;
  if (GST_CLOCK_TIME_IS_VALID (self->last)
      && (time < self->last || (double) (time - self->last) > settings->max_age * GST_SECOND))
    {
      GST_DEBUG_OBJECT (self, "time leaps from %" GST_TIME_FORMAT " to %" GST_TIME_FORMAT, GST_TIME_ARGS (self->last),
                        GST_TIME_ARGS (time));
      forget (self);
    }
  self->last = time;
  self->moments[self->number % REMEMBERED] = (Moment) { self->number, time };
  return time;
}

/* When the frame was that is @age before the newest one and was @number to the detector. */
static GstClockTime
time_of (const GstPipeloadTrack *self, guint64 number, guint64 age)
{
  const Moment *moment = &self->moments[number % REMEMBERED];
  guint64 ago;

  if (moment->number == number && moment->time <= self->last)
    return moment->time;
  ago = gst_util_uint64_scale (self->video.duration, age, 1);
  return self->last > ago ? self->last - ago : 0;
}

static void
handle_result (GstPipeloadTrack *self, const GstPipeloadFrame *frame, const PldTrackerSettings *settings,
               GstClockTime time)
{
  const guint n = frame->kind == GST_PIPELOAD_FRAME_DETECTIONS ? frame->objects->len : 0;
  g_autofree PldSighting *sightings = g_new (PldSighting, n);

  for (guint i = 0; i < n; i++)
    {
      const GstPipeloadObject *object = gst_pipeload_frame_object (frame, i);

      sightings[i] = (PldSighting) { object->label, object->label_id, object->confidence, object->box };
    }
  pld_tracker_update (self->tracker, settings, time, sightings, n);
}

/* Returns: (transfer full): the tracks as objects of the frame at @time, as far as they are in the picture. @found:
 * what the detector saw, whose other facts go with it. */
static GstPipeloadFrame *
show (GstPipeloadTrack *self, const PldTrackerSettings *settings, const GstPipeloadFrame *found, GstClockTime time,
      guint64 number, gboolean new_result)
{
  g_autoptr (GArray) tracks = pld_tracker_show (self->tracker, settings, time);
  GstPipeloadFrame *frame = gst_pipeload_frame_new (number);

  frame->kind = GST_PIPELOAD_FRAME_DETECTIONS;
  frame->width = self->video.width;
  frame->height = self->video.height;
  for (guint i = 0; i < tracks->len; i++)
    {
      const PldTracked *track = &g_array_index (tracks, PldTracked, i);
      const GstPipeloadObject *seen
          = new_result && track->sighting >= 0 ? gst_pipeload_frame_object (found, track->sighting) : NULL;
      GstPipeloadObject object = {
        .id = (int) track->id,
        .label_id = track->label_id,
        .label = track->label,
        .confidence = track->confidence,
        .box = { CLAMP (track->box.x_min, 0, 1), CLAMP (track->box.y_min, 0, 1), CLAMP (track->box.x_max, 0, 1),
                 CLAMP (track->box.y_max, 0, 1) },
        .tracked = TRUE,
        .predicted = seen == NULL,
        .start = track->start,
        .dx = track->dx,
        .dy = track->dy,
      };

      if (object.box.x_max <= object.box.x_min || object.box.y_max <= object.box.y_min)
        continue;
      if (seen != NULL)
        object.others = g_list_copy_deep (seen->others, (GCopyFunc) (gpointer) gst_structure_copy, NULL);
      g_array_append_val (frame->objects, object);
    }
  return frame;
}

static GstFlowReturn
gst_pipeload_track_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstPipeloadTrack *self = GST_PIPELOAD_TRACK (trans);
  g_autoptr (GstPipeloadFrame) found = gst_pipeload_frame_from_buffer (buffer, self->video.width, self->video.height);
  g_autoptr (GstPipeloadFrame) shown = NULL;
  PldTrackerSettings settings;
  const GstPipeloadResultState state = gst_pipeload_result_next (&self->cursor, buffer);
  gboolean is_new = state == GST_PIPELOAD_RESULT_NEW;
  guint64 number;
  GstClockTime time;

  GST_OBJECT_LOCK (self);
  settings = self->settings;
  GST_OBJECT_UNLOCK (self);
  number = state == GST_PIPELOAD_RESULT_NONE ? self->number + 1 : self->cursor.number;
  self->number = number + self->cursor.age;
  time = keep_time (self, buffer, &settings);
  if (state == GST_PIPELOAD_RESULT_NONE)
    is_new = self->foreign |= found->kind == GST_PIPELOAD_FRAME_DETECTIONS && found->objects->len > 0;
  if (is_new)
    handle_result (self, found, &settings, time_of (self, number, self->cursor.age));
  shown = show (self, &settings, found, time, number, is_new);
  gst_pipeload_frame_replace (shown, buffer, self->cursor.age);
  GST_OBJECT_LOCK (self);
  self->counts = pld_tracker_count (self->tracker);
  self->frames++;
  self->results += is_new;
  GST_OBJECT_UNLOCK (self);
  return GST_FLOW_OK;
}

/* ---- class --------------------------------------------------------------------------------- */

#define PROP(field) GST_PIPELOAD_PROP (PldTrackerSettings, field)

static void
install_double (GObjectClass *klass, guint id, const char *name, const char *nick, const char *text, double most,
                double preset)
{
  gst_pipeload_settings_install (klass, id,
                                 g_param_spec_double (name, nick, text, 0, most, preset, GST_PIPELOAD_PLAYING));
}

static void
install_properties (GObjectClass *klass)
{
  PldTrackerSettings preset;

  pld_tracker_settings_init (&preset);
  install_double (klass, PROP (high), "high-threshold", "High threshold",
                  "Detections of at least this confidence begin tracks, and are matched first", 1, preset.high);
  install_double (klass, PROP (low), "low-threshold", "Low threshold",
                  "Detections below this confidence are left out; those between keep tracks alive", 1, preset.low);
  install_double (klass, PROP (iou), "match-iou", "IoU of a match",
                  "Least share of their union that a track's and a detection's box, both grown by the track's "
                  "uncertainty, have in common to be one",
                  1, preset.iou);
  gst_pipeload_settings_install (klass, PROP (min_hits),
                                 g_param_spec_uint ("min-hits", "Hits before an id",
                                                    "Results in a row that have to show an object before it gets an "
                                                    "id and is passed on",
                                                    1, 1000, preset.min_hits, GST_PIPELOAD_PLAYING));
  install_double (klass, PROP (max_age), "max-age", "Age of lost tracks",
                  "Seconds for which an object that is not seen any more may be found again under its id", 3600,
                  preset.max_age);
  install_double (klass, PROP (hold), "hold", "Hold",
                  "Seconds for which an object that is not seen any more is still passed on, as predicted", 3600,
                  preset.hold);
  g_object_class_install_property (
      klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
                          "Frames, results, tracks now, lost ones that may be found again, ids given",
                          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_pipeload_track_class_init (GstPipeloadTrackClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = gst_pipeload_track_set_property;
  object_class->get_property = gst_pipeload_track_get_property;
  object_class->finalize = gst_pipeload_track_finalize;
  install_properties (object_class);

  gst_element_class_set_static_metadata (element_class, "Tracker", "Filter/Analyzer/Video",
                                         "Gives detected objects the same id from frame to frame",
                                         "The pipeload authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  trans_class->start = GST_DEBUG_FUNCPTR (gst_pipeload_track_start);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_pipeload_track_set_caps);
  trans_class->propose_allocation = GST_DEBUG_FUNCPTR (gst_pipeload_propose_downstream);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_pipeload_track_sink_event);
  trans_class->transform_ip = GST_DEBUG_FUNCPTR (gst_pipeload_track_transform_ip);
  trans_class->transform_ip_on_passthrough = FALSE;
}

static void
gst_pipeload_track_init (GstPipeloadTrack *self)
{
  pld_tracker_settings_init (&self->settings);
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), TRUE);
  gst_base_transform_set_qos_enabled (GST_BASE_TRANSFORM (self), FALSE);
}
