/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Preprocessing of pictures as Hugging Face's image processors do it: preprocessor_config.json, or GGUF's keys of the
 * same names. A key that is absent or null has the default of the processor's class.
 */
#pragma once

#include "engine/image/image.h"
#include "models/architectures/arch.h"

/* Defaults of a class of image processors, from transformers. */
typedef struct
{
  const char *name; /* "ViT" of ViTImageProcessor, ViTImageProcessorFast and ViTFeatureExtractor */
  double mean[3], std[3];
  PldFilter resample;
  gboolean crop;           /* to the middle of the picture */
  guint shortest, longest; /* edges that a picture's shape is kept within; 0: it is not */
} PldProcessor;

/* Returns: (nullable): the defaults of this class; @name with or without the suffix */
const PldProcessor *pld_processor_find (const char *name);

/* Finds the class that @config names, or else the architecture's. @processor: (out) (nullable): NULL for a class that
 * is not known, whose keys must all be there. @config: (nullable): there is none */
gboolean pld_preprocessing_find (const PldConfig *config, const PldArch *arch, const PldProcessor **processor,
                                 GError **error);

/* The size that pictures are scaled to. Where the processor keeps their shape, within a shortest and a longest edge, it
 * is that of a picture of 16 : 9, as cameras have it. Left alone when nothing is said. */
gboolean pld_preprocessing_size (const PldConfig *config, const PldProcessor *processor, PldInputSize *input,
                                 GError **error);

/* Sets the filter and the normalization of @net. UNSUPPORTED for pictures that are cropped. */
gboolean pld_preprocessing_read (const PldConfig *config, const PldProcessor *processor, PldVisionNet *net,
                                 GError **error);
