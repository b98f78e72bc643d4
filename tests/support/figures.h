/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A picture with persons, as far as the bundled detector is concerned: seven upright figures made of ellipses, which it
 * is sure of. The same as figures () of tests/golden/make-person-detector.py.
 */
#pragma once

#include <glib.h>

#define FIGURES 7
#define FIGURES_WIDE 512
#define FIGURES_HIGH 384

/* Where a figure stands, in pixels: the middle of its feet, and how high it is. */
typedef struct
{
  int x, y, height;
} Figure;

extern const Figure figures[FIGURES];

/* @rgb: [FIGURES_HIGH, FIGURES_WIDE, 3] */
void figures_draw (guint8 *rgb);

/* The same picture with the figures @shown alone, bit i for figure i, moved by @dx pixels. */
void figures_draw_some (guint8 *rgb, guint shown, int dx);
