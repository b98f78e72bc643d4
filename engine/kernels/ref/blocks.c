/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The specification of the kernels on stored weights: a value of a block straight from the layouts in blocks.h, one by
 * one. Every value is a sum of two products that doubles hold exactly.
 */
#include "engine/kernels/table.h"

#include <math.h>
#include <string.h>

static guint
u16_at (const guint8 *x)
{
  return x[0] | (guint) x[1] << 8;
}

static double
half_at (const guint8 *x)
{
  guint16 bits = (guint16) u16_at (x);
  float f;

  pld_widen_f16_ref (&f, &bits, 1);
  return f;
}

static guint
bits_of (guint8 byte, guint at, guint n)
{
  return byte >> at & ((1u << n) - 1);
}

/* Value v of 32 in 16 bytes. */
static gint
nibble_of (const guint8 *x, guint v)
{
  return (gint) bits_of (x[v % 16], v / 16 * 4, 4);
}

static gint
iq4_level (gint q)
{
  static const gint8 levels[16] = PLD_IQ4_LEVELS;

  return levels[q];
}

static double
value_q4_0 (const guint8 *x, guint v)
{
  return half_at (x) * (nibble_of (x + 2, v) - 8);
}

static double
value_q4_1 (const guint8 *x, guint v)
{
  return half_at (x) * nibble_of (x + 4, v) + half_at (x + 2);
}

static double
value_q5_0 (const guint8 *x, guint v)
{
  return half_at (x) * ((nibble_of (x + 6, v) | (gint) bits_of (x[2 + v / 8], v % 8, 1) << 4) - 16);
}

static double
value_q5_1 (const guint8 *x, guint v)
{
  return half_at (x) * (nibble_of (x + 8, v) | (gint) bits_of (x[4 + v / 8], v % 8, 1) << 4) + half_at (x + 2);
}

static double
value_q8_0 (const guint8 *x, guint v)
{
  return half_at (x) * (gint8) x[2 + v];
}

static double
value_iq4_nl (const guint8 *x, guint v)
{
  return half_at (x) * iq4_level (nibble_of (x + 2, v));
}

static double
value_q2_k (const guint8 *x, guint v)
{
  guint h = v / 128, i = v / 32 % 4, l = v % 32, j = v / 16;

  return half_at (x + 80) * bits_of (x[j], 0, 4) * bits_of (x[16 + 32 * h + l], 2 * i, 2)
         - half_at (x + 82) * bits_of (x[j], 4, 4);
}

static double
value_q3_k (const guint8 *x, guint v)
{
  guint h = v / 128, i = v / 32 % 4, l = v % 32, j = v / 16;
  guint q = bits_of (x[32 + 32 * h + l], 2 * i, 2) | bits_of (x[l], 4 * h + i, 1) << 2;
  guint s = bits_of (x[96 + j % 8], j / 8 * 4, 4) | bits_of (x[104 + j % 4], j / 4 * 2, 2) << 4;

  return half_at (x + 108) * ((gint) s - 32) * ((gint) q - 4);
}

/* d s q - dmin t as Q4_K and Q5_K begin. */
static double
value_scaled (const guint8 *x, guint j, guint q)
{
  const guint8 *packed = x + 4;
  guint s = j < 4 ? bits_of (packed[j], 0, 6) : bits_of (packed[j + 4], 0, 4) | bits_of (packed[j - 4], 6, 2) << 4;
  guint t = j < 4 ? bits_of (packed[j + 4], 0, 6) : bits_of (packed[j + 4], 4, 4) | bits_of (packed[j], 6, 2) << 4;

  return half_at (x) * s * q - half_at (x + 2) * t;
}

static double
value_q4_k (const guint8 *x, guint v)
{
  guint j = v / 32, l = v % 32;

  return value_scaled (x, j, bits_of (x[16 + j / 2 * 32 + l], j % 2 * 4, 4));
}

static double
value_q5_k (const guint8 *x, guint v)
{
  guint j = v / 32, l = v % 32;

  return value_scaled (x, j, bits_of (x[48 + j / 2 * 32 + l], j % 2 * 4, 4) | bits_of (x[16 + l], j, 1) << 4);
}

static double
value_q6_k (const guint8 *x, guint v)
{
  guint h = v / 128, i = v / 32 % 4, l = v % 32;
  guint q = bits_of (x[64 * h + i % 2 * 32 + l], i / 2 * 4, 4) | bits_of (x[128 + 32 * h + l], 2 * i, 2) << 4;

  return half_at (x + 208) * (gint8) x[192 + v / 16] * ((gint) q - 32);
}

static double
value_iq4_xs (const guint8 *x, guint v)
{
  guint j = v / 32;
  guint s = bits_of (x[4 + j / 2], j % 2 * 4, 4) | (u16_at (x + 2) >> 2 * j & 3) << 4;

  return half_at (x) * ((gint) s - 32) * iq4_level (nibble_of (x + 8 + 16 * j, v % 32));
}

#define BLOCK_KERNELS(type, UPPER, values, bytes)                                                                      \
  void PLD_FUNC (dequantize_##type) (float *y, const guint8 *x, gsize n)                                               \
  {                                                                                                                    \
    for (gsize i = 0; i < n; i++)                                                                                      \
      y[i] = (float) value_##type (x + i / values * bytes, i % values);                                                \
  }                                                                                                                    \
                                                                                                                       \
  void PLD_FUNC (matvec_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const PldQ8 *x, guint n_x, gsize n_cols)                                              \
  {                                                                                                                    \
    for (guint j = 0; j < n_x; j++, x += n_cols / PLD_Q8_VALUES)                                                       \
      for (guint i = 0; i < n_rows; i++)                                                                               \
        {                                                                                                              \
          const guint8 *row = w + i * row_bytes;                                                                       \
          double sum = 0;                                                                                              \
                                                                                                                       \
          for (gsize c = 0; c < n_cols; c++)                                                                           \
            sum += value_##type (row + c / values * bytes, c % values) * x[c / PLD_Q8_VALUES].scale                    \
                   * x[c / PLD_Q8_VALUES].q[c % PLD_Q8_VALUES];                                                        \
          y[j * y_stride + i] = (float) sum;                                                                           \
        }                                                                                                              \
  }                                                                                                                    \
                                                                                                                       \
  void PLD_FUNC (matmul_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const PldQ8Panel *x, guint n_x, gsize n_cols)                                         \
  {                                                                                                                    \
    for (guint j = 0; j < n_x * PLD_PANEL_ROWS; j++)                                                                   \
      for (guint i = 0; i < n_rows; i++)                                                                               \
        {                                                                                                              \
          const PldQ8Panel *panel = x + j / PLD_PANEL_ROWS * (n_cols / PLD_Q8_VALUES);                                 \
          const guint r = j % PLD_PANEL_ROWS;                                                                          \
          double sum = 0;                                                                                              \
                                                                                                                       \
          for (gsize c = 0; c < n_cols; c++)                                                                           \
            sum += value_##type (w + i * row_bytes + c / values * bytes, c % values)                                   \
                   * panel[c / PLD_Q8_VALUES].scale[r] * panel[c / PLD_Q8_VALUES].q[c % PLD_Q8_VALUES / 4][r][c % 4];  \
          y[j / PLD_PANEL_ROWS * y_stride + i * PLD_PANEL_ROWS + r] = (float) sum;                                     \
        }                                                                                                              \
  }
PLD_BLOCK_TYPES (BLOCK_KERNELS)

#define FLOAT_KERNELS(type, UPPER, values, bytes)                                                                      \
  void PLD_FUNC (matvec_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const float *x, gsize x_stride, guint n_x, gsize n_cols)                              \
  {                                                                                                                    \
    for (guint j = 0; j < n_x; j++, x += x_stride)                                                                     \
      for (guint i = 0; i < n_rows; i++)                                                                               \
        {                                                                                                              \
          double sum = 0;                                                                                              \
                                                                                                                       \
          for (gsize c = 0; c < n_cols; c++)                                                                           \
            {                                                                                                          \
              float value;                                                                                             \
                                                                                                                       \
              PLD_FUNC (dequantize_##type) (&value, w + i * row_bytes + c * bytes, 1);                                 \
              sum += (double) value * x[c];                                                                            \
            }                                                                                                          \
          y[j * y_stride + i] = (float) sum;                                                                           \
        }                                                                                                              \
  }
PLD_FLOAT_TYPES (FLOAT_KERNELS)

void
PLD_FUNC (dequantize_f32) (float *y, const guint8 *x, gsize n)
{
  memcpy (y, x, n * sizeof (float));
}

void
PLD_FUNC (dequantize_f16) (float *y, const guint8 *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = (float) half_at (x + 2 * i);
}

void
PLD_FUNC (dequantize_bf16) (float *y, const guint8 *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      guint32 bits = u16_at (x + 2 * i) << 16;

      memcpy (&y[i], &bits, sizeof bits);
    }
}

void
PLD_FUNC (quantize_q8) (PldQ8 *y, const float *x, gsize n)
{
  for (; n > 0; n -= PLD_Q8_VALUES, x += PLD_Q8_VALUES, y++)
    {
      float max = 0;
      gboolean finite = TRUE;
      gint sums[2] = { 0, 0 };

      for (guint i = 0; i < PLD_Q8_VALUES; i++)
        {
          max = fabsf (x[i]) > max ? fabsf (x[i]) : max;
          finite = finite && isfinite (x[i]);
        }
      memset (y, 0, sizeof *y);
      y->scale = finite ? max / 127 : NAN;
      for (guint i = 0; finite && max >= 1e-30f && i < PLD_Q8_VALUES; i++)
        {
          y->q[i] = (gint8) lrint ((double) x[i] * 127 / max);
          sums[i / 16] += y->q[i];
        }
      if (max < 1e-30f && finite)
        y->scale = 0;
      for (guint i = 0; i < 2; i++)
        y->sums[i] = (gint16) sums[i];
    }
}

/* The nearest half, of two the even one: a multiple of the half's last place, at least 2^-24. */
static guint16
half_bits (float x)
{
  guint16 sign = signbit (x) ? 0x8000 : 0;
  double magnitude = fabs ((double) x);
  gint exponent = magnitude < 0x1p-14 ? -14 : ilogb (magnitude);
  double places;

  if (isnan (x))
    return sign | 0x7e00;
  if (magnitude >= 65520)
    return sign | 0x7c00;
  places = nearbyint (ldexp (magnitude, 10 - exponent));
  /* 2048 places carry into the exponent, and below 1024 it is 0. */
  return (guint16) (sign | ((exponent + 14) * 1024 + (gint) places));
}

void
PLD_FUNC (narrow_f16) (guint16 *y, const float *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    y[i] = half_bits (x[i]);
}

void
PLD_FUNC (store_q8_0) (guint8 *y, const float *x, gsize n)
{
  for (; n > 0; n -= PLD_Q8_VALUES, x += PLD_Q8_VALUES, y += 34)
    {
      PldQ8 block;
      guint16 d;

      PLD_FUNC (quantize_q8) (&block, x, PLD_Q8_VALUES);
      d = half_bits (block.scale);
      y[0] = (guint8) d;
      y[1] = (guint8) (d >> 8);
      memcpy (y + 2, block.q, PLD_Q8_VALUES);
    }
}
