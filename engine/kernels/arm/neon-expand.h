/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Weights in blocks (blocks.h has the layouts) as signed bytes, 32 of a row at a time, and their scales, of four rows
 * at a time.
 */
#pragma once

#include <arm_neon.h>

#include "engine/kernels/blocks.h"
#include "engine/kernels/plain/bits.h"

/* For functions that must be inlined to be specialized for constant arguments. */
#define ALWAYS_INLINE inline __attribute__ ((always_inline))

/* Rows of weights that are taken together, columns of them, and units of 32 in these. */
#define GROUP 4
#define COLUMNS 256
#define UNITS (COLUMNS / PLD_Q8_VALUES)

/* 32 values of a row without their scale. */
typedef struct
{
  int8x16_t half[2];
} Unit;

/* Of each unit, or half a unit, of a group's rows: value = d * q + m. */
typedef struct
{
  float d[2 * UNITS][GROUP];
  float m[2 * UNITS][GROUP];
} Scales;

/* Those of one row, in order. */
typedef struct
{
  float32x4_t d[UNITS / 2];
  float32x4_t m[UNITS / 2];
} RowScales;

/* ---- bytes --------------------------------------------------------------------------------- */

static ALWAYS_INLINE uint8x16_t
bytes_at (const guint8 *x)
{
  return vld1q_u8 (x);
}

static ALWAYS_INLINE int8x16_t
as_signed (uint8x16_t x)
{
  return vreinterpretq_s8_u8 (x);
}

static ALWAYS_INLINE uint8x16_t
low_nibbles (uint8x16_t x)
{
  return x & 15;
}

static ALWAYS_INLINE uint8x16_t
high_nibbles (uint8x16_t x)
{
  return x >> 4;
}

/* 255 where a bit of 16, the lowest first, is set, else 0. */
static ALWAYS_INLINE uint8x16_t
bits_set (guint16 bits)
{
  const uint8x16_t masks = vreinterpretq_u8_u64 (vdupq_n_u64 (0x8040201008040201));

  return vtstq_u8 (vcombine_u8 (vdup_n_u8 ((guint8) bits), vdup_n_u8 ((guint8) (bits >> 8))), masks);
}

/* 255 where a bit of a byte is set, else 0. */
static ALWAYS_INLINE uint8x16_t
bit_set (uint8x16_t x, guint bit)
{
  return vtstq_u8 (x, vdupq_n_u8 ((guint8) (1u << bit)));
}

/* Each nibble's level of IQ4_NL and IQ4_XS, value l of 32 in the low half of byte l, value 16 + l in the high one. */
static ALWAYS_INLINE Unit
unit_levels (const guint8 *x)
{
  static const gint8 levels[16] = PLD_IQ4_LEVELS;
  const int8x16_t table = vld1q_s8 (levels);
  const uint8x16_t bytes = bytes_at (x);

  return (Unit) { { vqtbl1q_s8 (table, low_nibbles (bytes)), vqtbl1q_s8 (table, high_nibbles (bytes)) } };
}

/* ---- units: 32 values from x, the row's block of 256, or its first one of 32 ---------------- */

static ALWAYS_INLINE Unit
unit_q4_0 (const guint8 *x, guint u)
{
  const uint8x16_t bytes = bytes_at (x + u * 18 + 2);

  return (Unit) { { as_signed (low_nibbles (bytes)) - 8, as_signed (high_nibbles (bytes)) - 8 } };
}

static ALWAYS_INLINE Unit
unit_q4_1 (const guint8 *x, guint u)
{
  const uint8x16_t bytes = bytes_at (x + u * 20 + 4);

  return (Unit) { { as_signed (low_nibbles (bytes)), as_signed (high_nibbles (bytes)) } };
}

/* Without the fifth bit, 16 less: all bits above a nibble set. */
static ALWAYS_INLINE Unit
unit_q5_0 (const guint8 *x, guint u)
{
  const uint8x16_t bytes = bytes_at (x + u * 22 + 6), less = vdupq_n_u8 (0xf0);
  const guint32 fifth = u32_at (x + u * 22 + 2);

  return (Unit) { { as_signed (low_nibbles (bytes) | vbicq_u8 (less, bits_set ((guint16) fifth))),
                    as_signed (high_nibbles (bytes) | vbicq_u8 (less, bits_set ((guint16) (fifth >> 16)))) } };
}

static ALWAYS_INLINE Unit
unit_q5_1 (const guint8 *x, guint u)
{
  const uint8x16_t bytes = bytes_at (x + u * 24 + 8);
  const guint32 fifth = u32_at (x + u * 24 + 4);

  return (Unit) { { as_signed (low_nibbles (bytes) | (bits_set ((guint16) fifth) & 16)),
                    as_signed (high_nibbles (bytes) | (bits_set ((guint16) (fifth >> 16)) & 16)) } };
}

static ALWAYS_INLINE Unit
unit_q8_0 (const guint8 *x, guint u)
{
  return (Unit) { { as_signed (bytes_at (x + u * 34 + 2)), as_signed (bytes_at (x + u * 34 + 18)) } };
}

static ALWAYS_INLINE Unit
unit_iq4_nl (const guint8 *x, guint u)
{
  return unit_levels (x + u * 18 + 2);
}

static ALWAYS_INLINE Unit
unit_q2_k (const guint8 *x, guint u)
{
  const guint8 *two = x + 16 + u / 4 * 32;
  Unit unit;

  for (guint i = 0; i < 2; i++)
    unit.half[i] = as_signed (bytes_at (two + 16 * i) >> 2 * (u % 4) & 3);
  return unit;
}

/* Without the third bit, 4 less. */
static ALWAYS_INLINE Unit
unit_q3_k (const guint8 *x, guint u)
{
  const guint8 *two = x + 32 + u / 4 * 32;
  Unit unit;

  for (guint i = 0; i < 2; i++)
    unit.half[i] = as_signed ((bytes_at (two + 16 * i) >> 2 * (u % 4) & 3)
                              | vbicq_u8 (vdupq_n_u8 (0xfc), bit_set (bytes_at (x + 16 * i), u)));
  return unit;
}

static ALWAYS_INLINE Unit
unit_q4_k (const guint8 *x, guint u)
{
  Unit unit;

  for (guint i = 0; i < 2; i++)
    {
      const uint8x16_t bytes = bytes_at (x + 16 + u / 2 * 32 + 16 * i);

      unit.half[i] = as_signed (u % 2 == 0 ? low_nibbles (bytes) : high_nibbles (bytes));
    }
  return unit;
}

static ALWAYS_INLINE Unit
unit_q5_k (const guint8 *x, guint u)
{
  Unit unit = unit_q4_k (x + 32, u);

  for (guint i = 0; i < 2; i++)
    unit.half[i] |= as_signed (bit_set (bytes_at (x + 16 + 16 * i), u) & 16);
  return unit;
}

static ALWAYS_INLINE Unit
unit_q6_k (const guint8 *x, guint u)
{
  const guint8 *four = x + u / 4 * 64 + u % 2 * 32, *two = x + 128 + u / 4 * 32;
  Unit unit;

  for (guint i = 0; i < 2; i++)
    {
      const uint8x16_t bytes = bytes_at (four + 16 * i), high = bytes_at (two + 16 * i) >> 2 * (u % 4) & 3;

      unit.half[i] = as_signed ((bytes >> u / 2 % 2 * 4 & 15) | high << 4) - 32;
    }
  return unit;
}

static ALWAYS_INLINE Unit
unit_iq4_xs (const guint8 *x, guint u)
{
  return unit_levels (x + 8 + 16 * u);
}

/* ---- scales -------------------------------------------------------------------------------- */

static ALWAYS_INLINE float32x4_t
half_splat (const guint8 *x)
{
  return vcvt_f32_f16 (vreinterpret_f16_u16 (vdup_n_u16 (u16_at (x))));
}

/* y = x * d, of 8 */
static ALWAYS_INLINE void
scaled (float32x4_t *y, int8x8_t x, float32x4_t d)
{
  const int16x8_t wide = vmovl_s8 (x);

  y[0] = vmulq_f32 (vcvtq_f32_s32 (vmovl_s16 (vget_low_s16 (wide))), d);
  y[1] = vmulq_f32 (vcvtq_f32_s32 (vmovl_high_s16 (wide)), d);
}

static ALWAYS_INLINE int8x8_t
eight (guint32 first, guint32 second)
{
  return vcreate_s8 (first | (guint64) second << 32);
}

static ALWAYS_INLINE void
row_scales_q2_k (RowScales *s, const guint8 *x)
{
  const float32x4_t d = half_splat (x + 80), dmin = vnegq_f32 (half_splat (x + 82));
  const uint8x16_t bytes = bytes_at (x);
  const int8x16_t scales = as_signed (low_nibbles (bytes)), offsets = as_signed (high_nibbles (bytes));

  scaled (s->d, vget_low_s8 (scales), d);
  scaled (s->d + 2, vget_high_s8 (scales), d);
  scaled (s->m, vget_low_s8 (offsets), dmin);
  scaled (s->m + 2, vget_high_s8 (offsets), dmin);
}

static ALWAYS_INLINE void
row_scales_q3_k (RowScales *s, const guint8 *x)
{
  const guint32 low0 = u32_at (x + 96), low1 = u32_at (x + 100), high = u32_at (x + 104);
  const float32x4_t d = half_splat (x + 108);

  scaled (s->d,
          eight ((low0 & 0x0f0f0f0f) | (high << 4 & 0x30303030), (low1 & 0x0f0f0f0f) | (high << 2 & 0x30303030)) - 32,
          d);
  scaled (s->d + 2,
          eight ((low0 >> 4 & 0x0f0f0f0f) | (high & 0x30303030), (low1 >> 4 & 0x0f0f0f0f) | (high >> 2 & 0x30303030))
              - 32,
          d);
}

static ALWAYS_INLINE void
row_scales_q4_k (RowScales *s, const guint8 *x)
{
  const guint32 a = u32_at (x + 4), b = u32_at (x + 8), c = u32_at (x + 12);

  scaled (s->d, eight (a & 0x3f3f3f3f, (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030)), half_splat (x));
  scaled (s->m, eight (b & 0x3f3f3f3f, (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030)), vnegq_f32 (half_splat (x + 2)));
}

static ALWAYS_INLINE void
row_scales_q5_k (RowScales *s, const guint8 *x)
{
  row_scales_q4_k (s, x);
}

static ALWAYS_INLINE void
row_scales_q6_k (RowScales *s, const guint8 *x)
{
  const int8x16_t scales = as_signed (bytes_at (x + 192));
  const float32x4_t d = half_splat (x + 208);

  scaled (s->d, vget_low_s8 (scales), d);
  scaled (s->d + 2, vget_high_s8 (scales), d);
}

static ALWAYS_INLINE void
row_scales_iq4_xs (RowScales *s, const guint8 *x)
{
  static const gint16 shifts[8] = { 4, 2, 0, -2, -4, -6, -8, -10 };
  const guint32 nibbles = u32_at (x + 4);
  const int8x8_t low = vzip1_s8 (vcreate_s8 (nibbles & 0x0f0f0f0f), vcreate_s8 (nibbles >> 4 & 0x0f0f0f0f));
  const int8x8_t high = vmovn_s16 (vshlq_s16 (vdupq_n_s16 ((gint16) u16_at (x + 2)), vld1q_s16 (shifts)));

  scaled (s->d, (low | (high & 0x30)) - 32, half_splat (x));
}

/* Four values of each row, rows side by side. */
static ALWAYS_INLINE void
store_rows (float (*y)[GROUP], float32x4_t row0, float32x4_t row1, float32x4_t row2, float32x4_t row3)
{
  const float32x4x4_t rows = { { row0, row1, row2, row3 } };

  vst4q_f32 (y[0], rows);
}

#define SCALES_OF_256(type)                                                                                            \
  static ALWAYS_INLINE void scales_##type (Scales *s, const guint8 *const *w, guint units)                             \
  {                                                                                                                    \
    RowScales rows[GROUP];                                                                                             \
                                                                                                                       \
    for (guint r = 0; r < GROUP; r++)                                                                                  \
      row_scales_##type (&rows[r], w[r]);                                                                              \
    for (guint i = 0; i < UNITS / 4 * (32 / PLD_UNIT_##type); i++)                                                     \
      {                                                                                                                \
        store_rows (s->d + 4 * i, rows[0].d[i], rows[1].d[i], rows[2].d[i], rows[3].d[i]);                             \
        if (PLD_OFFSET_##type)                                                                                         \
          store_rows (s->m + 4 * i, rows[0].m[i], rows[1].m[i], rows[2].m[i], rows[3].m[i]);                           \
      }                                                                                                                \
  }

/* Halves at the same place of each row. */
static ALWAYS_INLINE void
halves_of_rows (float *y, const guint8 *const *w, gsize at)
{
  const guint64 bits = u16_at (w[0] + at) | (guint64) u16_at (w[1] + at) << 16 | (guint64) u16_at (w[2] + at) << 32
                       | (guint64) u16_at (w[3] + at) << 48;

  vst1q_f32 (y, vcvt_f32_f16 (vcreate_f16 (bits)));
}

#define SCALES_OF_32(type, bytes)                                                                                      \
  static ALWAYS_INLINE void scales_##type (Scales *s, const guint8 *const *w, guint units)                             \
  {                                                                                                                    \
    for (guint u = 0; u < units; u++)                                                                                  \
      {                                                                                                                \
        halves_of_rows (s->d[u], w, u *bytes);                                                                         \
        if (PLD_OFFSET_##type)                                                                                         \
          halves_of_rows (s->m[u], w, u *bytes + 2);                                                                   \
      }                                                                                                                \
  }

SCALES_OF_32 (q4_0, 18)
SCALES_OF_32 (q4_1, 20)
SCALES_OF_32 (q5_0, 22)
SCALES_OF_32 (q5_1, 24)
SCALES_OF_32 (q8_0, 34)
SCALES_OF_32 (iq4_nl, 18)
SCALES_OF_256 (q2_k)
SCALES_OF_256 (q3_k)
SCALES_OF_256 (q4_k)
SCALES_OF_256 (q5_k)
SCALES_OF_256 (q6_k)
SCALES_OF_256 (iq4_xs)
