/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The queue of the generating thread: prompts (GstBuffer) and serialized events, in the order in which they
 * came. One prompt waits at most. Any thread.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  GstPad *pad; /* not owned: keeps the sticky events that are dropped; nobody would send them again */
  GMutex lock; /* of what follows */
  GCond cond;
  GQueue items; /* GstMiniObject, owned */
  guint n_prompts;
  gboolean eos; /* upstream has nothing more to say */
  /* The flow return for upstream. OK: open. EOS: events pass, prompts are refused until the next segment. Else: closed.
   */
  GstFlowReturn flow;
} GstPipeloadLlmQueue;

/* It starts closed, with FLUSHING. */
void gst_pipeload_llm_queue_init (GstPipeloadLlmQueue *queue, GstPad *pad);
void gst_pipeload_llm_queue_clear (GstPipeloadLlmQueue *queue);

void gst_pipeload_llm_queue_open (GstPipeloadLlmQueue *queue);

/* Drops queued items and wakes blocked threads. Returns: TRUE if end of stream had been pushed since it was opened. */
gboolean gst_pipeload_llm_queue_close (GstPipeloadLlmQueue *queue, GstFlowReturn flow);

/* Downstream wants no more prompts of this segment. */
void gst_pipeload_llm_queue_end_segment (GstPipeloadLlmQueue *queue);

/* @item: (transfer full): a buffer or an event. Waits for room. Returns: GST_FLOW_OK, or why it was dropped */
GstFlowReturn gst_pipeload_llm_queue_push (GstPipeloadLlmQueue *queue, gpointer item);

/* Waits. Returns: (transfer full) (nullable): the next item; NULL once the queue is closed */
GstMiniObject *gst_pipeload_llm_queue_pop (GstPipeloadLlmQueue *queue);

G_END_DECLS
