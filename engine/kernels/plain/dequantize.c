/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Weights in blocks to floats.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/plain/expand.h"

#define DEQUANTIZE(type, UPPER, values, bytes)                                                                \
  void PLD_FUNC (dequantize_##type) (float *y, const guint8 *x, gsize n)                                      \
  {                                                                                                           \
    Expanded e;                                                                                               \
                                                                                                              \
    for (gsize i = 0; i < n; i += values)                                                                     \
      {                                                                                                       \
        expand_##type (&e, 0, x + i / values * bytes);                                                        \
        for (guint u = 0; u < values / UNIT_##type; u++)                                                      \
          for (guint v = 0; v < UNIT_##type; v++)                                                             \
            y[i + u * UNIT_##type + v] = (float) e.q[u * UNIT_##type + v] * e.d[u] + (OFFSET_##type ? e.m[u] : 0); \
      }                                                                                                       \
  }
PLD_BLOCK_TYPES (DEQUANTIZE)
