/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A vision transformer as its files declare it: vit-declare.c fills this in, vit.c computes with it.
 */
#pragma once

#include "models/arch.h"

typedef struct
{
  const PldMatrix *query, *key, *value, *out;  /* [d, d] */
  const PldMatrix *up, *down;                  /* [d_mlp, d], [d, d_mlp] */
  float *query_bias, *key_bias, *value_bias;   /* [d]; NULL: none */
  float *out_bias, *up_bias, *down_bias;       /* [d], [d_mlp], [d] */
  float *norm1_weight, *norm1_bias, *norm2_weight, *norm2_bias; /* [d] */
} PldVitBlock;

typedef struct
{
  PldVisionNet base;
  guint d, d_mlp, n_blocks, n_heads, patch;
  guint image_width, image_height;      /* that it was trained for */
  guint grid_w, grid_h;                 /* patches of the input */
  guint stored_w, stored_h;             /* patches that the stored position embeddings are for */
  float eps;
  PldActivation act;
  float *cls;                           /* [d] */
  float *stored_position;               /* [1 + stored_w * stored_h, d] */
  PldBuffer position;                   /* interpolated: [1 + grid_w * grid_h, d]; empty when the sizes agree */
  const PldMatrix *project;             /* [d, 3 * patch * patch] */
  float *project_bias;                  /* [d] */
  float *norm_weight, *norm_bias;       /* [d] */
  const PldMatrix *classifier;          /* [n_classes, d] */
  float *classifier_bias;               /* [n_classes] */
  PldVitBlock blocks[];                 /* [n_blocks] */
} PldVit;

static inline guint
pld_vit_tokens (const PldVit *vit)
{
  return 1 + vit->grid_w * vit->grid_h;
}

static inline guint
pld_vit_patch_values (const PldVit *vit)
{
  return 3 * vit->patch * vit->patch;
}

/* See PldArch. @config: config.json of a Hugging Face folder, or the keys of a GGUF file. Returns: (transfer full) */
PldNet *pld_vit_declare (PldParams *params, const PldConfig *config, guint input_size, GError **error);

/* ---- for writers --------------------------------------------------------------------------- */

#define PLD_VIT_NAME 128

/* Hugging Face's name of a tensor from GGUF's, or the other way; @name is of a tensor that was declared. */
void pld_vit_tensor_name (char out[PLD_VIT_NAME], const char *name, gboolean to_gguf);

/* "gelu": the value of hidden_act */
const char *pld_vit_activation (PldActivation act);
