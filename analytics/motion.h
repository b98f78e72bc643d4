/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How an object's box moves: a Kalman filter each for its middle and its sides, with noises in proportion to its
 * height. Lengths are in heights of the frame, across and down alike. Pure.
 */
#pragma once

#include "analytics/box.h"
#include "analytics/kalman.h"

G_BEGIN_DECLS

/* The least side of a box, as a fraction of the frame. */
#define PLD_LEAST_SIDE 1e-4

typedef struct
{
  PldKalman x, y, width, height;
} PldMotion;

/* Seen for the first time, in @box. */
PldMotion pld_motion_start (PldBox box);

/* Goes on by @seconds. After @steady of them the velocity begins to fade, and with it how much may happen. */
PldMotion pld_motion_predict (const PldMotion *now, double seconds, double steady);

/* Seen in @box. */
PldMotion pld_motion_measure (const PldMotion *now, PldBox box);

PldBox pld_motion_box (const PldMotion *now);

/* The share of their union that @box and the object's have in common after both were grown on every side by the
 * uncertainty of where the object is: 0..1. */
double pld_motion_overlap (const PldMotion *now, PldBox box);

G_END_DECLS
