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
 * @text: "512x384", width first; "384": both; "0": 0 × 0, the model's own size
 * @width: (out): pixels
 * @height: (out): pixels
 *
 * Thread-safe. Fails with PLD_ERROR_FORMAT on any other text.
 */
PLD_API gboolean pld_input_size_parse (const char *text, guint *width, guint *height, GError **error);

/**
 * PldVision:
 *
 * One user's handle on an opened vision model. Handles that name the same model (same file, same input size) share one
 * copy of it: one budget, one set of pinned tiles, one pass for all waiting pictures. Each handle is used by one thread
 * at a time; different handles run in parallel. Functions that take a #PldHandle may be called from any thread.
 */
typedef struct _PldVision PldVision;

/**
 * PldVisionOptions:
 * @engine: options of every kind; @engine.model is a .safetensors file, a .gguf file or a Hugging Face folder
 * @batch: most pictures that this handle submits at once; 0: 1
 * @input_width: width that pictures are scaled to, in pixels; 0, and 0 for the height: the model's own size
 * @input_height: height that pictures are scaled to, in pixels
 *
 * Initialized by pld_vision_options_init().
 */
typedef struct
{
  PldEngineOptions engine;
  guint batch;
  guint input_width;
  guint input_height;
} PldVisionOptions;

/**
 * pld_vision_options_init_sized:
 * @options: (out): set to the defaults
 * @size: sizeof (PldVisionOptions) in the caller's headers
 *
 * For bindings; C and C++ call pld_vision_options_init().
 */
PLD_API void pld_vision_options_init_sized (PldVisionOptions *options, gsize size);

/**
 * pld_vision_options_init:
 * @options: (out): set to the defaults
 *
 * Must be called before any member is set.
 */
static inline void
pld_vision_options_init (PldVisionOptions *options)
{
  pld_vision_options_init_sized (options, sizeof *options);
}

/**
 * PldVisionInfo:
 * @path: path of the model that was opened
 * @architecture: such as "vit"
 * @detector: TRUE: the model finds objects and their boxes; FALSE: it classifies the whole picture
 * @input_width: width that pictures are scaled to, in pixels
 * @input_height: height that pictures are scaled to, in pixels
 * @n_values: values that the model's head gives for a picture
 * @max_objects: most objects of a picture
 * @threshold: default confidence threshold, if the model specifies one; of regressions below all values
 * @n_classes: number of classes
 * @labels: (array length=n_classes): names of the classes
 * @n_parameters: number of parameters
 * @weight_bytes: bytes of the weights, as stored
 * @exclusive: TRUE: of the classes of a picture one is right, so only the best counts unless more are asked for; FALSE:
 *   each object counts for itself: of detectors, of classifiers for several labels, of regressions
 *
 * An opened model.
 */
typedef struct
{
  const char *path;
  const char *architecture;
  gboolean detector;
  guint input_width;
  guint input_height;
  guint n_values;
  guint max_objects;
  float threshold;
  guint n_classes;
  const char *const *labels;
  guint64 n_parameters;
  guint64 weight_bytes;
  gboolean exclusive;
} PldVisionInfo;

/**
 * PldObject:
 * @label_id: index of the class
 * @label: name of the class; owned by the handle
 * @confidence: 0..1; of a regression the value itself
 * @x_min: left side of the box, 0..1 of the picture's width
 * @y_min: upper side of the box, 0..1 of the picture's height
 * @x_max: right side of the box
 * @y_max: lower side of the box
 *
 * An object in a picture. A classifier gives one object a class, whose box is the whole picture; a detector gives one
 * for each object that it finds, with the box around it.
 */
typedef struct
{
  guint label_id;
  const char *label;
  float confidence;
  float x_min;
  float y_min;
  float x_max;
  float y_max;
} PldObject;

/**
 * pld_vision_open:
 * @options: initialized options; not needed afterwards
 * @progress: (nullable): called from this thread
 * @user_data: for @progress
 * @cancellable: (nullable): ends opening with PLD_ERROR_CANCELLED
 *
 * Opens a model, or joins one that is open. Weights are not read ahead of the first pass. Errors: every code of
 * #PldError.
 *
 * Returns: (transfer full): free with pld_vision_close()
 */
PLD_API PldVision *pld_vision_open (const PldVisionOptions *options, PldProgressFunc progress, gpointer user_data,
                                    GCancellable *cancellable, GError **error);

/**
 * pld_vision_close:
 * @vision: (transfer full) (nullable): a handle
 *
 * Closes a handle, as g_autoptr (PldVision) does. No call of this handle may be running.
 */
PLD_API void pld_vision_close (PldVision *vision);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldVision, pld_vision_close)

/**
 * pld_vision_get_info:
 * @vision: an open handle
 *
 * Describes the model.
 *
 * Returns: (transfer none): the model; valid until the handle is closed
 */
PLD_API const PldVisionInfo *pld_vision_get_info (PldVision *vision);

/**
 * pld_vision_load_image:
 * @vision: an open handle
 * @slot: 0 … batch − 1
 * @image: the picture; not needed afterwards
 *
 * Scales @image to the model's input (antialiased, as preprocessor_config.json says) and keeps it in @slot. Fails with
 * PLD_ERROR_FORMAT on a damaged or empty picture.
 */
PLD_API gboolean pld_vision_load_image (PldVision *vision, guint slot, const PldImage *image, GError **error);

/**
 * pld_vision_load_pixels:
 * @vision: an open handle
 * @slot: 0 … batch − 1
 * @pixels: float [3, input_height, input_width], normalized; not needed afterwards
 *
 * As pld_vision_load_image(), for values that are already normalized.
 */
PLD_API gboolean pld_vision_load_pixels (PldVision *vision, guint slot, const float *pixels, GError **error);

/**
 * pld_vision_change:
 * @vision: an open handle
 * @slot: 0 … batch − 1
 * @keep: whether later pictures are compared with this one
 *
 * Compares the picture in @slot with the one that was last kept.
 *
 * Returns: the largest mean absolute difference of any block of 16 × 16 input pixels, 0..1; 1 if none was kept
 */
PLD_API float pld_vision_change (PldVision *vision, guint slot, gboolean keep);

/**
 * pld_vision_run:
 * @vision: an open handle
 * @n: number of pictures, in slots 0 … @n − 1
 * @values: (out) (nullable): float [n, n_values]: a classifier's logits
 * @objects: (out) (nullable): [n, max_objects]: each row sorted by falling confidence, without a threshold
 * @n_objects: (out) (nullable): [n]: objects of each row; given together with @objects
 * @cancellable: (nullable): ends the wait within one tile's time with PLD_ERROR_CANCELLED
 *
 * Runs one pass; waiting pictures of other handles go through the same pass. Blocks. Errors: IO, FORMAT, MEMORY,
 * LIMIT, CANCELLED.
 */
PLD_API gboolean pld_vision_run (PldVision *vision, guint n, float *values, PldObject *objects, guint *n_objects,
                                 GCancellable *cancellable, GError **error);

G_END_DECLS
