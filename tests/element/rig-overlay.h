/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pipeloadoverlay between two test pads, flat frames with detections for it, and what became of their pixels.
 */
#pragma once

#include "tests/element/rig.h"

/* @properties: as in a launch line. PLAYING, without caps. */
void overlay_open (Rig *rig, const char *properties);

/* Returns: (transfer full): RGBA, all of it (128, 128, 128, 255), at this many 25ths of a second */
GstBuffer *overlay_flat (int width, int height, guint number);

/* Attaches a detection of a track (0: of none), its box in pixels. */
void overlay_detect (GstBuffer *buffer, int width, int height, int id, const char *label, double x, double y,
                     double right, double bottom);

/* Returns: (transfer full): what comes out */
GstBuffer *overlay_push (Rig *rig, GstBuffer *buffer);

/* 0xRRGGBB of an RGBA frame. */
guint overlay_pixel (GstBuffer *buffer, int width, int x, int y);

typedef struct
{
  int x, y, right, bottom; /* what encloses them; an empty area has right = 0 */
  guint count;
} OverlayArea;

/* The pixels of a flat frame that are something else now, between lines @from and before @until. */
OverlayArea overlay_changed (GstBuffer *buffer, int width, int from, int until);
