/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The drawing on frames: zones, trails, boxes, labels, a classifier's classes, the corner. One thread at a time.
 */
#pragma once

#include "analytics/zones.h"
#include "gst/overlay/settings.h"

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef struct _GstPipeloadScene GstPipeloadScene;

GstPipeloadScene *gst_pipeload_scene_new (void);
void gst_pipeload_scene_free (GstPipeloadScene *scene);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadScene, gst_pipeload_scene_free)

void gst_pipeload_scene_set_settings (GstPipeloadScene *scene, const GstPipeloadOverlaySettings *settings);

/* @frame_duration: for frames that come without their time */
void gst_pipeload_scene_set_size (GstPipeloadScene *scene, guint width, guint height, GstClockTime frame_duration);

/* @zones: (transfer full) (nullable) */
void gst_pipeload_scene_set_zones (GstPipeloadScene *scene, PldZones *zones);

/* Time goes on from elsewhere. */
void gst_pipeload_scene_flush (GstPipeloadScene *scene);

/* Returns: (transfer full) (nullable): what @buffer's metas say, inside of the frame; NULL = nothing to draw. @buffer
 * is read only, its pixels are not. */
GstVideoOverlayComposition *gst_pipeload_scene_draw (GstPipeloadScene *scene, GstBuffer *buffer);

G_END_DECLS
