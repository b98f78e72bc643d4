/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blocks of every type (blocks.h has the layouts), expanded to one form: whole numbers times a float, and for some types an offset. What a
 * type multiplies its numbers by in whole numbers is in them, exactly: at most 128 * 127 in size.
 */
#pragma once

#include "engine/kernels/blocks.h"
#include "engine/kernels/plain/bits.h"
#include "engine/kernels/plain/lanes.h"

#define PANEL_VALUES 256

/* A block of 256, or eight of 32 of which each is expanded into its place. */
typedef struct
{
  gint16 q[PANEL_VALUES];
  float d[PANEL_VALUES / 32]; /* value = d[of each 32, or the first alone] * q + m[of each 16 or 32] */
  float m[PANEL_VALUES / 16];
} Panel;

/* How a type's d and m lie: values that share one, 0: there is none. */
#define D_q4_0 32
#define M_q4_0 0
#define D_q4_1 32
#define M_q4_1 32
#define D_q5_0 32
#define M_q5_0 0
#define D_q5_1 32
#define M_q5_1 32
#define D_q8_0 32
#define M_q8_0 0
#define D_iq4_nl 32
#define M_iq4_nl 0
#define D_q2_k 256
#define M_q2_k 16
#define D_q3_k 256
#define M_q3_k 0
#define D_q4_k 256
#define M_q4_k 32
#define D_q5_k 256
#define M_q5_k 32
#define D_q6_k 256
#define M_q6_k 0
#define D_iq4_xs 256
#define M_iq4_xs 0

/* The parts of units u, v, ... in an expression. */
#define UNIT_PUT(y, expression)                                                                               \
  do                                                                                                          \
    {                                                                                                         \
      Unit put_;                                                                                              \
                                                                                                              \
      for (guint i_ = 0; i_ < PARTS; i_++)                                                                    \
        put_.part[i_] = (expression);                                                                         \
      unit_store (y, &put_);                                                                                  \
    }                                                                                                         \
  while (0)
#define PART(unit) ((unit).part[i_])

static ALWAYS_INLINE void
expand_q4_0 (Panel *p, guint block, const guint8 *x)
{
  const Unit q = unit_nibbles (x + 2);

  p->d[block] = half_at (x);
  UNIT_PUT (p->q + block * 32, PART (q) - 8);
}

static ALWAYS_INLINE void
expand_q4_1 (Panel *p, guint block, const guint8 *x)
{
  const Unit q = unit_nibbles (x + 4);

  p->d[block] = half_at (x);
  p->m[block] = half_at (x + 2);
  unit_store (p->q + block * 32, &q);
}

static ALWAYS_INLINE void
expand_q5_0 (Panel *p, guint block, const guint8 *x)
{
  const Unit q = unit_nibbles (x + 6), fifth = unit_bits (u32_at (x + 2));

  p->d[block] = half_at (x);
  UNIT_PUT (p->q + block * 32, PART (q) + PART (fifth) * 16 - 16);
}

static ALWAYS_INLINE void
expand_q5_1 (Panel *p, guint block, const guint8 *x)
{
  const Unit q = unit_nibbles (x + 8), fifth = unit_bits (u32_at (x + 4));

  p->d[block] = half_at (x);
  p->m[block] = half_at (x + 2);
  UNIT_PUT (p->q + block * 32, PART (q) + PART (fifth) * 16);
}

static ALWAYS_INLINE void
expand_q8_0 (Panel *p, guint block, const guint8 *x)
{
  const Unit q = unit_i8 ((const gint8 *) x + 2);

  p->d[block] = half_at (x);
  unit_store (p->q + block * 32, &q);
}

static const gint8 iq4_levels[16] = PLD_IQ4_LEVELS;

static ALWAYS_INLINE void
expand_iq4_nl (Panel *p, guint block, const guint8 *x)
{
  const Unit q = unit_levels (x + 2, iq4_levels);

  p->d[block] = half_at (x);
  unit_store (p->q + block * 32, &q);
}

static ALWAYS_INLINE void
expand_q2_k (Panel *p, guint block, const guint8 *x)
{
  const float dmin = -half_at (x + 82);

  p->d[0] = half_at (x + 80);
  for (guint j = 0; j < 16; j++)
    p->m[j] = dmin * (float) (x[j] >> 4);
  for (guint j = 0; j < 8; j++)
    {
      const Unit q = unit_u8 (x + 16 + j / 4 * 32), s = unit_pair (x[2 * j] & 15, x[2 * j + 1] & 15);

      UNIT_PUT (p->q + 32 * j, (PART (q) >> 2 * (j % 4) & 3) * PART (s));
    }
}

static ALWAYS_INLINE void
expand_q3_k (Panel *p, guint block, const guint8 *x)
{
  const guint32 low0 = u32_at (x + 96), low1 = u32_at (x + 100), high = u32_at (x + 104);
  const guint32 packed[4] = {
    (low0 & 0x0f0f0f0f) | (high << 4 & 0x30303030),
    (low1 & 0x0f0f0f0f) | (high << 2 & 0x30303030),
    (low0 >> 4 & 0x0f0f0f0f) | (high & 0x30303030),
    (low1 >> 4 & 0x0f0f0f0f) | (high >> 2 & 0x30303030),
  };
  const Unit third = unit_u8 (x);
  guint8 scales[16];

  memcpy (scales, packed, sizeof scales);
  p->d[0] = half_at (x + 108);
  for (guint j = 0; j < 8; j++)
    {
      const Unit q = unit_u8 (x + 32 + j / 4 * 32), s = unit_pair (scales[2 * j] - 32, scales[2 * j + 1] - 32);

      UNIT_PUT (p->q + 32 * j, ((PART (q) >> 2 * (j % 4) & 3) + (PART (third) >> j & 1) * 4 - 4) * PART (s));
    }
}

/* d, m and the scales of Q4_K and Q5_K. */
static ALWAYS_INLINE void
expand_scales (Panel *p, guint8 *s, const guint8 *x)
{
  const guint32 a = u32_at (x + 4), b = u32_at (x + 8), c = u32_at (x + 12);
  const guint32 scales[2] = { a & 0x3f3f3f3f, (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030) };
  const guint32 offsets[2] = { b & 0x3f3f3f3f, (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030) };
  const float dmin = -half_at (x + 2);
  guint8 t[8];

  memcpy (s, scales, sizeof scales);
  memcpy (t, offsets, sizeof t);
  p->d[0] = half_at (x);
  for (guint j = 0; j < 8; j++)
    p->m[j] = dmin * (float) t[j];
}

static ALWAYS_INLINE void
expand_q4_k (Panel *p, guint block, const guint8 *x)
{
  guint8 s[8];

  expand_scales (p, s, x);
  for (guint j = 0; j < 8; j++)
    {
      const Unit q = unit_u8 (x + 16 + j / 2 * 32);

      UNIT_PUT (p->q + 32 * j, (PART (q) >> 4 * (j % 2) & 15) * s[j]);
    }
}

static ALWAYS_INLINE void
expand_q5_k (Panel *p, guint block, const guint8 *x)
{
  const Unit fifth = unit_u8 (x + 16);
  guint8 s[8];

  expand_scales (p, s, x);
  for (guint j = 0; j < 8; j++)
    {
      const Unit q = unit_u8 (x + 48 + j / 2 * 32);

      UNIT_PUT (p->q + 32 * j, ((PART (q) >> 4 * (j % 2) & 15) + (PART (fifth) >> j & 1) * 16) * s[j]);
    }
}

static ALWAYS_INLINE void
expand_q6_k (Panel *p, guint block, const guint8 *x)
{
  const gint8 *scales = (const gint8 *) x + 192;

  p->d[0] = half_at (x + 208);
  for (guint j = 0; j < 8; j++)
    {
      const Unit low = unit_u8 (x + j / 4 * 64 + j % 2 * 32), high = unit_u8 (x + 128 + j / 4 * 32);
      const Unit s = unit_pair (scales[2 * j], scales[2 * j + 1]);

      UNIT_PUT (p->q + 32 * j,
                ((PART (low) >> j / 2 % 2 * 4 & 15) + (PART (high) >> 2 * (j % 4) & 3) * 16 - 32) * PART (s));
    }
}

static ALWAYS_INLINE void
expand_iq4_xs (Panel *p, guint block, const guint8 *x)
{
  const guint high = u16_at (x + 2);

  p->d[0] = half_at (x);
  for (guint j = 0; j < 8; j++)
    {
      const Unit q = unit_levels (x + 8 + 16 * j, iq4_levels);
      const gint16 s = (gint16) (((x[4 + j / 2] >> j % 2 * 4 & 15) | (high >> 2 * j & 3) << 4) - 32);

      UNIT_PUT (p->q + 32 * j, PART (q) * s);
    }
}
