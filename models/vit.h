/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A vision transformer as its files declare it: vit-declare.c fills this in, vit.c computes with it. What kind it is, its head says: classifier.c,
 * patch-detector.c.
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
  gboolean all_tokens;                  /* are computed to the end; else the class token alone */
  float *cls;                           /* [d] */
  float *stored_position;               /* [1 + stored_w * stored_h, d] */
  PldBuffer position;                   /* interpolated: [1 + grid_w * grid_h, d]; empty when the sizes agree */
  const PldMatrix *project;             /* [d, 3 * patch * patch] */
  float *project_bias;                  /* [d] */
  float *norm_weight, *norm_bias;       /* [d] */
  const PldMatrix *head;                /* [outputs of a token, d] */
  float *head_bias;                     /* [outputs of a token] */
  /* Patch detectors: docs/gguf-vit.md */
  guint cells;                          /* along each side of a patch; 0: no detector */
  float furthest, overlap;              /* largest logarithm of a distance; IoU from which on two boxes are one object */
  PldVitBlock blocks[];                 /* [n_blocks] */
} PldVit;

static inline guint
pld_vit_tokens (const PldVit *vit)
{
  return 1 + vit->grid_w * vit->grid_h;
}

/* Panels of a picture. */
static inline guint
pld_vit_panels (const PldVit *vit)
{
  return pld_panels (pld_vit_tokens (vit));
}

static inline guint
pld_vit_patch_values (const PldVit *vit)
{
  return 3 * vit->patch * vit->patch;
}

/* ---- what every kind has: vit-declare.c, vit.c --------------------------------------------- */

/* The hyperparameters. @config: config.json of a Hugging Face folder, or the keys of a GGUF file. Returns: (transfer full): free with g_free() */
PldVit *pld_vit_new (const PldParams *params, const PldConfig *config, PldInputSize input, GError **error);

/**
 * pld_vit_declare_trunk:
 * @all_tokens: something reads them after the last block; else only the class token is computed there
 *
 * Declares all tensors but the head's.
 */
gboolean pld_vit_declare_trunk (PldParams *params, PldVit *vit, const PldConfig *config, gboolean all_tokens, GError **error);

/* The head's, named "<name>.weight" and "<name>.bias"; computed for @tokens a picture. */
gboolean pld_vit_declare_head (PldParams *params, PldVit *vit, const char *name, guint n_rows, guint tokens, GError **error);

/* Rows of the matrix of this name; 1 if there is none: a missing head is named by its declaration. */
guint pld_vit_count_rows (const PldParams *params, const char *name);

/* Of the table PldArch. */
guint64 pld_vit_prepare_bytes (const PldNet *net);
gboolean pld_vit_prepare (PldNet *net, PldBudget *budget, GError **error);
void pld_vit_release (PldNet *net);
gsize pld_vit_activation_floats (const PldNet *net, guint n);
gsize pld_vit_scratch_floats (const PldNet *net, const PldTape *tape, guint context);

/* Where a pass keeps what, in floats; all lie in panels of 16 rows, the last of a picture's with rows that nobody reads. B = pictures, P = panels of
 * one. */
typedef struct
{
  float *x;      /* [B * P, d] the residual stream */
  float *h;      /* [B * P, d] normalised input of a layer; attention's result */
  float *q;      /* [B * P, d] */
  float *wide;   /* [B * P, max (2 * d, d_mlp, 3 * patch², the head's rows)] keys and values; the MLP's hidden layer; patches */
  float *blocks; /* inputs of layers, as blocks, where there are weights in blocks */
} PldVitMemory;

/* Patches, all blocks and the last norm. @memory: pld_vit_activation_floats(n). @m: (out): with h = [B * P, d], or [B, d] panels that begin with
 * the class token, if nothing else is read. */
gboolean pld_vit_trunk (const PldVit *vit, PldSession *session, const PldItem *items, guint n, float *memory, PldVitMemory *m, GError **error);

/* ---- for writers --------------------------------------------------------------------------- */

#define PLD_VIT_NAME 128

/* Hugging Face's name of a tensor from GGUF's, or the other way; @name is of a tensor that was declared. */
void pld_vit_tensor_name (char out[PLD_VIT_NAME], const char *name, gboolean to_gguf);

/* "gelu": the value of hidden_act */
const char *pld_vit_activation (PldActivation act);
