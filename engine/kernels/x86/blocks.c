/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * AVX2, AVX-512, and either with VNNI: weights in blocks times activations in blocks of 8 bits. vpdpbusd (VNNI) sums
 * four products of an unsigned and a signed byte in each lane, vpmaddubsw two, both exactly; weights are the unsigned
 * ones, by a bias, which the sums of the activations take off again. Weights are expanded once, 16 rows of 256 columns
 * at a time, for all activations that they meet.
 *
 * Panels: lanes are rows of activations, weights are broadcast. Rows: lanes are columns, and those of 16 rows of
 * weights are summed together, so that from there on lanes are rows of weights.
 */
#include "engine/kernels/table.h"

#include "engine/kernels/x86/panels.h"
#include "engine/kernels/x86/rows.h"

#define PANEL_BLOCKS (PANEL_VALUES / PLD_Q8_VALUES)
/* Rows of activations that weights meet once they are expanded. */
#define MAX_ROWS 16

/* Where @n of up to @max rows of weights begin; missing rows repeat the last one. */
static void
rows_begin (const guint8 **rows, const guint8 *w, gsize row_bytes, guint n, guint max)
{
  for (guint r = 0; r < max; r++)
    rows[r] = w + MIN (r, n - 1) * row_bytes;
}

/* The next @n blocks of 32 columns of 16 rows, which then point beyond them. */
static void
expand (Weights *w, const Type *type, const guint8 **rows, guint n)
{
  guint8 padded[WEIGHT_ROWS][PANEL_BLOCKS * 34];
  const guint8 *from[WEIGHT_ROWS];

  if (n < PANEL_BLOCKS)
    {
      /* The end of rows: nothing beyond it may be read. */
      memset (padded, 0, sizeof padded);
      for (guint r = 0; r < WEIGHT_ROWS; r++)
        from[r] = memcpy (padded[r], rows[r], n * type->bytes / PANEL_BLOCKS);
    }
  type->expand (w, n < PANEL_BLOCKS ? from : rows);
  for (guint r = 0; r < WEIGHT_ROWS; r++)
    rows[r] += type->bytes;
}

/* n_rows up to GROUP of weights times n_x up to MAX_PANELS panels. */
static void
matmul_group (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8Panel *x, guint n_x,
              gsize n_cols, const Type *type)
{
  const gsize n_blocks = n_cols / PLD_Q8_VALUES;
  const guint8 *rows[GROUP];
  Weights weights[GROUP / WEIGHT_ROWS];
  Offsets offsets;
  Ahead ahead;

  rows_begin (rows, w, row_bytes, n_rows, GROUP);
  for (guint j = 0; j < n_x; j++)
    {
      memset (y + j * y_stride, 0, n_rows * ROWS * sizeof (float));
      if (type->offset)
        memset (offsets[j], 0, n_rows * ROWS * sizeof (float));
    }
  for (gsize b = 0; b < n_blocks; b += PANEL_BLOCKS)
    {
      const guint n = (guint) MIN (PANEL_BLOCKS, n_blocks - b);

      for (guint i = 0; i < n_rows; i += WEIGHT_ROWS)
        expand (&weights[i / WEIGHT_ROWS], type, rows + i, n);
      /* The next panel of all rows; after the last one the first of the rows that follow. */
      ahead = (Ahead) { rows, b + n < n_blocks ? 0 : (n_rows - 1) * row_bytes, type->bytes, n_rows, 0 };
      panels_dot (y, y_stride, offsets, weights, n_rows, x + b, n_blocks, n_x, n, type, &ahead);
    }
  for (guint j = 0; type->offset && j < n_x; j++)
    for (guint i = 0; i < n_rows * ROWS; i++)
      y[j * y_stride + i] += offsets[j][i];
}

static void
matmul (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8Panel *x, guint n_x,
        gsize n_cols, const Type *type)
{
  for (guint j = 0; j < n_x; j += MAX_PANELS)
    for (guint i = 0; i < n_rows; i += GROUP)
      matmul_group (y + j * y_stride + i * ROWS, y_stride, w + i * row_bytes, row_bytes, MIN (GROUP, n_rows - i),
                    x + j * (n_cols / PLD_Q8_VALUES), MIN (MAX_PANELS, n_x - j), n_cols, type);
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* n_rows up to 16 of weights times n_x up to MAX_ROWS of activations. */
static void
matvec_group (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8 *x, guint n_x,
              gsize n_cols, const Type *type)
{
  const gsize n_blocks = n_cols / PLD_Q8_VALUES;
  const guint8 *rows[WEIGHT_ROWS];
  Weights weights;
  RowSums sums[MAX_ROWS];
  const RowFunc dot = row_dot_of (type);
  const guint8 *next = w + WEIGHT_ROWS * row_bytes;
  /* As much as is computed meanwhile. */
  const gsize part = (gsize) type->bytes * WEIGHT_ROWS / 6;

  rows_begin (rows, w, row_bytes, n_rows, WEIGHT_ROWS);
  memset (sums, 0, n_x * sizeof sums[0]);
  for (gsize b = 0; b < n_blocks; b += PANEL_BLOCKS)
    {
      const guint n = (guint) MIN (PANEL_BLOCKS, n_blocks - b);

      next = fetch (next, 2 * part);
      expand (&weights, type, rows, n);
      for (guint first = 0; first < n; first += PAIR)
        {
          next = fetch (next, part);
          for (guint j = 0; j < n_x; j++)
            dot (&sums[j], &weights, x + j * n_blocks + b, first, MIN (PAIR, n - first), type->bias);
        }
    }
  for (guint j = 0; j < n_x; j++)
    {
      float values[WEIGHT_ROWS];

      for (guint k = 0; k < PARTS; k++)
        put_floats (values + k * PART_ROWS, type->offset ? sums[j].sum[k] + sums[j].offset[k] : sums[j].sum[k]);
      memcpy (y + j * y_stride, values, n_rows * sizeof (float));
    }
}

static void
matvec (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8 *x, guint n_x,
        gsize n_cols, const Type *type)
{
  for (guint j = 0; j < n_x; j += MAX_ROWS)
    for (guint i = 0; i < n_rows; i += WEIGHT_ROWS)
      matvec_group (y + j * y_stride + i, y_stride, w + i * row_bytes, row_bytes, MIN (WEIGHT_ROWS, n_rows - i),
                    x + j * (n_cols / PLD_Q8_VALUES), MIN (MAX_ROWS, n_x - j), n_cols, type);
}

/* ---- types --------------------------------------------------------------------------------- */

#define TYPE_KERNELS(type, UPPER, values, bytes)                                                                       \
  static const Type type_##type = { expand_##type,                                                                     \
                                    PANEL_VALUES / values * bytes,                                                     \
                                    PLD_UNIT_##type,                                                                   \
                                    BITS_##type,                                                                       \
                                    PLD_OFFSET_##type ? 0 : BIAS (BITS_##type),                                        \
                                    PLD_OFFSET_##type };                                                               \
                                                                                                                       \
  void PLD_FUNC (matvec_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const PldQ8 *x, guint n_x, gsize n_cols)                                              \
  {                                                                                                                    \
    matvec (y, y_stride, w, row_bytes, n_rows, x, n_x, n_cols, &type_##type);                                          \
  }                                                                                                                    \
                                                                                                                       \
  void PLD_FUNC (matmul_##type) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,             \
                                 const PldQ8Panel *x, guint n_x, gsize n_cols)                                         \
  {                                                                                                                    \
    matmul (y, y_stride, w, row_bytes, n_rows, x, n_x, n_cols, &type_##type);                                          \
  }
PLD_BLOCK_TYPES (TYPE_KERNELS)
