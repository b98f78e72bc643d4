/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sixteen rows of weights, a panel of 256 columns of them, expanded from blocks of every type to one form: unsigned
 * bytes, and of each unit of 32 or 16 columns a scale, and for some types an offset, contiguous over rows.
 */
#pragma once

#include "engine/kernels/x86/bytes.h"

#define PANEL_VALUES 256
#define WEIGHT_ROWS 16
#define PART_ROWS (WEIGHT_ROWS / PARTS)

/* value = d (q - bias) + m */
typedef struct
{
  guint8 q[WEIGHT_ROWS][PANEL_VALUES] __attribute__ ((aligned (64)));
  float d[PANEL_VALUES / 16][WEIGHT_ROWS]; /* of each unit */
  float m[PANEL_VALUES / 16][WEIGHT_ROWS];
} Weights;

typedef struct
{
  void (*expand) (Weights *w, const guint8 *const *x);
  guint bytes; /* of a panel of a row */
  guint unit;
  guint bits;
  gint32 bias;
  gboolean offset;
} Type;

/* ---- lanes --------------------------------------------------------------------------------- */

static ALWAYS_INLINE VecI32
load_i32 (gconstpointer x)
{
  VecI32 v;

  memcpy (&v, x, sizeof v);
  return v;
}

static ALWAYS_INLINE void
put_floats (float *y, VecF32 v)
{
#if VECTOR_BYTES == 64
  _mm512_storeu_ps (y, (__m512) v);
#else
  _mm256_storeu_ps (y, (__m256) v);
#endif
}

static ALWAYS_INLINE VecI32
splat_i32 (gint32 x)
{
  return x - (VecI32) { 0 };
}

static ALWAYS_INLINE VecF32
to_float (VecI32 x)
{
  return __builtin_convertvector (x, VecF32);
}

/* Keeps the compiler from computing it later: gcc 12 would rather keep all the products of a sum, which there are no
 * registers for. */
#define PIN(v) asm ("" : "+v"(v))

#ifdef HAS_VNNI

/* Adds to each lane four products of numbers of 8 bits, or fewer, and activations. */
static ALWAYS_INLINE VecI32
wide_dot (VecI32 sum, VecI32 weights, VecI32 x)
{
#if VECTOR_BYTES == 64
  return (VecI32) _mm512_dpbusd_epi32 ((__m512i) sum, (__m512i) weights, (__m512i) x);
#else
  return (VecI32) _mm256_dpbusd_avx_epi32 ((__m256i) sum, (__m256i) weights, (__m256i) x);
#endif
}

#else

/* Of each 16 bits two products of an unsigned byte up to 128 and a signed one. */
static ALWAYS_INLINE VecI16
pairs_dot (VecI32 weights, VecI32 x)
{
#if VECTOR_BYTES == 64
  return (VecI16) _mm512_maddubs_epi16 ((__m512i) weights, (__m512i) x);
#else
  return (VecI16) _mm256_maddubs_epi16 ((__m256i) weights, (__m256i) x);
#endif
}

/* Adds to each lane four products of numbers of 8 bits, which are signed here, and activations: signs are moved to
 * these. */
static ALWAYS_INLINE VecI32
wide_dot (VecI32 sum, VecI32 weights, VecI32 x)
{
#if VECTOR_BYTES == 64
  const VecI32 magnitudes = (VecI32) _mm512_abs_epi8 ((__m512i) weights);

  x = (VecI32) _mm512_mask_sub_epi8 ((__m512i) x, _mm512_movepi8_mask ((__m512i) weights), _mm512_setzero_si512 (),
                                     (__m512i) x);
#else
  const VecI32 magnitudes = (VecI32) _mm256_abs_epi8 ((__m256i) weights);

  x = (VecI32) _mm256_sign_epi8 ((__m256i) x, (__m256i) weights);
#endif
  sum += pair_dot (pairs_dot (magnitudes, x), 1 - (VecI16) { 0 });
  PIN (sum);
  return sum;
}

#endif

/* Of two vectors the 4 or 8 bytes in the low, or high, half of each 16, in turn. */
#if VECTOR_BYTES == 64
#define ZIP(how, a, b) ((VecI32) _mm512_unpack##how ((__m512i) (a), (__m512i) (b)))
#else
#define ZIP(how, a, b) ((VecI32) _mm256_unpack##how ((__m256i) (a), (__m256i) (b)))
#endif

/* Begins to fetch n bytes from @next on, and returns where they end: weights in the order in which they lie in memory,
 * some at a time, since a core has few places for what it waits for. The processor's own prefetching does not keep up
 * with 16 rows at once. The bytes after the last row are mostly this thread's next item; prefetching addresses that do
 * not exist is harmless. */
static ALWAYS_INLINE const guint8 *
fetch (const guint8 *next, gsize n)
{
  for (gsize i = 0; i < n; i += 64)
    _mm_prefetch ((gconstpointer) (next + i), _MM_HINT_T0);
  return next + n;
}

/* ---- panels -------------------------------------------------------------------------------- */

/* ---- scales -------------------------------------------------------------------------------- */

/* Of each of PART_ROWS rows the four words of 4 bytes that begin there: rows become lanes. */
static ALWAYS_INLINE void
words_of (VecI32 *y, const guint8 *const *x, gsize at)
{
  VecI32 v[4], low[2], high[2];

  for (guint r = 0; r < 4; r++)
    {
      const __m256i first = _mm256_set_m128i (load_16 (x[4 + r] + at), load_16 (x[r] + at));
#if VECTOR_BYTES == 64
      const __m256i second = _mm256_set_m128i (load_16 (x[12 + r] + at), load_16 (x[8 + r] + at));

      v[r] = (VecI32) _mm512_inserti64x4 (_mm512_castsi256_si512 (first), second, 1);
#else
      v[r] = (VecI32) first;
#endif
    }
  for (guint i = 0; i < 2; i++)
    {
      low[i] = ZIP (lo_epi32, v[2 * i], v[2 * i + 1]);
      high[i] = ZIP (hi_epi32, v[2 * i], v[2 * i + 1]);
    }
  y[0] = ZIP (lo_epi64, low[0], low[1]);
  y[1] = ZIP (hi_epi64, low[0], low[1]);
  y[2] = ZIP (lo_epi64, high[0], high[1]);
  y[3] = ZIP (hi_epi64, high[0], high[1]);
}

/* Halves in the low bits of words, as floats. */
static ALWAYS_INLINE VecF32
low_halves (VecI32 words)
{
#if VECTOR_BYTES == 64
  return (VecF32) _mm512_cvtph_ps (_mm512_cvtepi32_epi16 ((__m512i) words));
#else
  const __m256i v = (__m256i) (words & 0xffff);

  return (VecF32) _mm256_cvtph_ps (_mm_packus_epi32 (_mm256_castsi256_si128 (v), _mm256_extracti128_si256 (v, 1)));
#endif
}

/* Of four units, scales times d: byte k of s is that of unit k, and more than it by a number. */
static ALWAYS_INLINE void
put_scales (float *y, VecI32 s, gint more, VecF32 d)
{
  for (guint k = 0; k < 4; k++)
    put_floats (y + k * WEIGHT_ROWS, __builtin_convertvector ((s << (24 - 8 * k) >> 24) - more, VecF32) * d);
}

/* Of a block of 256 the scales, and offsets, of the rows from @r on, as many as lanes. Where a half does not begin or
 * end 16 bytes, the 16 that are read end with it. */
static ALWAYS_INLINE void
scales_q2_k (Weights *w, guint r, const guint8 *const *x)
{
  VecI32 s[4], ends[4];

  words_of (s, x + r, 0);
  words_of (ends, x + r, 68);
  for (guint i = 0; i < 4; i++)
    {
      put_scales (w->d[4 * i] + r, s[i] & 0x0f0f0f0f, 0, low_halves (ends[3]));
      put_scales (w->m[4 * i] + r, s[i] >> 4 & 0x0f0f0f0f, 0, -low_halves (ends[3] >> 16));
    }
}

static ALWAYS_INLINE void
scales_q3_k (Weights *w, guint r, const guint8 *const *x)
{
  VecI32 v[4], s[3];

  /* From two bytes before the scales to the block's end. */
  words_of (v, x + r, 94);
  for (guint i = 0; i < 3; i++)
    s[i] = (v[i] >> 16 & 0xffff) | v[i + 1] << 16;
  for (guint i = 0; i < 4; i++)
    put_scales (w->d[4 * i] + r, (s[i % 2] >> (i / 2 * 4) & 0x0f0f0f0f) | (s[2] >> 2 * i & 0x03030303) << 4, 32,
                low_halves (v[3] >> 16));
}

static ALWAYS_INLINE void
scales_q4_k (Weights *w, guint r, const guint8 *const *x)
{
  VecI32 v[4];

  words_of (v, x + r, 0);
  put_scales (w->d[0] + r, v[1] & 0x3f3f3f3f, 0, low_halves (v[0]));
  put_scales (w->d[4] + r, (v[3] & 0x0f0f0f0f) | (v[1] >> 2 & 0x30303030), 0, low_halves (v[0]));
  put_scales (w->m[0] + r, v[2] & 0x3f3f3f3f, 0, -low_halves (v[0] >> 16));
  put_scales (w->m[4] + r, (v[3] >> 4 & 0x0f0f0f0f) | (v[2] >> 2 & 0x30303030), 0, -low_halves (v[0] >> 16));
}

#define scales_q5_k scales_q4_k

static ALWAYS_INLINE void
scales_q6_k (Weights *w, guint r, const guint8 *const *x)
{
  VecI32 s[4], ends[4];

  words_of (s, x + r, 192);
  words_of (ends, x + r, 194);
  for (guint i = 0; i < 4; i++)
    put_scales (w->d[4 * i] + r, s[i], 0, low_halves (ends[3] >> 16));
}

static ALWAYS_INLINE void
scales_iq4_xs (Weights *w, guint r, const guint8 *const *x)
{
  VecI32 v[4];

  words_of (v, x + r, 0);
  for (guint j = 0; j < 8; j++)
    put_floats (w->d[j] + r,
                __builtin_convertvector (((v[1] >> 4 * j & 15) | (v[0] >> (16 + 2 * j) & 3) << 4) - 32, VecF32)
                    * low_halves (v[0]));
}

/* ---- panels -------------------------------------------------------------------------------- */

/* The 8 halves that begin 8 blocks, contiguous: vectors read them in this order, and few stores write them. */
static ALWAYS_INLINE void
gather_halves (guint64 *y, const guint8 *x, guint bytes)
{
  for (guint i = 0; i < 2; i++, x += 4 * bytes)
    y[i] = u16_at (x) | (guint64) u16_at (x + bytes) << 16 | (guint64) u16_at (x + 2 * bytes) << 32
           | (guint64) u16_at (x + 3 * bytes) << 48;
}

/* The scales, or offsets, of 8 units of all rows, gathered so. */
static ALWAYS_INLINE void
scales_32 (float (*y)[WEIGHT_ROWS], const guint64 (*halves)[2])
{
  for (guint r = 0; r < WEIGHT_ROWS; r += PART_ROWS)
    {
      const guint8 *x[PART_ROWS];
      VecI32 v[4];

      for (guint i = 0; i < PART_ROWS; i++)
        x[i] = (const guint8 *) halves[r + i];
      words_of (v, x, 0);
      for (guint k = 0; k < 4; k++)
        {
          put_floats (y[2 * k] + r, low_halves (v[k]));
          put_floats (y[2 * k + 1] + r, low_halves (v[k] >> 16));
        }
    }
}

/* A panel of 8 blocks, that begins at x of each row. */
static ALWAYS_INLINE void
expand_32 (Weights *w, const guint8 *const *x, guint bytes, gboolean offset, __m256i (*bytes_of) (const guint8 *x))
{
  guint64 d[WEIGHT_ROWS][2], m[WEIGHT_ROWS][2];

  for (guint r = 0; r < WEIGHT_ROWS; r++)
    {
      const guint8 *row = x[r];

      for (guint j = 0; j < 8; j += 2)
        store_64 (w->q[r] + 32 * j, bytes_of (row + j * bytes), bytes_of (row + (j + 1) * bytes));
      gather_halves (d[r], row, bytes);
      if (offset)
        gather_halves (m[r], row + 2, bytes);
    }
  scales_32 (w->d, d);
  if (offset)
    scales_32 (w->m, m);
}

/* One of a block of 256. */
static ALWAYS_INLINE void
expand_256 (Weights *w, const guint8 *const *x, void (*scales) (Weights *w, guint r, const guint8 *const *x),
            void (*put) (guint8 *q, const guint8 *x))
{
  for (guint r = 0; r < WEIGHT_ROWS; r += PART_ROWS)
    scales (w, r, x);
  for (guint r = 0; r < WEIGHT_ROWS; r++)
    put (w->q[r], x[r]);
}

#define EXPAND_32(type, bytes)                                                                                         \
  static void expand_##type (Weights *w, const guint8 *const *x)                                                       \
  {                                                                                                                    \
    expand_32 (w, x, bytes, PLD_OFFSET_##type, bytes_##type);                                                          \
  }
EXPAND_32 (q4_0, 18)
EXPAND_32 (q4_1, 20)
EXPAND_32 (q5_0, 22)
EXPAND_32 (q5_1, 24)
EXPAND_32 (q8_0, 34)
EXPAND_32 (iq4_nl, 18)

#define EXPAND_256(type)                                                                                               \
  static void expand_##type (Weights *w, const guint8 *const *x) { expand_256 (w, x, scales_##type, put_##type); }
EXPAND_256 (q2_k)
EXPAND_256 (q3_k)
EXPAND_256 (q4_k)
EXPAND_256 (q5_k)
EXPAND_256 (q6_k)
EXPAND_256 (iq4_xs)
