/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A camera that may go away: its elements are thrown away and made again, while what is behind them goes on and keeps
 * its model. Main thread, whose main loop runs.
 */
#pragma once

#include <gst/gst.h>

typedef struct _GuardSource GuardSource;

/* What becomes of the camera. @text: in words. @ended: there will be no more, since it is no camera but a recording. */
typedef void (*GuardNotice) (const char *text, gboolean ended, gpointer user_data);

/* Frames of @input, as of watch_source_new(), come to @sink in @pipeline. @timeout: seconds without a frame until it
 * counts as gone. NULL: there cannot be such a camera. */
GuardSource *guard_source_new (GstBin *pipeline, GstElement *sink, const char *input, guint timeout, GuardNotice notice,
                               gpointer user_data, GError **error);
/* Stops it: @sink gets nothing any more. */
void guard_source_free (GuardSource *source);

/* Takes a message of the pipeline's bus. Returns: whether it was about the camera, and is dealt with */
gboolean guard_source_take (GuardSource *source, GstMessage *message);
