/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sixteen lanes, in as many vectors of the instruction set as they fill, by the vector extension of gcc and clang. Sums
 * run in these lanes everywhere, so that instruction sets differ by fused operations only, and a sum is the same
 * wherever it is computed.
 */
#pragma once

#include <glib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* A file may ask for less. */
#ifndef VECTOR_BYTES
#if defined(__AVX512BW__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#endif

#define LANES 16
#define PARTS (LANES * 4 / VECTOR_BYTES)
/* Floats in a vector */
#define WIDTH (LANES / PARTS)
/* For functions that must be inlined to be specialized for constant arguments. */
#define ALWAYS_INLINE inline __attribute__ ((always_inline))

typedef float VecF32 __attribute__ ((vector_size (VECTOR_BYTES)));
typedef gint32 VecI32 __attribute__ ((vector_size (VECTOR_BYTES)));
typedef gint16 VecI16 __attribute__ ((vector_size (VECTOR_BYTES)));

typedef struct
{
  VecF32 part[PARTS];
} Lanes;

static ALWAYS_INLINE VecF32
load_f32 (const float *x)
{
  VecF32 v;

  memcpy (&v, x, sizeof v);
  return v;
}

/* a * b + c, rounded once where the instruction set can. Said by name: left to itself (-ffp-contract=fast), a compiler
 * fuses in one copy of an inlined loop and not in another, and then a row's sums depend on how many rows came with it.
 */
static ALWAYS_INLINE VecF32
fused (VecF32 a, VecF32 b, VecF32 c)
{
#if VECTOR_BYTES == 64
  return (VecF32) _mm512_fmadd_ps ((__m512) a, (__m512) b, (__m512) c);
#elif VECTOR_BYTES == 32
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

/* Numbers of no alignment, widened. By name on x86-64: there gcc 12 widens half a vector at a time, and before SSE4.1
 * no instruction does. */
static ALWAYS_INLINE VecI32
load_u16 (const guint8 *x)
{
#if VECTOR_BYTES == 64
  return (VecI32) _mm512_cvtepu16_epi32 (_mm256_loadu_si256 ((const __m256i *) (gconstpointer) x));
#elif VECTOR_BYTES == 32
  return (VecI32) _mm256_cvtepu16_epi32 (_mm_loadu_si128 ((const __m128i *) (gconstpointer) x));
#elif defined(__x86_64__)
  return (VecI32) _mm_unpacklo_epi16 (_mm_loadl_epi64 ((const __m128i *) (gconstpointer) x), _mm_setzero_si128 ());
#else
  guint16 v __attribute__ ((vector_size (VECTOR_BYTES / 2)));

  memcpy (&v, x, sizeof v);
  return __builtin_convertvector (v, VecI32);
#endif
}

/* Lane l: a[2 l] b[2 l] + a[2 l + 1] b[2 l + 1]. One instruction, which compilers do not find for lanes that stay
 * apart. */
static ALWAYS_INLINE VecI32
pair_dot (VecI16 a, VecI16 b)
{
#if VECTOR_BYTES == 64
  return (VecI32) _mm512_madd_epi16 ((__m512i) a, (__m512i) b);
#elif VECTOR_BYTES == 32
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
