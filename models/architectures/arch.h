/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The contract between an architecture and its users: the core, which runs it, and those that write its files. A new
 * architecture is a file with such a table and a line in registry.c; docs/adding-a-model.md lists the steps.
 */
#pragma once

#include "engine/format/config.h"
#include "engine/runtime/cache.h"
#include "engine/runtime/params.h"
#include "engine/runtime/session.h"
#include "models/architectures/keys.h"
#include "models/architectures/names.h"
#include "pipeload/vision.h"

/* Items of a pass, at most: more would only make the pass longer. */
#define PLD_BATCH_MAX 512

/* One picture as a forward pass takes it. Exactly one pointer is set. */
typedef struct
{
  const guint8 *rgb;   /* [height, width, 3] */
  const float *pixels; /* [3, height, width], normalized */
} PldPicture;

/* A row of a pass. */
typedef struct
{
  gboolean wanted; /* its result is computed; pictures: always */
  union
  {
    PldPicture picture;
    PldToken token;
  };
} PldItem;

/* The part that all models share. */
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
  guint resample;                  /* the filter that scales pictures, as Pillow numbers them */
  double rescale, mean[3], std[3]; /* normalized = (byte * rescale - mean) / std */
  float scale[3], shift[3];        /* normalized = byte * scale + shift, for R, G, B */
  guint n_classes;
  guint max_objects;  /* of a picture */
  gboolean detector;  /* objects have places in the picture */
  gboolean exclusive; /* of a picture's classes one is right */
  float threshold;    /* default: the least confidence of an object that counts */
} PldVisionNet;

typedef struct
{
  PldNet base;
  guint context;                      /* positions that it was trained for */
  guint n_layers, n_kv_heads, d_head; /* of the cache */
} PldTextNet;

/* A type of weights that files can be written in, as users name it. */
typedef struct
{
  const char *name;
  PldDtype base;      /* of most matrices */
  PldDtype sensitive; /* of those that lose more by few bits; the architecture chooses them */
  guint file_type;    /* llama.cpp's number of the mix */
} PldMix;

typedef struct
{
  const char *name;   /* as config.json's model_type or GGUF's general.architecture has it; GGUF's keys begin with it */
  PldModelKind kind;  /* vision: items are pictures, its net begins with PldVisionNet; language: tokens, PldTextNet */
  guint batch_max;    /* more items make a pass no faster for each; at most PLD_BATCH_MAX */
  double batch_share; /* of the memory that streaming could use, the share that a longer batch may take, 0..1; see
                         models/core/plan.c */

  /**
   * declare:
   * @config: config.json, or GGUF's keys
   * @input: of vision models: the user's or the preprocessing's; 0 × 0: the size that it was trained for
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
  /* Vision: the class of image processors that prepares pictures unless the files name another; see
   * models/core/preprocessing.h */
  const char *image_processor;
  /* Vision: the objects in @result, [n_outputs]. @objects: (out): [max_objects], best first, without their labels.
   * Returns: their number */
  guint (*decode) (const PldVisionNet *net, const float *result, PldObject *objects);

  /* ---- of its files, for readers and writers ---- */

  const char *const *harmless; /* patterns of names, as the files have them, of tensors that results do not depend on */
  const PldNames *names;       /* (nullable): both kinds of files have GGUF's names */
  const PldMix *mixes;         /* types that it is written in; one without a name ends them */
  /**
   * mix:
   * @tensor: of GGUF's name; the shape as any file of the model has it
   * @n_cols: of a matrix; 0: a vector
   *
   * Sets the type and the shape that @tensor is stored with.
   */
  void (*mix) (const PldNet *net, const PldMix *mix, PldTensor *tensor, guint64 n_cols);
  /* The keys that declare() reads, and of vision models the preprocessing. Preprocessing and sizes in @net count,
   * tensors do not. */
  void (*write_keys) (const PldNet *net, PldKeys keys);
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
const PldArch *pld_arch_find (PldModelKind kind, const char *name);
/* Returns: (transfer full): "llama, qwen2", for messages */
char *pld_arch_names (PldModelKind kind);

/* Returns: (nullable): the type of this name */
const PldMix *pld_arch_mix (const PldArch *arch, const char *name);
/* Returns: (transfer full): "f32, f16 and bf16", for messages */
char *pld_arch_types (const PldArch *arch);
