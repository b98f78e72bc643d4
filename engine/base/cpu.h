/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The features of this CPU, read once. $PIPELOAD_CPU masks features for tests: "baseline", or the highest level to use,
 * by its name.
 */
#pragma once

#include <glib.h>

/* In the order of preference; a CPU need not have all below its own. */
typedef enum
{
  PLD_CPU_BASELINE,   /* what the compiler assumes: SSE2 on x86-64, NEON on arm64 */
  PLD_CPU_AVX2,       /* "avx2": AVX2, FMA, F16C */
  PLD_CPU_AVXVNNI,    /* "avxvnni": and AVX-VNNI */
  PLD_CPU_AVX512,     /* "avx512": AVX2 and AVX-512 F, BW, DQ, VL */
  PLD_CPU_AVX512VNNI, /* "avx512vnni": and AVX-512 VNNI */
  PLD_CPU_DOTPROD,    /* "dotprod": NEON and its dot products of bytes, Armv8.2 */
  PLD_CPU_I8MM,       /* "i8mm": and its products of matrices of bytes, Armv8.6 */
} PldCpuLevel;

/* The best level. Thread-safe. */
PldCpuLevel pld_cpu_level (void);
/* Whether this CPU has all of a level, and the mask lets it. Thread-safe. */
gboolean pld_cpu_has (PldCpuLevel level);
/* As $PIPELOAD_CPU names it. */
const char *pld_cpu_level_name (PldCpuLevel level);

/* The CPU's name as the system reports it, or else the machine's. Returns: (transfer full) */
char *pld_cpu_name (void);
