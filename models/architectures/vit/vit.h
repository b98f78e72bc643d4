/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A vision transformer as its files declare it: declare.c fills this in, vit.c computes with it. Its
 * head makes it a kind: classifier.c, patch-detector.c, yolos.c. Its tokens: [class; patches; detection tokens]; only
 * YOLOS has the last.
 */
#pragma once

#include "models/architectures/arch.h"
#include "models/architectures/vit/position.h"

typedef struct
{
  const PldMatrix *weight; /* [outputs, d] */
  float *bias;             /* [outputs] */
} PldVitLinear;

typedef struct
{
  const PldMatrix *key, *value, *query, *out;                   /* [d, d] */
  const PldMatrix *up, *down;                                   /* [d_mlp, d], [d, d_mlp] */
  float *query_bias, *key_bias, *value_bias;                    /* [d]; NULL: none */
  float *out_bias, *up_bias, *down_bias;                        /* [d], [d_mlp], [d] */
  float *norm1_weight, *norm1_bias, *norm2_weight, *norm2_bias; /* [d] */
  const PldMatrix *position; /* [stored tokens, d], added after the block; NULL: none */
} PldVitBlock;

/* The meaning of a classifier's logits. */
typedef enum
{
  PLD_VIT_SINGLE_LABEL,
  PLD_VIT_MULTI_LABEL,
  PLD_VIT_REGRESSION,
} PldVitProblem;

typedef struct
{
  PldVisionNet base;
  guint d, d_mlp, n_blocks, n_heads, patch;
  PldBlocks part;                  /* the blocks that are declared */
  guint image_width, image_height; /* that it was trained for */
  guint grid_w, grid_h;            /* patches of the input */
  guint stored_w, stored_h;        /* patches that the stored position embeddings are for */
  float eps;
  PldActivation act;
  guint read_first, n_read;       /* tokens that the head reads: in the last block only their panels are computed */
  guint block_cols;               /* the longest row of a matrix in blocks; 0: there is none */
  guint head_rows;                /* of its largest matrix */
  float *cls;                     /* [d] */
  const PldMatrix *position;      /* [stored tokens, d] */
  PldBuffer cubic;                /* PldCubic: [grid_w] and [grid_h], how the stored grid becomes the input's */
  const PldMatrix *project;       /* [d, 3 * patch * patch] */
  float *project_bias;            /* [d] */
  float *norm_weight, *norm_bias; /* [d] */
  PldVitLinear head;              /* classifiers, patch detectors */
  PldVitProblem problem;          /* classifiers */
  /* Patch detectors: docs/gguf-vit.md */
  guint cells;             /* along each side of a patch; 0: no detector */
  float furthest, overlap; /* largest logarithm of a distance; IoU from which on two boxes are one object */
  /* YOLOS */
  guint n_detection;      /* detection tokens; 0: another kind */
  float *detection;       /* [n_detection, d] */
  gboolean mid_positions; /* position embeddings are added after blocks, too */
  PldVitLinear class_embed[3], box_embed[3];
  PldVitBlock blocks[]; /* [n_blocks] */
} PldVit;

static inline guint
pld_vit_patches (const PldVit *vit)
{
  return vit->grid_w * vit->grid_h;
}

static inline guint
pld_vit_tokens (const PldVit *vit)
{
  return 1 + pld_vit_patches (vit) + vit->n_detection;
}

/* Panels of a picture. */
static inline guint
pld_vit_panels (const PldVit *vit)
{
  return pld_panels (pld_vit_tokens (vit));
}

/* Those that the head reads. */
static inline guint
pld_vit_read_panels (const PldVit *vit)
{
  return pld_panels (vit->read_first % PLD_PANEL_ROWS + vit->n_read);
}

static inline guint
pld_vit_patch_values (const PldVit *vit)
{
  return 3 * vit->patch * vit->patch;
}

/* ---- what every kind has: declare.c, vit.c --------------------------------------------- */

/* The hyperparameters. @config: config.json of a Hugging Face folder, or the keys of a GGUF file. Returns: (transfer
 * full): free with g_free() */
PldVit *pld_vit_new (const PldParams *params, const PldConfig *config, PldInputSize input, PldBlocks blocks,
                     GError **error);

/**
 * pld_vit_declare_trunk:
 * @read_first, @n_read: tokens that the head reads, of each picture
 *
 * Declares the tensors of the part, but the head's. YOLOS has set n_detection.
 */
gboolean pld_vit_declare_trunk (PldParams *params, PldVit *vit, const PldConfig *config, guint read_first, guint n_read,
                                GError **error);

/* One layer of the head, "<name>.weight" and "<name>.bias", for the tokens that are read; nothing where the part does
 * not have the last block. */
gboolean pld_vit_declare_head (PldParams *params, PldVit *vit, const char *name, guint n_rows, PldVitLinear *linear,
                               GError **error);

/* Rows of the matrix of this name; 1 if there is none: a missing head is named by its declaration. */
guint pld_vit_count_rows (const PldParams *params, const char *name);

/* Of the table PldArch. */
guint64 pld_vit_prepare_bytes (const PldNet *net);
gboolean pld_vit_prepare (PldNet *net, PldBudget *budget, GError **error);
void pld_vit_release (PldNet *net);
gsize pld_vit_activation_floats (const PldNet *net, guint n);
gsize pld_vit_scratch_floats (const PldNet *net, guint context);

/* Where a pass keeps what, in floats; all lie in panels of 16 rows, the last of a picture's with rows that nobody
 * reads. B = pictures, P = panels of one. */
typedef struct
{
  float *x;    /* [B * P, d] the residual stream */
  float *h;    /* [B * P, d] normalized input of a layer; attention's result */
  float *q;    /* [B * P, d] */
  float *wide; /* [B * P, max (2 * d, d_mlp, 3 * patch², head_rows)] keys and values; the MLP's hidden layer; patches */
  float *blocks; /* inputs of layers, as blocks, where there are weights in blocks */
} PldVitMemory;

/* Patches, all blocks and the last norm. @memory: pld_vit_activation_floats(n). @m: (out): with h = [B *
 * pld_vit_read_panels(), d], the panels that hold the tokens that are read; what else they hold means nothing, and all
 * other memory is free again. */
gboolean pld_vit_trunk (const PldVit *vit, PldSession *session, const PldItem *items, guint n, float *memory,
                        PldVitMemory *m, GError **error);

/* ---- files: declare.c, write.c ------------------------------------------------------------------- */

extern const PldNames pld_vit_names;
extern const char *const pld_vit_harmless[];
extern const PldMix pld_vit_mixes[];

/* Of the table PldArch; a head adds its own keys. */
void pld_vit_mix (const PldNet *net, const PldMix *mix, PldTensor *tensor, guint64 n_cols);
void pld_vit_write_keys (const PldNet *net, PldKeys keys);

/* "gelu": the value of hidden_act */
const char *pld_vit_activation (PldActivation act);
