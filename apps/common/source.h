/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the programs' pictures come from: a video file or URI, a camera device, a picture or a folder of them.
 */
#pragma once

#include <gst/gst.h>

typedef struct _WatchSource WatchSource;

/* Adds the elements that read @input to @pipeline and links them, now or once they know their streams, to
 * @sink, which gets them as they are if it takes that, else decoded. NULL if there is no such input. Free with
 * watch_source_free() once the pipeline is stopped. */
WatchSource *watch_source_new (GstBin *pipeline, GstElement *sink, const char *input, GError **error);
void watch_source_free (WatchSource *source);

/* Whether pictures come at their own pace. */
gboolean watch_source_is_live (const WatchSource *source);

/* Returns: (nullable): the file that picture @number came from, if they are pictures */
const char *watch_source_name (const WatchSource *source, guint64 number);
