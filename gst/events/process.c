/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Feeds the objects of a frame to the visits machine, and emits the resulting events.
 */
#include "gst/events/gstpipeloadevents-private.h"

#include "gst/common/meta.h"
#include "gst/events/message.h"

#define GST_CAT_DEFAULT gst_pipeload_events_debug

static PldVisitsSettings
get_settings (GstPipeloadEvents *self)
{
  PldVisitsSettings settings;

  GST_OBJECT_LOCK (self);
  settings = gst_pipeload_events_settings_visits (&self->settings);
  GST_OBJECT_UNLOCK (self);
  return settings;
}

/* ---- reports ------------------------------------------------------------------------------- */

/* Returns: (transfer container): names of the zones that @visitor is in, interned, NULL-terminated; the whole picture
 * has none */
static const char **
zones_of (GstPipeloadEvents *self, const PldVisitsSettings *settings, const PldVisitor *visitor)
{
  const GArray *zones = self->zones->zones;
  const char **names = g_new0 (const char *, zones->len + 1);
  guint n = 0;

  for (guint i = 0; i < zones->len; i++)
    {
      const char *name = g_array_index (zones, PldZone, i).name;

      if (*name != '\0' && pld_visits_inside (self->visits, settings, visitor, i))
        names[n++] = g_intern_string (name);
    }
  return names;
}

/* Returns: @time by the clock, in microseconds since 1970; G_MININT64 if unknown. */
static gint64
system_time (GstPipeloadEvents *self, GstClockTime time)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  GstClockTime stream_time = segment->format == GST_FORMAT_TIME
                                 ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, time)
                                 : GST_CLOCK_TIME_NONE;
  g_autoptr (GDateTime) then = NULL;

  if (self->epoch == NULL)
    return self->live ? g_get_real_time () : G_MININT64;
  if (GST_CLOCK_TIME_IS_VALID (stream_time))
    then = g_date_time_add (self->epoch, (GTimeSpan) (stream_time / GST_USECOND));
  return then != NULL ? g_date_time_to_unix (then) * G_USEC_PER_SEC + g_date_time_get_microsecond (then) : G_MININT64;
}

/* @downstream: whether events also go downstream */
static void
emit_events (GstPipeloadEvents *self, const PldVisitsSettings *settings, const GArray *events, gboolean downstream)
{
  GstPipeloadEventsPlace place = { .camera = self->camera, .width = self->video.width, .height = self->video.height };

  for (guint i = 0; i < events->len; i++)
    {
      const PldVisitEvent *event = &g_array_index (events, PldVisitEvent, i);
      g_autofree const char **zones = zones_of (self, settings, &event->visitor);
      GstStructure *structure;

      place.system_time = system_time (self, event->time);
      structure = gst_pipeload_event_to_structure (event, &place, zones);
      GST_DEBUG_OBJECT (self, "%" GST_PTR_FORMAT, structure);
      if (downstream)
        gst_pad_push_event (GST_BASE_TRANSFORM_SRC_PAD (self),
                            gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_copy (structure)));
      gst_element_post_message (GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), structure));
    }
}

void
gst_pipeload_events_finish (GstPipeloadEvents *self, gboolean downstream)
{
  g_autoptr (GArray) events = g_array_new (FALSE, FALSE, sizeof (PldVisitEvent));
  const PldVisitsSettings settings = get_settings (self);

  pld_visits_finish (self->visits, &settings, events);
  emit_events (self, &settings, events, downstream);
  self->cursor = (GstPipeloadResultCursor) { 0 };
  self->next = 0;
}

/* ---- frames -------------------------------------------------------------------------------- */

/* In a live stream, events happen when the clock says they do. */
static void
ask_live (GstPipeloadEvents *self)
{
  g_autoptr (GstQuery) query = NULL;

  if (self->asked)
    return;
  self->asked = TRUE;
  query = gst_query_new_latency ();
  if (gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (self), query))
    gst_query_parse_latency (query, &self->live, NULL, NULL);
}

static GstClockTime
frame_time (GstPipeloadEvents *self, GstBuffer *buffer)
{
  const GstClockTime time = GST_BUFFER_PTS_IS_VALID (buffer) ? GST_BUFFER_PTS (buffer) : self->next;

  self->next = time + (GST_BUFFER_DURATION_IS_VALID (buffer) ? GST_BUFFER_DURATION (buffer) : self->video.duration);
  return time;
}

static PldVisitor
visitor_of (const GstPipeloadObject *object)
{
  return (PldVisitor) {
    .id = object->tracked ? (guint64) MAX (object->id, 0) : 0,
    .label = object->label,
    .label_id = object->label_id,
    .confidence = object->confidence,
    .box = object->box,
    .predicted = object->predicted,
  };
}

/* Lines need ids; without this warning they would be silent. */
static void
warn_untracked (GstPipeloadEvents *self, const PldVisitor *visitors, guint n)
{
  gboolean untracked = FALSE;

  if (self->zones->lines->len == 0 || self->warned)
    return;
  for (guint i = 0; i < n; i++)
    untracked |= visitors[i].id == 0;
  if (!untracked)
    return;
  self->warned = TRUE;
  GST_ELEMENT_WARNING (
      self, RESOURCE, SETTINGS,
      ("Line \"%s\" sees nothing cross it, since objects have no ids; put pipeloadtrack in front of %s",
       g_array_index (self->zones->lines, PldLine, 0).name, GST_OBJECT_NAME (self)),
      (NULL));
}

static void
write_zones (GstPipeloadEvents *self, const PldVisitsSettings *settings, GstPipeloadFrame *frame,
             const PldVisitor *visitors, GstBuffer *buffer, guint64 age)
{
  if (!self->configured || frame->objects->len == 0 || frame->kind != GST_PIPELOAD_FRAME_DETECTIONS)
    return;
  for (guint i = 0; i < frame->objects->len; i++)
    {
      GstPipeloadObject *object = gst_pipeload_frame_object (frame, i);

      g_free (object->zones);
      object->zones = zones_of (self, settings, &visitors[i]);
    }
  gst_pipeload_frame_replace (frame, buffer, age);
}

void
gst_pipeload_events_process (GstPipeloadEvents *self, GstBuffer *buffer)
{
  g_autoptr (GstPipeloadFrame) frame = gst_pipeload_frame_from_buffer (buffer, self->video.width, self->video.height);
  g_autofree PldVisitor *visitors = g_new (PldVisitor, frame->objects->len);
  g_autoptr (GArray) events = g_array_new (FALSE, FALSE, sizeof (PldVisitEvent));
  const PldVisitsSettings settings = get_settings (self);
  const GstPipeloadResultState state = gst_pipeload_result_next (&self->cursor, buffer);
  /* Without numbers, all detections count as new. */
  const gboolean is_new
      = state == GST_PIPELOAD_RESULT_NEW || (state == GST_PIPELOAD_RESULT_NONE && frame->objects->len > 0);

  ask_live (self);
  for (guint i = 0; i < frame->objects->len; i++)
    visitors[i] = visitor_of (gst_pipeload_frame_object (frame, i));
  warn_untracked (self, visitors, frame->objects->len);
  pld_visits_process (self->visits, &settings, frame_time (self, buffer), visitors, frame->objects->len, is_new,
                      events);
  emit_events (self, &settings, events, TRUE);
  write_zones (self, &settings, frame, visitors, buffer, self->cursor.age);
}
