/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How an object's box moves: a Kalman filter each for its middle and its sides, with noises in proportion to its height.
 * Lengths are in heights of the frame, across and down alike. Pure.
 */
#pragma once

#include "gst/track/pipeloadkalman.h"

G_BEGIN_DECLS

/* Sides, as shares of the frame: smaller is no box. */
#define GST_PIPELOAD_LEAST_SIDE 1e-4

typedef struct
{
  double left, top, right, bottom;
} GstPipeloadBox;

typedef struct
{
  GstPipeloadKalman x, y, width, height;
} GstPipeloadMotion;

/* Seen for the first time, in @box. */
GstPipeloadMotion gst_pipeload_motion_start (GstPipeloadBox box);

/* Goes on by @seconds. After @steady of them the velocity begins to fade, and with it how much may happen. */
GstPipeloadMotion gst_pipeload_motion_predict (const GstPipeloadMotion *now, double seconds, double steady);

/* Seen in @box. */
GstPipeloadMotion gst_pipeload_motion_measure (const GstPipeloadMotion *now, GstPipeloadBox box);

GstPipeloadBox gst_pipeload_motion_box (const GstPipeloadMotion *now);

/* The share of their union that @box and the object's have in common after both were grown on every side by the
 * uncertainty of where the object is: 0..1. */
double gst_pipeload_motion_overlap (const GstPipeloadMotion *now, GstPipeloadBox box);

G_END_DECLS
