/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kernels/kernels.h"

#include "engine/base/cpu.h"

const PldKernels *
pld_kernels (void)
{
#ifdef __x86_64__
  switch (pld_cpu_level ())
    {
    case PLD_CPU_AVX512VNNI:
      return &pld_kernels_avx512vnni;
    case PLD_CPU_AVX512:
      return &pld_kernels_avx512;
    case PLD_CPU_AVX2:
      return &pld_kernels_avx2;
    case PLD_CPU_BASELINE:
      break;
    }
#endif
  return &pld_kernels_baseline;
}
