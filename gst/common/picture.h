/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A buffer seen as a PldImage. Formats whose components are bytes in memory map as they are, by the strides
 * and offsets of the buffer's GstVideoMeta; the others go through a GstVideoConverter first, scaled down at
 * once if they are very large. JPEG is handed on as it is. Used from one thread.
 */
#pragma once

#include "pipeload/pipeload.h"
#include "gst/common/meta.h"

#include <gst/video/video.h>

G_BEGIN_DECLS

typedef struct _GstPipeloadPicture GstPipeloadPicture;

/* @min_width, @min_height: pictures may be scaled down to no less than this; 0: they stay as large as they
 * are. @follow_exif: JPEG pictures are turned by their EXIF orientation. Returns: (transfer full) (nullable): NULL if
 * @caps hold no format that can be read */
GstPipeloadPicture *gst_pipeload_picture_new (GstCaps *caps, guint min_width, guint min_height, gboolean follow_exif);
void gst_pipeload_picture_free (GstPipeloadPicture *picture); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadPicture, gst_pipeload_picture_free)

/* Returns: (nullable): the picture in @buffer, until gst_pipeload_picture_unmap(). NULL with PLD_ERROR_FORMAT
 * if @buffer holds no whole one. */
const PldImage *gst_pipeload_picture_map (GstPipeloadPicture *picture, GstBuffer *buffer, GError **error);
void gst_pipeload_picture_unmap (GstPipeloadPicture *picture);

/* The size of the mapped frame as it is shown, in its own pixels; 0 × 0 if that is not known (a JPEG without a header).
 */
void gst_pipeload_picture_get_size (GstPipeloadPicture *picture, guint *width, guint *height);

/* Cuts @region out of the mapped picture, at even chroma samples. Not for JPEG. */
void gst_pipeload_picture_crop (GstPipeloadPicture *picture, const GstPipeloadRegion *region, PldImage *image);

/* Returns: whether @caps are image/jpeg */
gboolean gst_pipeload_caps_are_jpeg (GstCaps *caps);

G_END_DECLS
