/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an architecture tells the core. A new one is a file with such a table and a line in registry.c.
 */
#pragma once

#include "engine/format/config.h"
#include "engine/runtime/cache.h"
#include "engine/runtime/params.h"
#include "engine/runtime/session.h"
#include "pipeload/vision.h"

/* Items of a pass at most: beyond some, a pass only takes longer. */
#define PLD_BATCH_MAX 512

typedef enum
{
  PLD_KIND_VISION, /* items are pictures; its struct begins with PldVisionNet */
  PLD_KIND_TEXT,   /* items are tokens; its struct begins with PldTextNet */
} PldKind;

/* One picture as a forward pass takes it. Exactly one pointer is set. */
typedef struct
{
  const guint8 *rgb;   /* [height, width, 3] */
  const float *pixels; /* [3, height, width], normalised */
} PldPicture;

/* What a pass computes together. */
typedef struct
{
  gboolean wanted; /* its result is to be made; pictures: always */
  union
  {
    PldPicture picture;
    PldToken token;
  };
} PldItem;

/* What every opened model has. */
typedef struct
{
  guint n_outputs; /* floats of a result: classes; the vocabulary */
} PldNet;

/* Blocks [first, end) of a network that is split. The part with the first block also has all that precedes the blocks,
 * the part with the last block all that follows them. @end may be larger than the number of blocks. */
typedef struct
{
  guint first, end;
} PldBlocks;

#define PLD_ALL_BLOCKS ((PldBlocks) { 0, G_MAXUINT })

/* Pixels; 0 × 0: the model's own. */
typedef struct
{
  guint width, height;
} PldInputSize;

typedef struct
{
  PldNet base;
  guint input_width, input_height;
  float scale[3], shift[3]; /* normalised = byte * scale + shift, for R, G, B */
  guint n_classes;
  guint max_objects; /* of a picture */
  gboolean detector; /* objects are places in the picture */
  float threshold;   /* confidence from which on an object counts, unless the user says otherwise */
} PldVisionNet;

typedef struct
{
  PldNet base;
  guint context;                      /* positions that it was trained for */
  guint n_layers, n_kv_heads, d_head; /* of the cache */
} PldTextNet;

typedef struct
{
  const char *name; /* as config.json's model_type or GGUF's general.architecture has it; GGUF's keys begin with it */
  PldKind kind;
  guint batch_max;    /* items of a pass that still pay, at most PLD_BATCH_MAX */
  double batch_share; /* of the memory that streaming could use, a longer batch may take so much, 0..1; see
                         models/core/plan.c */

  /**
   * declare:
   * @config: config.json, or GGUF's keys
   * @input: of vision models: what the user or the preprocessing says; 0 × 0: that it was trained for
   * @blocks: those to declare; only a net with all of them has a forward pass
   *
   * Reads the hyperparameters and declares the tensors; loads nothing. UNSUPPORTED when @blocks has no block of the
   * model. Returns: (transfer full): free with g_free()
   */
  PldNet *(*declare) (PldParams *params, const PldConfig *config, PldInputSize input, PldBlocks blocks, GError **error);
  /* After pld_params_load(): derived tables, charged to @budget. */
  gboolean (*prepare) (PldNet *net, PldBudget *budget, GError **error);
  void (*release) (PldNet *net);
  guint64 (*prepare_bytes) (const PldNet *net);
  /* Floats of memory for a pass of @n items, and scratch floats a thread; @context: positions of the longest cache. */
  gsize (*activation_floats) (const PldNet *net, guint n);
  gsize (*scratch_floats) (const PldNet *net, guint context);
  /* @memory: activation_floats(n); @results: (out): [those of the n that are wanted, n_outputs] */
  gboolean (*forward) (const PldNet *net, PldSession *session, const PldItem *items, guint n, float *memory,
                       float *results, GError **error);
  /* Vision: what @result, [n_outputs], shows. @objects: (out): [max_objects], best first, all but their labels.
   * Returns: how many */
  guint (*decode) (const PldVisionNet *net, const float *result, PldObject *objects);
} PldArch;

extern const PldArch pld_arch_vit;
extern const PldArch pld_arch_patch_detector;
extern const PldArch pld_arch_yolos;
extern const PldArch pld_arch_llama;
extern const PldArch pld_arch_qwen2;
extern const PldArch pld_arch_qwen3;

/* Cuts @blocks to a model of @n_blocks; UNSUPPORTED when nothing is left. @path: of the model, for the message. */
gboolean pld_blocks_clip (PldBlocks *blocks, guint n_blocks, const char *path, GError **error);

/* Returns: (nullable): the architecture of this kind and name */
const PldArch *pld_arch_find (PldKind kind, const char *name);
/* Returns: (transfer full): "llama, qwen2", for messages */
char *pld_arch_names (PldKind kind);
