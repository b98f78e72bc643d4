/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Elementary functions as polynomials, without a branch, so that loops of them become vector code. For files that are
 * compiled as if no value were infinite or not a number, where minimum and maximum are one instruction.
 */
#pragma once

#include "engine/kernels/plain/bits.h"

#include <math.h>

/* e^x: 2^k times the polynomial of e^r on |r| ≤ ln 2 / 2, its Taylor series to r^7, whose rest is below 1e-8. Beyond
 * −87 and 88, where floats end, it stays at its value there: 1.6e-38 and 1.7e38. */
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

static inline float
gelu_f32 (float x)
{
  return 0.5f * x * (1.0f + erf_f32 (x * (float) M_SQRT1_2));
}

/* (1 + tanh u) / 2 is the logistic function of 2 u. */
static inline float
gelu_tanh_f32 (float x)
{
  return x * sigmoid_f32 (1.59576912f * (x + 0.044715f * x * x * x));
}

static inline float
relu_f32 (float x)
{
  return x > 0 ? x : 0;
}

static inline float
silu_f32 (float x)
{
  return x * sigmoid_f32 (x);
}
