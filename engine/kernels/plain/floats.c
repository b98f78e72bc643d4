/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of floats: weights of one value each, and attention of one query. Sums run in 16 lanes over the columns.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/plain/bits.h"
#include "engine/kernels/plain/lanes.h"

/* Weights that are widened at a time; rows of activations whose sums are kept; those whose lanes are in registers. */
#define PANEL_VALUES 256
#define ROWS 32
#define TILE 4

/* Adds to each of n lanes the product of w with a row of x. The last columns count as if zeros followed, up to whole lanes. */
static ALWAYS_INLINE void
lanes_dot (Lanes *sums, guint n, const float *w, const float *x, gsize x_stride, gsize n_cols)
{
  Lanes lanes[TILE];
  gsize c = 0;

  for (guint t = 0; t < n; t++)
    lanes[t] = sums[t];
  for (; c + LANES <= n_cols; c += LANES)
    for (guint t = 0; t < n; t++)
      for (guint i = 0; i < PARTS; i++)
        lanes[t].part[i] += load_f32 (w + c + i * (LANES / PARTS)) * load_f32 (x + t * x_stride + c + i * (LANES / PARTS));
  for (guint t = 0; c < n_cols && t < n; t++)
    {
      float last[2][LANES] = { { 0 } };

      memcpy (last[0], w + c, (n_cols - c) * sizeof (float));
      memcpy (last[1], x + t * x_stride + c, (n_cols - c) * sizeof (float));
      for (guint i = 0; i < PARTS; i++)
        lanes[t].part[i] += load_f32 (last[0] + i * (LANES / PARTS)) * load_f32 (last[1] + i * (LANES / PARTS));
    }
  for (guint t = 0; t < n; t++)
    sums[t] = lanes[t];
}

void
PLD_FUNC (dequantize_f32) (float *y, const guint8 *x, gsize n)
{
  memcpy (y, x, n * sizeof (float));
}

void
PLD_FUNC (dequantize_f16) (float *y, const guint8 *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = half_at (x + 2 * i);
}

void
PLD_FUNC (dequantize_bf16) (float *y, const guint8 *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = bits_to_float ((guint32) u16_at (x + 2 * i) << 16);
}

typedef void (*WidenFunc) (float *y, const guint8 *x, gsize n);

static ALWAYS_INLINE void
matmul (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const float *x, gsize x_stride, guint n_x, gsize n_cols,
        WidenFunc widen, gsize bytes)
{
  for (guint first = 0; first < n_x; first += ROWS)
    for (guint i = 0; i < n_rows; i++)
      {
        const guint n = MIN (ROWS, n_x - first);
        Lanes sums[ROWS];

        memset (sums, 0, n * sizeof *sums);
        for (gsize c = 0; c < n_cols; c += PANEL_VALUES)
          {
            const gsize n_values = MIN (n_cols - c, PANEL_VALUES);
            const float *columns = x + first * x_stride + c;
            float panel[PANEL_VALUES];
            guint j = 0;

            widen (panel, w + i * row_bytes + c * bytes, n_values);
            for (; j + TILE <= n; j += TILE)
              lanes_dot (sums + j, TILE, panel, columns + j * x_stride, x_stride, n_values);
            for (; j < n; j++)
              lanes_dot (sums + j, 1, panel, columns + j * x_stride, x_stride, n_values);
          }
        for (guint j = 0; j < n; j++)
          y[(first + j) * y_stride + i] = lanes_sum (&sums[j]);
      }
}

#define FLOAT_KERNELS(type, UPPER, values, bytes)                                                             \
  void PLD_FUNC (matmul_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,    \
                                 const float *x, gsize x_stride, guint n_x, gsize n_cols)                     \
  {                                                                                                           \
    matmul (y, y_stride, w, row_bytes, n_rows, x, x_stride, n_x, n_cols, PLD_FUNC (dequantize_##type), bytes); \
  }
PLD_FLOAT_TYPES (FLOAT_KERNELS)

void
PLD_FUNC (scores) (float *s, const float *q, const float *k, gsize k_stride, gsize n, gsize d)
{
  for (gsize i = 0; i < n; i++)
    {
      Lanes lanes = { 0 };

      lanes_dot (&lanes, 1, q, k + i * k_stride, 0, d);
      s[i] = lanes_sum (&lanes);
    }
}

/* Some columns, which stay in registers while the values pass. */
static ALWAYS_INLINE void
mix_columns (float *y, const float *p, const float *v, gsize v_stride, gsize n, guint n_lanes)
{
  Lanes lanes[TILE];

  memcpy (lanes, y, n_lanes * sizeof *lanes);
  for (gsize i = 0; i < n; i++)
    for (guint t = 0; t < n_lanes; t++)
      for (guint j = 0; j < PARTS; j++)
        lanes[t].part[j] += load_f32 (v + i * v_stride + t * LANES + j * (LANES / PARTS)) * p[i];
  memcpy (y, lanes, n_lanes * sizeof *lanes);
}

void
PLD_FUNC (mix) (float *y, const float *p, const float *v, gsize v_stride, gsize n, gsize d)
{
  gsize c = 0;

  for (; c + TILE * LANES <= d; c += TILE * LANES)
    mix_columns (y + c, p, v + c, v_stride, n, TILE);
  for (; c + LANES <= d; c += LANES)
    mix_columns (y + c, p, v + c, v_stride, n, 1);
  for (; c < d; c++)
    for (gsize i = 0; i < n; i++)
      y[c] += p[i] * v[i * v_stride + c];
}
