/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Results as GstAnalyticsRelationMeta too, where GStreamer has it (1.24): what other elements of GStreamer's own read,
 * and what survives scaling.
 */
#pragma once

#include "gst/common/meta.h"

G_BEGIN_DECLS

#ifdef PLD_ANALYTICS
/**
 * gst_pipeload_relations_write:
 * @buffer: writable
 * @replace: @frame's objects come in place of detections that are there
 *
 * Detections: one GstAnalyticsODMtd each, with a GstAnalyticsTrackingMtd that relates to it for those with a track.
 * Classes of the whole frame: one GstAnalyticsClsMtd. Classes of regions: one for each region, related to nothing.
 */
void gst_pipeload_relations_write (const GstPipeloadFrame *frame, GstBuffer *buffer, gboolean replace);
#else
static inline void
gst_pipeload_relations_write (const GstPipeloadFrame *frame, GstBuffer *buffer, gboolean replace)
{
}
#endif

G_END_DECLS
