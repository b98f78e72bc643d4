/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs inferences in sync or async mode, attaches results and posts messages.
 */
#include "gst/vit/gstpipeloadvit-private.h"

#define GST_CAT_DEFAULT gst_pipeload_vit_debug

/* FLUSH_START, and the way down. */
void
gst_pipeload_vit_cancel (GstPipeloadVit *self)
{
  g_mutex_lock (&self->lock);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_mutex_unlock (&self->lock);
}

/* A new stretch of stream: nothing seen before it counts. No inference is under way. */
void
gst_pipeload_vit_restart (GstPipeloadVit *self)
{
  self->force = TRUE;
  self->since_inference = 0;
  self->last_inference = GST_CLOCK_TIME_NONE;
  g_mutex_lock (&self->lock);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  self->epoch++;
  g_clear_pointer (&self->latest, gst_pipeload_frame_unref);
  g_mutex_unlock (&self->lock);
  gst_pipeload_vit_qos_reset (self);
}

/* ---- one inference ------------------------------------------------------------------------- */

static GstPipeloadVitJob *
make_job (GstPipeloadVit *self, GstBuffer *buffer, guint64 number)
{
  GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  GstPipeloadVitJob *job = g_new0 (GstPipeloadVitJob, 1);
  GstPipeloadFrame *frame = gst_pipeload_frame_new (number);

  frame->timestamp = GST_BUFFER_PTS (buffer);
  if (segment->format == GST_FORMAT_TIME)
    {
      frame->stream_time = gst_segment_to_stream_time (segment, GST_FORMAT_TIME, frame->timestamp);
      frame->running_time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, frame->timestamp);
    }
  job->frame = frame;
  /* The worker gets a buffer of its own, on the same memory, so that this one stays writable. */
  job->buffer = self->worker != NULL ? gst_buffer_copy (buffer) : gst_buffer_ref (buffer);
  job->caps = gst_caps_ref (self->caps);
  job->force = self->force;
  GST_OBJECT_LOCK (self);
  job->threshold = self->settings.threshold;
  job->motion_threshold = self->settings.motion_threshold;
  job->top_k = self->settings.top_k;
  GST_OBJECT_UNLOCK (self);
  g_mutex_lock (&self->lock);
  job->epoch = self->epoch;
  job->cancellable = g_object_ref (self->cancellable);
  g_mutex_unlock (&self->lock);
  return job;
}

static void
post_result (GstPipeloadVit *self, GstPipeloadFrame *frame, gboolean changed)
{
  GstPipeloadVitMessages messages;

  GST_OBJECT_LOCK (self);
  messages = self->settings.messages;
  GST_OBJECT_UNLOCK (self);
  if (messages == GST_PIPELOAD_VIT_MESSAGES_NONE || (messages == GST_PIPELOAD_VIT_MESSAGES_CHANGES && !changed))
    return;
  gst_element_post_message (
      GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self), gst_pipeload_frame_to_structure (frame, changed)));
}

static void
handle_result (GstPipeloadVit *self, GstPipeloadVitJob *job, GstClockTime duration)
{
  gboolean changed;

  g_mutex_lock (&self->lock);
  gst_pipeload_vit_stats_inference (&self->stats, duration);
  changed = self->seen == NULL || !gst_pipeload_frame_same_labels (self->seen, job->frame);
  g_clear_pointer (&self->seen, gst_pipeload_frame_unref);
  self->seen = gst_pipeload_frame_ref (job->frame);
  if (job->epoch == self->epoch)
    {
      g_clear_pointer (&self->latest, gst_pipeload_frame_unref);
      self->latest = gst_pipeload_frame_ref (job->frame);
    }
  g_mutex_unlock (&self->lock);
  post_result (self, job->frame, changed);
  gst_pipeload_vit_follow_latency (self);
}

/* A flood of damaged pictures must not flood the bus. */
static void
on_damaged (GstPipeloadVit *self, const GError *error)
{
  guint64 count;

  g_mutex_lock (&self->lock);
  count = ++self->stats.damaged;
  g_mutex_unlock (&self->lock);
  GST_DEBUG_OBJECT (self, "damaged picture: %s", error->message);
  if ((count & (count - 1)) != 0)
    return;
  GST_ELEMENT_WARNING (
      self, STREAM, DECODE,
      ("Passed on a picture that cannot be read: %s. %" G_GUINT64_FORMAT " so far", error->message, count), (NULL));
}

/* The async worker's thread, or the streaming thread in sync mode. */
void
gst_pipeload_vit_work (gpointer data, gpointer user_data)
{
  GstPipeloadVit *self = user_data;
  g_autoptr (GstPipeloadVitJob) job = data;
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  switch (gst_pipeload_vit_runner_infer (self->runner, job, &error))
    {
    case GST_PIPELOAD_VIT_DONE:
      handle_result (self, job, (GstClockTime) (g_get_monotonic_time () - start) * GST_USECOND);
      break;
    case GST_PIPELOAD_VIT_UNCHANGED:
      g_mutex_lock (&self->lock);
      self->stats.skipped[GST_PIPELOAD_VIT_SKIP_MOTION]++;
      g_mutex_unlock (&self->lock);
      break;
    case GST_PIPELOAD_VIT_DAMAGED:
      on_damaged (self, error);
      break;
    case GST_PIPELOAD_VIT_FAILED:
      gst_pipeload_model_post_error (&self->model, error);
      break;
    case GST_PIPELOAD_VIT_CANCELLED:
      GST_DEBUG_OBJECT (self, "inference of frame %" G_GUINT64_FORMAT " cancelled", job->frame->number);
      break;
    }
}

void
gst_pipeload_vit_process (GstPipeloadVit *self, GstBuffer *buffer, guint64 number)
{
  GstPipeloadVitJob *job = make_job (self, buffer, number);

  self->last_inference = job->frame->running_time;
  if (self->worker == NULL)
    gst_pipeload_vit_work (job, self);
  else if (!gst_pipeload_worker_submit (self->worker, job))
    {
      /* Only a forced inference can find the worker busy: after a change of caps. */
      gst_pipeload_vit_job_free (job);
      g_mutex_lock (&self->lock);
      self->stats.skipped[GST_PIPELOAD_VIT_SKIP_BUSY]++;
      g_mutex_unlock (&self->lock);
      return;
    }
  self->force = FALSE;
  self->since_inference = 0;
}
