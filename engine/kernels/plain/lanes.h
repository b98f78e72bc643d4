/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sixteen lanes, in as many vectors of the instruction set as they fill, by the vector extension of gcc and clang. Sums run in these lanes
 * everywhere, so that instruction sets differ by fused operations only, and a sum is the same wherever it is computed.
 */
#pragma once

#include <glib.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
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
typedef gint8 VecI8 __attribute__ ((vector_size (VECTOR_BYTES / 2)));

typedef struct
{
  VecF32 part[PARTS];
} Lanes;

/* LANES / PARTS floats. */
static ALWAYS_INLINE VecF32
load_f32 (const float *x)
{
  VecF32 v;

  memcpy (&v, x, sizeof v);
  return v;
}

static ALWAYS_INLINE VecI16
load_i16 (const gint16 *x)
{
  VecI16 v;

  memcpy (&v, x, sizeof v);
  return v;
}

/* As many bytes, widened. */
static ALWAYS_INLINE VecI16
load_i8 (const gint8 *x)
{
#if defined(__x86_64__) && !defined(__AVX2__)
  /* Each byte on top of itself, then down: before SSE4.1 no instruction widens. */
  __m128i v = _mm_loadl_epi64 ((const __m128i *) (gconstpointer) x);

  return (VecI16) _mm_srai_epi16 (_mm_unpacklo_epi8 (v, v), 8);
#else
  VecI8 v;

  memcpy (&v, x, sizeof v);
  return __builtin_convertvector (v, VecI16);
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
