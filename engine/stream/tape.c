/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tape's matrices, and their division into tiles of whole granules.
 */
#include "engine/stream/tape.h"

#include "engine/base/size.h"
#include "engine/stream/file.h"

/* Large enough that packing the activations costs little compared with the product, small enough that a team has
 * several to share. */
#define GRANULE_MAX 128
#define GRANULE_MIN 32

PldTape *
pld_tape_new (void)
{
  PldTape *tape = g_new0 (PldTape, 1);

  tape->matrices = g_ptr_array_new_with_free_func (g_free);
  return tape;
}

void
pld_tape_free (PldTape *tape)
{
  if (tape == NULL)
    return;
  g_ptr_array_unref (tape->matrices);
  g_free (tape);
}

const PldMatrix *
pld_tape_add (PldTape *tape, const PldTensor *tensor, guint64 row0, guint n_rows, guint n_cols, gdouble work)
{
  PldMatrix *matrix = g_new0 (PldMatrix, 1);
  const guint64 row_bytes = tensor->n_bytes / (tensor->n_values / n_cols);

  *matrix = (PldMatrix) {
    .name = tensor->name,
    .dtype = tensor->dtype,
    .file = tensor->file,
    .offset = tensor->offset + row0 * row_bytes,
    .n_rows = n_rows,
    .n_cols = n_cols,
    .row_bytes = row_bytes,
    .granule = CLAMP (pld_size_round_up (n_rows / 4, GRANULE_MIN), GRANULE_MIN, GRANULE_MAX),
    .work = work,
    .index = tape->matrices->len,
  };
  g_ptr_array_add (tape->matrices, matrix);
  tape->n_bytes += n_rows * row_bytes;
  return matrix;
}

/* Most memory that @n_rows rows take, wherever they begin. */
static guint64
matrix_rows_cost (const PldMatrix *matrix, guint n_rows)
{
  return pld_buffer_cost (matrix->row_bytes * n_rows + PLD_FILE_ALIGN - 1);
}

guint
pld_matrix_tile_rows (const PldMatrix *matrix, guint64 cap)
{
  guint64 n = cap > PLD_FILE_ALIGN ? (cap - PLD_FILE_ALIGN) / matrix->row_bytes : 0;

  n -= n % matrix->granule;
  return (guint) MIN (MAX (n, matrix->granule), matrix->n_rows);
}

guint64
pld_tape_slot_bytes (const PldTape *tape, guint64 cap)
{
  guint64 most = 0;

  for (guint i = 0; i < tape->matrices->len; i++)
    {
      const PldMatrix *matrix = tape->matrices->pdata[i];

      most = MAX (most, matrix_rows_cost (matrix, pld_matrix_tile_rows (matrix, cap)));
    }
  return most;
}

guint
pld_tape_n_tiles (const PldTape *tape, guint64 cap)
{
  guint n = 0;

  for (guint i = 0; i < tape->matrices->len; i++)
    {
      const PldMatrix *matrix = tape->matrices->pdata[i];
      const guint step = pld_matrix_tile_rows (matrix, cap);

      n += matrix->n_rows / step + (matrix->n_rows % step > 0 ? 1 : 0);
    }
  return n;
}

GArray *
pld_tape_cut (const PldTape *tape, guint64 cap)
{
  GArray *tiles = g_array_new (FALSE, FALSE, sizeof (PldTile));

  for (guint i = 0; i < tape->matrices->len; i++)
    {
      const PldMatrix *matrix = tape->matrices->pdata[i];
      guint step = pld_matrix_tile_rows (matrix, cap);

      for (guint row = 0; row < matrix->n_rows; row += step)
        {
          PldTile tile = { .matrix = i, .row0 = row, .n_rows = MIN (step, matrix->n_rows - row), .file = matrix->file };

          tile.offset = matrix->offset + row * matrix->row_bytes;
          tile.n_bytes = tile.n_rows * matrix->row_bytes;
          g_array_append_val (tiles, tile);
        }
    }
  return tiles;
}
