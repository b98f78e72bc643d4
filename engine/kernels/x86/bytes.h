/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The numbers of weights in blocks of every type (blocks.h has the layouts), as unsigned bytes in the order of columns:
 * for vpdpbusd and vpmaddubsw, which take the sign of one of their two operands only, numbers of types that have
 * negative ones are more by a bias.
 */
#pragma once

#include "engine/kernels/blocks.h"
#include "engine/kernels/plain/bits.h"
#include "engine/kernels/plain/lanes.h"

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#define HAS_VNNI
#endif

/* How many bits a number of a type has. */
enum
{
  BITS_q4_0 = 4,
  BITS_q4_1 = 4,
  BITS_q5_0 = 5,
  BITS_q5_1 = 5,
  BITS_q8_0 = 8,
  BITS_iq4_nl = 8,
  BITS_q2_k = 2,
  BITS_q3_k = 3,
  BITS_q4_k = 4,
  BITS_q5_k = 5,
  BITS_q6_k = 6,
  BITS_iq4_xs = 8
};

/* The bias that makes signed numbers of this many bits unsigned. vpmaddubsw adds two products in 16 bits, so 8-bit
 * numbers stay signed for it. */
#ifdef HAS_VNNI
#define BIAS(bits) (1 << ((bits) - 1))
#else
#define BIAS(bits) ((bits) == 8 ? 0 : 1 << ((bits) - 1))
#endif

static ALWAYS_INLINE __m128i
load_16 (const guint8 *x)
{
  return _mm_loadu_si128 ((const __m128i *) (gconstpointer) x);
}

static ALWAYS_INLINE __m256i
load_32 (const guint8 *x)
{
  __m256i v = _mm256_loadu_si256 ((const __m256i *) (gconstpointer) x);

  /* Or gcc reads memory, which is seldom aligned, again for each use. */
  asm ("" : "+x"(v));
  return v;
}

/* Twice 32 bytes, in one store where that can be: stores are what takes longest here. */
static ALWAYS_INLINE void
store_64 (guint8 *y, __m256i first, __m256i second)
{
#if VECTOR_BYTES == 64
  _mm512_storeu_si512 (y, _mm512_inserti64x4 (_mm512_castsi256_si512 (first), second, 1));
#else
  _mm256_storeu_si256 ((__m256i *) (gpointer) y, first);
  _mm256_storeu_si256 ((__m256i *) (gpointer) (y + 32), second);
#endif
}

/* Bits of each byte, brought up (n > 0) or down first. Bits that cross into a neighbor are outside the mask. */
static ALWAYS_INLINE __m256i
bits_32 (__m256i v, gint n, gint8 mask)
{
  return _mm256_and_si256 (n > 0 ? _mm256_slli_epi16 (v, n) : _mm256_srli_epi16 (v, -n), _mm256_set1_epi8 (mask));
}

/* The low halves of 16 bytes, then the high ones. */
static ALWAYS_INLINE __m256i
nibbles_32 (const guint8 *x)
{
  const __m128i v = load_16 (x);

  return bits_32 (_mm256_set_m128i (_mm_srli_epi16 (v, 4), v), 0, 15);
}

/* The levels that they are the numbers of, and the bias. */
static ALWAYS_INLINE __m256i
levels_32 (const guint8 *x)
{
  static const gint8 levels[16] = PLD_IQ4_LEVELS;
  const __m128i biased = _mm_xor_si128 (load_16 ((const guint8 *) levels), _mm_set1_epi8 ((gint8) BIAS (8)));

  return _mm256_shuffle_epi8 (_mm256_broadcastsi128_si256 (biased), nibbles_32 (x));
}

/* 16 for each of 32 bits that is set. */
static ALWAYS_INLINE __m256i
fifths_32 (guint32 bits)
{
  const __m256i bytes = _mm256_set_epi64x (0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
  const __m256i mask = _mm256_set1_epi64x ((gint64) 0x8040201008040201);
  const __m256i v = _mm256_and_si256 (_mm256_shuffle_epi8 (_mm256_set1_epi32 ((gint32) bits), bytes), mask);

  return _mm256_and_si256 (_mm256_cmpeq_epi8 (v, mask), _mm256_set1_epi8 (16));
}

/* Of a block of 32. */
static ALWAYS_INLINE __m256i
bytes_q4_0 (const guint8 *x)
{
  return nibbles_32 (x + 2);
}

static ALWAYS_INLINE __m256i
bytes_q4_1 (const guint8 *x)
{
  return nibbles_32 (x + 4);
}

static ALWAYS_INLINE __m256i
bytes_q5_0 (const guint8 *x)
{
  return _mm256_or_si256 (nibbles_32 (x + 6), fifths_32 (u32_at (x + 2)));
}

static ALWAYS_INLINE __m256i
bytes_q5_1 (const guint8 *x)
{
  return _mm256_or_si256 (nibbles_32 (x + 8), fifths_32 (u32_at (x + 4)));
}

static ALWAYS_INLINE __m256i
bytes_q8_0 (const guint8 *x)
{
  return _mm256_xor_si256 (load_32 (x + 2), _mm256_set1_epi8 ((gint8) BIAS (8)));
}

static ALWAYS_INLINE __m256i
bytes_iq4_nl (const guint8 *x)
{
  return levels_32 (x + 2);
}

/* Of a block of 256, all columns. */
static ALWAYS_INLINE void
put_q2_k (guint8 *q, const guint8 *x)
{
  for (guint h = 0; h < 2; h++, q += 128)
    {
      const __m256i v = load_32 (x + 16 + 32 * h);

      store_64 (q, bits_32 (v, 0, 3), bits_32 (v, -2, 3));
      store_64 (q + 64, bits_32 (v, -4, 3), bits_32 (v, -6, 3));
    }
}

static ALWAYS_INLINE void
put_q3_k (guint8 *q, const guint8 *x)
{
  const __m256i third = load_32 (x);

  for (gint h = 0; h < 2; h++, q += 128)
    {
      const __m256i v = load_32 (x + 32 + 32 * h);

      store_64 (q, _mm256_or_si256 (bits_32 (v, 0, 3), bits_32 (third, 2 - 4 * h, 4)),
                _mm256_or_si256 (bits_32 (v, -2, 3), bits_32 (third, 1 - 4 * h, 4)));
      store_64 (q + 64, _mm256_or_si256 (bits_32 (v, -4, 3), bits_32 (third, -4 * h, 4)),
                _mm256_or_si256 (bits_32 (v, -6, 3), bits_32 (third, -1 - 4 * h, 4)));
    }
}

static ALWAYS_INLINE void
put_q4_k (guint8 *q, const guint8 *x)
{
  for (guint i = 0; i < 4; i++)
    {
      const __m256i v = load_32 (x + 16 + 32 * i);

      store_64 (q + 64 * i, bits_32 (v, 0, 15), bits_32 (v, -4, 15));
    }
}

static ALWAYS_INLINE void
put_q5_k (guint8 *q, const guint8 *x)
{
  const __m256i fifth = load_32 (x + 16);

  for (gint i = 0; i < 4; i++)
    {
      const __m256i v = load_32 (x + 48 + 32 * i);

      store_64 (q + 64 * i, _mm256_or_si256 (bits_32 (v, 0, 15), bits_32 (fifth, 4 - 2 * i, 16)),
                _mm256_or_si256 (bits_32 (v, -4, 15), bits_32 (fifth, 3 - 2 * i, 16)));
    }
}

static ALWAYS_INLINE void
put_q6_k (guint8 *q, const guint8 *x)
{
  for (guint h = 0; h < 2; h++, q += 128)
    {
      const __m256i a = load_32 (x + 64 * h), b = load_32 (x + 64 * h + 32), high = load_32 (x + 128 + 32 * h);

      store_64 (q, _mm256_or_si256 (bits_32 (a, 0, 15), bits_32 (high, 4, 0x30)),
                _mm256_or_si256 (bits_32 (b, 0, 15), bits_32 (high, 2, 0x30)));
      store_64 (q + 64, _mm256_or_si256 (bits_32 (a, -4, 15), bits_32 (high, 0, 0x30)),
                _mm256_or_si256 (bits_32 (b, -4, 15), bits_32 (high, -2, 0x30)));
    }
}

static ALWAYS_INLINE void
put_iq4_xs (guint8 *q, const guint8 *x)
{
  for (guint i = 0; i < 4; i++)
    store_64 (q + 64 * i, levels_32 (x + 8 + 32 * i), levels_32 (x + 24 + 32 * i));
}
