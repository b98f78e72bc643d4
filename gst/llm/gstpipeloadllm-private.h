/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element's state, for its own files: gstpipeloadllm.c (object, pads, states), open.c (model,
 * statistics), answer.c (one prompt and its answer).
 */
#pragma once

#include "gst/llm/gstpipeloadllm.h"
#include "gst/llm/history.h"
#include "gst/llm/queue.h"
#include "gst/llm/settings.h"
#include "gst/llm/stats.h"

#include <gst/gst.h>

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_pipeload_llm_debug);

struct _GstPipeloadLlm
{
  GstElement parent;

  GstPad *sink, *src;
  GstPipeloadLlmSettings settings; /* OBJECT_LOCK */
  GstPipeloadLlmQueue queue;       /* from the streaming thread to the generating one */
  GstPipeloadModel model;
  PldLlm *llm; /* while it is open; used by the generating thread */

  /* Generating thread: the source pad's task. */
  GstSegment segment;
  GstPipeloadLlmHistory history;

  GMutex lock; /* of what follows; nothing is posted or pushed under it */
  GCancellable *cancellable;
  guint context_size; /* of the model opened last */
  GstPipeloadLlmStats stats;
};

/* open.c */
gboolean gst_pipeload_llm_open (GstPipeloadLlm *self);
void gst_pipeload_llm_close (GstPipeloadLlm *self);
GstStructure *gst_pipeload_llm_get_stats (GstPipeloadLlm *self);

/* Called in the generating thread for each piece of an answer. @text: UTF-8 */
typedef void (*GstPipeloadLlmPieceFunc) (GstPipeloadLlm *self, const char *text);

/* answer.c. Answers @prompt on the source pad; GST_FLOW_ERROR: the error is posted. */
GstFlowReturn gst_pipeload_llm_answer (GstPipeloadLlm *self, GstBuffer *prompt, GstPipeloadLlmPieceFunc on_piece);

G_END_DECLS
