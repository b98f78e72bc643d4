/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Small pictures out of frames.
 */
#pragma once

#include <cairo.h>
#include <gst/gst.h>

/* A rectangle of a frame, 0..1. */
typedef struct
{
  double x, y, width, height;
} AnalyseArea;

/* Returns: (transfer full) (nullable): @sample as raw video; itself if it is that, a JPEG picture decoded; NULL =
 * cannot be decoded */
GstSample *analyse_picture_decode (GstSample *sample);

/* Returns: (transfer full) (nullable): @area of @sample, raw video, as an RGB24 surface of @width × @height pixels;
 * NULL = cannot be converted. @area is cut to whole pixels of the frame, at least one. */
cairo_surface_t *analyse_picture_cut (GstSample *sample, const AnalyseArea *area, int width, int height);
