/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An open classifier or detector, which turns a buffer into its result. It knows buffers and the engine, but not the
 * element, so the streaming thread and the async worker can both use it: one of them at a time.
 */
#pragma once

#include "pipeload/pipeload.h"
#include "gst/common/meta.h"
#include "gst/vit/settings.h"

G_BEGIN_DECLS

typedef struct _GstPipeloadVitRunner GstPipeloadVitRunner;

/* One frame to process. Owns everything it points to. */
typedef struct
{
  GstBuffer *buffer; /* given up as soon as its pictures are loaded */
  GstCaps *caps;
  GstPipeloadFrame *frame; /* its times are set; size and objects are filled in */
  GCancellable *cancellable;
  double threshold, motion_threshold; /* as the properties */
  int top_k;
  gboolean force; /* process it even if nothing has moved */
  guint epoch;    /* the element's */
} GstPipeloadVitJob;

void gst_pipeload_vit_job_free (GstPipeloadVitJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadVitJob, gst_pipeload_vit_job_free)

typedef enum
{
  GST_PIPELOAD_VIT_DONE,
  GST_PIPELOAD_VIT_UNCHANGED, /* nothing has moved: the last result holds */
  GST_PIPELOAD_VIT_DAMAGED,   /* with an error: the picture could not be read; the next one may */
  GST_PIPELOAD_VIT_CANCELLED,
  GST_PIPELOAD_VIT_FAILED, /* with an error: the model is of no use any more */
} GstPipeloadVitOutcome;

/* Opens @settings' model. Errors: PLD_ERROR, and GST_PIPELOAD_SETTINGS_ERROR for a property that does not fit
 * it. */
GstPipeloadVitRunner *gst_pipeload_vit_runner_open (const GstPipeloadVitSettings *settings, PldProgressFunc progress,
                                                    gpointer user_data, GCancellable *cancellable, GError **error);

/* NULL is allowed. */
void gst_pipeload_vit_runner_close (GstPipeloadVitRunner *runner);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadVitRunner, gst_pipeload_vit_runner_close)

GstPipeloadVitOutcome gst_pipeload_vit_runner_infer (GstPipeloadVitRunner *runner, GstPipeloadVitJob *job,
                                                     GError **error);

/* Returns: (transfer none) */
PldVision *gst_pipeload_vit_runner_get_vision (GstPipeloadVitRunner *runner);

G_END_DECLS
