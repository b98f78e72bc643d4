/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A tile of sums: GROUP rows of weights times TILE rows of a panel, half of one, in registers. Three ways, as the CPU
 * multiplies bytes: smmla sums eight products in each of 2 rows times 2 rows, sdot four in each of 4 lanes; without
 * them products are 16 bits wide, and two of them fit.
 */
#pragma once

#include "engine/kernels/arm/neon-expand.h"

#define TILE 8
#define VECTORS (GROUP * TILE / 4)

/* A sum of products is below 2^19 in size, so begun with the bits of 1.5 * 2^23 it is, read as a float, that number and
 * the sum. On many CPUs a conversion takes four times as long as this subtraction. */
#define SUM_ZERO 0x4b400000
#define SUM_FLOAT 12582912.0f

static ALWAYS_INLINE float32x4_t
sum_to_float (int32x4_t sum)
{
  return vsubq_f32 (vreinterpretq_f32_s32 (sum), vdupq_n_f32 (SUM_FLOAT));
}

/* Each of 4 lanes: the sum of four products and what was there. */
static ALWAYS_INLINE int32x4_t
dot_bytes (int32x4_t sum, int8x16_t a, int8x16_t b)
{
#ifdef __ARM_FEATURE_DOTPROD
  return vdotq_s32 (sum, a, b);
#else
  return vpadalq_s16 (sum, vmlal_high_s8 (vmull_s8 (vget_low_s8 (a), vget_low_s8 (b)), a, b));
#endif
}

#ifdef __ARM_FEATURE_MATMUL_INT8

/* Vector 4 p + k: rows 2 k and 2 k + 1 of activations with row 2 p of weights, then with row 2 p + 1. */

/* 32 columns of a panel: eight of each row; scales of two rows, twice. */
typedef struct
{
  gint8 q[PLD_Q8_VALUES / 8][PLD_PANEL_ROWS][8];
  float scale[PLD_PANEL_ROWS / 2][4];
} PanelUnit;

typedef struct
{
  int32x4_t vector[VECTORS];
} Dot;

static ALWAYS_INLINE const PanelUnit *
panel_units (PanelUnit *y, const PldQ8Panel *x, guint units)
{
  for (guint u = 0; u < units; u++)
    for (guint r = 0; r < PLD_PANEL_ROWS; r += 4)
      {
        const float64x2_t scale = vreinterpretq_f64_f32 (vld1q_f32 (x[u].scale + r));

        vst1q_f32 (y[u].scale[r / 2], vreinterpretq_f32_f64 (vdupq_laneq_f64 (scale, 0)));
        vst1q_f32 (y[u].scale[r / 2 + 1], vreinterpretq_f32_f64 (vdupq_laneq_f64 (scale, 1)));
        for (guint g = 0; g < PLD_Q8_VALUES / 4; g += 2)
          {
            const int32x4x2_t fours = { { vreinterpretq_s32_s8 (vld1q_s8 (x[u].q[g][r])),
                                          vreinterpretq_s32_s8 (vld1q_s8 (x[u].q[g + 1][r])) } };

            vst2q_s32 ((gint32 *) (gpointer) y[u].q[g / 2][r], fours);
          }
      }
  return y;
}

static ALWAYS_INLINE void
tile_begin (Dot *dot)
{
  for (guint i = 0; i < VECTORS; i++)
    dot->vector[i] = vdupq_n_s32 (SUM_ZERO);
}

/* Adds products of eight columns, from column 8 * @eighth of x on. */
static ALWAYS_INLINE void
tile_dot (Dot *dot, const gint8 (*w)[8], const PanelUnit *x, guint eighth, guint first)
{
  for (guint k = 0; k < TILE / 2; k++)
    {
      const int8x16_t q = vld1q_s8 (x->q[eighth][first + 2 * k]);

      for (guint p = 0; p < GROUP / 2; p++)
        dot->vector[4 * p + k] = vmmlaq_s32 (dot->vector[4 * p + k], vld1q_s8 (w[2 * p]), q);
    }
}

/* sum += dot * (d * scale) */
static ALWAYS_INLINE void
tile_add (float32x4_t *sum, const Dot *dot, const float *d, const PanelUnit *x, guint first)
{
  const float32x4_t rows = vld1q_f32 (d), pairs[2] = { vzip1q_f32 (rows, rows), vzip2q_f32 (rows, rows) };

  for (guint p = 0; p < GROUP / 2; p++)
    for (guint k = 0; k < TILE / 2; k++)
      sum[4 * p + k] = vfmaq_f32 (sum[4 * p + k], sum_to_float (dot->vector[4 * p + k]),
                                  vmulq_f32 (pairs[p], vld1q_f32 (x->scale[first / 2 + k])));
}

/* From vectors of one row of weights, and back to them. */
static ALWAYS_INLINE void
tile_order (float32x4_t *v, gboolean back)
{
  for (guint p = 0; p < GROUP / 2; p++)
    {
      float64x2_t t[4];

      for (guint k = 0; k < 4; k++)
        t[k] = vreinterpretq_f64_f32 (v[4 * p + k]);
      for (guint k = 0; k < 2; k++)
        if (back)
          {
            v[4 * p + k] = vreinterpretq_f32_f64 (vzip1q_f64 (t[2 * k], t[2 * k + 1]));
            v[4 * p + 2 + k] = vreinterpretq_f32_f64 (vzip2q_f64 (t[2 * k], t[2 * k + 1]));
          }
        else
          {
            v[4 * p + 2 * k] = vreinterpretq_f32_f64 (vzip1q_f64 (t[k], t[2 + k]));
            v[4 * p + 2 * k + 1] = vreinterpretq_f32_f64 (vzip2q_f64 (t[k], t[2 + k]));
          }
    }
}

#else

/* Vector 2 r + k: rows 4 k to 4 k + 3 of activations with row r of weights. */

typedef PldQ8Panel PanelUnit;

static ALWAYS_INLINE const PanelUnit *
panel_units (PanelUnit *y, const PldQ8Panel *x, guint units)
{
  return x;
}

#ifdef __ARM_FEATURE_DOTPROD

typedef struct
{
  int32x4_t vector[VECTORS];
} Dot;

static ALWAYS_INLINE void
tile_begin (Dot *dot)
{
  for (guint i = 0; i < VECTORS; i++)
    dot->vector[i] = vdupq_n_s32 (SUM_ZERO);
}

/* Adds products of eight columns, from column 8 * @eighth of x on. */
static ALWAYS_INLINE void
tile_dot (Dot *dot, const gint8 (*w)[8], const PanelUnit *x, guint eighth, guint first)
{
  const int8x16_t even = vld1q_s8 (w[0]), odd = vld1q_s8 (w[2]);
  int32x4_t *v = dot->vector;

  for (guint k = 0; k < TILE / 4; k++)
    {
      const int8x16_t q = vld1q_s8 (x->q[2 * eighth][first + 4 * k]);

      v[k] = vdotq_laneq_s32 (v[k], q, even, 0);
      v[2 + k] = vdotq_laneq_s32 (v[2 + k], q, even, 2);
      v[4 + k] = vdotq_laneq_s32 (v[4 + k], q, odd, 0);
      v[6 + k] = vdotq_laneq_s32 (v[6 + k], q, odd, 2);
    }
  for (guint k = 0; k < TILE / 4; k++)
    {
      const int8x16_t q = vld1q_s8 (x->q[2 * eighth + 1][first + 4 * k]);

      v[k] = vdotq_laneq_s32 (v[k], q, even, 1);
      v[2 + k] = vdotq_laneq_s32 (v[2 + k], q, even, 3);
      v[4 + k] = vdotq_laneq_s32 (v[4 + k], q, odd, 1);
      v[6 + k] = vdotq_laneq_s32 (v[6 + k], q, odd, 3);
    }
}

static ALWAYS_INLINE int32x4_t
tile_vector (const Dot *dot, guint i)
{
  return dot->vector[i];
}

#else

/* Of each vector the first and the last two rows, each row's sum in two parts. */
typedef struct
{
  int32x4_t vector[VECTORS][2];
} Dot;

static ALWAYS_INLINE void
tile_begin (Dot *dot)
{
  for (guint i = 0; i < 2 * VECTORS; i++)
    dot->vector[i / 2][i % 2] = vreinterpretq_s32_s64 (vdupq_n_s64 (SUM_ZERO));
}

/* Products of eight columns with one row of weights, of four in each of low and high. */
static ALWAYS_INLINE void
row_dot (int32x4_t (*v)[2], int32x4_t low, int32x4_t high, const PanelUnit *x, guint eighth, guint first)
{
  const int8x16_t w0 = vreinterpretq_s8_s32 (low), w1 = vreinterpretq_s8_s32 (high);

  for (guint k = 0; k < TILE / 4; k++)
    {
      const int8x16_t q0 = vld1q_s8 (x->q[2 * eighth][first + 4 * k]),
                      q1 = vld1q_s8 (x->q[2 * eighth + 1][first + 4 * k]);

      v[k][0] = vpadalq_s16 (
          v[k][0], vmlal_s8 (vmull_s8 (vget_low_s8 (q0), vget_low_s8 (w0)), vget_low_s8 (q1), vget_low_s8 (w1)));
      v[k][1] = vpadalq_s16 (v[k][1], vmlal_high_s8 (vmull_high_s8 (q0, w0), q1, w1));
    }
}

/* Adds products of eight columns, from column 8 * @eighth of x on. */
static ALWAYS_INLINE void
tile_dot (Dot *dot, const gint8 (*w)[8], const PanelUnit *x, guint eighth, guint first)
{
  for (guint r = 0; r < GROUP; r += 2)
    {
      const int32x4_t rows = vreinterpretq_s32_s8 (vld1q_s8 (w[r]));

      row_dot (dot->vector + 2 * r, vdupq_laneq_s32 (rows, 0), vdupq_laneq_s32 (rows, 1), x, eighth, first);
      row_dot (dot->vector + 2 * r + 2, vdupq_laneq_s32 (rows, 2), vdupq_laneq_s32 (rows, 3), x, eighth, first);
    }
}

static ALWAYS_INLINE int32x4_t
tile_vector (const Dot *dot, guint i)
{
  return vpaddq_s32 (dot->vector[i][0], dot->vector[i][1]);
}

#endif

/* sum += dot * (d * scale) */
static ALWAYS_INLINE void
tile_add (float32x4_t *sum, const Dot *dot, const float *d, const PanelUnit *x, guint first)
{
  const float32x4_t rows = vld1q_f32 (d);

  for (guint k = 0; k < TILE / 4; k++)
    {
      const float32x4_t scale = vld1q_f32 (x->scale + first + 4 * k);

      sum[k] = vfmaq_f32 (sum[k], sum_to_float (tile_vector (dot, k)), vmulq_laneq_f32 (scale, rows, 0));
      sum[2 + k] = vfmaq_f32 (sum[2 + k], sum_to_float (tile_vector (dot, 2 + k)), vmulq_laneq_f32 (scale, rows, 1));
      sum[4 + k] = vfmaq_f32 (sum[4 + k], sum_to_float (tile_vector (dot, 4 + k)), vmulq_laneq_f32 (scale, rows, 2));
      sum[6 + k] = vfmaq_f32 (sum[6 + k], sum_to_float (tile_vector (dot, 6 + k)), vmulq_laneq_f32 (scale, rows, 3));
    }
}

static ALWAYS_INLINE void
tile_order (float32x4_t *v, gboolean back)
{
}

#endif
