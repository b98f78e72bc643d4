/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For the files that hold kernels: a table's functions lie in several, and each file is built for several tables.
 * PLD_ISA is the table of this build, PLD_FUNC (name) that table's function.
 */
#pragma once

#include "engine/kernels/kernels.h"

#define PLD_JOIN_(prefix, name, isa) prefix##name##_##isa
#define PLD_JOIN(prefix, name, isa) PLD_JOIN_ (prefix, name, isa)
#define PLD_FUNC(name) PLD_JOIN (pld_, name, PLD_ISA)

#define PLD_KERNEL(name, args) void PLD_FUNC (name) args;
#include "engine/kernels/kernels.def"
#undef PLD_KERNEL
