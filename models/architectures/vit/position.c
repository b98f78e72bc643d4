/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Position embeddings that are scaled to another grid of patches.
 */
#include "models/architectures/vit/position.h"

#include <math.h>

/* Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981. */
#define A (-0.75)

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

/* At an edge, where samples are repeated, the same one comes again. */
static void
cubic_add (PldCubic *cubic, guint index, float weight)
{
  if (cubic->n > 0 && cubic->index[cubic->n - 1] == index)
    cubic->weight[cubic->n - 1] += weight;
  else
    {
      cubic->index[cubic->n] = index;
      cubic->weight[cubic->n++] = weight;
    }
}

void
pld_cubic_line (PldCubic *cubic, guint n, guint from)
{
  for (guint i = 0; i < n; i++)
    {
      const double at = (i + 0.5) * from / n - 0.5, base = floor (at), t = at - base;
      const double weight[4] = { far_weight (t + 1), near_weight (t), near_weight (1 - t), far_weight (2 - t) };

      cubic[i].n = 0;
      for (gint k = 0; k < 4; k++)
        if (weight[k] != 0)
          cubic_add (&cubic[i], (guint) CLAMP ((gint) base + k - 1, 0, (gint) from - 1), (float) weight[k]);
    }
}
