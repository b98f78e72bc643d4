/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Overflow-checked sizes. Every product or sum of numbers that come from a file goes through here.
 */
#pragma once

#include <glib.h>

/* *out = a * b, or FALSE on overflow (then *out is untouched). */
static inline gboolean
pld_size_mul (guint64 a, guint64 b, guint64 *out)
{
  guint64 r;

  if (__builtin_mul_overflow (a, b, &r))
    return FALSE;
  *out = r;
  return TRUE;
}

/* *out = a + b, or FALSE on overflow (then *out is untouched). */
static inline gboolean
pld_size_add (guint64 a, guint64 b, guint64 *out)
{
  guint64 r;

  if (__builtin_add_overflow (a, b, &r))
    return FALSE;
  *out = r;
  return TRUE;
}

/* Rounds @n up to a multiple of @to, a power of two; @n + @to must not overflow. */
static inline guint64
pld_size_round_up (guint64 n, guint64 to)
{
  return (n + to - 1) & ~(to - 1);
}
