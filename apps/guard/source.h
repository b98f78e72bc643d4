/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A camera that may go away: its elements are removed and made again, while the elements behind them go on and keep
 * their model. Main thread, whose main loop runs.
 */
#pragma once

#include <gst/gst.h>

typedef struct _GuardSource GuardSource;

/* Status changes of the camera. @text: in words. @ended: no more frames, because the input is a recording. */
typedef void (*GuardNotice) (const char *text, gboolean ended, gpointer user_data);

/* Frames of @input, as of pld_source_new(), reach @sink in @pipeline. @timeout: seconds without a frame until it
 * counts as away. NULL: there cannot be such a camera. */
GuardSource *guard_source_new (GstBin *pipeline, GstElement *sink, const char *input, guint timeout, GuardNotice notice,
                               gpointer user_data, GError **error);
/* Stops it: @sink gets no more frames. */
void guard_source_free (GuardSource *source);

/* Handles a message of the pipeline's bus. Returns: whether it was about the camera */
gboolean guard_source_handle (GuardSource *source, GstMessage *message);
