/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The specification of every kernel: scalar, plain, in double precision.
 */
#include "engine/kernels/kernels.h"

#include <math.h>
#include <string.h>

static void
layer_norm (float *y, const float *x, const float *w, const float *b, gsize n, float eps)
{
  double mean = 0, variance = 0;

  for (gsize i = 0; i < n; i++)
    mean += x[i];
  mean /= (double) n;
  for (gsize i = 0; i < n; i++)
    variance += (x[i] - mean) * (x[i] - mean);
  variance /= (double) n;
  for (gsize i = 0; i < n; i++)
    y[i] = (float) ((x[i] - mean) / sqrt (variance + eps) * w[i] + b[i]);
}

static void
softmax (float *x, gsize n, float scale)
{
  double max = x[0], sum = 0;

  /* Not by fmax (): gcc 12 for arm64 ends in an internal error there. */
  for (gsize i = 1; i < n; i++)
    max = x[i] > max ? x[i] : max;
  for (gsize i = 0; i < n; i++)
    sum += exp (scale * (x[i] - max));
  for (gsize i = 0; i < n; i++)
    x[i] = (float) (exp (scale * (x[i] - max)) / sum);
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
      double v = (double) y[i] + b[i];

      y[i] = (float) (0.5 * v * (1 + erf (v * M_SQRT1_2)));
    }
}

static void
bias_gelu_tanh (float *y, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      double v = (double) y[i] + b[i];

      y[i] = (float) (0.5 * v * (1 + tanh (sqrt (2 / M_PI) * (v + 0.044715 * v * v * v))));
    }
}

static void
bias_relu (float *y, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = fmaxf (y[i] + b[i], 0);
}

static void
bias_silu (float *y, const float *b, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      double v = (double) y[i] + b[i];

      y[i] = (float) (v / (1 + exp (-v)));
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
      guint exponent = x[i] >> 10 & 31, mantissa = x[i] & 1023;
      double v;

      if (exponent == 31)
        v = mantissa != 0 ? NAN : INFINITY;
      else
        v = exponent == 0 ? ldexp (mantissa, -24) : ldexp (1024 + mantissa, (int) exponent - 25);
      y[i] = (float) (x[i] & 0x8000 ? -v : v);
    }
}

static void
widen_bf16 (float *y, const guint16 *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      guint32 bits = (guint32) x[i] << 16;

      memcpy (&y[i], &bits, sizeof bits);
    }
}

static void
normalize_rgb (float *y, const guint8 *x, gsize n, float scale, float shift)
{
  for (gsize i = 0; i < n; i++)
    y[i] = x[3 * i] * scale + shift;
}

const PldKernels pld_kernels_ref = {
#define PLD_KERNEL(name, args) .name = name,
#include "engine/kernels/kernels.def"
#undef PLD_KERNEL
};
