/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The motion of a box: Kalman filters for its center and its sides.
 */
#include "analytics/motion.h"

#include <math.h>

/* Lengths are heights of the object, times seconds. */
#define NOISE 0.1       /* deviation of a measured middle, width, height */
#define FIRST_SPEED 1.0 /* deviation of an unknown velocity: a walking person's */
#define JOLT 0.35       /* how much the velocity wanders in a second */
#define FADE 0.3        /* seconds for which a fading velocity lasts in all */
#define SIZE_SPEED 0.1  /* the same of width and height, which never grow for long */
#define SIZE_JOLT 0.1
#define SIZE_FADE 1.0

/* Boxes are grown by this many standard deviations before they are compared. */
#define GROW 2.0

PldMotion
pld_motion_start (PldBox box)
{
  const double width = box.x_max - box.x_min, height = box.y_max - box.y_min;
  const double noise = NOISE * height;

  return (PldMotion) {
    .x = pld_kalman_start ((box.x_min + box.x_max) / 2, noise, FIRST_SPEED * height),
    .y = pld_kalman_start ((box.y_min + box.y_max) / 2, noise, FIRST_SPEED * height),
    .width = pld_kalman_start (width, noise, SIZE_SPEED * height),
    .height = pld_kalman_start (height, noise, SIZE_SPEED * height),
  };
}

static PldKalman
predict (PldKalman now, double seconds, double steady, double fade, double jolt)
{
  const double over = MAX (seconds - steady, 0), kept = exp (-over / fade);

  return pld_kalman_predict (now, seconds - over + fade * (1 - kept), kept, jolt);
}

PldMotion
pld_motion_predict (const PldMotion *now, double seconds, double steady)
{
  const double size = now->height.place;
  PldMotion later = {
    .x = predict (now->x, seconds, steady, FADE, JOLT * size),
    .y = predict (now->y, seconds, steady, FADE, JOLT * size),
    .width = predict (now->width, seconds, 0, SIZE_FADE, SIZE_JOLT * size),
    .height = predict (now->height, seconds, 0, SIZE_FADE, SIZE_JOLT * size),
  };

  later.width.place = MAX (later.width.place, PLD_LEAST_SIDE);
  later.height.place = MAX (later.height.place, PLD_LEAST_SIDE);
  return later;
}

PldMotion
pld_motion_measure (const PldMotion *now, PldBox box)
{
  const double noise = NOISE * (box.y_max - box.y_min);

  return (PldMotion) {
    .x = pld_kalman_measure (now->x, (box.x_min + box.x_max) / 2, noise),
    .y = pld_kalman_measure (now->y, (box.y_min + box.y_max) / 2, noise),
    .width = pld_kalman_measure (now->width, box.x_max - box.x_min, noise),
    .height = pld_kalman_measure (now->height, box.y_max - box.y_min, noise),
  };
}

PldBox
pld_motion_box (const PldMotion *now)
{
  const double across = now->width.place / 2, down = now->height.place / 2;

  return (PldBox) { now->x.place - across, now->y.place - down, now->x.place + across, now->y.place + down };
}

static double
area (PldBox box)
{
  return (box.x_max - box.x_min) * (box.y_max - box.y_min);
}

static PldBox
grown (PldBox box, double across, double down)
{
  return (PldBox) { box.x_min - across, box.y_min - down, box.x_max + across, box.y_max + down };
}

double
pld_motion_overlap (const PldMotion *now, PldBox box)
{
  const double across = GROW * sqrt (now->x.pp), down = GROW * sqrt (now->y.pp);
  const PldBox a = grown (pld_motion_box (now), across, down), b = grown (box, across, down);
  const PldBox common
      = { MAX (a.x_min, b.x_min), MAX (a.y_min, b.y_min), MIN (a.x_max, b.x_max), MIN (a.y_max, b.y_max) };
  const gboolean apart = common.x_min >= common.x_max || common.y_min >= common.y_max;

  return apart ? 0 : area (common) / (area (a) + area (b) - area (common));
}
