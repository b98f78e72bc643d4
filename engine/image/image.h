/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures → model input. Decoding is libjpeg-turbo's, at the smallest of its scales that covers the input. Resizing is
 * the separable, antialiased convolution that PIL and torchvision use (the filter widens with the reduction), in 8 bits
 * with rounding after each direction, horizontal first, so that results equal PIL's to ±1. Components of YUV pictures
 * are resized one by one and converted to RGB at the input size: every source sample is read once.
 */
#pragma once

#include "engine/base/buffer.h"
#include "pipeload/image.h"

typedef enum
{
  PLD_FILTER_NEAREST = 0, /* PIL's numbers, as preprocessor_config.json's "resample" */
  PLD_FILTER_LANCZOS = 1,
  PLD_FILTER_BILINEAR = 2,
  PLD_FILTER_BICUBIC = 3,
  PLD_FILTER_BOX = 4,
  PLD_FILTER_HAMMING = 5,
} PldFilter;

typedef struct _PldScaler PldScaler;

/**
 * pld_scaler_new:
 * @width, @height: of the RGB result
 * @budget: charged with everything the scaler holds; tables for a new source size are made when it first comes, and
 *          replace the old ones: no allocation for a frame like the one before
 *
 * Used from one thread at a time. Returns: (transfer full)
 */
PldScaler *pld_scaler_new (guint width, guint height, PldFilter filter, PldBudget *budget, GError **error);
void pld_scaler_free (PldScaler *scaler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldScaler, pld_scaler_free)

/**
 * pld_scaler_run:
 * @rgb: (out): guint8 [height, width, 3], untouched on failure of validation; scratch on a damaged JPEG
 *
 * Works row by row: holds a few rows of the result's width, not the source picture. FORMAT: empty picture, planes that
 * contradict width and height, damaged or truncated JPEG (also where libjpeg only warns), a picture over 65500 pixels
 * wide or high. LIMIT: the budget refuses (for a JPEG also libjpeg's own memory, which is charged and capped).
 */
gboolean pld_scaler_run (PldScaler *scaler, const PldImage *image, guint8 *rgb, GError **error);

/* Whether the last picture was a JPEG that deviates from its format without harm to a pixel. After another kind of
 * picture: of the JPEG before it. */
gboolean pld_scaler_is_mended (const PldScaler *scaler);

/* The most bytes a scaler to @width × @height holds for sources up to 4096 × 2304 that are not progressive JPEGs: what
 * a planner sets aside. */
guint64 pld_scaler_cost (guint width, guint height);

/* The largest mean absolute difference of any 16 × 16 block of two RGB pictures [height, width, 3], 0..1. */
float pld_image_change (const guint8 *a, const guint8 *b, guint width, guint height);
