/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From element types, which formats name, to the kernels for them.
 */
#pragma once

#include "engine/format/dtype.h"
#include "engine/kernels/kernels.h"

/* y[i] = x[i] as float */
typedef void (*PldDequantizeFunc) (float *y, const guint8 *x, gsize n);
/* Products with rows of activations, and with panels of them: see kernels.def */
typedef void (*PldMatvecQ8Func) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,
                                 const PldQ8 *x, guint n_x, gsize n_cols);
typedef void (*PldMatmulQ8Func) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,
                                 const PldQ8Panel *x, guint n_x, gsize n_cols);
typedef void (*PldProductFunc) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows,
                                const float *x, gsize x_stride, guint n_x, gsize n_cols);

/* Returns: (nullable): NULL for types that no weights come in */
PldDequantizeFunc pld_dequantize_kernel (const PldKernels *kernels, PldDtype dtype);
/* For types in blocks. Returns: (nullable) */
PldMatvecQ8Func pld_matvec_q8_kernel (const PldKernels *kernels, PldDtype dtype);
PldMatmulQ8Func pld_matmul_q8_kernel (const PldKernels *kernels, PldDtype dtype);
/* For types of one value. Returns: (nullable) */
PldProductFunc pld_matvec_kernel (const PldKernels *kernels, PldDtype dtype);
PldProductFunc pld_matmul_kernel (const PldKernels *kernels, PldDtype dtype);

/* Puts kernels that do nothing in the place of all products with weights. */
void pld_kernels_drop_products (PldKernels *kernels);

/* Returns: (transfer full): the types that there are kernels for, for messages; @blocks: those in blocks too */
char *pld_dispatch_names (gboolean blocks);
