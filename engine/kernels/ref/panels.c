/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The specification of the kernels on panels: what those on rows do, row by row, in double precision.
 */
#include "engine/kernels/table.h"

#include <math.h>
#include <string.h>

#define ROWS PLD_PANEL_ROWS

void
PLD_FUNC (pack) (float *y, const float *x, gsize x_stride, guint n_rows, gsize n)
{
  for (gsize c = 0; c < n; c++)
    for (guint r = 0; r < ROWS; r++)
      y[c * ROWS + r] = r < n_rows ? x[r * x_stride + c] : 0;
}

void
PLD_FUNC (unpack) (float *y, gsize y_stride, const float *x, guint n_rows, gsize n)
{
  for (guint r = 0; r < n_rows; r++)
    for (gsize c = 0; c < n; c++)
      y[r * y_stride + c] = x[c * ROWS + r];
}

#define ACTIVATION(name, expression)                                                                                   \
  void PLD_FUNC (panel_##name) (float *y, const float *b, gsize n)                                                     \
  {                                                                                                                    \
    for (gsize i = 0; i < n * ROWS; i++)                                                                               \
      {                                                                                                                \
        const double v = (double) y[i] + b[i / ROWS];                                                                  \
                                                                                                                       \
        y[i] = (float) (expression);                                                                                   \
      }                                                                                                                \
  }
ACTIVATION (bias, v)
ACTIVATION (gelu, 0.5 * v * (1 + erf (v * M_SQRT1_2)))
ACTIVATION (gelu_tanh, 0.5 * v * (1 + tanh (sqrt (2 / M_PI) * (v + 0.044715 * v * v * v))))
ACTIVATION (relu, v > 0 ? v : 0)
ACTIVATION (silu, v / (1 + exp (-v)))

void
PLD_FUNC (panel_add) (float *y, const float *x, const float *b, gsize n)
{
  for (gsize i = 0; i < n * ROWS; i++)
    y[i] = (float) ((double) y[i] + x[i] + b[i / ROWS]);
}

void
PLD_FUNC (panel_layer_norm) (float *y, const float *x, const float *w, const float *b, gsize n, float eps)
{
  for (guint r = 0; r < ROWS; r++)
    {
      double mean = 0, variance = 0;

      for (gsize i = 0; i < n; i++)
        mean += x[i * ROWS + r];
      mean /= (double) n;
      for (gsize i = 0; i < n; i++)
        variance += (x[i * ROWS + r] - mean) * (x[i * ROWS + r] - mean);
      variance /= (double) n;
      for (gsize i = 0; i < n; i++)
        y[i * ROWS + r] = (float) ((x[i * ROWS + r] - mean) / sqrt (variance + eps) * w[i] + b[i]);
    }
}

void
PLD_FUNC (panel_softmax) (float *x, gsize n, float scale)
{
  for (guint r = 0; r < ROWS; r++)
    {
      double max = x[r], sum = 0;

      /* Not by fmax (): gcc 12 for arm64 ends in an internal error there. */
      for (gsize i = 1; i < n; i++)
        max = x[i * ROWS + r] > max ? x[i * ROWS + r] : max;
      for (gsize i = 0; i < n; i++)
        sum += exp (scale * (x[i * ROWS + r] - max));
      for (gsize i = 0; i < n; i++)
        x[i * ROWS + r] = (float) (exp (scale * (x[i * ROWS + r] - max)) / sum);
    }
}

/* Value c of row i of panels that are a stride apart. */
static double
panel_value (const float *panels, gsize stride, gsize i, gsize c)
{
  return panels[i / ROWS * stride + c * ROWS + i % ROWS];
}

void
PLD_FUNC (panel_scores) (float *s, const float *q, const float *k, gsize k_stride, gsize n, gsize d)
{
  for (gsize i = 0; i < n * ROWS; i++)
    {
      double sum = 0;

      for (gsize c = 0; c < d; c++)
        sum += q[c * ROWS + i % ROWS] * panel_value (k, k_stride, i / ROWS, c);
      s[i] = (float) sum;
    }
}

void
PLD_FUNC (panel_mix) (float *y, const float *s, const float *v, gsize v_stride, gsize n, gsize d)
{
  for (gsize i = 0; i < d * ROWS; i++)
    {
      double sum = 0;

      for (gsize key = 0; key < n; key++)
        sum += s[key * ROWS + i % ROWS] * panel_value (v, v_stride, key, i / ROWS);
      y[i] = (float) sum;
    }
}

void
PLD_FUNC (panel_quantize) (PldQ8Panel *y, const float *x, gsize n)
{
  for (; n > 0; n -= PLD_Q8_VALUES, x += PLD_Q8_VALUES * ROWS, y++)
    for (guint r = 0; r < ROWS; r++)
      {
        float row[PLD_Q8_VALUES];
        PldQ8 block;

        for (guint i = 0; i < PLD_Q8_VALUES; i++)
          row[i] = x[i * ROWS + r];
        PLD_FUNC (quantize_q8) (&block, row, PLD_Q8_VALUES);
        y->scale[r] = block.scale;
        y->sums[0][r] = block.sums[0];
        y->sums[1][r] = block.sums[1];
        for (guint i = 0; i < PLD_Q8_VALUES; i++)
          y->q[i / 4][r][i % 4] = block.q[i];
      }
}
