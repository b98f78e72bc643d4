/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tape: the fixed order in which one forward pass uses a model's matrices, and their division into tiles, the unit
 * of streaming. A tile is a run of whole rows of one matrix.
 *
 * Rows are computed in granules of a fixed number of rows, counted from the matrix's first: tiles consist of whole
 * granules, so that a row is always computed together with the same rows, and the result does not depend on the tiles.
 */
#pragma once

#include "engine/format/weights.h"

typedef struct
{
  const char *name; /* of the tensor; owned by the weights */
  PldDtype dtype;
  guint file;
  guint64 offset; /* in the file */
  guint n_rows;   /* outputs */
  guint n_cols;   /* inputs */
  guint64 row_bytes;
  guint granule; /* rows computed together */
  gdouble work;  /* rows of activations per item of a pass: the cost of computing relative to reading */
  guint index;   /* on the tape */
} PldMatrix;

typedef struct
{
  guint matrix;
  guint row0, n_rows;
  guint file;
  guint64 offset, n_bytes; /* in the file */
  gboolean pinned;
} PldTile;

typedef struct
{
  GPtrArray *matrices; /* PldMatrix *, in the order of use */
  guint64 n_bytes;
} PldTape;

PldTape *pld_tape_new (void);
void pld_tape_free (PldTape *tape);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldTape, pld_tape_free)

/**
 * pld_tape_add:
 * @tensor: rows of @n_cols values; lives as long as the tape
 * @row0: the matrix is @n_rows of them from this one on
 * @work: rows of activations that an item of a pass is multiplied as, on the average
 *
 * Returns: (transfer none): the matrix at the tape's end
 */
const PldMatrix *pld_tape_add (PldTape *tape, const PldTensor *tensor, guint64 row0, guint n_rows, guint n_cols,
                               gdouble work);

/* Rows of a tile of @matrix that may take @cap bytes of memory: whole granules, one at least. */
guint pld_matrix_tile_rows (const PldMatrix *matrix, guint64 cap);

/* Memory that the largest tile takes when no tile may take more than @cap, unless one granule does. */
guint64 pld_tape_slot_bytes (const PldTape *tape, guint64 cap);

/* Cuts the tape so. Returns: (transfer full) (element-type PldTile): in the order of use, none pinned */
GArray *pld_tape_cut (const PldTape *tape, guint64 cap);
/* The length of pld_tape_cut()'s array. */
guint pld_tape_n_tiles (const PldTape *tape, guint64 cap);
