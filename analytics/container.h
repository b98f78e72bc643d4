/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The size that a recording's container gives its file, by which a file that was cut off can be known: MP4 and
 * QuickTime (ISO/IEC 14496-12, boxes), Matroska and WebM (RFC 9559, elements), AVI (RIFF chunks).
 */
#pragma once

#include <glib.h>

/* Reads @n bytes at @offset, which the file has. FALSE: a failure */
typedef gboolean (*PldReadFunc) (guint64 offset, guint8 *bytes, gsize n, gpointer user_data);

/* @size: of the file. Thread-safe. Returns: the bytes that the file must have for its last part to be whole; at most
 * @size if it is; 0 for other containers, for those that do not know their size, such as live ones, and if reading
 * fails */
guint64 pld_container_size (guint64 size, PldReadFunc read, gpointer user_data);

/* The same of the file at @path. @size: (out): its own; 0 if it cannot be read */
guint64 pld_container_file_size (const char *path, guint64 *size);
