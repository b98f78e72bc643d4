/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Weights in blocks, times activations in blocks of 8 bits. A panel of weights is expanded once for up to ROWS rows of activations, in whole
 * numbers; products of 32 values are summed exactly, in 16 lanes, and scaled sums added in floats, in the order of blocks.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/plain/expand.h"
#include "engine/kernels/plain/lanes.h"

/* Rows of activations whose sums are kept at a time: their lanes stay in the nearest cache. */
#define ROWS 32
/* Of them, those whose lanes are in registers at a time. */
#define TILE 4

typedef struct
{
  Lanes lanes;
  float offset[2];
} Sum;

/* Adds to each of n sums what a panel times n rows of activations gives; d and m as D_ and M_ in expand.h. */
static ALWAYS_INLINE void
panel_dot (Sum *sums, guint n, const Panel *p, guint units, const PldQ8 *x, gsize x_stride, guint d, guint m)
{
  Lanes lanes[TILE];
  float offset[TILE][2];

  for (guint t = 0; t < n; t++)
    {
      lanes[t] = d == 32 ? sums[t].lanes : (Lanes) { 0 };
      memcpy (offset[t], sums[t].offset, sizeof offset[t]);
    }
  for (guint u = 0; u < units; u++)
    for (guint t = 0; t < n; t++)
      {
        const PldQ8 *block = x + t * x_stride + u;
        const float scale = d == 32 ? p->d[u] * block->scale : block->scale;

        for (guint i = 0; i < PARTS; i++)
          {
            const VecI32 dot = pair_dot (load_i16 (p->q + u * 32 + i * (32 / PARTS)), load_i8 (block->q + i * (32 / PARTS)));

            lanes[t].part[i] = fused (__builtin_convertvector (dot, VecF32), splat (scale), lanes[t].part[i]);
          }
        for (guint i = 0; m != 0 && i < 2; i++)
          offset[t][i] += p->m[m == 16 ? 2 * u + i : u] * block->sums[i];
      }
  for (guint t = 0; t < n; t++)
    {
      for (guint i = 0; i < PARTS; i++)
        sums[t].lanes.part[i] = d == 32 ? lanes[t].part[i] : fused (lanes[t].part[i], splat (p->d[0]), sums[t].lanes.part[i]);
      memcpy (sums[t].offset, offset[t], sizeof offset[t]);
    }
}

typedef void (*RowFunc) (Sum *sums, const guint8 *w, const PldQ8 *x, guint n_x, gsize n_cols);

static ALWAYS_INLINE void
matmul (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8 *x, guint n_x, gsize n_cols, RowFunc row)
{
  for (guint first = 0; first < n_x; first += ROWS)
    for (guint i = 0; i < n_rows; i++)
      {
        const guint n = MIN (ROWS, n_x - first);
        Sum sums[ROWS];

        memset (sums, 0, n * sizeof *sums);
        row (sums, w + i * row_bytes, x + first * (n_cols / 32), n, n_cols);
        for (guint j = 0; j < n; j++)
          y[(first + j) * y_stride + i] = lanes_sum (&sums[j].lanes) + (sums[j].offset[0] + sums[j].offset[1]);
      }
}

#define DEQUANTIZE(type, UPPER, values, bytes)                                                                \
  void PLD_FUNC (dequantize_##type) (float *y, const guint8 *x, gsize n)                                      \
  {                                                                                                           \
    Panel p;                                                                                                  \
                                                                                                              \
    for (gsize i = 0; i < n; i += values)                                                                     \
      {                                                                                                       \
        expand_##type (&p, 0, x + i / values * bytes);                                                        \
        for (guint v = 0; v < values; v++)                                                                    \
          y[i + v] = (float) p.q[v] * p.d[0] + (M_##type != 0 ? p.m[v / MAX (M_##type, 1)] : 0);              \
      }                                                                                                       \
  }
PLD_BLOCK_TYPES (DEQUANTIZE)

#define MATMUL(type, UPPER, values, bytes)                                                                    \
  static void row_##type (Sum *sums, const guint8 *w, const PldQ8 *x, guint n_x, gsize n_cols)                \
  {                                                                                                           \
    Panel p;                                                                                                  \
                                                                                                              \
    for (gsize c = 0; c < n_cols; c += PANEL_VALUES, x += PANEL_VALUES / PLD_Q8_VALUES)                       \
      {                                                                                                       \
        const guint units = (guint) MIN (n_cols - c, PANEL_VALUES) / 32;                                      \
        guint j = 0;                                                                                          \
                                                                                                              \
        for (guint i = 0; i < units * 32 / values; i++)                                                       \
          expand_##type (&p, i, w + (c / values + i) * bytes);                                                \
        for (; j + TILE <= n_x; j += TILE)                                                                    \
          panel_dot (sums + j, TILE, &p, units, x + j * (n_cols / 32), n_cols / 32, D_##type, M_##type);      \
        for (; j < n_x; j++)                                                                                  \
          panel_dot (sums + j, 1, &p, units, x + j * (n_cols / 32), n_cols / 32, D_##type, M_##type);         \
      }                                                                                                       \
  }                                                                                                           \
                                                                                                              \
  void PLD_FUNC (matmul_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,    \
                                 const PldQ8 *x, guint n_x, gsize n_cols)                                     \
  {                                                                                                           \
    matmul (y, y_stride, w, row_bytes, n_rows, x, n_x, n_cols, row_##type);                                   \
  }
#ifdef __AVX512VNNI__
PLD_BLOCK_TYPES_REST (MATMUL) /* x86/vnni.c has the most used ones */
#else
PLD_BLOCK_TYPES (MATMUL)
#endif
