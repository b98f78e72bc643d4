/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of expanded weights with panels of activations: lanes are rows of activations, weights are broadcast.
 */
#pragma once

#include "engine/kernels/x86/vnni-expand.h"

#define ROWS PLD_PANEL_ROWS
/* Rows of weights that a panel of activations meets while it is in the nearest cache, and panels that weights meet once they are expanded. */
#define GROUP 64
#define MAX_PANELS 16
/* Panels of activations, and rows of weights, whose sums are in registers at a time, at most. */
#define TILE_PANELS 3
#define TILE_ROWS 8

/* Four bytes, for all lanes. */
static ALWAYS_INLINE VecI32
splat_bytes (const guint8 *x)
{
  gint32 v;

  memcpy (&v, x, sizeof v);
  return splat_i32 (v);
}

/* Of the units of a panel of activations: what sums begin with, less what the bias will add; or for types with offsets scale * sum. */
typedef union
{
  gint32 bias[PANEL_VALUES / 16][ROWS];
  float sum[PANEL_VALUES / 16][ROWS];
} Start;

static ALWAYS_INLINE void
panel_start (Start *s, const PldQ8Panel *x, guint n_blocks, guint unit, gboolean offset, guint bias)
{
  for (guint b = 0; b < n_blocks; b++)
    for (guint r = 0; r < ROWS; r += PART_ROWS)
      for (guint k = 0; k < 32 / unit; k++)
        {
          const VecI32 sum = unit == 16 ? load_i32 (x[b].sums[k] + r) : load_i32 (x[b].sums[0] + r) + load_i32 (x[b].sums[1] + r);
          const VecI32 less = 0 - (sum << bias);

          if (offset)
            put_floats (s->sum[b * 32 / unit + k] + r, to_float (sum) * load_f32 (x[b].scale + r));
          else
            memcpy (s->bias[b * 32 / unit + k] + r, &less, sizeof less);
        }
}

/* Adds to y what n_w rows of weights, from @row on, give with n_p panels, whose blocks are x_stride apart. */
static ALWAYS_INLINE void
tile (float *y, gsize y_stride, const Weights *w, guint row, guint n_w, const PldQ8Panel *x, gsize x_stride, const Start *start, guint n_p,
      guint n_blocks, guint unit, gboolean offset)
{
  VecF32 sum[TILE_ROWS][TILE_PANELS][PARTS];

  for (guint i = 0; i < n_w; i++)
    for (guint p = 0; p < n_p; p++)
      for (guint k = 0; k < PARTS; k++)
        sum[i][p][k] = load_f32 (y + p * y_stride + i * ROWS + k * PART_ROWS);
  for (guint u = 0; u < n_blocks * 32 / unit; u++)
    {
      const PldQ8Panel *block = x + u * unit / 32;
      const guint8 *q = w->q[row] + u * unit;
      const guint first = u * unit % 32 / 4;
      VecI32 dot[TILE_ROWS][TILE_PANELS][PARTS];

      for (guint i = 0; i < n_w; i++)
        for (guint p = 0; p < n_p; p++)
          for (guint k = 0; k < PARTS; k++)
            dot[i][p][k] = offset ? (VecI32) { 0 } : load_i32 (start[p].bias[u] + k * PART_ROWS);
      for (guint g = 0; g < unit / 4; g++)
        {
          VecI32 v[TILE_PANELS][PARTS];

          for (guint p = 0; p < n_p; p++)
            for (guint k = 0; k < PARTS; k++)
              v[p][k] = load_i32 (block[p * x_stride].q[first + g][k * PART_ROWS]);
          for (guint i = 0; i < n_w; i++)
            {
              const VecI32 weights = splat_bytes (q + i * PANEL_VALUES + 4 * g);

              for (guint p = 0; p < n_p; p++)
                for (guint k = 0; k < PARTS; k++)
                  dot[i][p][k] = byte_dot (dot[i][p][k], weights, v[p][k]);
            }
        }
      for (guint i = 0; i < n_w; i++)
        for (guint p = 0; p < n_p; p++)
          for (guint k = 0; k < PARTS; k++)
            {
              const VecF32 scale = splat (w->d[u][row + i]) * load_f32 (block[p * x_stride].scale + k * PART_ROWS);

              sum[i][p][k] = fused (to_float (dot[i][p][k]), scale, sum[i][p][k]);
            }
    }
  for (guint i = 0; i < n_w; i++)
    for (guint p = 0; p < n_p; p++)
      for (guint k = 0; k < PARTS; k++)
        put_floats (y + p * y_stride + i * ROWS + k * PART_ROWS, sum[i][p][k]);
}

/* The same of offsets, which are summed apart. */
static ALWAYS_INLINE void
tile_offsets (float *y, gsize y_stride, const Weights *w, guint row, guint n_w, const Start *start, guint n_p, guint n_units)
{
  VecF32 sum[TILE_ROWS][TILE_PANELS][PARTS];

  for (guint i = 0; i < n_w; i++)
    for (guint p = 0; p < n_p; p++)
      for (guint k = 0; k < PARTS; k++)
        sum[i][p][k] = load_f32 (y + p * y_stride + i * ROWS + k * PART_ROWS);
  for (guint u = 0; u < n_units; u++)
    for (guint i = 0; i < n_w; i++)
      for (guint p = 0; p < n_p; p++)
        for (guint k = 0; k < PARTS; k++)
          sum[i][p][k] = fused (splat (w->m[u][row + i]), load_f32 (start[p].sum[u] + k * PART_ROWS), sum[i][p][k]);
  for (guint i = 0; i < n_w; i++)
    for (guint p = 0; p < n_p; p++)
      for (guint k = 0; k < PARTS; k++)
        put_floats (y + p * y_stride + i * ROWS + k * PART_ROWS, sum[i][p][k]);
}

/* Of a group of rows of weights with some panels what offsets add up to. */
typedef float Offsets[MAX_PANELS][GROUP * ROWS];

/* Adds to y what n_rows of weights give with n_p panels, n_w rows at a time. */
static ALWAYS_INLINE void
tiles (float *y, gsize y_stride, float (*offsets)[GROUP * ROWS], const Weights *w, guint n_rows, guint n_w, const PldQ8Panel *x, gsize x_stride,
       guint n_p, guint n_blocks, guint unit, gboolean offset, guint bias)
{
  Start start[TILE_PANELS];

  for (guint p = 0; p < n_p; p++)
    panel_start (&start[p], x + p * x_stride, n_blocks, unit, offset, bias);
  for (guint i = 0; i < n_rows; i += n_w)
    {
      const Weights *of = w + i / WEIGHT_ROWS;
      const guint row = i % WEIGHT_ROWS;

      if (i + n_w <= n_rows)
        tile (y + i * ROWS, y_stride, of, row, n_w, x, x_stride, start, n_p, n_blocks, unit, offset);
      else
        {
          const gsize n_bytes = (n_rows - i) * ROWS * sizeof (float);
          float rest[TILE_PANELS][TILE_ROWS * ROWS] = { 0 };

          for (guint p = 0; p < n_p; p++)
            memcpy (rest[p], y + p * y_stride + i * ROWS, n_bytes);
          tile (rest[0], TILE_ROWS * ROWS, of, row, n_w, x, x_stride, start, n_p, n_blocks, unit, offset);
          for (guint p = 0; p < n_p; p++)
            memcpy (y + p * y_stride + i * ROWS, rest[p], n_bytes);
        }
      if (offset)
        tile_offsets (offsets[0] + i * ROWS, GROUP * ROWS, of, row, n_w, start, n_p, n_blocks * 32 / unit);
    }
}

typedef void (*PanelsFunc) (float *y, gsize y_stride, Offsets offsets, const Weights *w, guint n_rows, const PldQ8Panel *x, gsize x_stride,
                            guint n_x, guint n_blocks, guint bias);

/* As many sums at a time as there are registers for. */
#define PANELS_DOT(name, unit, offset)                                                                        \
  static void name (float *y, gsize y_stride, Offsets offsets, const Weights *w, guint n_rows, const PldQ8Panel *x, gsize x_stride, \
                    guint n_x, guint n_blocks, guint bias)                                                    \
  {                                                                                                           \
    for (guint j = 0, n; j < n_x; j += n)                                                                     \
      {                                                                                                       \
        float *to = y + j * y_stride;                                                                         \
        const PldQ8Panel *from = x + j * x_stride;                                                            \
                                                                                                              \
        n = PARTS > 1 || n_x - j == 1 ? 1 : n_x - j == 2 || n_x - j == 4 ? 2 : 3;                             \
        if (n == 3)                                                                                           \
          tiles (to, y_stride, offsets + j, w, n_rows, 4, from, x_stride, 3, n_blocks, unit, offset, bias);   \
        else if (n == 2)                                                                                      \
          tiles (to, y_stride, offsets + j, w, n_rows, 4, from, x_stride, 2, n_blocks, unit, offset, bias);   \
        else                                                                                                  \
          tiles (to, y_stride, offsets + j, w, n_rows, 8 / PARTS, from, x_stride, 1, n_blocks, unit, offset, bias); \
      }                                                                                                       \
  }
PANELS_DOT (panels_dot_32_0, 32, 0)
PANELS_DOT (panels_dot_32_1, 32, 1)
PANELS_DOT (panels_dot_16_0, 16, 0)
PANELS_DOT (panels_dot_16_1, 16, 1)
