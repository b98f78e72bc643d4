/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an architecture of vision models tells the facade. A new one is a file with such a table and a line in registry.c.
 */
#pragma once

#include "engine/format/config.h"
#include "engine/runtime/params.h"
#include "engine/runtime/session.h"

/* One picture as a forward pass takes it. Exactly one pointer is set. */
typedef struct
{
  const guint8 *rgb;   /* [height, width, 3] */
  const float *pixels; /* [3, height, width], normalised */
} PldPicture;

/* What every opened model has; an architecture's own struct begins with it. */
typedef struct
{
  guint input_width, input_height;
  guint n_classes;
  float scale[3], shift[3]; /* normalised = byte * scale + shift, for R, G, B */
} PldVisionModel;

typedef struct
{
  const char *model_type; /* as config.json names it */

  /**
   * declare:
   * @input_size: square input in pixels; 0 = the model's own
   *
   * Reads the hyperparameters and declares all tensors; loads nothing. Returns: (transfer full): free with g_free()
   */
  PldVisionModel *(*declare) (PldParams *params, const PldConfig *config, guint input_size, GError **error);
  /* After pld_params_load(): derived tables. @budget charged; may be NULL when there are none. */
  gboolean (*prepare) (PldVisionModel *model, PldBudget *budget, GError **error);
  void (*release) (PldVisionModel *model);
  guint64 (*prepare_bytes) (const PldVisionModel *model);
  /* Floats of memory for a pass of @n pictures, and scratch floats a thread. */
  gsize (*activation_floats) (const PldVisionModel *model, guint n);
  gsize (*scratch_floats) (const PldVisionModel *model, const PldTape *tape);
  /* @memory: activation_floats(n); @logits: (out): [n, n_classes] */
  gboolean (*forward) (const PldVisionModel *model, PldSession *session, const PldPicture *pictures, guint n, float *memory,
                       float *logits, GError **error);
} PldVisionArch;

extern const PldVisionArch pld_arch_vit;

/* Returns: (nullable): the architecture for config.json's model_type */
const PldVisionArch *pld_vision_arch_find (const char *model_type);
/* Returns: (transfer full): "vit, yolos", for messages */
char *pld_vision_arch_names (void);
