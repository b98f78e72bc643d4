/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A Kalman filter for one coordinate that moves at a nearly constant velocity (R. E. Kalman, J. Basic Eng. 82, 1960;
 * white noise of the acceleration as in Bar-Shalom et al., Estimation with Applications to Tracking and Navigation, ch.
 * 6). A box's four coordinates are independent of each other under it, so four of these are the box's filter. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  double place, velocity; /* a unit of length; the same a second */
  double pp, pv, vv;      /* covariance of place and velocity */
} PldKalman;

/* @place was measured with the standard deviation @noise; the velocity is 0 but for the deviation @speed. */
PldKalman pld_kalman_start (double place, double noise, double speed);

/* Goes on by @seconds; the velocity is then @kept (0..1) of what it was. @jolt: how much the velocity wanders: its
 * standard deviation after one second. */
PldKalman pld_kalman_predict (PldKalman now, double seconds, double kept, double jolt);

/* Takes in a measured @place with the standard deviation @noise. */
PldKalman pld_kalman_measure (PldKalman now, double place, double noise);

G_END_DECLS
