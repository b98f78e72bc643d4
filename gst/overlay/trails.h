/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where each track has been. Points lie at least a step apart, so a track that stands still keeps two of them.
 * One thread at a time.
 */
#pragma once

#include "gst/overlay/canvas.h"

G_BEGIN_DECLS

typedef struct _GstPipeloadTrails GstPipeloadTrails;

GstPipeloadTrails *gst_pipeload_trails_new (void);
void gst_pipeload_trails_free (GstPipeloadTrails *trails);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadTrails, gst_pipeload_trails_free)

/* Forgets all. */
void gst_pipeload_trails_clear (GstPipeloadTrails *trails);

/* Forgets what was before @time, and tracks of which nothing is left. */
void gst_pipeload_trails_expire (GstPipeloadTrails *trails, GstClockTime time);

/* Track @id is at @point at @time. @step: pixels. Some hundred tracks and points of each are kept at most; more are not
 * taken. */
void gst_pipeload_trails_add (GstPipeloadTrails *trails, int id, GstClockTime time, GstPipeloadCanvasPoint point,
                              double step);

/* Returns: (transfer none) (nullable): GstPipeloadCanvasPoint, the oldest first, the last one where the track is now;
 * valid until the next call */
const GArray *gst_pipeload_trails_get (GstPipeloadTrails *trails, int id);

G_END_DECLS
