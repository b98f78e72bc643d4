/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of element types: names, GGUF numbers, values and bytes per block.
 */
#include "engine/format/dtype.h"

#include <string.h>

#define NOT_IN_GGUF (-1)

static const struct
{
  PldDtypeInfo info;
  int gguf; /* ggml's number of the type */
} dtypes[PLD_DTYPE_N] = {
  [PLD_DTYPE_F32] = { { "F32", 1, 4 }, 0 },
  [PLD_DTYPE_F16] = { { "F16", 1, 2 }, 1 },
  [PLD_DTYPE_BF16] = { { "BF16", 1, 2 }, 30 },
  [PLD_DTYPE_F64] = { { "F64", 1, 8 }, 28 },
  [PLD_DTYPE_I8] = { { "I8", 1, 1 }, 24 },
  [PLD_DTYPE_I16] = { { "I16", 1, 2 }, 25 },
  [PLD_DTYPE_I32] = { { "I32", 1, 4 }, 26 },
  [PLD_DTYPE_I64] = { { "I64", 1, 8 }, 27 },
  [PLD_DTYPE_U8] = { { "U8", 1, 1 }, NOT_IN_GGUF },
  [PLD_DTYPE_U16] = { { "U16", 1, 2 }, NOT_IN_GGUF },
  [PLD_DTYPE_U32] = { { "U32", 1, 4 }, NOT_IN_GGUF },
  [PLD_DTYPE_U64] = { { "U64", 1, 8 }, NOT_IN_GGUF },
  [PLD_DTYPE_BOOL] = { { "BOOL", 1, 1 }, NOT_IN_GGUF },
  [PLD_DTYPE_Q4_0] = { { "Q4_0", 32, 18 }, 2 },
  [PLD_DTYPE_Q4_1] = { { "Q4_1", 32, 20 }, 3 },
  [PLD_DTYPE_Q5_0] = { { "Q5_0", 32, 22 }, 6 },
  [PLD_DTYPE_Q5_1] = { { "Q5_1", 32, 24 }, 7 },
  [PLD_DTYPE_Q8_0] = { { "Q8_0", 32, 34 }, 8 },
  [PLD_DTYPE_Q8_1] = { { "Q8_1", 32, 36 }, 9 },
  [PLD_DTYPE_Q2_K] = { { "Q2_K", 256, 84 }, 10 },
  [PLD_DTYPE_Q3_K] = { { "Q3_K", 256, 110 }, 11 },
  [PLD_DTYPE_Q4_K] = { { "Q4_K", 256, 144 }, 12 },
  [PLD_DTYPE_Q5_K] = { { "Q5_K", 256, 176 }, 13 },
  [PLD_DTYPE_Q6_K] = { { "Q6_K", 256, 210 }, 14 },
  [PLD_DTYPE_Q8_K] = { { "Q8_K", 256, 292 }, 15 },
  [PLD_DTYPE_IQ2_XXS] = { { "IQ2_XXS", 256, 66 }, 16 },
  [PLD_DTYPE_IQ2_XS] = { { "IQ2_XS", 256, 74 }, 17 },
  [PLD_DTYPE_IQ2_S] = { { "IQ2_S", 256, 82 }, 22 },
  [PLD_DTYPE_IQ3_XXS] = { { "IQ3_XXS", 256, 98 }, 18 },
  [PLD_DTYPE_IQ3_S] = { { "IQ3_S", 256, 110 }, 21 },
  [PLD_DTYPE_IQ1_S] = { { "IQ1_S", 256, 50 }, 19 },
  [PLD_DTYPE_IQ1_M] = { { "IQ1_M", 256, 56 }, 29 },
  [PLD_DTYPE_IQ4_NL] = { { "IQ4_NL", 32, 18 }, 20 },
  [PLD_DTYPE_IQ4_XS] = { { "IQ4_XS", 256, 136 }, 23 },
  [PLD_DTYPE_TQ1_0] = { { "TQ1_0", 256, 54 }, 34 },
  [PLD_DTYPE_TQ2_0] = { { "TQ2_0", 256, 66 }, 35 },
  [PLD_DTYPE_MXFP4] = { { "MXFP4", 32, 17 }, 39 },
};

const PldDtypeInfo *
pld_dtype_info (PldDtype dtype)
{
  g_return_val_if_fail ((guint) dtype < PLD_DTYPE_N, NULL);
  return &dtypes[dtype].info;
}

gboolean
pld_dtype_from_safetensors (const char *name, PldDtype *dtype)
{
  for (guint i = 0; i <= PLD_DTYPE_BOOL; i++)
    if (strcmp (dtypes[i].info.name, name) == 0)
      {
        *dtype = (PldDtype) i;
        return TRUE;
      }
  return FALSE;
}

gboolean
pld_dtype_from_gguf (guint32 number, PldDtype *dtype)
{
  for (guint i = 0; i < PLD_DTYPE_N; i++)
    if (dtypes[i].gguf >= 0 && (guint32) dtypes[i].gguf == number)
      {
        *dtype = (PldDtype) i;
        return TRUE;
      }
  return FALSE;
}

gboolean
pld_dtype_to_gguf (PldDtype dtype, guint32 *number)
{
  g_return_val_if_fail ((guint) dtype < PLD_DTYPE_N, FALSE);
  if (dtypes[dtype].gguf == NOT_IN_GGUF)
    return FALSE;
  *number = (guint32) dtypes[dtype].gguf;
  return TRUE;
}
