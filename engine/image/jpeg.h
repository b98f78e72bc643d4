/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JPEG pictures row by row, through libjpeg-turbo. Used from one thread at a time.
 */
#pragma once

#include "engine/base/buffer.h"

typedef struct _PldJpeg PldJpeg;

/* Rows as decoded: gray; R, G, B; or C, M, Y, K as Adobe stores them, inverted. */
typedef struct
{
  guint width, height;
  guint channels; /* 1, 3 or 4 */
} PldJpegFrame;

/* Bytes that a decoder is charged while it decodes sequential pictures up to 4096 pixels wide. */
guint64 pld_jpeg_cost (void);

PldJpeg *pld_jpeg_new (PldBudget *budget, GError **error);
void pld_jpeg_free (PldJpeg *jpeg);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldJpeg, pld_jpeg_free)

/**
 * pld_jpeg_begin:
 * @width, @height: decode at the smallest of 1/8, 1/4, 1/2, 1/1 that gives at least this many pixels: the
 * scales for which libjpeg-turbo has SIMD code
 *
 * Nothing of earlier pictures counts: Huffman tables that a picture lacks are those of ITU-T T.81 K.3.3, and
 * quantization tables that it lacks are damage. Up to 1 KiB in front of the picture is skipped.
 *
 * @data stays in use until pld_jpeg_end(), which must follow in any case. FORMAT: damaged, or not a JPEG
 * picture. LIMIT: the budget refuses.
 */
gboolean pld_jpeg_begin (PldJpeg *jpeg, const guint8 *data, gsize size, guint width, guint height, PldJpegFrame *frame,
                         GError **error);
/* @row: (out): [frame.width, frame.channels]. Call it frame.height times. */
gboolean pld_jpeg_row (PldJpeg *jpeg, guint8 *row, GError **error);
void pld_jpeg_end (PldJpeg *jpeg);

/* Whether the picture of the last pld_jpeg_begin () deviates from the format without harm to a pixel, as far as it was
 * read: bytes in front of it, two start markers, no end marker. */
gboolean pld_jpeg_is_mended (const PldJpeg *jpeg);
