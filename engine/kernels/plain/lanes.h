/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sixteen lanes, in as many vectors of the instruction set as they fill, by the vector extension of gcc and clang. Sums run in these lanes
 * everywhere, so that instruction sets differ by fused operations only, and a sum is the same wherever it is computed.
 */
#pragma once

#include <glib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__AVX512BW__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define LANES 16
#define PARTS (LANES * 4 / VECTOR_BYTES)
/* What must become one piece of code with its constant arguments. */
#define ALWAYS_INLINE inline __attribute__ ((always_inline))

typedef float VecF32 __attribute__ ((vector_size (VECTOR_BYTES)));
typedef gint32 VecI32 __attribute__ ((vector_size (VECTOR_BYTES)));
typedef gint16 VecI16 __attribute__ ((vector_size (VECTOR_BYTES)));

typedef struct
{
  VecF32 part[PARTS];
} Lanes;

/* 32 whole numbers of 16 bits: what two halves of a lane are in products. */
typedef struct
{
  VecI16 part[PARTS];
} Unit;

/* LANES / PARTS floats. */
static ALWAYS_INLINE VecF32
load_f32 (const float *x)
{
  VecF32 v;

  memcpy (&v, x, sizeof v);
  return v;
}

/* a * b + c, rounded once where the instruction set can. Said by name: left to itself (-ffp-contract=fast), a compiler fuses in one copy of an
 * inlined loop and not in another, and then a row's sums depend on how many rows came with it. */
static ALWAYS_INLINE VecF32
fused (VecF32 a, VecF32 b, VecF32 c)
{
#if defined(__AVX512BW__)
  return (VecF32) _mm512_fmadd_ps ((__m512) a, (__m512) b, (__m512) c);
#elif defined(__FMA__)
  return (VecF32) _mm256_fmadd_ps ((__m256) a, (__m256) b, (__m256) c);
#elif defined(__aarch64__)
  return (VecF32) vfmaq_f32 ((float32x4_t) c, (float32x4_t) a, (float32x4_t) b);
#else
  return a * b + c;
#endif
}

static ALWAYS_INLINE VecF32
splat (float x)
{
  return x - (VecF32) { 0 };
}

static ALWAYS_INLINE VecI16
load_i16 (const gint16 *x)
{
  VecI16 v;

  memcpy (&v, x, sizeof v);
  return v;
}

/* Numbers widened to twice their bytes, a vector of them, with their sign or without, from bytes of no alignment. By name on x86-64: there
 * gcc 12 widens half a vector at a time, and before SSE4.1 no instruction does. */
#if defined(__AVX512BW__)
#define WIDEN(wide, mm512, mm256, mm128, x) ((wide) mm512 (_mm256_loadu_si256 ((const __m256i *) (gconstpointer) (x))))
#elif defined(__AVX2__)
#define WIDEN(wide, mm512, mm256, mm128, x) ((wide) mm256 (_mm_loadu_si128 ((const __m128i *) (gconstpointer) (x))))
#elif defined(__x86_64__)
#define WIDEN(wide, mm512, mm256, mm128, x) ((wide) mm128 (_mm_loadl_epi64 ((const __m128i *) (gconstpointer) (x))))
#endif

static ALWAYS_INLINE VecI16
load_i8 (const gint8 *x)
{
#ifdef __x86_64__
/* Each byte on top of itself, then down. */
#define MM128(v) _mm_srai_epi16 (_mm_unpacklo_epi8 (v, v), 8)
  return WIDEN (VecI16, _mm512_cvtepi8_epi16, _mm256_cvtepi8_epi16, MM128, x);
#undef MM128
#else
  gint8 v __attribute__ ((vector_size (VECTOR_BYTES / 2)));

  memcpy (&v, x, sizeof v);
  return __builtin_convertvector (v, VecI16);
#endif
}

static ALWAYS_INLINE VecI16
load_u8 (const guint8 *x)
{
#ifdef __x86_64__
#define MM128(v) _mm_unpacklo_epi8 (v, _mm_setzero_si128 ())
  return WIDEN (VecI16, _mm512_cvtepu8_epi16, _mm256_cvtepu8_epi16, MM128, x);
#undef MM128
#else
  guint8 v __attribute__ ((vector_size (VECTOR_BYTES / 2)));

  memcpy (&v, x, sizeof v);
  return __builtin_convertvector (v, VecI16);
#endif
}

static ALWAYS_INLINE VecI32
load_u16 (const guint8 *x)
{
#ifdef __x86_64__
#define MM128(v) _mm_unpacklo_epi16 (v, _mm_setzero_si128 ())
  return WIDEN (VecI32, _mm512_cvtepu16_epi32, _mm256_cvtepu16_epi32, MM128, x);
#undef MM128
#else
  guint16 v __attribute__ ((vector_size (VECTOR_BYTES / 2)));

  memcpy (&v, x, sizeof v);
  return __builtin_convertvector (v, VecI32);
#endif
}

/* Lane l: a[2 l] b[2 l] + a[2 l + 1] b[2 l + 1]. One instruction, which compilers do not find for lanes that stay apart. */
static ALWAYS_INLINE VecI32
pair_dot (VecI16 a, VecI16 b)
{
#if defined(__AVX512BW__)
  return (VecI32) _mm512_madd_epi16 ((__m512i) a, (__m512i) b);
#elif defined(__AVX2__)
  return (VecI32) _mm256_madd_epi16 ((__m256i) a, (__m256i) b);
#elif defined(__x86_64__)
  return (VecI32) _mm_madd_epi16 ((__m128i) a, (__m128i) b);
#else
  VecI32 even = ((VecI32) a << 16 >> 16) * ((VecI32) b << 16 >> 16);

  return even + ((VecI32) a >> 16) * ((VecI32) b >> 16);
#endif
}

/* Half on half, in one order for all. */
static ALWAYS_INLINE float
lanes_sum (const Lanes *lanes)
{
  float lane[LANES];

  memcpy (lane, lanes, sizeof lane);
  for (guint width = LANES / 2; width > 0; width /= 2)
    for (guint l = 0; l < width; l++)
      lane[l] += lane[l + width];
  return lane[0];
}

/* ---- units --------------------------------------------------------------------------------- */

#define UNIT_VALUES 32
#define PART_VALUES (UNIT_VALUES / PARTS)

static ALWAYS_INLINE void
unit_store (gint16 *y, const Unit *u)
{
  for (guint i = 0; i < PARTS; i++)
    memcpy (y + i * PART_VALUES, &u->part[i], sizeof u->part[i]);
}

static ALWAYS_INLINE Unit
unit_i8 (const gint8 *x)
{
  Unit u;

  for (guint i = 0; i < PARTS; i++)
    u.part[i] = load_i8 (x + i * PART_VALUES);
  return u;
}

static ALWAYS_INLINE Unit
unit_u8 (const guint8 *x)
{
  Unit u;

  for (guint i = 0; i < PARTS; i++)
    u.part[i] = load_u8 (x + i * PART_VALUES);
  return u;
}

/* Sixteen times a, sixteen times b. */
static ALWAYS_INLINE Unit
unit_pair (gint16 a, gint16 b)
{
  Unit u;

#if PARTS == 1
  u.part[0] = (VecI16) _mm512_mask_set1_epi16 (_mm512_set1_epi16 (a), 0xffff0000, b);
#else
  for (guint i = 0; i < PARTS / 2; i++)
    {
      u.part[i] = (VecI16) { 0 } + a;
      u.part[PARTS / 2 + i] = (VecI16) { 0 } + b;
    }
#endif
  return u;
}

/* The low halves of 16 bytes, then the high ones. */
static ALWAYS_INLINE Unit
unit_nibbles (const guint8 *x)
{
  Unit u;

#if PARTS == 1
  __m256i v = _mm256_cvtepu8_epi16 (_mm_loadu_si128 ((const __m128i *) (gconstpointer) x));

  u.part[0] = (VecI16) _mm512_inserti64x4 (_mm512_castsi256_si512 (v), _mm256_srli_epi16 (v, 4), 1) & 15;
#else
  for (guint i = 0; i < PARTS / 2; i++)
    {
      VecI16 v = load_u8 (x + i * PART_VALUES);

      u.part[i] = v & 15;
      u.part[PARTS / 2 + i] = v >> 4;
    }
#endif
  return u;
}

/* The same, each looked up among 16 levels. */
static ALWAYS_INLINE Unit
unit_levels (const guint8 *x, const gint8 *levels)
{
#ifdef __AVX2__
  const __m128i table = _mm_loadu_si128 ((const __m128i *) (gconstpointer) levels), low = _mm_set1_epi8 (15);
  const __m128i v = _mm_loadu_si128 ((const __m128i *) (gconstpointer) x);
  const __m256i q = _mm256_set_m128i (_mm_shuffle_epi8 (table, _mm_and_si128 (_mm_srli_epi16 (v, 4), low)),
                                      _mm_shuffle_epi8 (table, _mm_and_si128 (v, low)));
  Unit u;

#if PARTS == 1
  u.part[0] = (VecI16) _mm512_cvtepi8_epi16 (q);
#else
  u.part[0] = (VecI16) _mm256_cvtepi8_epi16 (_mm256_castsi256_si128 (q));
  u.part[1] = (VecI16) _mm256_cvtepi8_epi16 (_mm256_extracti128_si256 (q, 1));
#endif
  return u;
#else
  gint8 q[UNIT_VALUES];

  for (guint l = 0; l < 16; l++)
    {
      q[l] = levels[x[l] & 15];
      q[16 + l] = levels[x[l] >> 4];
    }
  return unit_i8 (q);
#endif
}

/* 1 for each bit that is set, the lowest first; else 0. */
static ALWAYS_INLINE Unit
unit_bits (guint32 bits)
{
  static const gint16 masks[UNIT_VALUES] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, -32768,
                                             1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, -32768 };
  Unit u = unit_pair ((gint16) (bits & 0xffff), (gint16) (bits >> 16));

  for (guint i = 0; i < PARTS; i++)
    u.part[i] = ((u.part[i] & load_i16 (masks + i * PART_VALUES)) != 0) & 1;
  return u;
}
