/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels on rows of floats, in C that compilers turn into vector code: no branch in an inner loop, selections instead, and elementary functions
 * as polynomials. Compiled once for each instruction set, with only its flags.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/plain/bits.h"

#include <math.h>

/* e^x: 2^k times the polynomial of e^r on |r| ≤ ln 2 / 2, its Taylor series to r^7, whose rest is below 1e-8. Beyond −87 and
 * 88, where floats end, it stays at its value there: 1.6e-38 and 1.7e38. */
static inline float
exp_f32 (float x)
{
  float c = fmaxf (fminf (x, 88.0f), -87.0f);
  float shifted = c * 1.44269504f + ROUND, k = shifted - ROUND;
  guint32 n = float_to_bits (shifted) - float_to_bits (ROUND);
  float r, p = 1.98412698e-4f;

  r = (c - k * 0.693145752f) - k * 1.42860677e-6f;
  p = p * r + 1.38888889e-3f;
  p = p * r + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * bits_to_float ((n + 127) << 23);
}

/* erf by Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: absolute error below 1.5e-7. */
static inline float
erf_f32 (float x)
{
  float a = fabsf (x);
  float t = 1.0f / (1.0f + 0.3275911f * a);
  float p = 1.061405429f;

  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  return copysignf (1.0f - p * t * exp_f32 (-a * a), x);
}

static inline float
sigmoid_f32 (float x)
{
  return 1.0f / (1.0f + exp_f32 (-x));
}

/* Reductions run in this many independent lanes, which is what makes them vector code; the same number everywhere, so that they
 * differ between instruction sets by fused operations only. */
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
row_squares (const float *x, gsize n, float mean)
{
  float lane[LANES] = { 0 };
  gsize i = 0;

  for (; i + LANES <= n; i += LANES)
    for (guint l = 0; l < LANES; l++)
      lane[l] += (x[i + l] - mean) * (x[i + l] - mean);
  for (; i < n; i++)
    lane[i % LANES] += (x[i] - mean) * (x[i] - mean);
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
PLD_FUNC (layer_norm) (float *y, const float *x, const float *w, const float *b, gsize n, float eps)
{
  float mean = row_sum (x, n) / (float) n;
  /* Around the mean: the difference of two large sums would lose what matters. */
  float factor = 1.0f / sqrtf (row_squares (x, n, mean) / (float) n + eps);

  for (gsize i = 0; i < n; i++)
    y[i] = (x[i] - mean) * factor * w[i] + b[i];
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
PLD_FUNC (bias) (float *y, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] += b[i];
}

void
PLD_FUNC (bias_gelu) (float *y, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      float v = y[i] + b[i];

      y[i] = 0.5f * v * (1.0f + erf_f32 (v * (float) M_SQRT1_2));
    }
}

void
PLD_FUNC (bias_gelu_tanh) (float *y, const float *b, gsize n)
{
  /* (1 + tanh u) / 2 is the logistic function of 2 u. */
  for (gsize i = 0; i < n; i++)
    {
      float v = y[i] + b[i];

      y[i] = v * sigmoid_f32 (1.59576912f * (v + 0.044715f * v * v * v));
    }
}

void
PLD_FUNC (bias_relu) (float *y, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      float v = y[i] + b[i];

      y[i] = v > 0 ? v : 0;
    }
}

void
PLD_FUNC (bias_silu) (float *y, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      float v = y[i] + b[i];

      y[i] = v * sigmoid_f32 (v);
    }
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
PLD_FUNC (widen_bf16) (float *y, const guint16 *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = bits_to_float ((guint32) x[i] << 16);
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
  float factor = 1.0f / sqrtf (row_squares (x, n, 0) / (float) n + eps);

  for (gsize i = 0; i < n; i++)
    y[i] = x[i] * factor * w[i];
}

void
PLD_FUNC (swiglu) (float *y, const float *gate, const float *up, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = gate[i] * sigmoid_f32 (gate[i]) * up[i];
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
