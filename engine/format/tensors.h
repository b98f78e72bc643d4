/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the parsers of all formats check of a tensor and of a whole directory.
 */
#pragma once

#include "engine/format/weights.h"

/* More than any model has; keeps a small hostile file from costing much memory. */
#define PLD_MAX_TENSORS (1u << 20)

/* Returns: (transfer full) (element-type PldTensor): frees the names of its elements */
GArray *pld_tensors_new (void);

/* n_values and n_bytes of a tensor whose dtype and dims are known; FORMAT when they overflow or rows are no
 * whole blocks. */
gboolean pld_tensor_measure (PldTensor *tensor, GError **error);

/* offset and n_bytes lie inside the file; a file that is too short is told from an offset that cannot be. */
gboolean pld_tensor_check_end (const PldTensor *tensor, guint64 file_size, GError **error);

/* Names are unique, tensors do not overlap. Sorts @tensors, which all lie in one file, into file order. */
gboolean pld_tensors_check (GArray *tensors, GError **error);

/* Moves what a parser that succeeded has gathered to its caller: @from, @from_metadata are left empty. */
void pld_tensors_hand_over (GArray *from, JsonObject *from_metadata, GArray *to, JsonObject *to_metadata);
