/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels in C that compilers turn into vector code: no branch in an inner loop, selections instead, and elementary functions
 * as polynomials. Compiled once for each instruction set, with only its flags; PLD_TABLE names the table of that build.
 */
#include "engine/kernels/kernels.h"

#include <math.h>
#include <string.h>

static inline float
bits_to_float (guint32 bits)
{
  float f;

  memcpy (&f, &bits, sizeof f);
  return f;
}

static inline guint32
float_to_bits (float f)
{
  guint32 bits;

  memcpy (&bits, &f, sizeof bits);
  return bits;
}

/* e^x: 2^k times the polynomial of e^r on |r| ≤ ln 2 / 2, its Taylor series to r^7, whose rest is below 1e-8. Beyond −87 and
 * 88, where floats end, it stays at its value there: 1.6e-38 and 1.7e38. */
static inline float
exp_f32 (float x)
{
  float c = fmaxf (fminf (x, 88.0f), -87.0f);
  float k, r, p = 1.98412698e-4f;
  gint32 n;

  n = (gint32) (c * 1.44269504f + copysignf (0.5f, c));
  k = (float) n;
  r = (c - k * 0.693145752f) - k * 1.42860677e-6f;
  p = p * r + 1.38888889e-3f;
  p = p * r + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * bits_to_float ((guint32) (n + 127) << 23);
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

static void
layer_norm (float *y, const float *x, const float *w, const float *b, gsize n, float eps)
{
  float mean = row_sum (x, n) / (float) n;
  /* Around the mean: the difference of two large sums would lose what matters. */
  float factor = 1.0f / sqrtf (row_squares (x, n, mean) / (float) n + eps);

  for (gsize i = 0; i < n; i++)
    y[i] = (x[i] - mean) * factor * w[i] + b[i];
}

static void
softmax (float *x, gsize n, float scale)
{
  float max = row_max (x, n), factor;

  for (gsize i = 0; i < n; i++)
    x[i] = exp_f32 (scale * (x[i] - max));
  factor = 1.0f / row_sum (x, n);
  for (gsize i = 0; i < n; i++)
    x[i] *= factor;
}

static void
bias (float *y, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] += b[i];
}

static void
bias_gelu (float *y, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      float v = y[i] + b[i];

      y[i] = 0.5f * v * (1.0f + erf_f32 (v * (float) M_SQRT1_2));
    }
}

static void
bias_gelu_tanh (float *y, const float *b, gsize n)
{
  /* (1 + tanh u) / 2 is the logistic function of 2 u. */
  for (gsize i = 0; i < n; i++)
    {
      float v = y[i] + b[i];

      y[i] = v * sigmoid_f32 (1.59576912f * (v + 0.044715f * v * v * v));
    }
}

static void
bias_relu (float *y, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      float v = y[i] + b[i];

      y[i] = v > 0 ? v : 0;
    }
}

static void
bias_silu (float *y, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      float v = y[i] + b[i];

      y[i] = v * sigmoid_f32 (v);
    }
}

static void
add (float *y, const float *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] += x[i];
}

static void
widen_f16 (float *y, const guint16 *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      guint32 magnitude = (guint32) (x[i] & 0x7fff) << 13;
      /* The exponent's bias differs by 112; the product is exact, for subnormal halves too. */
      guint32 finite = float_to_bits (bits_to_float (magnitude) * 0x1p112f);
      guint32 other = magnitude | 0x7f800000;

      y[i] = bits_to_float ((magnitude >= 0x0f800000 ? other : finite) | (guint32) (x[i] & 0x8000) << 16);
    }
}

static void
widen_bf16 (float *y, const guint16 *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = bits_to_float ((guint32) x[i] << 16);
}

static void
normalize_rgb (float *y, const guint8 *x, gsize n, float scale, float shift)
{
  for (gsize i = 0; i < n; i++)
    y[i] = x[3 * i] * scale + shift;
}

const PldKernels PLD_TABLE = {
#define PLD_KERNEL(name, args) .name = name,
#include "engine/kernels/kernels.def"
#undef PLD_KERNEL
};
