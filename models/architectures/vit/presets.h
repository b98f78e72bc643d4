/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sizes of vision transformers: presets.c (tensors), presets-json.c (the other files of a Hugging Face folder).
 */
#pragma once

#include "models/architectures/presets.h"
#include "models/architectures/vit/vit.h"

typedef struct
{
  PldPreset base;
  guint hidden, layers, heads;
  guint image_width, image_height; /* that the position embeddings are for */
  guint input_width, input_height; /* that pictures are scaled to */
  guint n_classes;
  /* YOLOS */
  guint n_detection;
  gboolean mid_positions;
  guint shortest_edge; /* that leads to the input's size */
} PldVitPreset;

#define PLD_VIT_PRESET_PATCH 16

/* Means and deviations of the pictures that models of this kind are trained with, for R, G, B. */
void pld_vit_preset_normalization (const PldVitPreset *preset, double mean[3], double std[3]);

/* Of the table PldPresets. */
char *pld_vit_preset_config (const PldPreset *preset, const char *torch_type);
char *pld_vit_preset_preprocessing (const PldPreset *preset);
