/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Floats and whole numbers from bits, unaligned and little-endian, without a branch.
 */
#pragma once

#include <glib.h>
#include <string.h>

#ifdef __F16C__
#include <immintrin.h>
#endif

/* 1.5 * 2^23: a sum with it has no bits for less than 1, so it rounds, to even, and has a small whole number in its
 * lowest bits. Unlike a conversion it is harmless when a value is not a number. */
#define ROUND 12582912.0f

static inline float
bits_to_float (guint32 bits)
{
  float f;

  memcpy (&f, &bits, sizeof f);
  return f;
}

static inline guint32
float_to_bits (float f)
{
  guint32 bits;

  memcpy (&bits, &f, sizeof bits);
  return bits;
}

static inline guint16
u16_at (const guint8 *x)
{
  guint16 bits;

  memcpy (&bits, x, sizeof bits);
  return GUINT16_FROM_LE (bits);
}

static inline guint32
u32_at (const guint8 *x)
{
  guint32 bits;

  memcpy (&bits, x, sizeof bits);
  return GUINT32_FROM_LE (bits);
}

/* The exponent's bias differs by 112; a subnormal half's number counts from 2^-14, which is taken off again. No
 * subnormal float is touched: on some processors they are slow. */
static inline float
half_to_float (guint16 half)
{
  guint32 magnitude = (guint32) (half & 0x7fff) << 13;
  guint32 normal = magnitude + (magnitude >= 0x0f800000 ? 224u << 23 : 112u << 23);
  guint32 subnormal = float_to_bits (bits_to_float (magnitude + (113u << 23)) - 0x1p-14f);

  return bits_to_float ((magnitude < 1u << 23 ? subnormal : normal) | (guint32) (half & 0x8000) << 16);
}

/* One alone. */
static inline float
half_at (const guint8 *x)
{
#ifdef __F16C__
  return _cvtsh_ss (u16_at (x));
#else
  return half_to_float (u16_at (x));
#endif
}
