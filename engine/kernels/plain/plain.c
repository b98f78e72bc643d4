/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels on rows of floats, in C that compilers turn into vector code: no branch in an inner loop, selections
 * instead. Compiled once for each instruction set, with only its flags.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/plain/elementary.h"

/* Reductions run in this many independent lanes, which is what makes them vector code; the same number everywhere, so
 * that they differ between instruction sets by fused operations only. */
#define LANES 16

static inline float
lanes_sum (const float *lane)
{
  float sum = 0;

  for (guint l = 0; l < LANES; l++)
    sum += lane[l];
  return sum;
}

static inline float
row_sum (const float *x, gsize n)
{
  float lane[LANES] = { 0 };
  gsize i = 0;

  for (; i + LANES <= n; i += LANES)
    for (guint l = 0; l < LANES; l++)
      lane[l] += x[i + l];
  for (; i < n; i++)
    lane[i % LANES] += x[i];
  return lanes_sum (lane);
}

static inline float
row_squares (const float *x, gsize n)
{
  float lane[LANES] = { 0 };
  gsize i = 0;

  for (; i + LANES <= n; i += LANES)
    for (guint l = 0; l < LANES; l++)
      lane[l] += x[i + l] * x[i + l];
  for (; i < n; i++)
    lane[i % LANES] += x[i] * x[i];
  return lanes_sum (lane);
}

static inline float
row_max (const float *x, gsize n)
{
  float lane[LANES], max;
  gsize i = 0;

  for (guint l = 0; l < LANES; l++)
    lane[l] = x[0];
  for (; i + LANES <= n; i += LANES)
    for (guint l = 0; l < LANES; l++)
      lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  max = lane[0];
  for (guint l = 1; l < LANES; l++)
    max = lane[l] > max ? lane[l] : max;
  for (; i < n; i++)
    max = x[i] > max ? x[i] : max;
  return max;
}

void
PLD_FUNC (softmax) (float *x, gsize n, float scale)
{
  float max = row_max (x, n), factor;

  for (gsize i = 0; i < n; i++)
    x[i] = exp_f32 (scale * (x[i] - max));
  factor = 1.0f / row_sum (x, n);
  for (gsize i = 0; i < n; i++)
    x[i] *= factor;
}

void
PLD_FUNC (add) (float *y, const float *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] += x[i];
}

void
PLD_FUNC (widen_f16) (float *y, const guint16 *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = half_to_float (x[i]);
}

void
PLD_FUNC (normalize_rgb) (float *y, const guint8 *x, gsize n, float scale, float shift)
{
  for (gsize i = 0; i < n; i++)
    y[i] = x[3 * i] * scale + shift;
}

void
PLD_FUNC (rms_norm) (float *y, const float *x, const float *w, gsize n, float eps)
{
  float factor = 1.0f / sqrtf (row_squares (x, n) / (float) n + eps);

  for (gsize i = 0; i < n; i++)
    y[i] = x[i] * factor * w[i];
}

void
PLD_FUNC (swiglu) (float *y, const float *gate, const float *up, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = silu_f32 (gate[i]) * up[i];
}

void
PLD_FUNC (rope_norm) (float *x, const float *cos, const float *sin, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      float a = x[2 * i], b = x[2 * i + 1];

      x[2 * i] = a * cos[i] - b * sin[i];
      x[2 * i + 1] = a * sin[i] + b * cos[i];
    }
}

void
PLD_FUNC (rope_neox) (float *x, const float *cos, const float *sin, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      float a = x[i], b = x[i + n];

      x[i] = a * cos[i] - b * sin[i];
      x[i + n] = a * sin[i] + b * cos[i];
    }
}
