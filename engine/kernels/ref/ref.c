/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The specification of every kernel: scalar, plain, in double precision.
 */
#include "engine/kernels/table.h"

#include <math.h>
#include <string.h>

void
PLD_FUNC (softmax) (float *x, gsize n, float scale)
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

void
PLD_FUNC (normalize_rgb) (float *y, const guint8 *x, gsize n, float scale, float shift)
{
  for (gsize i = 0; i < n; i++)
    y[i] = x[3 * i] * scale + shift;
}

void
PLD_FUNC (rms_norm) (float *y, const float *x, const float *w, gsize n, float eps)
{
  double squares = 0;

  for (gsize i = 0; i < n; i++)
    squares += (double) x[i] * x[i];
  for (gsize i = 0; i < n; i++)
    y[i] = (float) (x[i] / sqrt (squares / (double) n + eps) * w[i]);
}

void
PLD_FUNC (swiglu) (float *y, const float *gate, const float *up, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = (float) (gate[i] / (1 + exp (-(double) gate[i])) * up[i]);
}

static void
rotate (float *a, float *b, double cosine, double sine)
{
  double x = *a, y = *b;

  *a = (float) (x * cosine - y * sine);
  *b = (float) (x * sine + y * cosine);
}

void
PLD_FUNC (rope_norm) (float *x, const float *cos, const float *sin, gsize n)
{
  for (gsize i = 0; i < n; i++)
    rotate (&x[2 * i], &x[2 * i + 1], cos[i], sin[i]);
}

void
PLD_FUNC (rope_neox) (float *x, const float *cos, const float *sin, gsize n)
{
  for (gsize i = 0; i < n; i++)
    rotate (&x[i], &x[i + n], cos[i], sin[i]);
}

void
PLD_FUNC (scores) (float *s, const float *q, const float *k, gsize k_stride, gsize n, gsize d)
{
  for (gsize i = 0; i < n; i++)
    {
      double sum = 0;

      for (gsize c = 0; c < d; c++)
        sum += (double) q[c] * k[i * k_stride + c];
      s[i] = (float) sum;
    }
}

void
PLD_FUNC (mix) (float *y, const float *p, const float *v, gsize v_stride, gsize n, gsize d)
{
  for (gsize c = 0; c < d; c++)
    {
      double sum = y[c];

      for (gsize i = 0; i < n; i++)
        sum += (double) p[i] * v[i * v_stride + c];
      y[c] = (float) sum;
    }
}
