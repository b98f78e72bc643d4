/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keys and types in GGUF files of LLaMA architectures, as llama.cpp writes them; declare.c reads them.
 */
#include "models/architectures/decoder/llama.h"

#include <string.h>

/* Sensitive are the head, and the value and down projections of those layers that use_more_bits() names. */
const PldMix pld_llama_mixes[] = {
  { "f32", PLD_DTYPE_F32, PLD_DTYPE_F32, 0 },           { "f16", PLD_DTYPE_F16, PLD_DTYPE_F16, 1 },
  { "bf16", PLD_DTYPE_BF16, PLD_DTYPE_BF16, 32 },       { "q4_0", PLD_DTYPE_Q4_0, PLD_DTYPE_Q4_0, 2 },
  { "q4_1", PLD_DTYPE_Q4_1, PLD_DTYPE_Q4_1, 3 },        { "q5_0", PLD_DTYPE_Q5_0, PLD_DTYPE_Q5_0, 8 },
  { "q5_1", PLD_DTYPE_Q5_1, PLD_DTYPE_Q5_1, 9 },        { "q8_0", PLD_DTYPE_Q8_0, PLD_DTYPE_Q8_0, 7 },
  { "q2_k", PLD_DTYPE_Q2_K, PLD_DTYPE_Q2_K, 10 },       { "q3_k", PLD_DTYPE_Q3_K, PLD_DTYPE_Q3_K, 11 },
  { "q4_k", PLD_DTYPE_Q4_K, PLD_DTYPE_Q4_K, 14 },       { "q5_k", PLD_DTYPE_Q5_K, PLD_DTYPE_Q5_K, 16 },
  { "q6_k", PLD_DTYPE_Q6_K, PLD_DTYPE_Q6_K, 18 },       { "iq4_nl", PLD_DTYPE_IQ4_NL, PLD_DTYPE_IQ4_NL, 25 },
  { "iq4_xs", PLD_DTYPE_IQ4_XS, PLD_DTYPE_IQ4_XS, 30 }, { "q4_k_m", PLD_DTYPE_Q4_K, PLD_DTYPE_Q6_K, 15 },
  { "q5_k_m", PLD_DTYPE_Q5_K, PLD_DTYPE_Q6_K, 17 },     { NULL },
};

/* The first eighth of the layers, the last, and every third between them. */
static gboolean
use_more_bits (guint layer, guint n_layers)
{
  const guint eighth = n_layers / 8;

  return layer < eighth || layer >= 7 * n_layers / 8 || (layer - eighth) % 3 == 2;
}

static gboolean
is_sensitive (const PldLlama *llama, const char *name)
{
  const char *part;

  if (strcmp (name, llama->tied ? "token_embd.weight" : "output.weight") == 0)
    return TRUE;
  if (!g_str_has_prefix (name, "blk."))
    return FALSE;
  part = strchr (name + 4, '.');
  return part != NULL && (strcmp (part, ".attn_v.weight") == 0 || strcmp (part, ".ffn_down.weight") == 0)
         && use_more_bits ((guint) g_ascii_strtoull (name + 4, NULL, 10), llama->n_blocks);
}

/* llama.cpp's choice where rows are not whole blocks of 256. */
static PldDtype
dtype_for_rows (PldDtype dtype, guint64 n_cols)
{
  const struct
  {
    PldDtype wide, narrow;
  } pairs[] = { { PLD_DTYPE_Q2_K, PLD_DTYPE_IQ4_NL },   { PLD_DTYPE_Q3_K, PLD_DTYPE_IQ4_NL },
                { PLD_DTYPE_IQ4_XS, PLD_DTYPE_IQ4_NL }, { PLD_DTYPE_Q4_K, PLD_DTYPE_Q5_0 },
                { PLD_DTYPE_Q5_K, PLD_DTYPE_Q5_1 },     { PLD_DTYPE_Q6_K, PLD_DTYPE_Q8_0 } };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    if (dtype == pairs[i].wide && n_cols % pld_dtype_info (dtype)->block != 0)
      return pairs[i].narrow;
  return dtype;
}

void
pld_llama_mix (const PldNet *net, const PldMix *mix, PldTensor *tensor, guint64 n_cols)
{
  const gboolean sensitive = is_sensitive ((const PldLlama *) net, tensor->name);

  tensor->dtype = n_cols > 0 ? dtype_for_rows (sensitive ? mix->sensitive : mix->base, n_cols) : PLD_DTYPE_F32;
}

/* Without those of scaled ropes and of experts, which no preset has. */
void
pld_llama_write_keys (const PldNet *net, PldKeys keys)
{
  const PldLlama *llama = (const PldLlama *) net;

  pld_keys_add_uint32 (keys, "block_count", llama->n_blocks);
  pld_keys_add_uint32 (keys, "context_length", llama->base.context);
  pld_keys_add_uint32 (keys, "embedding_length", llama->d);
  pld_keys_add_uint32 (keys, "feed_forward_length", llama->d_ff);
  pld_keys_add_uint32 (keys, "attention.head_count", llama->n_heads);
  pld_keys_add_uint32 (keys, "attention.head_count_kv", llama->n_kv_heads);
  pld_keys_add_uint32 (keys, "rope.dimension_count", 2 * llama->rope.n_pairs);
  pld_keys_add_float (keys, "rope.freq_base", (float) llama->rope.base);
  pld_keys_add_float (keys, "attention.layer_norm_rms_epsilon", llama->eps);
}
