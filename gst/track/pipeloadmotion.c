/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/track/pipeloadmotion.h"

#include <math.h>

/* Lengths are heights of the object, times seconds. */
#define NOISE 0.1       /* deviation of a measured middle, width, height */
#define FIRST_SPEED 1.0 /* deviation of an unknown velocity: a walking person's */
#define JOLT 0.35       /* how much the velocity wanders in a second */
#define FADE 0.3        /* velocities that fade go on for so long in all */
#define SIZE_SPEED 0.1  /* the same of width and height, which never grow for long */
#define SIZE_JOLT 0.1
#define SIZE_FADE 1.0

/* Boxes are grown by so many deviations before they are compared. */
#define GROW 2.0

GstPipeloadMotion
gst_pipeload_motion_start (GstPipeloadBox box)
{
  const double width = box.right - box.left, height = box.bottom - box.top;
  const double noise = NOISE * height;

  return (GstPipeloadMotion){
    .x = gst_pipeload_kalman_start ((box.left + box.right) / 2, noise, FIRST_SPEED * height),
    .y = gst_pipeload_kalman_start ((box.top + box.bottom) / 2, noise, FIRST_SPEED * height),
    .width = gst_pipeload_kalman_start (width, noise, SIZE_SPEED * height),
    .height = gst_pipeload_kalman_start (height, noise, SIZE_SPEED * height),
  };
}

static GstPipeloadKalman
predict (GstPipeloadKalman now, double seconds, double steady, double fade, double jolt)
{
  const double over = MAX (seconds - steady, 0), kept = exp (-over / fade);

  return gst_pipeload_kalman_predict (now, seconds - over + fade * (1 - kept), kept, jolt);
}

GstPipeloadMotion
gst_pipeload_motion_predict (const GstPipeloadMotion *now, double seconds, double steady)
{
  const double size = now->height.place;
  GstPipeloadMotion later = {
    .x = predict (now->x, seconds, steady, FADE, JOLT * size),
    .y = predict (now->y, seconds, steady, FADE, JOLT * size),
    .width = predict (now->width, seconds, 0, SIZE_FADE, SIZE_JOLT * size),
    .height = predict (now->height, seconds, 0, SIZE_FADE, SIZE_JOLT * size),
  };

  later.width.place = MAX (later.width.place, GST_PIPELOAD_LEAST_SIDE);
  later.height.place = MAX (later.height.place, GST_PIPELOAD_LEAST_SIDE);
  return later;
}

GstPipeloadMotion
gst_pipeload_motion_measure (const GstPipeloadMotion *now, GstPipeloadBox box)
{
  const double noise = NOISE * (box.bottom - box.top);

  return (GstPipeloadMotion){
    .x = gst_pipeload_kalman_measure (now->x, (box.left + box.right) / 2, noise),
    .y = gst_pipeload_kalman_measure (now->y, (box.top + box.bottom) / 2, noise),
    .width = gst_pipeload_kalman_measure (now->width, box.right - box.left, noise),
    .height = gst_pipeload_kalman_measure (now->height, box.bottom - box.top, noise),
  };
}

GstPipeloadBox
gst_pipeload_motion_box (const GstPipeloadMotion *now)
{
  const double across = now->width.place / 2, down = now->height.place / 2;

  return (GstPipeloadBox){ now->x.place - across, now->y.place - down, now->x.place + across,
                           now->y.place + down };
}

static double
area (GstPipeloadBox box)
{
  return (box.right - box.left) * (box.bottom - box.top);
}

static GstPipeloadBox
grown (GstPipeloadBox box, double across, double down)
{
  return (GstPipeloadBox){ box.left - across, box.top - down, box.right + across, box.bottom + down };
}

double
gst_pipeload_motion_overlap (const GstPipeloadMotion *now, GstPipeloadBox box)
{
  const double across = GROW * sqrt (now->x.pp), down = GROW * sqrt (now->y.pp);
  const GstPipeloadBox a = grown (gst_pipeload_motion_box (now), across, down), b = grown (box, across, down);
  const GstPipeloadBox common = { MAX (a.left, b.left), MAX (a.top, b.top), MIN (a.right, b.right),
                                  MIN (a.bottom, b.bottom) };
  const gboolean apart = common.left >= common.right || common.top >= common.bottom;

  return apart ? 0 : area (common) / (area (a) + area (b) - area (common));
}
