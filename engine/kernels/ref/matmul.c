/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The specification of products of stored weights with panels.
 */
#include "engine/kernels/table.h"

#define ROWS PLD_PANEL_ROWS

/* The weights as floats, times a panel; value c of row r of it is @value. */
#define MATMUL(type, value)                                                                                            \
  for (guint j = 0; j < n_x; j++)                                                                                      \
    for (guint i = 0; i < n_rows; i++)                                                                                 \
      for (guint r = 0; r < ROWS; r++)                                                                                 \
        {                                                                                                              \
          double sum = 0;                                                                                              \
                                                                                                                       \
          for (gsize c = 0; c < n_cols; c++)                                                                           \
            {                                                                                                          \
              if (c % step == 0)                                                                                       \
                PLD_FUNC (dequantize_##type) (wide, w + i * row_bytes + c / step * step_bytes, step);                  \
              sum += (double) wide[c % step] * (value);                                                                \
            }                                                                                                          \
          y[j * y_stride + i * ROWS + r] = (float) sum;                                                                \
        }

#define FLOAT_MATMUL(type, UPPER, values, bytes)                                                                       \
  void PLD_FUNC (matmul_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const float *x, gsize x_stride, guint n_x, gsize n_cols)                              \
  {                                                                                                                    \
    const gsize step = 1, step_bytes = bytes;                                                                          \
    float wide[1];                                                                                                     \
                                                                                                                       \
    MATMUL (type, x[j * x_stride + c * ROWS + r])                                                                      \
  }
PLD_FLOAT_TYPES (FLOAT_MATMUL)
