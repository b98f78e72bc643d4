/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Draws simple persons that the bundled detector finds.
 */
#include "tests/support/figures.h"

const Figure figures[FIGURES] = { { 60, 120, 60 },  { 130, 240, 90 },  { 220, 220, 120 }, { 330, 330, 150 },
                                  { 430, 140, 80 }, { 460, 340, 110 }, { 80, 360, 100 } };

static void
ellipse (guint8 *rgb, int cx, int cy, int rx, int ry, const guint8 color[3])
{
  for (int y = MAX (cy - ry, 0); y <= MIN (cy + ry, FIGURES_HIGH - 1); y++)
    for (int x = MAX (cx - rx, 0); x <= MIN (cx + rx, FIGURES_WIDE - 1); x++)
      if ((x - cx) * (x - cx) * ry * ry + (y - cy) * (y - cy) * rx * rx <= rx * rx * ry * ry)
        for (int c = 0; c < 3; c++)
          rgb[(y * FIGURES_WIDE + x) * 3 + c] = color[c];
}

static void
draw (guint8 *rgb, int i, int x)
{
  const guint8 skin[] = { 170, 130, 110 }, coat[] = { (guint8) (40 + 20 * i), 40, 60 }, legs[] = { 30, 30, 50 };
  const int h = figures[i].height, top = figures[i].y - h;

  ellipse (rgb, x, top + h * 7 / 100, h * 6 / 100, h * 7 / 100, skin);
  ellipse (rgb, x, top + h * 32 / 100, h * 12 / 100, h * 20 / 100, coat);
  ellipse (rgb, x - h / 20, top + h * 73 / 100, h / 20, h * 28 / 100, legs);
  ellipse (rgb, x + h / 20, top + h * 73 / 100, h / 20, h * 28 / 100, legs);
}

void
figures_draw_some (guint8 *rgb, guint shown, int dx)
{
  for (int y = 0; y < FIGURES_HIGH; y++)
    for (int x = 0; x < FIGURES_WIDE; x++)
      for (int c = 0; c < 3; c++)
        rgb[(y * FIGURES_WIDE + x) * 3 + c] = (guint8) (150 + (x / 7 * 13 + y / 5 * 7) % 9);
  for (int i = 0; i < FIGURES; i++)
    if (shown >> i & 1)
      draw (rgb, i, figures[i].x + dx);
}

void
figures_draw (guint8 *rgb)
{
  figures_draw_some (rgb, ~0u, 0);
}
