/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Conversion of YUV and gray to RGB with integer tables.
 */
#include "engine/image/color.h"

#include <math.h>

#define COLOR_BITS 21 /* the largest sum, about 551, fits in a gint32 */

/* Kr and Kb of ITU-R BT.601, BT.709 and BT.2020 (non-constant luminance); Kg is the rest. */
static const struct
{
  double r, b;
} weights[] = {
  [PLD_YUV_BT601] = { 0.299, 0.114 },
  [PLD_YUV_BT709] = { 0.2126, 0.0722 },
  [PLD_YUV_BT2020] = { 0.2627, 0.0593 },
};

static gint32
color_fixed (double value)
{
  return (gint32) floor (value * (1 << COLOR_BITS) + 0.5);
}

void
pld_color_prepare (PldColor *color, PldYuvMatrix matrix, gboolean full_range)
{
  const double kr = weights[matrix].r, kb = weights[matrix].b, kg = 1.0 - kr - kb;
  const double black = full_range ? 0.0 : 16.0;
  const double luma = full_range ? 1.0 : 255.0 / 219.0;
  const double chroma = full_range ? 1.0 : 255.0 / 224.0;

  if (color->ready && color->matrix == matrix && color->full_range == full_range)
    return;
  for (guint i = 0; i < 256; i++)
    {
      double c = ((double) i - 128.0) * chroma;

      color->luma[i] = color_fixed (((double) i - black) * luma + 0.5);
      color->cr_r[i] = color_fixed (2.0 * (1.0 - kr) * c);
      color->cb_b[i] = color_fixed (2.0 * (1.0 - kb) * c);
      color->cb_g[i] = color_fixed (-2.0 * (1.0 - kb) * kb / kg * c);
      color->cr_g[i] = color_fixed (-2.0 * (1.0 - kr) * kr / kg * c);
    }
  color->matrix = matrix;
  color->full_range = full_range;
  color->ready = TRUE;
}

static inline guint8
color_sample (gint32 value)
{
  return (guint8) CLAMP (value >> COLOR_BITS, 0, 255);
}

void
pld_color_from_yuv (const PldColor *color, guint8 *pixels, gsize n)
{
  for (guint8 *p = pixels; p < pixels + n * 3; p += 3)
    {
      gint32 y = color->luma[p[0]];
      guint8 cb = p[1], cr = p[2];

      p[0] = color_sample (y + color->cr_r[cr]);
      p[1] = color_sample (y + color->cb_g[cb] + color->cr_g[cr]);
      p[2] = color_sample (y + color->cb_b[cb]);
    }
}

void
pld_color_from_gray (const PldColor *color, guint8 *pixels, gsize n)
{
  for (guint8 *p = pixels; p < pixels + n * 3; p += 3)
    p[0] = p[1] = p[2] = color_sample (color->luma[p[0]]);
}
