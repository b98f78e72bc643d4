/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Resized components → RGB, in place.
 */
#pragma once

#include "pipeload/image.h"

/* The share that each value of a component adds to R, G and B, in units of 2^-21: exact products, rounded once. */
typedef struct
{
  gint32 luma[256]; /* to all three; holds the half that rounds */
  gint32 cr_r[256];
  gint32 cb_g[256];
  gint32 cr_g[256];
  gint32 cb_b[256];
  PldYuvMatrix matrix; /* what the tables are for */
  gboolean full_range;
  gboolean ready;
} PldColor;

/* Makes the tables, unless they are there already. */
void pld_color_prepare (PldColor *color, PldYuvMatrix matrix, gboolean full_range);

/* @pixels: [n, 3]: Y, Cb, Cr in, R, G, B out */
void pld_color_from_yuv (const PldColor *color, guint8 *pixels, gsize n);
/* @pixels: [n, 3]: the first of each three in, all three out */
void pld_color_from_gray (const PldColor *color, guint8 *pixels, gsize n);
