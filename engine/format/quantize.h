/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Floats → weights as GGUF stores them; the layouts are those of engine/kernels/blocks.h (ggml's docs/gguf.md). A
 * block's scales are searched for so that the squared error of its values is small; nothing is known of the activations
 * that the weights will meet. The same floats give the same bytes on every machine that has IEEE floats. Thread-safe.
 */
#pragma once

#include "engine/format/dtype.h"

/* @x: [n] finite values, their magnitudes at most 65504 (F32, BF16: any); @n: whole blocks; @out: their bytes, of any
 * alignment */
typedef void (*PldQuantizeFunc) (guint8 *out, const float *x, gsize n);

/* F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K. Returns: (nullable): NULL for the other types */
PldQuantizeFunc pld_quantize_function (PldDtype dtype);
