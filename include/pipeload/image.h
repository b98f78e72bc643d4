/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures in memory, as pld_vision_load_image() reads them.
 */
#pragma once

#include "pipeload/base.h"

G_BEGIN_DECLS

/**
 * PldImageKind:
 * @PLD_IMAGE_RGB: components R, G, B
 * @PLD_IMAGE_YUV: components Y, Cb, Cr; Cb and Cr may be subsampled
 * @PLD_IMAGE_GRAY: one component
 * @PLD_IMAGE_JPEG: a JPEG file in memory, turned as its EXIF orientation says
 * @PLD_IMAGE_JPEG_AS_STORED: a JPEG file in memory, as it is
 *
 * How a picture is stored.
 */
typedef enum
{
  PLD_IMAGE_RGB,
  PLD_IMAGE_YUV,
  PLD_IMAGE_GRAY,
  PLD_IMAGE_JPEG,
  PLD_IMAGE_JPEG_AS_STORED,
} PldImageKind;

/**
 * PldYuvMatrix:
 * @PLD_YUV_BT601: ITU-R BT.601
 * @PLD_YUV_BT709: ITU-R BT.709
 * @PLD_YUV_BT2020: ITU-R BT.2020
 *
 * The conversion from YUV to RGB.
 */
typedef enum
{
  PLD_YUV_BT601,
  PLD_YUV_BT709,
  PLD_YUV_BT2020,
} PldYuvMatrix;

/**
 * PldPlane:
 * @data: first sample of the upper row
 * @stride: bytes from row to row; negative for bottom-up pictures
 * @pixel_stride: bytes from sample to sample
 * @width: samples of a row of this component
 * @height: rows of this component
 *
 * One color component, 8 bits a sample: sample (x, y) is data[y * stride + x * pixel_stride].
 */
typedef struct
{
  const guint8 *data;
  gssize stride;
  guint pixel_stride;
  guint width;
  guint height;
} PldPlane;

/**
 * PldImage:
 * @kind: how the picture is stored
 * @width: pixels; JPEG: ignored
 * @height: pixels; JPEG: ignored
 * @first: R, Y or gray
 * @second: G or Cb
 * @third: B or Cr
 * @matrix: YUV only
 * @full_range: YUV and GRAY: whether values are 0..255 instead of 16..235
 * @data: JPEG only: the file
 * @size: JPEG only: bytes of @data
 *
 * A picture of the caller, who keeps it unchanged during the call that it is given to.
 */
typedef struct
{
  PldImageKind kind;
  guint width;
  guint height;
  PldPlane first;
  PldPlane second;
  PldPlane third;
  PldYuvMatrix matrix;
  gboolean full_range;
  const guint8 *data;
  gsize size;
} PldImage;

/**
 * pld_image_plane:
 * @image: a picture
 * @i: 0, 1 or 2
 *
 * Selects a component by its number.
 *
 * Returns: (transfer none): its first, second or third component
 */
static inline PldPlane *
pld_image_plane (PldImage *image, guint i)
{
  return i == 0 ? &image->first : i == 1 ? &image->second : &image->third;
}

/**
 * pld_jpeg_read_header:
 * @data: (array length=size): a JPEG file, or its beginning
 * @size: bytes of @data
 * @width: (out): pixels, as stored; 0: not known
 * @height: (out): pixels, as stored; 0: not known
 * @orientation: (out): of EXIF, 1..8; 1: upright, or nothing is said. From 5 on, the picture is shown with width and
 *   height exchanged
 *
 * Reads the header without decoding. Thread-safe.
 *
 * Returns: FALSE if there is no frame header
 */
PLD_API gboolean pld_jpeg_read_header (const guint8 *data, gsize size, guint *width, guint *height, guint *orientation);

G_END_DECLS
