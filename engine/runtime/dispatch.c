/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Maps element types to their kernels.
 */
#include "engine/runtime/dispatch.h"

#include "engine/kernels/blocks.h"

#define CASE(kernel, UPPER)                                                                                            \
  case PLD_DTYPE_##UPPER:                                                                                              \
    return kernels->kernel;
#define DEQUANTIZE(lower, UPPER, values, bytes) CASE (dequantize_##lower, UPPER)
#define MATVEC(lower, UPPER, values, bytes) CASE (matvec_##lower, UPPER)
#define MATMUL(lower, UPPER, values, bytes) CASE (matmul_##lower, UPPER)

#define LOOKUP(Func, name, cases)                                                                                      \
  Func name (const PldKernels *kernels, PldDtype dtype)                                                                \
  {                                                                                                                    \
    switch (dtype)                                                                                                     \
      {                                                                                                                \
        cases default : return NULL;                                                                                   \
      }                                                                                                                \
  }

LOOKUP (PldDequantizeFunc, pld_dequantize_kernel, PLD_FLOAT_TYPES (DEQUANTIZE) PLD_BLOCK_TYPES (DEQUANTIZE))
LOOKUP (PldMatvecQ8Func, pld_matvec_q8_kernel, PLD_BLOCK_TYPES (MATVEC))
LOOKUP (PldMatmulQ8Func, pld_matmul_q8_kernel, PLD_BLOCK_TYPES (MATMUL))
LOOKUP (PldProductFunc, pld_matvec_kernel, PLD_FLOAT_TYPES (MATVEC))
LOOKUP (PldProductFunc, pld_matmul_kernel, PLD_FLOAT_TYPES (MATMUL))

static void
no_matvec_q8 (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8 *x, guint n_x,
              gsize n_cols)
{
}

static void
no_matmul_q8 (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8Panel *x, guint n_x,
              gsize n_cols)
{
}

static void
no_product (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const float *x, gsize x_stride,
            guint n_x, gsize n_cols)
{
}

void
pld_kernels_drop_products (PldKernels *kernels)
{
#define DROP_FLOATS(lower, UPPER, values, bytes) kernels->matvec_##lower = kernels->matmul_##lower = no_product;
#define DROP_BLOCKS(lower, UPPER, values, bytes)                                                                       \
  kernels->matvec_##lower = no_matvec_q8;                                                                              \
  kernels->matmul_##lower = no_matmul_q8;

  PLD_FLOAT_TYPES (DROP_FLOATS)
  PLD_BLOCK_TYPES (DROP_BLOCKS)
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
