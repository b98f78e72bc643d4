/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/runtime/dispatch.h"

#include "engine/kernels/blocks.h"

PldDequantizeFunc
pld_dequantize_kernel (const PldKernels *kernels, PldDtype dtype)
{
  switch (dtype)
    {
#define CASE(lower, UPPER, values, bytes)                                                                    \
  case PLD_DTYPE_##UPPER:                                                                                    \
    return kernels->dequantize_##lower;
      PLD_FLOAT_TYPES (CASE)
      PLD_BLOCK_TYPES (CASE)
#undef CASE
    default:
      return NULL;
    }
}

PldMatmulQ8Func
pld_matmul_q8_kernel (const PldKernels *kernels, PldDtype dtype)
{
  switch (dtype)
    {
#define CASE(lower, UPPER, values, bytes)                                                                    \
  case PLD_DTYPE_##UPPER:                                                                                    \
    return kernels->matmul_##lower;
      PLD_BLOCK_TYPES (CASE)
#undef CASE
    default:
      return NULL;
    }
}

PldMatmulFunc
pld_matmul_kernel (const PldKernels *kernels, PldDtype dtype)
{
  switch (dtype)
    {
#define CASE(lower, UPPER, values, bytes)                                                                    \
  case PLD_DTYPE_##UPPER:                                                                                    \
    return kernels->matmul_##lower;
      PLD_FLOAT_TYPES (CASE)
#undef CASE
    default:
      return NULL;
    }
}

char *
pld_dispatch_names (gboolean blocks)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < PLD_DTYPE_N; i++)
    if (pld_matmul_kernel (pld_kernels (), (PldDtype) i) != NULL
        || (blocks && pld_matmul_q8_kernel (pld_kernels (), (PldDtype) i) != NULL))
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", pld_dtype_info ((PldDtype) i)->name);
  return g_string_free (names, FALSE);
}
