/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Weights in blocks to floats.
 */
/* As expand.h wants. */
#define VECTOR_BYTES 16
#include "engine/kernels/table.h"

#include "engine/kernels/plain/expand.h"

#define DEQUANTIZE(type, UPPER, values, bytes)                                                                         \
  void PLD_FUNC (dequantize_##type) (float *y, const guint8 *x, gsize n)                                               \
  {                                                                                                                    \
    Expanded e;                                                                                                        \
                                                                                                                       \
    for (gsize i = 0; i < n; i += PANEL_VALUES)                                                                        \
      {                                                                                                                \
        const guint run = (guint) MIN (PANEL_VALUES, n - i);                                                           \
                                                                                                                       \
        for (guint b = 0; b < run / values; b++)                                                                       \
          expand_##type (&e, b, x + (i / values + b) * bytes);                                                         \
        for (guint u = 0; u < run / PLD_UNIT_##type; u++)                                                              \
          for (guint v = u * PLD_UNIT_##type; v < (u + 1) * PLD_UNIT_##type; v++)                                      \
            y[i + v] = (float) e.q[v] * e.d[u] + (PLD_OFFSET_##type ? e.m[u] : 0);                                     \
      }                                                                                                                \
  }
PLD_BLOCK_TYPES (DEQUANTIZE)
