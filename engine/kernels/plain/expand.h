/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blocks of every type (blocks.h has the layouts), expanded to one form: whole numbers times a scale, and for some
 * types an offset.
 */
#pragma once

#include "engine/kernels/blocks.h"
#include "engine/kernels/plain/bits.h"
#include "engine/kernels/plain/lanes.h"

/* Values that are expanded at a time: a block of 256, or eight of 32 of which each goes to its place. */
#define PANEL_VALUES 256

/* value = d * q + m, with d and m of the value's unit. */
typedef struct
{
  gint16 q[PANEL_VALUES];
  float d[PANEL_VALUES / 16];
  float m[PANEL_VALUES / 16];
} Expanded;

/* Numbers in a vector, which must be one of 16 bytes: blocks have runs of 16 numbers. */
#define SHORTS (VECTOR_BYTES / 2)

/* Bytes, without their sign or with it, that each becomes two: by name on x86-64, as load_u16 (). */
static ALWAYS_INLINE VecI16
load_u8 (const guint8 *x)
{
#ifdef __x86_64__
  return (VecI16) _mm_unpacklo_epi8 (_mm_loadl_epi64 ((const __m128i *) (gconstpointer) x), _mm_setzero_si128 ());
#else
  guint8 v __attribute__ ((vector_size (SHORTS)));

  memcpy (&v, x, sizeof v);
  return __builtin_convertvector (v, VecI16);
#endif
}

static ALWAYS_INLINE VecI16
load_i8 (const guint8 *x)
{
  return load_u8 (x) << 8 >> 8;
}

static ALWAYS_INLINE void
put (gint16 *q, VecI16 v)
{
  memcpy (q, &v, sizeof v);
}

/* 16 for each bit of a byte that is set. */
static ALWAYS_INLINE VecI16
fifths (guint8 byte)
{
  const VecI16 bits = { 1, 2, 4, 8, 16, 32, 64, 128 };

  return ((((VecI16) { 0 } + byte) & bits) == bits) & 16;
}

/* Nibbles of 16 bytes, the low ones first, and @more. */
static ALWAYS_INLINE void
put_nibbles (gint16 *q, const guint8 *x, gint16 more)
{
  for (guint l = 0; l < 16; l += SHORTS)
    {
      const VecI16 v = load_u8 (x + l);

      put (q + l, (v & 15) + more);
      put (q + 16 + l, (v >> 4) + more);
    }
}

/* The same with fifth bits, those of 8 numbers in a byte. */
static ALWAYS_INLINE void
put_fives (gint16 *q, const guint8 *x, const guint8 *fifth, gint16 more)
{
  for (guint l = 0; l < 16; l += SHORTS)
    {
      const VecI16 v = load_u8 (x + l);

      put (q + l, ((v & 15) | fifths (fifth[l / 8])) + more);
      put (q + 16 + l, ((v >> 4) | fifths (fifth[2 + l / 8])) + more);
    }
}

static inline void
expand_q4_0 (Expanded *e, guint block, const guint8 *x)
{
  e->d[block] = half_at (x);
  put_nibbles (e->q + block * 32, x + 2, -8);
}

static inline void
expand_q4_1 (Expanded *e, guint block, const guint8 *x)
{
  e->d[block] = half_at (x);
  e->m[block] = half_at (x + 2);
  put_nibbles (e->q + block * 32, x + 4, 0);
}

static inline void
expand_q5_0 (Expanded *e, guint block, const guint8 *x)
{
  e->d[block] = half_at (x);
  put_fives (e->q + block * 32, x + 6, x + 2, -16);
}

static inline void
expand_q5_1 (Expanded *e, guint block, const guint8 *x)
{
  e->d[block] = half_at (x);
  e->m[block] = half_at (x + 2);
  put_fives (e->q + block * 32, x + 8, x + 4, 0);
}

static inline void
expand_q8_0 (Expanded *e, guint block, const guint8 *x)
{
  e->d[block] = half_at (x);
  for (guint l = 0; l < 32; l += SHORTS)
    put (e->q + block * 32 + l, load_i8 (x + 2 + l));
}

/* Looked up one by one, but stored together: what is read soon after in one piece had better be written so. */
static ALWAYS_INLINE void
put_levels (gint16 *q, const guint8 *x)
{
  static const gint16 levels[16] = PLD_IQ4_LEVELS;

  for (guint l = 0; l < 16; l += SHORTS, x += SHORTS)
    {
      put (q + l, (VecI16) { levels[x[0] & 15], levels[x[1] & 15], levels[x[2] & 15], levels[x[3] & 15],
                             levels[x[4] & 15], levels[x[5] & 15], levels[x[6] & 15], levels[x[7] & 15] });
      put (q + 16 + l, (VecI16) { levels[x[0] >> 4], levels[x[1] >> 4], levels[x[2] >> 4], levels[x[3] >> 4],
                                  levels[x[4] >> 4], levels[x[5] >> 4], levels[x[6] >> 4], levels[x[7] >> 4] });
    }
}

static inline void
expand_iq4_nl (Expanded *e, guint block, const guint8 *x)
{
  e->d[block] = half_at (x);
  put_levels (e->q + block * 32, x + 2);
}

static inline void
expand_q2_k (Expanded *e, guint block, const guint8 *x)
{
  const float d = half_at (x + 80), dmin = -half_at (x + 82);

  for (guint j = 0; j < 16; j++)
    {
      e->d[j] = d * (float) (x[j] & 15);
      e->m[j] = dmin * (float) (x[j] >> 4);
    }
  for (guint j = 0; j < 8; j++)
    for (guint l = 0; l < 32; l += SHORTS)
      put (e->q + 32 * j + l, load_u8 (x + 16 + j / 4 * 32 + l) >> 2 * (j % 4) & 3);
}

static inline void
expand_q3_k (Expanded *e, guint block, const guint8 *x)
{
  const guint32 low0 = u32_at (x + 96), low1 = u32_at (x + 100), high = u32_at (x + 104);
  const guint32 packed[4] = {
    (low0 & 0x0f0f0f0f) | (high << 4 & 0x30303030),
    (low1 & 0x0f0f0f0f) | (high << 2 & 0x30303030),
    (low0 >> 4 & 0x0f0f0f0f) | (high & 0x30303030),
    (low1 >> 4 & 0x0f0f0f0f) | (high >> 2 & 0x30303030),
  };
  const float d = half_at (x + 108);
  guint8 scales[16];

  memcpy (scales, packed, sizeof scales);
  for (guint j = 0; j < 16; j++)
    e->d[j] = d * (float) (scales[j] - 32);
  for (guint j = 0; j < 8; j++)
    for (guint l = 0; l < 32; l += SHORTS)
      put (e->q + 32 * j + l,
           ((load_u8 (x + 32 + j / 4 * 32 + l) >> 2 * (j % 4) & 3) | (load_u8 (x + l) >> j & 1) << 2) - 4);
}

/* d and m of Q4_K and Q5_K. */
static inline void
expand_scales (Expanded *e, const guint8 *x)
{
  const guint32 a = u32_at (x + 4), b = u32_at (x + 8), c = u32_at (x + 12);
  const guint32 scales[2] = { a & 0x3f3f3f3f, (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030) };
  const guint32 offsets[2] = { b & 0x3f3f3f3f, (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030) };
  const float d = half_at (x), dmin = -half_at (x + 2);
  guint8 s[8], t[8];

  memcpy (s, scales, sizeof s);
  memcpy (t, offsets, sizeof t);
  for (guint j = 0; j < 8; j++)
    {
      e->d[j] = d * (float) s[j];
      e->m[j] = dmin * (float) t[j];
    }
}

static inline void
expand_q4_k (Expanded *e, guint block, const guint8 *x)
{
  expand_scales (e, x);
  for (guint j = 0; j < 8; j += 2)
    for (guint l = 0; l < 32; l += SHORTS)
      {
        const VecI16 v = load_u8 (x + 16 + 16 * j + l);

        put (e->q + 32 * j + l, v & 15);
        put (e->q + 32 * j + 32 + l, v >> 4);
      }
}

static inline void
expand_q5_k (Expanded *e, guint block, const guint8 *x)
{
  expand_scales (e, x);
  for (guint j = 0; j < 8; j++)
    for (guint l = 0; l < 32; l += SHORTS)
      put (e->q + 32 * j + l,
           (load_u8 (x + 48 + j / 2 * 32 + l) >> 4 * (j % 2) & 15) | (load_u8 (x + 16 + l) >> j & 1) << 4);
}

static inline void
expand_q6_k (Expanded *e, guint block, const guint8 *x)
{
  const float d = half_at (x + 208);

  for (guint j = 0; j < 16; j++)
    e->d[j] = d * (float) (gint8) x[192 + j];
  for (guint j = 0; j < 8; j++)
    for (guint l = 0; l < 32; l += SHORTS)
      put (e->q + 32 * j + l, ((load_u8 (x + j / 4 * 64 + j % 2 * 32 + l) >> j / 2 % 2 * 4 & 15)
                               | (load_u8 (x + 128 + j / 4 * 32 + l) >> 2 * (j % 4) & 3) << 4)
                                  - 32);
}

static inline void
expand_iq4_xs (Expanded *e, guint block, const guint8 *x)
{
  const float d = half_at (x);
  const guint high = u16_at (x + 2);

  for (guint j = 0; j < 8; j++)
    {
      e->d[j] = d * (float) ((gint) ((x[4 + j / 2] >> j % 2 * 4 & 15) | (high >> 2 * j & 3) << 4) - 32);
      put_levels (e->q + 32 * j, x + 8 + 16 * j);
    }
}
