/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A bounded queue of prompts and serialized events between the streaming and the generating thread.
 */
#include "gst/llm/queue.h"

/* One is answered, this many wait: enough never to idle. */
#define MAX_PROMPTS 1

/* Events wait for room too, so that a stream of gaps does not grow without end. */
#define MAX_ITEMS 64

void
gst_pipeload_llm_queue_init (GstPipeloadLlmQueue *queue, GstPad *pad)
{
  queue->pad = pad;
  g_mutex_init (&queue->lock);
  g_cond_init (&queue->cond);
  g_queue_init (&queue->items);
  queue->flow = GST_FLOW_FLUSHING;
}

/* A segment is void after a flush, and so is the end of what was before it. */
static void
drop_item (gpointer item, gpointer pad)
{
  if (GST_IS_EVENT (item) && GST_EVENT_IS_STICKY (item) && GST_EVENT_TYPE (item) != GST_EVENT_SEGMENT
      && GST_EVENT_TYPE (item) != GST_EVENT_EOS)
    gst_pad_store_sticky_event (pad, item);
  gst_mini_object_unref (item);
}

static void
drop_items (GstPipeloadLlmQueue *queue)
{
  g_queue_foreach (&queue->items, drop_item, queue->pad);
  g_queue_clear (&queue->items);
  queue->n_prompts = 0;
}

void
gst_pipeload_llm_queue_clear (GstPipeloadLlmQueue *queue)
{
  g_queue_clear_full (&queue->items, (GDestroyNotify) gst_mini_object_unref);
  g_mutex_clear (&queue->lock);
  g_cond_clear (&queue->cond);
}

void
gst_pipeload_llm_queue_open (GstPipeloadLlmQueue *queue)
{
  g_mutex_lock (&queue->lock);
  drop_items (queue);
  queue->eos = FALSE;
  queue->flow = GST_FLOW_OK;
  g_mutex_unlock (&queue->lock);
}

gboolean
gst_pipeload_llm_queue_close (GstPipeloadLlmQueue *queue, GstFlowReturn flow)
{
  gboolean eos;

  g_mutex_lock (&queue->lock);
  drop_items (queue);
  queue->flow = flow;
  eos = queue->eos;
  g_cond_broadcast (&queue->cond);
  g_mutex_unlock (&queue->lock);
  return eos;
}

static gboolean
begins_segment (gpointer item)
{
  return GST_IS_EVENT (item)
         && (GST_EVENT_TYPE (item) == GST_EVENT_SEGMENT || GST_EVENT_TYPE (item) == GST_EVENT_STREAM_START);
}

void
gst_pipeload_llm_queue_end_segment (GstPipeloadLlmQueue *queue)
{
  GList *link, *next;

  g_mutex_lock (&queue->lock);
  for (link = queue->items.head; link != NULL && !begins_segment (link->data); link = next)
    {
      next = link->next;
      if (!GST_IS_BUFFER (link->data))
        continue;
      gst_buffer_unref (link->data);
      g_queue_delete_link (&queue->items, link);
      queue->n_prompts--;
    }
  if (link == NULL && queue->flow == GST_FLOW_OK)
    queue->flow = GST_FLOW_EOS;
  g_cond_broadcast (&queue->cond);
  g_mutex_unlock (&queue->lock);
}

/* With the lock held. */
static gboolean
is_open (const GstPipeloadLlmQueue *queue)
{
  return queue->flow == GST_FLOW_OK || queue->flow == GST_FLOW_EOS;
}

static gboolean
has_room (GstPipeloadLlmQueue *queue, gpointer item)
{
  return queue->items.length < MAX_ITEMS && (!GST_IS_BUFFER (item) || queue->n_prompts < MAX_PROMPTS);
}

GstFlowReturn
gst_pipeload_llm_queue_push (GstPipeloadLlmQueue *queue, gpointer item)
{
  gboolean is_event = GST_IS_EVENT (item);
  GstFlowReturn flow;

  g_mutex_lock (&queue->lock);
  if (begins_segment (item) && queue->flow == GST_FLOW_EOS)
    queue->flow = GST_FLOW_OK;
  while (is_open (queue) && !has_room (queue, item))
    g_cond_wait (&queue->cond, &queue->lock);
  flow = is_event && is_open (queue) ? GST_FLOW_OK : queue->flow;
  if (flow == GST_FLOW_OK)
    {
      queue->eos = is_event && GST_EVENT_TYPE (item) == GST_EVENT_EOS;
      queue->n_prompts += is_event ? 0 : 1;
      g_queue_push_tail (&queue->items, item);
      g_cond_broadcast (&queue->cond);
    }
  g_mutex_unlock (&queue->lock);
  if (flow != GST_FLOW_OK)
    gst_mini_object_unref (item);
  return flow;
}

GstMiniObject *
gst_pipeload_llm_queue_pop (GstPipeloadLlmQueue *queue)
{
  GstMiniObject *item;

  g_mutex_lock (&queue->lock);
  while (g_queue_is_empty (&queue->items) && is_open (queue))
    g_cond_wait (&queue->cond, &queue->lock);
  item = g_queue_pop_head (&queue->items);
  if (item != NULL && GST_IS_BUFFER (item))
    queue->n_prompts--;
  g_cond_broadcast (&queue->cond);
  g_mutex_unlock (&queue->lock);
  return item;
}
