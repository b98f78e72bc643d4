/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sources of frames: a video file or URI, a camera device, a picture or a folder of them.
 */
#pragma once

#include <gst/gst.h>

typedef struct _PldSource PldSource;

/* Adds the elements that read @input to @pipeline and links them, now or once they know their streams, to
 * @sink, which gets them as they are if it takes that, else decoded. NULL if there is no such input. Free with
 * pld_source_free() once the pipeline is stopped. */
PldSource *pld_source_new (GstBin *pipeline, GstElement *sink, const char *input, GError **error);
void pld_source_free (PldSource *source);

/* Whether pictures come at their own pace. */
gboolean pld_source_is_live (const PldSource *source);

/* Returns: (nullable): the file that picture @number came from, if they are pictures */
const char *pld_source_name (const PldSource *source, guint64 number);
