/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kind of a model by its files' directory.
 */
#pragma once

#include "engine/format/weights.h"
#include "pipeload/model.h"

/* As pld_model_kind(), of an open directory. */
PldModelKind pld_weights_kind (const PldWeights *weights, GError **error);
