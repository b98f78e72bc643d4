/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element's state, for its own files: gstpipeloadvit.c (object and base class), open.c (model,
 * statistics), infer.c (results and what is posted about them), qos.c (latency and
 * quality of service).
 */
#pragma once

#include "gst/common/meta.h"
#include "gst/common/worker.h"
#include "gst/vit/gstpipeloadvit.h"
#include "gst/vit/runner.h"
#include "gst/vit/settings.h"
#include "gst/vit/stats.h"

#include <gst/gst.h>

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_pipeload_vit_debug);

struct _GstPipeloadVit
{
  GstBaseTransform parent;

  GstPipeloadVitSettings settings; /* OBJECT_LOCK */
  GstPipeloadModel model;          /* the runner's */

  /* From start() to stop(). */
  GstPipeloadVitRunner *runner;
  GstPipeloadWorker *worker; /* NULL in sync mode */
  gboolean in_regions;

  /* Streaming thread. */
  GstCaps *caps;
  gboolean force;              /* process the next frame, whatever interval and motion are */
  guint64 since_inference;     /* frames */
  GstClockTime last_inference; /* running time */

  GMutex lock; /* of what follows; nothing is posted or pushed under it */
  GCancellable *cancellable;
  guint epoch;              /* a result of an older one is void */
  GstPipeloadFrame *latest; /* result that rides on frames */
  GstPipeloadFrame *seen;   /* result that the next one is compared with for messages */
  GstPipeloadVitStats stats;
  gboolean async;
  GstClockTime reported; /* latency */
  gboolean live;
  double proportion;
  GstClockTimeDiff jitter;
  GstClockTime earliest; /* running time before which downstream has no time for us */
  gboolean late;
};

/* open.c */
gboolean gst_pipeload_vit_open (GstPipeloadVit *self);
void gst_pipeload_vit_close (GstPipeloadVit *self);
GstStructure *gst_pipeload_vit_get_stats (GstPipeloadVit *self);

/* infer.c */
void gst_pipeload_vit_process (GstPipeloadVit *self, GstBuffer *buffer, guint64 number);
void gst_pipeload_vit_work (gpointer job, gpointer self);
void gst_pipeload_vit_cancel (GstPipeloadVit *self);
void gst_pipeload_vit_restart (GstPipeloadVit *self);

/* qos.c */
void gst_pipeload_vit_qos_reset (GstPipeloadVit *self);
void gst_pipeload_vit_qos_update (GstPipeloadVit *self, GstEvent *event);
gboolean gst_pipeload_vit_qos_skip (GstPipeloadVit *self, GstBuffer *buffer);
gboolean gst_pipeload_vit_query_latency (GstPipeloadVit *self, GstQuery *query);
void gst_pipeload_vit_follow_latency (GstPipeloadVit *self);

G_END_DECLS
