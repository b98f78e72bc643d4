/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blocks of every type (blocks.h has the layouts), expanded to one form: whole numbers times a float, and for some types an offset. What a
 * type multiplies its numbers by in whole numbers is in them, exactly: at most 128 * 127 in size.
 */
#pragma once

#include "engine/kernels/blocks.h"
#include "engine/kernels/plain/bits.h"

#include <string.h>

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

/* 32 values in nibbles. */
static inline void
expand_nibbles (gint16 *q, const guint8 *x, gint minus)
{
  for (guint l = 0; l < 16; l++)
    {
      q[l] = (gint16) ((x[l] & 15) - minus);
      q[16 + l] = (gint16) ((x[l] >> 4) - minus);
    }
}

/* Adds 16 for each bit that is set. */
static inline void
expand_fifth (gint16 *q, guint32 bits)
{
  for (guint l = 0; l < 32; l++)
    q[l] = (gint16) (q[l] + (gint16) ((bits >> l & 1) << 4));
}

static inline void
expand_q4_0 (Panel *p, guint block, const guint8 *x)
{
  p->d[block] = half_at (x);
  expand_nibbles (p->q + block * 32, x + 2, 8);
}

static inline void
expand_q4_1 (Panel *p, guint block, const guint8 *x)
{
  p->d[block] = half_at (x);
  p->m[block] = half_at (x + 2);
  expand_nibbles (p->q + block * 32, x + 4, 0);
}

static inline void
expand_q5_0 (Panel *p, guint block, const guint8 *x)
{
  p->d[block] = half_at (x);
  expand_nibbles (p->q + block * 32, x + 6, 16);
  expand_fifth (p->q + block * 32, u32_at (x + 2));
}

static inline void
expand_q5_1 (Panel *p, guint block, const guint8 *x)
{
  p->d[block] = half_at (x);
  p->m[block] = half_at (x + 2);
  expand_nibbles (p->q + block * 32, x + 8, 0);
  expand_fifth (p->q + block * 32, u32_at (x + 4));
}

static inline void
expand_q8_0 (Panel *p, guint block, const guint8 *x)
{
  p->d[block] = half_at (x);
  for (guint l = 0; l < 32; l++)
    p->q[block * 32 + l] = (gint8) x[2 + l];
}

static inline void
expand_levels (gint16 *q, const guint8 *x, gint s)
{
  static const gint8 levels[16] = PLD_IQ4_LEVELS;

  for (guint l = 0; l < 16; l++)
    {
      q[l] = (gint16) (levels[x[l] & 15] * s);
      q[16 + l] = (gint16) (levels[x[l] >> 4] * s);
    }
}

static inline void
expand_iq4_nl (Panel *p, guint block, const guint8 *x)
{
  p->d[block] = half_at (x);
  expand_levels (p->q + block * 32, x + 2, 1);
}

static inline void
expand_q2_k (Panel *p, guint block, const guint8 *x)
{
  const float dmin = half_at (x + 82);

  p->d[0] = half_at (x + 80);
  for (guint j = 0; j < 16; j++)
    p->m[j] = -dmin * (float) (x[j] >> 4);
  for (guint j = 0; j < 16; j++)
    {
      const guint8 *q = x + 16 + j / 8 * 32 + j % 2 * 16;
      const gint16 s = x[j] & 15;

      for (guint l = 0; l < 16; l++)
        p->q[16 * j + l] = (gint16) ((q[l] >> j / 2 % 4 * 2 & 3) * s);
    }
}

static inline void
expand_q3_k (Panel *p, guint block, const guint8 *x)
{
  const guint32 low0 = u32_at (x + 96), low1 = u32_at (x + 100), high = u32_at (x + 104);
  const guint32 packed[4] = {
    (low0 & 0x0f0f0f0f) | (high << 4 & 0x30303030),
    (low1 & 0x0f0f0f0f) | (high << 2 & 0x30303030),
    (low0 >> 4 & 0x0f0f0f0f) | (high & 0x30303030),
    (low1 >> 4 & 0x0f0f0f0f) | (high >> 2 & 0x30303030),
  };
  guint8 s[16];

  memcpy (s, packed, sizeof s);
  p->d[0] = half_at (x + 108);
  for (guint j = 0; j < 16; j++)
    {
      const guint8 *low = x + 32 + j / 8 * 32 + j % 2 * 16, *third = x + j % 2 * 16;
      const gint16 scale = (gint16) (s[j] - 32);

      for (guint l = 0; l < 16; l++)
        p->q[16 * j + l] = (gint16) (((low[l] >> j / 2 % 4 * 2 & 3) + (third[l] >> j / 2 & 1) * 4 - 4) * scale);
    }
}

/* d, m and the scales of Q4_K and Q5_K. */
static inline void
expand_scales (Panel *p, guint8 *s, const guint8 *x)
{
  const guint32 a = u32_at (x + 4), b = u32_at (x + 8), c = u32_at (x + 12);
  const guint32 scales[2] = { a & 0x3f3f3f3f, (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030) };
  const guint32 offsets[2] = { b & 0x3f3f3f3f, (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030) };
  const float dmin = half_at (x + 2);
  guint8 t[8];

  memcpy (s, scales, sizeof scales);
  memcpy (t, offsets, sizeof t);
  p->d[0] = half_at (x);
  for (guint j = 0; j < 8; j++)
    p->m[j] = -dmin * (float) t[j];
}

static inline void
expand_q4_k (Panel *p, guint block, const guint8 *x)
{
  guint8 s[8];

  expand_scales (p, s, x);
  for (guint c = 0; c < 4; c++)
    {
      const gint16 low = s[2 * c], high = s[2 * c + 1];

      for (guint l = 0; l < 32; l++)
        {
          p->q[64 * c + l] = (gint16) ((x[16 + 32 * c + l] & 15) * low);
          p->q[64 * c + 32 + l] = (gint16) ((x[16 + 32 * c + l] >> 4) * high);
        }
    }
}

static inline void
expand_q5_k (Panel *p, guint block, const guint8 *x)
{
  guint8 s[8];

  expand_scales (p, s, x);
  for (guint c = 0; c < 4; c++)
    {
      const gint16 low = s[2 * c], high = s[2 * c + 1];

      for (guint l = 0; l < 32; l++)
        {
          p->q[64 * c + l] = (gint16) (((x[48 + 32 * c + l] & 15) + (x[16 + l] >> 2 * c & 1) * 16) * low);
          p->q[64 * c + 32 + l] = (gint16) (((x[48 + 32 * c + l] >> 4) + (x[16 + l] >> (2 * c + 1) & 1) * 16) * high);
        }
    }
}

static inline void
expand_q6_k (Panel *p, guint block, const guint8 *x)
{
  p->d[0] = half_at (x + 208);
  for (guint j = 0; j < 16; j++)
    {
      const guint8 *low = x + j / 8 * 64 + j % 4 * 16, *high = x + 128 + j / 8 * 32 + j % 2 * 16;
      const gint16 s = (gint8) x[192 + j];

      for (guint l = 0; l < 16; l++)
        p->q[16 * j + l] = (gint16) (((low[l] >> j / 4 % 2 * 4 & 15) + (high[l] >> j / 2 % 4 * 2 & 3) * 16 - 32) * s);
    }
}

static inline void
expand_iq4_xs (Panel *p, guint block, const guint8 *x)
{
  const guint high = u16_at (x + 2);

  p->d[0] = half_at (x);
  for (guint j = 0; j < 8; j++)
    expand_levels (p->q + 32 * j, x + 8 + 16 * j, (gint) ((x[4 + j / 2] >> j % 2 * 4 & 15) | (high >> 2 * j & 3) << 4) - 32);
}
