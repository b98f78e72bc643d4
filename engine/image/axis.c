/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The resampling weights of one axis for each of PIL's filters.
 */
#include "engine/image/axis.h"

#include "engine/base/size.h"

#include <math.h>

static double
filter_box (double x)
{
  return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static double
filter_bilinear (double x)
{
  x = fabs (x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

static double
filter_hamming (double x)
{
  x = fabs (x);
  if (x == 0.0)
    return 1.0;
  if (x >= 1.0)
    return 0.0;
  x *= G_PI;
  return sin (x) / x * (0.54f + 0.46f * cos (x)); /* floats, as PIL has them */
}

/* Keys' cubic with a = -0.5 */
static double
filter_bicubic (double x)
{
  const double a = -0.5;

  x = fabs (x);
  if (x < 1.0)
    return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0)
    return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

static double
sinc (double x)
{
  x *= G_PI;
  return x == 0.0 ? 1.0 : sin (x) / x;
}

static double
filter_lanczos (double x)
{
  return x >= -3.0 && x < 3.0 ? sinc (x) * sinc (x / 3.0) : 0.0;
}

static const struct
{
  double support; /* input samples to each side, when enlarging */
  double (*weight) (double x);
} filters[] = {
  [PLD_FILTER_NEAREST] = { 0.0, NULL },
  [PLD_FILTER_LANCZOS] = { 3.0, filter_lanczos },
  [PLD_FILTER_BILINEAR] = { 1.0, filter_bilinear },
  [PLD_FILTER_BICUBIC] = { 2.0, filter_bicubic },
  [PLD_FILTER_BOX] = { 0.5, filter_box },
  [PLD_FILTER_HAMMING] = { 1.0, filter_hamming },
};

/* The filter is stretched by the reduction; an enlargement does not narrow it. */
static double
axis_stretch (const PldExtent *extent)
{
  return MAX (extent->span / extent->out, 1.0);
}

void
pld_axis_plan (PldAxis *axis, const PldExtent *extent, PldFilter filter, guint align)
{
  double reach = ceil (filters[filter].support * axis_stretch (extent)) * 2.0 + 1.0;

  axis->extent = *extent;
  axis->reach = (guint) MIN (reach, (double) extent->in);
  axis->taps = (guint) pld_size_round_up (axis->reach, align);
}

guint64
pld_axis_bytes (const PldAxis *axis)
{
  guint64 weights = (guint64) axis->extent.out * axis->taps;

  return 2 * pld_size_round_up (axis->extent.out * sizeof (guint32), 64)
         + 2 * pld_size_round_up (weights * sizeof (gint16), 64);
}

static void
axis_set (PldAxis *axis, guint out, guint tap, gint32 weight)
{
  const gint32 unit = 1 << PLD_AXIS_SPLIT;
  gint32 high = (weight + unit / 2) >> PLD_AXIS_SPLIT;

  axis->high[(gsize) out * axis->taps + tap] = (gint16) high;
  axis->low[(gsize) out * axis->taps + tap] = (gint16) (weight - high * unit);
}

/* The position is summed up, not multiplied out: PIL's way, whose rounding shows in the samples it takes. */
static void
axis_fill_nearest (PldAxis *axis)
{
  double step = axis->extent.span / axis->extent.out;
  double at = step * 0.5;

  for (guint i = 0; i < axis->extent.out; i++, at += step)
    {
      axis->start[i] = MIN ((guint32) at, axis->extent.in - 1);
      axis->count[i] = 1;
      axis_set (axis, i, 0, 1 << PLD_AXIS_BITS);
    }
}

void
pld_axis_fill (PldAxis *axis, PldFilter filter, guint8 *memory)
{
  const double scale = axis->extent.span / axis->extent.out;
  const double stretch = axis_stretch (&axis->extent);
  const double support = filters[filter].support * stretch;
  const double unit = 1.0 / stretch;
  const gsize index_bytes = pld_size_round_up (axis->extent.out * sizeof (guint32), 64);
  const gsize weight_bytes = pld_size_round_up ((gsize) axis->extent.out * axis->taps * sizeof (gint16), 64);

  axis->start = (guint32 *) memory;
  axis->count = (guint32 *) (memory + index_bytes);
  axis->high = (gint16 *) (memory + 2 * index_bytes);
  axis->low = (gint16 *) (memory + 2 * index_bytes + weight_bytes);
  if (filter == PLD_FILTER_NEAREST)
    {
      axis_fill_nearest (axis);
      return;
    }
  for (guint i = 0; i < axis->extent.out; i++)
    {
      double center = (i + 0.5) * scale;
      double sum = 0.0;
      gint64 first = MAX ((gint64) (center - support + 0.5), 0);
      gint64 end = MIN ((gint64) (center + support + 0.5), (gint64) axis->extent.in);
      guint count = (guint) CLAMP (end - first, 0, (gint64) axis->reach);
      /* Windows that the edge cuts short begin earlier, with weights of 0, so that padded taps end where they
       * may. */
      guint lead = (guint) (first - MIN (first, (gint64) axis->extent.in - axis->reach));

      for (guint t = 0; t < count; t++)
        sum += filters[filter].weight ((t + first - center + 0.5) * unit);
      for (guint t = 0; t < count; t++)
        {
          double w = filters[filter].weight ((t + first - center + 0.5) * unit);

          w = (sum != 0.0 ? w / sum : w) * (1 << PLD_AXIS_BITS);
          axis_set (axis, i, lead + t, (gint32) (w < 0 ? w - 0.5 : w + 0.5));
        }
      axis->start[i] = (guint32) first - lead;
      axis->count[i] = lead + count;
    }
}
