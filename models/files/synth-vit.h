/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the parts of synthetic vision transformers share: synth-vit.c (weights), synth-vit-json.c (what lies beside them
 * in a Hugging Face folder).
 */
#pragma once

#include "models/files/synth.h"
#include "models/architectures/vit/vit.h"

typedef struct
{
  const char *name;
  const PldArch *arch;
  guint hidden, layers, heads;
  guint image_width, image_height; /* that the position embeddings are for */
  guint input_width, input_height; /* that pictures are scaled to */
  guint n_classes;
  /* YOLOS */
  guint n_detection;
  gboolean mid_positions;
  guint shortest_edge; /* that leads to the input's size */
} PldVitPreset;

#define PLD_SYNTH_PATCH 16
#define PLD_SYNTH_LONGEST_EDGE 1333

/* Means and deviations of pictures that models of this kind are trained with, for R, G, B. */
void pld_vit_preset_normalization (const PldVitPreset *preset, double mean[3], double std[3]);

/* config.json; @torch_name: of the weights' type. Returns: (transfer full) */
char *pld_vit_preset_config (const PldVitPreset *preset, const char *torch_name);
/* preprocessor_config.json. Returns: (transfer full) */
char *pld_vit_preset_preprocessor (const PldVitPreset *preset);
