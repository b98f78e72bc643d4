/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A sender that appends the messages of an outbox to a file, one JSON object a line (jsonlines.org). Knows no
 * GStreamer.
 *
 * Each line, with its newline, is one write () to a file opened with O_APPEND: several writers may share a file, and a
 * process that is killed leaves no half line. One that a full disk cut short is taken back, and written again when
 * there is room. Where a file ends in half a line all the same (power failure, another program), a newline goes before
 * the first line: nothing is ever taken out of a file, and what was cut is a line of its own, which is JSON no longer.
 *
 * Before each line, the file under the name is compared with the one that is open: one that was moved away or removed
 * is made anew, so log rotation needs neither a signal nor a copy. A try that fails closes the file; it is tried again
 * each second.
 */
#pragma once

#include "gst/publish/outbox.h"

G_BEGIN_DECLS

/* Opens @file, or makes it, and starts the sender. @sync: each line is on the disk (fdatasync) before it counts as
 * done; else what is written survives the process, though not a power failure. Fails with G_IO_ERROR. */
gboolean gst_pipeload_lines_start (GstPipeloadOutbox *outbox, const char *file, gboolean sync, GError **error);

G_END_DECLS
