/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Searches the scales of a block for the least squared error, then packs its codes.
 */
#include "engine/format/quantize.h"

#include "engine/base/half.h"

#define SEARCH 9   /* scales on either side of the plain one */
#define STEP 0.1f  /* by which the end of the range moves, in units of it */
#define MOST_32 32 /* values of a block */
#define SUPER 256  /* values of a K block */

/* ---- fitting ------------------------------------------------------------------------------- */

/* The whole number in [lo, hi] nearest to @x. */
static inline float
nearest (float x, float lo, float hi)
{
  const float whole = 12582912.0f; /* 1.5 · 2^23: floats of its size have no fraction, so adding it rounds */

  x = x > lo ? x : lo;
  x = x < hi ? x : hi;
  return (x + whole) - whole;
}

/* The scale d with which d * q, q whole in [lo, hi] and -lo ≥ hi, comes nearest to @x. */
static float
fit_scale (const float *x, guint n, float lo, float hi)
{
  float farthest = 0, best = 0;
  double gain = 0;

  for (guint i = 0; i < n; i++)
    if (fabsf (x[i]) > fabsf (farthest))
      farthest = x[i];
  /* The value farthest from 0 becomes lo or, which clips it, more; or less, which leaves its neighbors finer steps. */
  for (int step = -SEARCH; step <= SEARCH && farthest != 0; step++)
    {
      const float inverse = (lo + STEP * (float) step) / farthest;
      float xq = 0, qq = 0;

      for (guint i = 0; i < n; i++)
        {
          const float q = nearest (x[i] * inverse, lo, hi);

          xq += x[i] * q;
          qq += q * q;
        }
      /* With these q the best scale is xq / qq, and takes xq² / qq away from the error. */
      if (qq > 0 && (double) xq * xq / qq > gain)
        {
          gain = (double) xq * xq / qq;
          best = xq / qq;
        }
    }
  return best;
}

typedef struct
{
  float d, m;
} Line;

/* The line of least squares through (q, x). */
static Line
fit_codes (const float *x, const float *q, guint n, gboolean below, double *error)
{
  double sx = 0, sq = 0, xq = 0, qq = 0, det, d, m;

  for (guint i = 0; i < n; i++)
    {
      sx += (double) x[i];
      sq += (double) q[i];
      xq += (double) x[i] * (double) q[i];
      qq += (double) q[i] * (double) q[i];
    }
  det = n * qq - sq * sq;
  d = det > 0 ? (n * xq - sx * sq) / det : 0;
  m = (sx - d * sq) / n;
  if (below && m > 0)
    {
      m = 0;
      d = qq > 0 ? xq / qq : 0;
    }
  /* Less the sum of x², which is the same for all. */
  *error = d * d * qq + 2 * d * m * sq + n * m * m - 2 * d * xq - 2 * m * sx;
  return (Line) { (float) d, (float) m };
}

/* The line with which d * q + m, q whole in [0, top], comes nearest to @x; @below: m may not be above 0. */
static Line
fit_line (const float *x, guint n, float top, gboolean below)
{
  float min = x[0], max = x[0], q[MOST_32];
  double least = 0, error;
  Line best, line;

  for (guint i = 1; i < n; i++)
    {
      min = MIN (min, x[i]);
      max = MAX (max, x[i]);
    }
  if (below)
    min = MIN (min, 0);
  best = (Line) { 0, min };
  for (int step = -SEARCH; step <= SEARCH && max > min; step++)
    {
      const float inverse = (top + STEP * (float) step) / (max - min);

      for (guint i = 0; i < n; i++)
        q[i] = nearest ((x[i] - min) * inverse, 0, top);
      line = fit_codes (x, q, n, below, &error);
      if (step == -SEARCH || error < least)
        {
          best = line;
          least = error;
        }
    }
  return best;
}

/* The codes of @x, from 0 on for q = lo. */
static void
encode (guint8 *codes, const float *x, guint n, float d, float m, float lo, float hi)
{
  const float inverse = d != 0 ? 1 / d : 0;

  for (guint i = 0; i < n; i++)
    codes[i] = (guint8) (nearest ((x[i] - m) * inverse, lo, hi) - lo);
}

/* ---- storing ------------------------------------------------------------------------------- */

static void
put_u16 (guint8 *out, guint16 value)
{
  out[0] = (guint8) value;
  out[1] = (guint8) (value >> 8);
}

/* Returns what the half that it stores is worth. */
static float
put_half (guint8 *out, float value)
{
  const guint16 half = pld_half_from_float (value);

  put_u16 (out, half);
  return pld_half_to_float (half);
}

static void
put_nibbles (guint8 *out, const guint8 *codes)
{
  for (guint l = 0; l < 16; l++)
    out[l] = (guint8) ((codes[l] & 15) | (codes[16 + l] & 15) << 4);
}

static void
put_fifth_bits (guint8 *out, const guint8 *codes)
{
  memset (out, 0, 4);
  for (guint l = 0; l < 32; l++)
    out[l / 8] |= (guint8) ((codes[l] >> 4) << l % 8);
}

/* ---- plain types --------------------------------------------------------------------------- */

static void
quantize_f32 (guint8 *out, const float *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      const guint32 bits = GUINT32_TO_LE (pld_float_bits (x[i]));

      memcpy (out + 4 * i, &bits, 4);
    }
}

static void
quantize_f16 (guint8 *out, const float *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    put_u16 (out + 2 * i, pld_half_from_float (x[i]));
}

static void
quantize_bf16 (guint8 *out, const float *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    put_u16 (out + 2 * i, pld_bfloat_from_float (x[i]));
}

/* ---- blocks of 32 -------------------------------------------------------------------------- */

static void
quantize_q8_0 (guint8 *out, const float *x, gsize n)
{
  for (; n > 0; n -= 32, x += 32, out += 34)
    {
      const float d = put_half (out, fit_scale (x, 32, -127, 127));

      encode (out + 2, x, 32, d, 0, -127, 127);
      for (guint l = 0; l < 32; l++)
        out[2 + l] = (guint8) (out[2 + l] - 127);
    }
}

static void
quantize_q4_0 (guint8 *out, const float *x, gsize n)
{
  guint8 codes[32];

  for (; n > 0; n -= 32, x += 32, out += 18)
    {
      encode (codes, x, 32, put_half (out, fit_scale (x, 32, -8, 7)), 0, -8, 7);
      put_nibbles (out + 2, codes);
    }
}

static void
quantize_q5_0 (guint8 *out, const float *x, gsize n)
{
  guint8 codes[32];

  for (; n > 0; n -= 32, x += 32, out += 22)
    {
      encode (codes, x, 32, put_half (out, fit_scale (x, 32, -16, 15)), 0, -16, 15);
      put_fifth_bits (out + 2, codes);
      put_nibbles (out + 6, codes);
    }
}

/* d and m, and the codes of what they are stored as. */
static void
quantize_line (guint8 *out, guint8 *codes, const float *x, float top)
{
  const Line line = fit_line (x, 32, top, FALSE);
  const float d = put_half (out, line.d), m = put_half (out + 2, line.m);

  encode (codes, x, 32, d, m, 0, top);
}

static void
quantize_q4_1 (guint8 *out, const float *x, gsize n)
{
  guint8 codes[32];

  for (; n > 0; n -= 32, x += 32, out += 20)
    {
      quantize_line (out, codes, x, 15);
      put_nibbles (out + 4, codes);
    }
}

static void
quantize_q5_1 (guint8 *out, const float *x, gsize n)
{
  guint8 codes[32];

  for (; n > 0; n -= 32, x += 32, out += 24)
    {
      quantize_line (out, codes, x, 31);
      put_fifth_bits (out + 4, codes);
      put_nibbles (out + 8, codes);
    }
}

/* ---- blocks of 256 ------------------------------------------------------------------------- */

/* 6-bit s and t of the 8 parts: those of the last four have their upper bits in the first eight bytes. */
static void
put_scales (guint8 *out, const guint8 *s, const guint8 *t)
{
  for (guint j = 0; j < 4; j++)
    {
      out[j] = (guint8) (s[j] | s[4 + j] >> 4 << 6);
      out[4 + j] = (guint8) (t[j] | t[4 + j] >> 4 << 6);
      out[8 + j] = (guint8) ((s[4 + j] & 15) | (t[4 + j] & 15) << 4);
    }
}

/* The head of Q4_K and Q5_K: d, dmin and what each 32 values have of them; and all codes. */
static void
quantize_parts (guint8 *out, guint8 *codes, const float *x, float top)
{
  Line lines[8];
  guint8 s[8], t[8];
  float d = 0, dmin = 0;

  for (guint j = 0; j < 8; j++)
    {
      lines[j] = fit_line (x + 32 * j, 32, top, TRUE);
      d = MAX (d, lines[j].d);
      dmin = MAX (dmin, -lines[j].m);
    }
  d = put_half (out, d / 63);
  dmin = put_half (out + 2, dmin / 63);
  for (guint j = 0; j < 8; j++)
    {
      encode (s + j, &lines[j].d, 1, d, 0, 0, 63);
      encode (t + j, &lines[j].m, 1, -dmin, 0, 0, 63);
      encode (codes + 32 * j, x + 32 * j, 32, d * s[j], -dmin * t[j], 0, top);
    }
  put_scales (out + 4, s, t);
}

static void
put_k_nibbles (guint8 *out, const guint8 *codes)
{
  for (guint i = 0; i < 4; i++, codes += 64, out += 32)
    for (guint l = 0; l < 32; l++)
      out[l] = (guint8) ((codes[l] & 15) | (codes[32 + l] & 15) << 4);
}

static void
quantize_q4_k (guint8 *out, const float *x, gsize n)
{
  guint8 codes[SUPER];

  for (; n > 0; n -= SUPER, x += SUPER, out += 144)
    {
      quantize_parts (out, codes, x, 15);
      put_k_nibbles (out + 16, codes);
    }
}

static void
quantize_q5_k (guint8 *out, const float *x, gsize n)
{
  guint8 codes[SUPER];

  for (; n > 0; n -= SUPER, x += SUPER, out += 176)
    {
      quantize_parts (out, codes, x, 31);
      memset (out + 16, 0, 32);
      for (guint v = 0; v < SUPER; v++)
        out[16 + v % 32] |= (guint8) ((codes[v] >> 4) << v / 32);
      put_k_nibbles (out + 48, codes);
    }
}

static void
put_q6_codes (guint8 *out, const guint8 *codes)
{
  memset (out, 0, 192);
  for (guint h = 0; h < 2; h++)
    for (guint i = 0; i < 4; i++)
      for (guint l = 0; l < 32; l++)
        {
          const guint8 code = codes[128 * h + 32 * i + l];

          out[64 * h + 32 * (i % 2) + l] |= (guint8) ((code & 15) << 4 * (i / 2));
          out[128 + 32 * h + l] |= (guint8) ((code >> 4) << 2 * i);
        }
}

static void
quantize_q6_k (guint8 *out, const float *x, gsize n)
{
  guint8 codes[SUPER], s[16];
  float scales[16], most, d;

  for (; n > 0; n -= SUPER, x += SUPER, out += 210)
    {
      most = 0;
      for (guint j = 0; j < 16; j++)
        {
          scales[j] = fit_scale (x + 16 * j, 16, -32, 31);
          if (fabsf (scales[j]) > fabsf (most))
            most = scales[j];
        }
      d = put_half (out + 208, most / -128);
      encode (s, scales, 16, d, 0, -128, 127);
      for (guint j = 0; j < 16; j++)
        {
          encode (codes + 16 * j, x + 16 * j, 16, d * (float) (s[j] - 128), 0, -32, 31);
          out[192 + j] = (guint8) (s[j] - 128);
        }
      put_q6_codes (out, codes);
    }
}

PldQuantizeFunc
pld_quantize_function (PldDtype dtype)
{
  static const PldQuantizeFunc functions[PLD_DTYPE_N] = {
    [PLD_DTYPE_F32] = quantize_f32,   [PLD_DTYPE_F16] = quantize_f16,   [PLD_DTYPE_BF16] = quantize_bf16,
    [PLD_DTYPE_Q8_0] = quantize_q8_0, [PLD_DTYPE_Q4_0] = quantize_q4_0, [PLD_DTYPE_Q4_1] = quantize_q4_1,
    [PLD_DTYPE_Q5_0] = quantize_q5_0, [PLD_DTYPE_Q5_1] = quantize_q5_1, [PLD_DTYPE_Q4_K] = quantize_q4_k,
    [PLD_DTYPE_Q5_K] = quantize_q5_k, [PLD_DTYPE_Q6_K] = quantize_q6_k,
  };

  return functions[dtype];
}
