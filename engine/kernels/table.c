/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of one build.
 */
#include "engine/kernels/table.h"

#define TABLE_(isa) pld_kernels_##isa
#define TABLE(isa) TABLE_ (isa)

const PldKernels TABLE (PLD_ISA) = {
#define PLD_KERNEL(name, args) .name = PLD_FUNC (name),
#include "engine/kernels/kernels.def"
#undef PLD_KERNEL
};
