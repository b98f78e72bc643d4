/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * IEEE 754 binary16 and bfloat16, by integers: every machine makes the same bits. Not for hot loops, which have
 * kernels.
 */
#pragma once

#include <glib.h>
#include <math.h>
#include <string.h>

#define PLD_HALF_MAX 65504.0f /* the largest finite one */

static inline guint32
pld_float_bits (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

/* Rounds to nearest, ties to even; larger values become infinite. NaN is not allowed, here and below. */
static inline guint16
pld_half_from_float (float value)
{
  guint32 x = pld_float_bits (value), sign = x >> 16 & 0x8000, mantissa, shift, half;

  x &= 0x7fffffff;
  if (x >= 0x477ff000)
    return (guint16) (sign | 0x7c00);
  if (x >= 0x38800000)
    return (guint16) (sign | (((x + 0xfff + (x >> 13 & 1)) >> 13) - (112 << 10)));
  if (x < 0x33000000)
    return (guint16) sign;
  mantissa = (x & 0x7fffff) | 0x800000;
  shift = 126 - (x >> 23);
  half = mantissa >> shift;
  mantissa &= (1u << shift) - 1;
  if (mantissa > 1u << (shift - 1) || (mantissa == 1u << (shift - 1) && (half & 1)))
    half++;
  return (guint16) (sign | half);
}

static inline float
pld_half_to_float (guint16 half)
{
  const int exponent = half >> 10 & 31, mantissa = half & 1023;
  const float value = exponent == 31  ? INFINITY
                      : exponent == 0 ? ldexpf ((float) mantissa, -24)
                                      : ldexpf ((float) (mantissa | 1024), exponent - 25);

  return half & 0x8000 ? -value : value;
}

static inline guint16
pld_bfloat_from_float (float value)
{
  guint32 x = pld_float_bits (value);

  return (guint16) ((x + 0x7fff + (x >> 16 & 1)) >> 16);
}
