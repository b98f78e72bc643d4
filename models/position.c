/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "models/position.h"

#include <math.h>
#include <string.h>

/* Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981. */
#define A (-0.75)

typedef struct
{
  guint index[4];
  float weight[4];
} Taps;

static double
near_weight (double t)
{
  return ((A + 2) * t - (A + 3)) * t * t + 1;
}

static double
far_weight (double t)
{
  return ((A * t - 5 * A) * t + 8 * A) * t - 4 * A;
}

/* What output @i of @n takes from a line of @from samples. */
static Taps
taps_for (guint i, guint n, guint from)
{
  double at = (i + 0.5) * from / n - 0.5, base = floor (at), t = at - base;
  const double weight[4] = { far_weight (t + 1), near_weight (t), near_weight (1 - t), far_weight (2 - t) };
  Taps taps;

  for (gint k = 0; k < 4; k++)
    {
      taps.index[k] = (guint) CLAMP ((gint) base + k - 1, 0, (gint) from - 1);
      taps.weight[k] = (float) weight[k];
    }
  return taps;
}

void
pld_position_interpolate (float *to, guint to_w, guint to_h, const float *from, guint from_w, guint from_h, guint d)
{
  for (guint y = 0; y < to_h; y++)
    {
      Taps ty = taps_for (y, to_h, from_h);

      for (guint x = 0; x < to_w; x++, to += d)
        {
          Taps tx = taps_for (x, to_w, from_w);

          memset (to, 0, d * sizeof (float));
          for (guint k = 0; k < 16; k++)
            {
              const float *source = from + ((gsize) ty.index[k / 4] * from_w + tx.index[k % 4]) * d;
              float weight = ty.weight[k / 4] * tx.weight[k % 4];

              for (guint j = 0; j < d; j++)
                to[j] += weight * source[j];
            }
        }
    }
}
