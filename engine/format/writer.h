/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes a file front to back, holding no more of it in memory than one call passes. The file appears under its name
 * when it is complete and on storage; until then it is a temporary file in the same folder. Writers of all model
 * formats use it. Used from one thread.
 */
#pragma once

#include "pipeload/base.h"

typedef struct _PldWriter PldWriter;

/* @size: of the whole file. IO when the file cannot be made, the disk is too full for it, or the path is not a regular
 * file but a folder or a device. Returns: (transfer full) */
PldWriter *pld_writer_new (const char *path, guint64 size, GError **error);

/* The next @n bytes. More than the size that was named is the caller's bug. */
gboolean pld_writer_write (PldWriter *writer, const void *bytes, gsize n, GError **error);

/* All is written: to storage with it, and to its name. */
gboolean pld_writer_finish (PldWriter *writer, GError **error);

/* NULL is allowed. An unfinished file is removed. */
void pld_writer_free (PldWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldWriter, pld_writer_free)
