/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of expanded weights with rows of activations: lanes are columns, and those of 16 rows of weights are summed
 * together, so that from there on lanes are rows of weights.
 */
#pragma once

#include "engine/kernels/x86/expand.h"

/* Columns in a vector. */
#define STEP VECTOR_BYTES

/* The quarters, or halves, of a and b of even or odd number. */
#if PARTS == 1
#define EVEN(a, b) ((VecI32) _mm512_shuffle_i64x2 ((__m512i) (a), (__m512i) (b), 0x88))
#define ODD(a, b) ((VecI32) _mm512_shuffle_i64x2 ((__m512i) (a), (__m512i) (b), 0xdd))
#else
#define EVEN(a, b) ((VecI32) _mm256_permute2x128_si256 ((__m256i) (a), (__m256i) (b), 0x20))
#define ODD(a, b) ((VecI32) _mm256_permute2x128_si256 ((__m256i) (a), (__m256i) (b), 0x31))
#endif

/* Sums of four products in each lane. */
static ALWAYS_INLINE VecI32
quads_dot (VecI32 weights, VecI32 x, gboolean wide)
{
#ifndef HAS_VNNI
  if (!wide)
    return pair_dot (pairs_dot (weights, x), 1 - (VecI16) { 0 });
#endif
  return wide_dot ((VecI32) { 0 }, weights, x);
}

/* Units of STEP columns of 16 rows of weights: their products with a vector of activations, summed. */
static ALWAYS_INLINE void
step_dot (VecI32 (*y)[PARTS], const Weights *w, guint column, VecI32 x, guint unit, gboolean wide)
{
  VecI32 quad[4];

  for (guint i = 0; i < 4; i++)
    {
      VecI32 dot[4];

      for (guint r = 0; r < 4; r++)
        dot[r] = quads_dot (load_i32 (w->q[4 * i + r] + column), x, wide);
      for (guint r = 0; r < 4; r += 2)
        dot[r] = ZIP (lo_epi32, dot[r], dot[r + 1]) + ZIP (hi_epi32, dot[r], dot[r + 1]);
      quad[i] = ZIP (lo_epi64, dot[0], dot[2]) + ZIP (hi_epi64, dot[0], dot[2]);
    }
    /* Lane l of quarter h of quad i: row 4 i + l, columns 16 h to 16 h + 15. */
#if PARTS == 1
  const VecI32 even[2] = { EVEN (quad[0], quad[1]), EVEN (quad[2], quad[3]) },
               odd[2] = { ODD (quad[0], quad[1]), ODD (quad[2], quad[3]) };

  if (unit == 32)
    {
      y[0][0] = EVEN (even[0] + odd[0], even[1] + odd[1]);
      y[1][0] = ODD (even[0] + odd[0], even[1] + odd[1]);
    }
  else
    {
      y[0][0] = EVEN (even[0], even[1]);
      y[1][0] = EVEN (odd[0], odd[1]);
      y[2][0] = ODD (even[0], even[1]);
      y[3][0] = ODD (odd[0], odd[1]);
    }
#else
  for (guint k = 0; k < PARTS; k++)
    {
      const VecI32 even = EVEN (quad[2 * k], quad[2 * k + 1]), odd = ODD (quad[2 * k], quad[2 * k + 1]);

      if (unit == 32)
        y[0][k] = even + odd;
      else
        {
          y[0][k] = even;
          y[1][k] = odd;
        }
    }
#endif
}

/* Activations of STEP columns; those of @n blocks, zeros beyond. */
static ALWAYS_INLINE VecI32
step_load (const PldQ8 *x, guint n)
{
  const __m256i first = _mm256_loadu_si256 ((const __m256i *) (gconstpointer) x[0].q);

#if PARTS == 1
  return (VecI32) (n == 1 ? _mm512_zextsi256_si512 (first)
                          : _mm512_inserti64x4 (_mm512_castsi256_si512 (first),
                                                _mm256_loadu_si256 ((const __m256i *) (gconstpointer) x[1].q), 1));
#else
  return (VecI32) first;
#endif
}

/* Of one row of activations and 16 of weights. */
typedef struct
{
  VecF32 sum[PARTS], offset[PARTS];
} RowSums;

static ALWAYS_INLINE void
step (RowSums *sums, const Weights *w, guint block, const PldQ8 *x, guint n, guint unit, gboolean offset, gboolean wide,
      gint32 bias)
{
  VecI32 dot[STEP / 16][PARTS];

  step_dot (dot, w, block * 32, step_load (x, n), unit, wide);
  for (guint i = 0; i < n * 32 / unit; i++)
    {
      const PldQ8 *of = x + i * unit / 32;
      const guint u = block * 32 / unit + i;
      const gint32 sum = unit == 16 ? of->sums[i % 2] : of->sums[0] + of->sums[1];

      for (guint k = 0; k < PARTS; k++)
        {
          const VecI32 whole = offset ? dot[i][k] : dot[i][k] - splat_i32 (sum * bias);

          sums->sum[k] = fused (to_float (whole), load_f32 (w->d[u] + k * PART_ROWS) * splat (of->scale), sums->sum[k]);
          if (offset)
            sums->offset[k]
                = fused (load_f32 (w->m[u] + k * PART_ROWS), splat ((float) sum * of->scale), sums->offset[k]);
        }
    }
}

/* Blocks of a panel that are taken at a time. */
#define PAIR 2

/* PAIR blocks of a panel from @b on, or, of the end of a row, the @n that there are. */
typedef void (*RowFunc) (RowSums *sums, const Weights *w, const PldQ8 *x, guint b, guint n, gint32 bias);

#define ROW_DOT(name, unit, offset, wide)                                                                              \
  static void name (RowSums *sums, const Weights *w, const PldQ8 *x, guint b, guint n, gint32 bias)                    \
  {                                                                                                                    \
    RowSums kept = *sums;                                                                                              \
                                                                                                                       \
    if (n == PAIR)                                                                                                     \
      for (guint i = 0; i < PAIR; i += STEP / 32)                                                                      \
        step (&kept, w, b + i, x + b + i, STEP / 32, unit, offset, wide, bias);                                        \
    else                                                                                                               \
      step (&kept, w, b, x + b, 1, unit, offset, wide, bias);                                                          \
    *sums = kept;                                                                                                      \
  }
ROW_DOT (row_dot_32_0, 32, FALSE, FALSE)
ROW_DOT (row_dot_32_1, 32, TRUE, FALSE)
ROW_DOT (row_dot_16_0, 16, FALSE, FALSE)
ROW_DOT (row_dot_16_1, 16, TRUE, FALSE)
#ifndef HAS_VNNI
ROW_DOT (row_dot_wide, 32, FALSE, TRUE)
#endif

/* That of a type. */
static RowFunc
row_dot_of (const Type *type)
{
#ifndef HAS_VNNI
  if (type->bits == 8)
    return row_dot_wide;
#endif
  return type->unit == 16 ? (type->offset ? row_dot_16_1 : row_dot_16_0) : type->offset ? row_dot_32_1 : row_dot_32_0;
}
