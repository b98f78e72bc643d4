/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The parameters of a model: matrices, which are on the tape and are streamed, and vectors (biases, norms, embeddings),
 * which are small and stay in memory as floats. An architecture declares them by name and shape; nothing is read until
 * pld_params_load().
 */
#pragma once

#include "engine/base/buffer.h"
#include "engine/stream/file.h"
#include "engine/stream/tape.h"

/* Charged while the vectors are read, and only then. */
#define PLD_PARAMS_WINDOW ((gsize) 32 << 10)

typedef struct
{
  const PldTensor *tensor;
  float **target;
} PldVector;

/* A matrix that is read by the row, such as token embeddings. */
typedef struct
{
  const PldTensor *tensor;
  guint n_rows, n_cols;
  guint64 row_bytes;
} PldTable;

typedef struct
{
  const PldWeights *weights; /* not owned */
  PldTape *tape;
  gdouble work;      /* see PldMatrix, of matrices that are declared from now on; 1 at first, set by the architecture */
  GArray *vectors;   /* PldVector */
  GPtrArray *tables; /* PldTable * */
  guint64 n_floats;  /* of all vectors, each padded to 16 */
  gboolean *used;    /* [weights->n_tensors]: declared by somebody */
  PldBuffer memory;
} PldParams;

PldParams *pld_params_new (const PldWeights *weights);
void pld_params_free (PldParams *params);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldParams, pld_params_free)

/**
 * pld_params_matrix:
 * @name: of a tensor [@n_rows, …] with @n_cols values a row, of a type that there is a matmul kernel for
 *
 * Declares the next matrix on the tape. FORMAT when it is missing or of another shape, UNSUPPORTED for other types.
 * Returns: (transfer none) (nullable)
 */
const PldMatrix *pld_params_matrix (PldParams *params, const char *name, guint n_rows, guint n_cols, GError **error);

/* The same for matrix @part of the @n_parts that one tensor [n_parts, n_rows, n_cols] holds. */
const PldMatrix *pld_params_matrix_part (PldParams *params, const char *name, guint part, guint n_parts, guint n_rows,
                                         guint n_cols, GError **error);

/* Declares a tensor [@n_rows, @n_cols] that is read by the row. Returns: (transfer none) (nullable) */
const PldTable *pld_params_table (PldParams *params, const char *name, guint n_rows, guint n_cols, GError **error);

/* Bytes of memory that reading a row of any table takes. */
guint64 pld_params_window (const PldParams *params);

gboolean pld_params_has (const PldParams *params, const char *name);

/* A tensor that nothing declared, and whose name none of the patterns in @harmless, NULL-terminated, matches (GLib's
 * g_pattern_match_simple ()). Returns: (nullable): its name */
const char *pld_params_unused (const PldParams *params, const char *const *harmless);

/* Declares a vector of @n values (of any shape); *target is set by pld_params_load(). */
gboolean pld_params_vector (PldParams *params, const char *name, guint64 n, float **target, GError **error);

/* Bytes that the vectors take. */
guint64 pld_params_bytes (const PldParams *params);

/* Reads all vectors and sets their targets; valid until pld_params_free(). */
gboolean pld_params_load (PldParams *params, PldFile **files, PldBudget *budget, GError **error);
