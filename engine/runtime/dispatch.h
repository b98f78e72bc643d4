/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From element types, which formats name, to the kernels for them.
 */
#pragma once

#include "engine/format/dtype.h"
#include "engine/kernels/kernels.h"

/* y[i] = x[i] as float */
typedef void (*PldDequantizeFunc) (float *y, const guint8 *x, gsize n);
/* y[j * y_stride + i] = w[i] · x[j]; see kernels.def */
typedef void (*PldMatmulQ8Func) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const PldQ8 *x, guint n_x,
                                 gsize n_cols);
typedef void (*PldMatmulFunc) (float *y, gsize y_stride, const guint8 *w, gsize row_bytes, guint n_rows, const float *x, gsize x_stride,
                               guint n_x, gsize n_cols);

/* Returns: (nullable): NULL for types that no weights come in */
PldDequantizeFunc pld_dequantize_kernel (const PldKernels *kernels, PldDtype dtype);
/* For types in blocks. Returns: (nullable) */
PldMatmulQ8Func pld_matmul_q8_kernel (const PldKernels *kernels, PldDtype dtype);
/* For types of one value. Returns: (nullable) */
PldMatmulFunc pld_matmul_kernel (const PldKernels *kernels, PldDtype dtype);

/* Returns: (transfer full): the types that there are kernels for, for messages; @blocks: those in blocks too */
char *pld_dispatch_names (gboolean blocks);
