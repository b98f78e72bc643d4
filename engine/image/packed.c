/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compilers generate poor code for loads with a stride of three where the CPU lacks a general byte shuffle (SSE2). A
 * perfect shuffle, first half and second half interleaved, is one unpack instruction, and four of them sort 48 bytes:
 * the byte at position p goes to 2p mod 47 each time, hence to 16p mod 47, and 16 × 3i = i mod 47.
 */
#include "engine/image/packed.h"

#include <string.h>

#define BLOCK 16 /* pixels */

typedef guint8 Bytes __attribute__ ((vector_size (16)));
typedef gint16 Samples __attribute__ ((vector_size (32)));

#define LOW_HALVES(a, b) __builtin_shufflevector (a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH_HALVES(a, b) __builtin_shufflevector (a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
/* The sixteen bytes from the middle of @a to the middle of @b. */
#define MIDDLE(a, b) __builtin_shufflevector (a, b, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)

static inline void
packed_store (gint16 *row, Bytes bytes)
{
  Samples samples = __builtin_convertvector (bytes, Samples);

  memcpy (row, &samples, sizeof samples);
}

static void
packed_split_block (const guint8 *pixels, gint16 *const row[3], guint at)
{
  Bytes a, b, c;

  memcpy (&a, pixels, sizeof a);
  memcpy (&b, pixels + sizeof a, sizeof b);
  memcpy (&c, pixels + 2 * sizeof a, sizeof c);
  for (guint i = 0; i < 4; i++)
    {
      const Bytes second = MIDDLE (b, c); /* the second half is this and the end of c */
      const Bytes end = MIDDLE (c, c);
      const Bytes first = a;

      a = LOW_HALVES (first, second);
      c = LOW_HALVES (b, end);
      b = HIGH_HALVES (first, second);
    }
  packed_store (row[0] + at, a);
  packed_store (row[1] + at, b);
  packed_store (row[2] + at, c);
}

void
pld_packed_split (const guint8 *pixels, guint n, gint16 *const row[3])
{
  guint at = 0;

  for (; at + BLOCK <= n; at += BLOCK, pixels += 3 * BLOCK)
    packed_split_block (pixels, row, at);
  for (; at < n; at++, pixels += 3)
    for (guint i = 0; i < 3; i++)
      row[i][at] = pixels[i];
}
