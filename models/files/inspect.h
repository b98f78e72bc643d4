/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kind of a model by its files' directory.
 */
#pragma once

#include "models/architectures/arch.h"

/* Text only of GGUF files whose architecture is not one of the known vision models'. */
PldKind pld_weights_kind (const PldWeights *weights);
