/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Element types of stored tensors: plain ones, and the block types of GGUF (ggml/docs/gguf.md), of which
 * @block values share @bytes bytes.
 */
#pragma once

#include <glib.h>

typedef enum
{
  PLD_DTYPE_F32,
  PLD_DTYPE_F16,
  PLD_DTYPE_BF16,
  PLD_DTYPE_F64,
  PLD_DTYPE_I8,
  PLD_DTYPE_I16,
  PLD_DTYPE_I32,
  PLD_DTYPE_I64,
  PLD_DTYPE_U8,
  PLD_DTYPE_U16,
  PLD_DTYPE_U32,
  PLD_DTYPE_U64,
  PLD_DTYPE_BOOL,
  PLD_DTYPE_Q4_0,
  PLD_DTYPE_Q4_1,
  PLD_DTYPE_Q5_0,
  PLD_DTYPE_Q5_1,
  PLD_DTYPE_Q8_0,
  PLD_DTYPE_Q8_1,
  PLD_DTYPE_Q2_K,
  PLD_DTYPE_Q3_K,
  PLD_DTYPE_Q4_K,
  PLD_DTYPE_Q5_K,
  PLD_DTYPE_Q6_K,
  PLD_DTYPE_Q8_K,
  PLD_DTYPE_IQ2_XXS,
  PLD_DTYPE_IQ2_XS,
  PLD_DTYPE_IQ2_S,
  PLD_DTYPE_IQ3_XXS,
  PLD_DTYPE_IQ3_S,
  PLD_DTYPE_IQ1_S,
  PLD_DTYPE_IQ1_M,
  PLD_DTYPE_IQ4_NL,
  PLD_DTYPE_IQ4_XS,
  PLD_DTYPE_TQ1_0,
  PLD_DTYPE_TQ2_0,
  PLD_DTYPE_MXFP4,
  PLD_DTYPE_N,
} PldDtype;

typedef struct
{
  const char *name; /* as GGUF and safetensors write it: "F16", "Q4_K" */
  guint block;      /* values a block; 1 for plain types */
  guint bytes;      /* bytes a block */
} PldDtypeInfo;

/* Returns: (transfer none): never NULL for a valid @dtype */
const PldDtypeInfo *pld_dtype_info (PldDtype dtype);

/* The type that safetensors writes as @name, or that GGUF numbers @number. FALSE when there is none. */
gboolean pld_dtype_from_safetensors (const char *name, PldDtype *dtype);
gboolean pld_dtype_from_gguf (guint32 number, PldDtype *dtype);

/* GGUF's number of @dtype. FALSE when it has none. */
gboolean pld_dtype_to_gguf (PldDtype dtype, guint32 *number);
