/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vision models: classes of pictures, and objects in them.
 */
#pragma once

#include "pipeload/image.h"
#include "pipeload/model.h"

G_BEGIN_DECLS

/**
 * pld_input_size_parse:
 * @text: "512x384", width first; "384": both; "0": 0 × 0, the model's own
 *
 * Thread-safe. FORMAT.
 */
PLD_API gboolean pld_input_size_parse (const char *text, guint *width, guint *height, GError **error);

/**
 * PldVision:
 *
 * One user's handle on an opened vision model. Handles that name the same model (same file, same
 * input size) share one copy of it: one budget, one set of pinned tiles, one pass for all pictures
 * that wait. Each handle is used by one thread at a time; different handles run in parallel.
 * pld_vision_set_memory_limit() and pld_vision_get_stats() may be called from any thread.
 */
typedef struct _PldVision PldVision;

typedef struct
{
  const char *model;    /* .safetensors, .gguf or Hugging Face folder; NULL: the bundled model */
  guint64 memory_limit; /* bytes; 0 = none; PLD_LIMIT_AUTO. The smallest that any handle of a model sets holds */
  guint loaders;        /* loaders running at once; 0 = planned */
  PldPipelining pipelining;
  guint threads; /* compute threads; 0 = one for each CPU that affinity and cgroup quotas allow, when it is opened */
  guint batch;   /* pictures this handle submits at once at most; 0 = 1 */
  guint input_width, input_height; /* pixels that pictures are scaled to; 0 × 0 = the model's own */
} PldVisionOptions;

typedef struct
{
  const char *path;         /* what was opened */
  const char *architecture; /* "vit" */
  gboolean detector;        /* tells where things are; else it tells what the whole picture is */
  guint input_width, input_height;
  guint n_values;    /* that the model's head gives for a picture */
  guint max_objects; /* of a picture */
  float threshold;   /* confidence from which on an object counts, as far as the model says */
  guint n_classes;
  const char *const *labels; /* [n_classes] */
  guint64 n_parameters;
  guint64 weight_bytes; /* as stored */
} PldVisionInfo;

/* One thing seen. A classifier gives one full-picture object a class; a detector one for each thing, with the box about
 * it. */
typedef struct
{
  guint label_id;
  const char *label;                /* owned by the handle */
  float confidence;                 /* 0..1 */
  float x_min, y_min, x_max, y_max; /* 0..1 of the picture */
} PldObject;

/**
 * pld_vision_open:
 *
 * Opens a model, or joins one that is open. Weights are not read ahead of the first pass.
 * Errors: every code of #PldError.
 *
 * Returns: (transfer full): free with pld_vision_close()
 */
PLD_API PldVision *pld_vision_open (const PldVisionOptions *options, PldProgressFunc progress, gpointer user_data,
                                    GCancellable *cancellable, GError **error);

/* Closes *vision (NULL is fine) and clears the pointer. No call of this handle may be running. */
PLD_API void pld_vision_close (PldVision **vision);

PLD_API const PldVisionInfo *pld_vision_get_info (PldVision *vision);

/* Sets this handle's limit; takes effect at the start of the next pass. PLD_ERROR_LIMIT if too small
 * (the old limit then stays). */
PLD_API gboolean pld_vision_set_memory_limit (PldVision *vision, guint64 limit, GError **error);

/**
 * pld_vision_load_image:
 * @slot: 0 … batch − 1
 *
 * Scales @image to the model's input (antialiased, as preprocessor_config.json says) and keeps it in
 * @slot; @image is not needed afterwards. Fails with PLD_ERROR_FORMAT on a damaged or empty picture.
 */
PLD_API gboolean pld_vision_load_image (PldVision *vision, guint slot, const PldImage *image, GError **error);

/* The same for values that are already normalised: @pixels is float [3, input_height, input_width]. */
PLD_API gboolean pld_vision_load_pixels (PldVision *vision, guint slot, const float *pixels, GError **error);

/**
 * pld_vision_change:
 *
 * How much the picture in @slot differs from the one this was last asked for and kept: the largest
 * mean absolute difference of any block of 16 × 16 input pixels, 0..1. 1 if none was kept. With @keep
 * the picture becomes the one that later ones are held against.
 */
PLD_API float pld_vision_change (PldVision *vision, guint slot, gboolean keep);

/**
 * pld_vision_run:
 * @n: slots 0 … n − 1 hold the pictures
 * @values: (out) (nullable): float [n, n_values], a classifier's logits
 * @objects: (out) (nullable): [n, max_objects], each row sorted by falling confidence, whatever that is
 * @n_objects: (out) (nullable): [n], how many there are; goes with @objects
 *
 * One pass. Pictures of other handles that wait go through the same pass. Blocks; a cancelled
 * @cancellable ends the wait within one tile's time with PLD_ERROR_CANCELLED.
 */
PLD_API gboolean pld_vision_run (PldVision *vision, guint n, float *values, PldObject *objects, guint *n_objects,
                                 GCancellable *cancellable, GError **error);

PLD_API void pld_vision_get_stats (PldVision *vision, PldStats *stats);

/* Plans without loading. Thread-safe. @options as for pld_vision_open(). */
PLD_API gboolean pld_vision_plan (const PldVisionOptions *options, PldPlanInfo *plan, GError **error);

/* The same with predictions. What was never measured on this machine is measured, under the same limit, for 2 s:
 * reading the model's file, and products of its matrices' shapes with random weights. The results are kept in the
 * user's cache directory, under pipeload/profiles. Best while nothing else computes or reads. Errors: also IO, MEMORY,
 * CANCELLED. */
PLD_API gboolean pld_vision_predict (const PldVisionOptions *options, PldPlanInfo *plan, GCancellable *cancellable,
                                     GError **error);

G_END_DECLS
