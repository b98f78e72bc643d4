/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The latency that the element reports, and skipping of inferences when downstream is late.
 */
#include "gst/vit/gstpipeloadvit-private.h"

#define GST_CAT_DEFAULT gst_pipeload_vit_debug

/* The answer to latency queries is above the mean by this fraction, and is updated when that changes by more
 * than the other. */
#define HEADROOM_PERCENT 5
#define CHANGE_PERCENT 25

/* However late downstream is, it gets a look at one frame in this time: it may be late for reasons that are
 * not ours. */
#define LONGEST_SKIP GST_SECOND

void
gst_pipeload_vit_qos_reset (GstPipeloadVit *self)
{
  g_mutex_lock (&self->lock);
  self->proportion = 1;
  self->jitter = 0;
  self->earliest = GST_CLOCK_TIME_NONE;
  self->late = FALSE;
  g_mutex_unlock (&self->lock);
}

void
gst_pipeload_vit_qos_update (GstPipeloadVit *self, GstEvent *event)
{
  GstClockTime timestamp;
  GstClockTimeDiff diff;
  double proportion;

  gst_event_parse_qos (event, NULL, &proportion, &diff, &timestamp);
  g_mutex_lock (&self->lock);
  self->proportion = proportion;
  self->jitter = diff;
  self->earliest = GST_CLOCK_TIME_NONE;
  /* As far ahead as it is behind, like video decoders. */
  if (diff > 0 && GST_CLOCK_TIME_IS_VALID (timestamp))
    self->earliest = timestamp + 2 * (GstClockTime) diff;
  g_mutex_unlock (&self->lock);
}

/* Returns: (transfer full): with the lock held */
static GstMessage *
make_qos_message (GstPipeloadVit *self, GstBuffer *buffer, GstClockTime running_time)
{
  GstClockTime stream_time
      = gst_segment_to_stream_time (&GST_BASE_TRANSFORM (self)->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  GstMessage *message = gst_message_new_qos (GST_OBJECT (self), self->live, running_time, stream_time,
                                             GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer));

  gst_message_set_qos_values (message, self->jitter, self->proportion, 1000000);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS, self->stats.inferred,
                             self->stats.skipped[GST_PIPELOAD_VIT_SKIP_QOS] + 1);
  return message;
}

gboolean
gst_pipeload_vit_qos_skip (GstPipeloadVit *self, GstBuffer *buffer)
{
  GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  GstMessage *message = NULL;
  GstClockTime running_time;
  gboolean late;

  if (segment->format != GST_FORMAT_TIME || !GST_BUFFER_PTS_IS_VALID (buffer))
    return FALSE;
  running_time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  g_mutex_lock (&self->lock);
  late = GST_CLOCK_TIME_IS_VALID (self->earliest) && GST_CLOCK_TIME_IS_VALID (running_time)
         && running_time < self->earliest && GST_CLOCK_TIME_IS_VALID (self->last_inference)
         && running_time < self->last_inference + LONGEST_SKIP;
  if (late && !self->late)
    message = make_qos_message (self, buffer, running_time);
  self->late = late;
  g_mutex_unlock (&self->lock);
  if (message != NULL)
    gst_element_post_message (GST_ELEMENT (self), message);
  return late;
}

/* ---- latency ------------------------------------------------------------------------------- */

/* The time that frames wait: nothing in async mode. */
static GstClockTime
own_latency (GstPipeloadVit *self)
{
  if (self->async)
    return 0;
  return self->stats.smoothed + self->stats.smoothed * HEADROOM_PERCENT / 100;
}

gboolean
gst_pipeload_vit_query_latency (GstPipeloadVit *self, GstQuery *query)
{
  GstClockTime min, max, own;
  gboolean live;

  if (!gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (self), query))
    return FALSE;
  gst_query_parse_latency (query, &live, &min, &max);
  g_mutex_lock (&self->lock);
  self->live = live;
  own = self->reported = own_latency (self);
  g_mutex_unlock (&self->lock);
  min += own;
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += own;
  gst_query_set_latency (query, live, min, max);
  return TRUE;
}

void
gst_pipeload_vit_follow_latency (GstPipeloadVit *self)
{
  GstClockTime own;
  gboolean moved;

  g_mutex_lock (&self->lock);
  own = own_latency (self);
  moved = own > self->reported + self->reported * CHANGE_PERCENT / 100
          || own < self->reported - self->reported * CHANGE_PERCENT / 100;
  if (moved)
    self->reported = own;
  g_mutex_unlock (&self->lock);
  if (!moved)
    return;
  GST_DEBUG_OBJECT (self, "latency is now %" GST_TIME_FORMAT, GST_TIME_ARGS (own));
  gst_element_post_message (GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}
