/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is written into GGUF files of ViTs: keys, and which type each matrix gets. docs/gguf-vit.md describes the files,
 * models/architectures/vit/declare.c reads them.
 */
#pragma once

#include "engine/format/gguf-writer.h"
#include "models/core/model.h"
#include "models/architectures/vit/vit.h"

#define PLD_VIT_TYPES "f32, f16, bf16, q8_0, q6_k, q5_k, q5_1, q5_0, q4_k, q4_1 and q4_0"

typedef struct
{
  const char *name;
  PldDtype base;   /* of the blocks' matrices */
  PldDtype ends;   /* of all others: patch projection, positions, head */
  guint file_type; /* llama.cpp's number of the mix */
} PldVitMix;

/* Returns: (nullable) */
const PldVitMix *pld_vit_mix_find (const char *name);

/**
 * pld_vit_mix_apply:
 * @tensor: of GGUF's name; the shape as any file of the model has it
 * @n_cols: of a matrix; 0: a vector
 *
 * Sets the type and shape to be stored. A matrix whose rows are no whole blocks gets blocks of 32 with a bit more each,
 * or else F16; position embeddings are never in blocks.
 */
void pld_vit_mix_apply (const PldVitMix *mix, PldTensor *tensor, guint64 n_cols);

/* @model: its net, labels and preprocessing count; the net has the model's own input size. @name: for people */
void pld_vit_add_keys (PldGgufWriter *writer, const PldModel *model, const PldVitMix *mix, const char *name);
