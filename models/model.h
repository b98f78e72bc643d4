/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A vision model as its files declare it: architecture, shapes, labels, preprocessing. Nothing is loaded. Immutable after pld_model_open().
 */
#pragma once

#include "engine/image/image.h"
#include "models/arch.h"

typedef struct
{
  char *path;
  PldWeights *weights;
  PldConfig *config;
  PldParams *params;
  const PldVisionArch *arch;
  PldVisionModel *vision;
  PldFilter filter;
  char **labels; /* [n_classes + 1], NULL-terminated */
  guint64 n_parameters, weight_bytes;
} PldModel;

/* @path: as PldVisionOptions.model, not NULL. Returns: (transfer full) */
PldModel *pld_model_open (const char *path, guint input_size, GError **error);
void pld_model_free (PldModel **model);
