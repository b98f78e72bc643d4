/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Chooses the table of kernels for this CPU.
 */
#include "engine/kernels/kernels.h"

#include "engine/base/cpu.h"

const PldKernels *
pld_kernels (void)
{
  switch (pld_cpu_level ())
    {
#if defined(__x86_64__)
    case PLD_CPU_AVX512VNNI:
      return &pld_kernels_avx512vnni;
    case PLD_CPU_AVX512:
      return &pld_kernels_avx512;
    case PLD_CPU_AVXVNNI:
      return &pld_kernels_avxvnni;
    case PLD_CPU_AVX2:
      return &pld_kernels_avx2;
#elif defined(__aarch64__)
    case PLD_CPU_I8MM:
      return &pld_kernels_i8mm;
    case PLD_CPU_DOTPROD:
      return &pld_kernels_dotprod;
#endif
    default:
      return &pld_kernels_baseline;
    }
}
