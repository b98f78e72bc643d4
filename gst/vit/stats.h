/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The counters and times of pipeloadvit. The caller locks.
 */
#pragma once

#include "pipeload/pipeload.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum
{
  GST_PIPELOAD_VIT_SKIP_NONE = -1,
  GST_PIPELOAD_VIT_SKIP_INTERVAL, /* not the Nth frame */
  GST_PIPELOAD_VIT_SKIP_MOTION,   /* the picture has not changed */
  GST_PIPELOAD_VIT_SKIP_QOS,      /* downstream is late */
  GST_PIPELOAD_VIT_SKIP_BUSY,     /* async: the one before is not done */
  GST_PIPELOAD_VIT_N_SKIPS,
} GstPipeloadVitSkip;

typedef struct
{
  guint64 frames, inferred, damaged;
  guint64 skipped[GST_PIPELOAD_VIT_N_SKIPS];
  GstClockTime last, total; /* of inferences */
  GstClockTime smoothed;    /* follows the last ones */
  gint64 window_start;      /* of the rate: microseconds, monotonic */
  guint64 window_frames;
  double rate; /* frames/s in the last whole second */
} GstPipeloadVitStats;

void gst_pipeload_vit_stats_frame (GstPipeloadVitStats *stats);
void gst_pipeload_vit_stats_inference (GstPipeloadVitStats *stats, GstClockTime duration);

/* Returns: (transfer full): @engine as of now, zeros if no model is open */
GstStructure *gst_pipeload_vit_stats_to_structure (const GstPipeloadVitStats *stats, const PldStats *engine);

G_END_DECLS
