/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks of a tensor, and of a whole directory, that the parsers of all formats share.
 */
#pragma once

#include "engine/format/weights.h"

/* More than any model has; keeps a small hostile file from costing much memory. */
#define PLD_MAX_TENSORS (1u << 20)

/* Returns: (transfer full) (element-type PldTensor): frees the names of its elements */
GArray *pld_tensors_new (void);

/* Computes n_values and n_bytes of a tensor whose dtype and dims are known; FORMAT when they overflow or rows are not
 * whole blocks. */
gboolean pld_tensor_measure (PldTensor *tensor, GError **error);

/* Checks that offset and n_bytes are inside the file; a truncated file and an impossible offset get different errors.
 */
gboolean pld_tensor_check_end (const PldTensor *tensor, guint64 file_size, GError **error);

/* Checks that names are unique and tensors do not overlap. Sorts @tensors, which are all in one file, into file order.
 */
gboolean pld_tensors_check (GArray *tensors, GError **error);

/* Moves the result of a successful parser to its caller; @from and @from_metadata are empty afterwards. */
void pld_tensors_hand_over (GArray *from, JsonObject *from_metadata, GArray *to, JsonObject *to_metadata);
