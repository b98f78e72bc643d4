/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Kernels: pure functions on memory. They know no threads, no slots and no errors.
 *
 * kernels.def lists them, and declares, dispatches, tests and times each by its one line. pld_kernels_ref is the
 * specification, scalar and exact to double precision where that is cheap; the other tables hold the same functions
 * compiled, and some of them written, for one instruction set each. No pointer needs more alignment than its element
 * type; source and destination do not overlap unless they are equal where the list says "in place".
 */
#pragma once

#include "engine/kernels/blocks.h"

typedef struct
{
#define PLD_KERNEL(name, args) void (*name) args;
#include "engine/kernels/kernels.def"
#undef PLD_KERNEL
} PldKernels;

extern const PldKernels pld_kernels_ref;
extern const PldKernels pld_kernels_baseline;
#if defined(__x86_64__)
extern const PldKernels pld_kernels_avx2;
extern const PldKernels pld_kernels_avxvnni;
extern const PldKernels pld_kernels_avx512;
extern const PldKernels pld_kernels_avx512vnni;
#elif defined(__aarch64__)
extern const PldKernels pld_kernels_dotprod;
extern const PldKernels pld_kernels_i8mm;
#endif

/* The best table for this CPU, as pld_cpu_level() says. Thread-safe. */
const PldKernels *pld_kernels (void);
