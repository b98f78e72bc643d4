/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keys and types in GGUF files of ViTs, which docs/gguf-vit.md describes; declare.c reads them.
 */
#include "models/architectures/vit/vit.h"

#include <string.h>

/* Sensitive are all matrices outside the blocks: patch projection, positions, head. */
const PldMix pld_vit_mixes[] = {
  { "f32", PLD_DTYPE_F32, PLD_DTYPE_F32, 0 },     { "f16", PLD_DTYPE_F16, PLD_DTYPE_F16, 1 },
  { "bf16", PLD_DTYPE_BF16, PLD_DTYPE_BF16, 32 }, { "q8_0", PLD_DTYPE_Q8_0, PLD_DTYPE_Q8_0, 7 },
  { "q6_k", PLD_DTYPE_Q6_K, PLD_DTYPE_Q8_0, 18 }, { "q5_k", PLD_DTYPE_Q5_K, PLD_DTYPE_Q8_0, 16 },
  { "q5_1", PLD_DTYPE_Q5_1, PLD_DTYPE_Q8_0, 9 },  { "q5_0", PLD_DTYPE_Q5_0, PLD_DTYPE_Q8_0, 8 },
  { "q4_k", PLD_DTYPE_Q4_K, PLD_DTYPE_Q8_0, 14 }, { "q4_1", PLD_DTYPE_Q4_1, PLD_DTYPE_Q8_0, 3 },
  { "q4_0", PLD_DTYPE_Q4_0, PLD_DTYPE_Q8_0, 2 },  { NULL },
};

/* ---- types --------------------------------------------------------------------------------- */

static gboolean
fits (PldDtype dtype, guint64 n_cols)
{
  return n_cols % pld_dtype_info (dtype)->block == 0;
}

/* A matrix whose rows are not whole blocks gets blocks of 32 with a bit more each, or else F16. */
static PldDtype
matrix_type (const PldMix *mix, const char *name, guint64 n_cols)
{
  const gboolean is_position = g_str_has_suffix (name, "position_embd.weight"),
                 is_block = g_str_has_prefix (name, pld_vit_names.block.gguf);
  PldDtype dtype = is_block ? mix->base : mix->sensitive;

  /* They are added to the residual stream of all blocks. */
  if (is_position && pld_dtype_info (dtype)->block > 1)
    return PLD_DTYPE_F16;
  if (!fits (dtype, n_cols))
    dtype = dtype == PLD_DTYPE_Q4_K ? PLD_DTYPE_Q5_0 : dtype == PLD_DTYPE_Q5_K ? PLD_DTYPE_Q5_1 : PLD_DTYPE_Q8_0;
  return fits (dtype, n_cols) ? dtype : PLD_DTYPE_F16;
}

void
pld_vit_mix (const PldNet *net, const PldMix *mix, PldTensor *tensor, guint64 n_cols)
{
  tensor->dtype = n_cols > 0 ? matrix_type (mix, tensor->name, n_cols) : PLD_DTYPE_F32;
  /* [1, 197, 768], [11, 1, 197, 768] */
  for (guint i = tensor->n_dims; i-- > 0;)
    if (tensor->dims[i] == 1 && tensor->n_dims > (n_cols > 0 ? 2 : 1))
      memmove (tensor->dims + i, tensor->dims + i + 1, (--tensor->n_dims - i) * sizeof *tensor->dims);
  /* The rows of a patch projection [768, 3, 16, 16] are whole blocks only as those of a matrix. */
  if (pld_dtype_info (tensor->dtype)->block > 1)
    {
      tensor->n_dims = 2;
      tensor->dims[1] = n_cols;
    }
}

/* ---- keys ---------------------------------------------------------------------------------- */

/* The rescale factor is left out where readers assume it: 1 / 255 has no exact float. */
static void
add_preprocessing (const PldVit *vit, PldKeys keys)
{
  const PldVisionNet *net = &vit->base;
  float mean[3], std[3];

  if (net->input_width != vit->image_width || net->input_height != vit->image_height)
    pld_keys_add_size (keys, "size", net->input_width, net->input_height);
  for (guint c = 0; c < 3; c++)
    {
      mean[c] = (float) net->mean[c];
      std[c] = (float) net->std[c];
    }
  pld_keys_add_floats (keys, "image_mean", mean, 3);
  pld_keys_add_floats (keys, "image_std", std, 3);
  if ((float) net->rescale != (float) (1 / 255.0))
    pld_keys_add_float (keys, "rescale_factor", (float) net->rescale);
  pld_keys_add_uint32 (keys, "resample", net->resample);
}

void
pld_vit_write_keys (const PldNet *net, PldKeys keys)
{
  const PldVit *vit = (const PldVit *) net;

  pld_keys_add_uint32 (keys, "embedding_length", vit->d);
  pld_keys_add_uint32 (keys, "feed_forward_length", vit->d_mlp);
  pld_keys_add_uint32 (keys, "block_count", vit->n_blocks);
  pld_keys_add_uint32 (keys, "attention.head_count", vit->n_heads);
  pld_keys_add_float (keys, "attention.layer_norm_epsilon", vit->eps);
  pld_keys_add_uint32 (keys, "patch_size", vit->patch);
  pld_keys_add_size (keys, "image_size", vit->image_width, vit->image_height);
  pld_keys_add_string (keys, "hidden_act", pld_vit_activation (vit->act));
  add_preprocessing (vit, keys);
}
