/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blocks of every type (blocks.h has the layouts), expanded to one form: whole numbers times a scale, and for some types an offset.
 */
#pragma once

#include "engine/kernels/blocks.h"
#include "engine/kernels/plain/bits.h"

/* Values that are expanded at a time: a block of 256, or eight of 32 of which each goes to its place. */
#define PANEL_VALUES 256

/* value = d * q + m, with d and m of the value's unit. */
typedef struct
{
  gint16 q[PANEL_VALUES];
  float d[PANEL_VALUES / 16];
  float m[PANEL_VALUES / 16];
} Expanded;

/* Values of a unit; whether the type has offsets. */
#define UNIT_q4_0 32
#define OFFSET_q4_0 FALSE
#define UNIT_q4_1 32
#define OFFSET_q4_1 TRUE
#define UNIT_q5_0 32
#define OFFSET_q5_0 FALSE
#define UNIT_q5_1 32
#define OFFSET_q5_1 TRUE
#define UNIT_q8_0 32
#define OFFSET_q8_0 FALSE
#define UNIT_iq4_nl 32
#define OFFSET_iq4_nl FALSE
#define UNIT_q2_k 16
#define OFFSET_q2_k TRUE
#define UNIT_q3_k 16
#define OFFSET_q3_k FALSE
#define UNIT_q4_k 32
#define OFFSET_q4_k TRUE
#define UNIT_q5_k 32
#define OFFSET_q5_k TRUE
#define UNIT_q6_k 16
#define OFFSET_q6_k FALSE
#define UNIT_iq4_xs 32
#define OFFSET_iq4_xs FALSE

static const gint8 iq4_levels[16] = PLD_IQ4_LEVELS;

/* Nibbles of 16 bytes, the low ones first. */
static inline void
put_nibbles (gint16 *q, const guint8 *x)
{
  for (guint l = 0; l < 16; l++)
    {
      q[l] = x[l] & 15;
      q[16 + l] = x[l] >> 4;
    }
}

/* Adds to 32 numbers 16 where a bit is set, and @more. */
static inline void
add_fifth_bits (gint16 *q, guint32 bits, gint16 more)
{
  for (guint l = 0; l < 32; l++)
    q[l] = (gint16) (q[l] + (gint16) ((bits >> l & 1) << 4) + more);
}

static inline void
expand_q4_0 (Expanded *e, guint block, const guint8 *x)
{
  gint16 *q = e->q + block * 32;

  e->d[block] = half_at (x);
  put_nibbles (q, x + 2);
  for (guint l = 0; l < 32; l++)
    q[l] -= 8;
}

static inline void
expand_q4_1 (Expanded *e, guint block, const guint8 *x)
{
  e->d[block] = half_at (x);
  e->m[block] = half_at (x + 2);
  put_nibbles (e->q + block * 32, x + 4);
}

static inline void
expand_q5_0 (Expanded *e, guint block, const guint8 *x)
{
  e->d[block] = half_at (x);
  put_nibbles (e->q + block * 32, x + 6);
  add_fifth_bits (e->q + block * 32, u32_at (x + 2), -16);
}

static inline void
expand_q5_1 (Expanded *e, guint block, const guint8 *x)
{
  e->d[block] = half_at (x);
  e->m[block] = half_at (x + 2);
  put_nibbles (e->q + block * 32, x + 8);
  add_fifth_bits (e->q + block * 32, u32_at (x + 4), 0);
}

static inline void
expand_q8_0 (Expanded *e, guint block, const guint8 *x)
{
  e->d[block] = half_at (x);
  for (guint l = 0; l < 32; l++)
    e->q[block * 32 + l] = (gint8) x[2 + l];
}

static inline void
put_levels (gint16 *q, const guint8 *x)
{
  for (guint l = 0; l < 16; l++)
    {
      q[l] = iq4_levels[x[l] & 15];
      q[16 + l] = iq4_levels[x[l] >> 4];
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
    for (guint l = 0; l < 32; l++)
      e->q[32 * j + l] = x[16 + j / 4 * 32 + l] >> 2 * (j % 4) & 3;
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
    for (guint l = 0; l < 32; l++)
      e->q[32 * j + l] = (gint16) ((x[32 + j / 4 * 32 + l] >> 2 * (j % 4) & 3) + (x[l] >> j & 1) * 4 - 4);
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
    for (guint l = 0; l < 32; l++)
      {
        const guint8 byte = x[16 + 16 * j + l];

        e->q[32 * j + l] = byte & 15;
        e->q[32 * j + 32 + l] = byte >> 4;
      }
}

static inline void
expand_q5_k (Expanded *e, guint block, const guint8 *x)
{
  expand_scales (e, x);
  for (guint j = 0; j < 8; j++)
    for (guint l = 0; l < 32; l++)
      e->q[32 * j + l] = (gint16) ((x[48 + j / 2 * 32 + l] >> 4 * (j % 2) & 15) + (x[16 + l] >> j & 1) * 16);
}

static inline void
expand_q6_k (Expanded *e, guint block, const guint8 *x)
{
  const float d = half_at (x + 208);

  for (guint j = 0; j < 16; j++)
    e->d[j] = d * (float) (gint8) x[192 + j];
  for (guint j = 0; j < 8; j++)
    for (guint l = 0; l < 32; l++)
      e->q[32 * j + l] = (gint16) ((x[j / 4 * 64 + j % 2 * 32 + l] >> j / 2 % 2 * 4 & 15) + (x[128 + j / 4 * 32 + l] >> 2 * (j % 4) & 3) * 16 - 32);
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
