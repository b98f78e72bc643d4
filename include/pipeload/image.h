/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures in memory, as pld_vision_load_image() takes them.
 */
#pragma once

#include "pipeload/base.h"

G_BEGIN_DECLS

/**
 * PldImageKind:
 * @PLD_IMAGE_RGB: components R, G, B
 * @PLD_IMAGE_YUV: components Y, Cb, Cr, the two last possibly subsampled
 * @PLD_IMAGE_GRAY: one component
 * @PLD_IMAGE_JPEG: a JPEG file in memory: @data and @size; the rest is ignored
 */
typedef enum
{
  PLD_IMAGE_RGB,
  PLD_IMAGE_YUV,
  PLD_IMAGE_GRAY,
  PLD_IMAGE_JPEG,
} PldImageKind;

typedef enum
{
  PLD_YUV_BT601,
  PLD_YUV_BT709,
  PLD_YUV_BT2020,
} PldYuvMatrix;

/* One colour component, 8 bits a sample: sample (x, y) lies at data[y * stride + x * pixel_stride]. */
typedef struct
{
  const guint8 *data;
  gssize stride;      /* bytes from row to row; negative for bottom-up pictures */
  guint pixel_stride; /* bytes from sample to sample */
  guint width;        /* samples a row, of this component */
  guint height;       /* rows, of this component */
} PldPlane;

/* A picture that the caller owns; only read, and only during the call it is given to. */
typedef struct
{
  PldImageKind kind;
  guint width, height; /* pixels */
  PldPlane plane[3];
  PldYuvMatrix matrix; /* YUV only */
  gboolean full_range; /* YUV and GRAY: 0..255 instead of 16..235 */
  const guint8 *data;  /* JPEG only */
  gsize size;          /* JPEG only */
} PldImage;

G_END_DECLS
