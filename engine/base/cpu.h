/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What this CPU can do, read once. $PIPELOAD_CPU masks features for tests: "baseline", or the highest level
 * to use: "avx2", "avx512", "avx512vnni".
 */
#pragma once

#include <glib.h>

typedef enum
{
  PLD_CPU_BASELINE, /* what the compiler assumes: SSE2 on x86-64, NEON on arm64 */
  PLD_CPU_AVX2,     /* AVX2, FMA, F16C */
  PLD_CPU_AVX512,   /* and AVX-512 F, BW, DQ, VL */
  PLD_CPU_AVX512VNNI, /* and AVX-512 VNNI */
} PldCpuLevel;

/* Thread-safe. */
PldCpuLevel pld_cpu_level (void);
/* As $PIPELOAD_CPU names it. */
const char *pld_cpu_level_name (PldCpuLevel level);

/* The CPU's name as the system tells it, or the machine's where it tells none. Returns: (transfer full) */
char *pld_cpu_name (void);
