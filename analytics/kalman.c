/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Predicts and updates one coordinate with a 2 × 2 covariance.
 */
#include "analytics/kalman.h"

PldKalman
pld_kalman_start (double place, double noise, double speed)
{
  return (PldKalman) { .place = place, .pp = noise * noise, .vv = speed * speed };
}

PldKalman
pld_kalman_predict (PldKalman now, double seconds, double kept, double jolt)
{
  const double q = jolt * jolt;

  return (PldKalman) {
    .place = now.place + seconds * now.velocity,
    .velocity = kept * now.velocity,
    .pp = now.pp + seconds * (2 * now.pv + seconds * now.vv) + q * seconds * seconds * seconds / 3,
    .pv = kept * (now.pv + seconds * now.vv) + q * seconds * seconds / 2,
    .vv = kept * kept * now.vv + q * seconds,
  };
}

PldKalman
pld_kalman_measure (PldKalman now, double place, double noise)
{
  const double total = now.pp + noise * noise;
  const double gain = now.pp / total, drift = now.pv / total;
  const double surprise = place - now.place;

  return (PldKalman) {
    .place = now.place + gain * surprise,
    .velocity = now.velocity + drift * surprise,
    .pp = now.pp - gain * now.pp,
    .pv = now.pv - gain * now.pv,
    .vv = now.vv - drift * now.pv,
  };
}
