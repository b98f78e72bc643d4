/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accumulates counters and times into the stats structure.
 */
#include "gst/vit/stats.h"

#include "gst/common/model.h"

/* The smoothed latency moves by this part of the way to each new one. */
#define SMOOTHING 8

void
gst_pipeload_vit_stats_frame (GstPipeloadVitStats *stats)
{
  gint64 now = g_get_monotonic_time ();

  if (stats->frames++ == 0)
    stats->window_start = now;
  else
    stats->window_frames++;
  if (now - stats->window_start < G_USEC_PER_SEC)
    return;
  stats->rate = (double) stats->window_frames * G_USEC_PER_SEC / (double) (now - stats->window_start);
  stats->window_start = now;
  stats->window_frames = 0;
}

void
gst_pipeload_vit_stats_inference (GstPipeloadVitStats *stats, GstClockTime duration)
{
  stats->inferred++;
  stats->last = duration;
  stats->total += duration;
  if (stats->inferred == 1)
    stats->smoothed = duration;
  else
    stats->smoothed = (stats->smoothed * (SMOOTHING - 1) + duration) / SMOOTHING;
}

/* Before the first second is over: what there is of it. */
static double
frame_rate (const GstPipeloadVitStats *stats)
{
  gint64 elapsed = g_get_monotonic_time () - stats->window_start;

  if (stats->rate > 0 || stats->window_frames == 0 || elapsed <= 0)
    return stats->rate;
  return (double) stats->window_frames * G_USEC_PER_SEC / (double) elapsed;
}

GstStructure *
gst_pipeload_vit_stats_to_structure (const GstPipeloadVitStats *stats, const PldStats *engine)
{
  GstStructure *structure;
  guint64 skipped = 0;

  for (guint i = 0; i < GST_PIPELOAD_VIT_N_SKIPS; i++)
    skipped += stats->skipped[i];
  structure = gst_structure_new ("application/x-pipeload-stats", "frames", G_TYPE_UINT64, stats->frames, "inferred",
                                 G_TYPE_UINT64, stats->inferred, "skipped", G_TYPE_UINT64, skipped, "skipped-interval",
                                 G_TYPE_UINT64, stats->skipped[GST_PIPELOAD_VIT_SKIP_INTERVAL], "skipped-motion",
                                 G_TYPE_UINT64, stats->skipped[GST_PIPELOAD_VIT_SKIP_MOTION], "skipped-qos",
                                 G_TYPE_UINT64, stats->skipped[GST_PIPELOAD_VIT_SKIP_QOS], "skipped-busy",
                                 G_TYPE_UINT64, stats->skipped[GST_PIPELOAD_VIT_SKIP_BUSY], "damaged", G_TYPE_UINT64,
                                 stats->damaged, "mended", G_TYPE_UINT64, engine != NULL ? engine->mended : 0, "fps",
                                 G_TYPE_DOUBLE, frame_rate (stats), NULL);
  gst_pipeload_model_add_stats (structure, stats->last, stats->total, stats->inferred, engine);
  return structure;
}
