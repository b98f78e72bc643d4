/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Published models' sizes, of which models with random weights can be made. A family of architectures shares a table;
 * a new family is a line in registry.c.
 */
#pragma once

#include "models/architectures/arch.h"

/* A family's rows begin with it. */
typedef struct
{
  const char *name; /* of the model */
  const PldArch *arch;
} PldPreset;

/* A tensor as the family's published files have it. */
typedef struct
{
  PldTensor tensor; /* name (owned), dims and n_values */
  guint64 n_cols;   /* of a matrix; 0: a vector */
  double std;       /* of random values, whose mean is 0; or PLD_DRAFT_ONES */
  float *values;    /* (nullable) (owned): [n_values], in place of random ones; of vectors */
} PldDraft;

#define PLD_DRAFT_ONES 0.0 /* in place of a standard deviation: all values are 1 */

/* A family. */
typedef struct
{
  const char *default_type; /* of weights: a name of the architecture's mixes */
  /* Returns: (nullable): NULL past the last */
  const PldPreset *(*nth) (guint i);
  /* Returns: (transfer full): hyperparameters and preprocessing, no tensors; free with g_free() */
  PldNet *(*make) (const PldPreset *preset);
  /* Adds a PldDraft for each tensor, in the order of the files. @net: of make(); its n_outputs may have changed */
  void (*add_drafts) (const PldPreset *preset, const PldNet *net, GArray *drafts);
  /* The texts of config.json and preprocessor_config.json. NULL: the family has GGUF files alone. @torch_type: of the
   * weights, "float16". Returns: (transfer full) */
  char *(*config) (const PldPreset *preset, const char *torch_type);
  char *(*preprocessing) (const PldPreset *preset);
} PldPresets;

extern const PldPresets pld_vit_presets;
extern const PldPresets pld_llama_presets;

/* Returns: (nullable): a family; NULL past the last */
const PldPresets *pld_presets_nth (guint i);

/* Returns: (transfer full) (element-type PldDraft): frees its elements' names and values */
GArray *pld_drafts_new (void);
/* Adds a tensor. @name: (transfer full). Returns: (transfer none): valid until the next one is added */
PldDraft *pld_drafts_add (GArray *drafts, char *name, guint n_dims, const guint64 *dims);
