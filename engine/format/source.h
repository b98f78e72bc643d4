/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Untrusted files, opened for their headers: only regular ones, never blocking. Weights are read elsewhere
 * (engine/stream).
 */
#pragma once

#include "pipeload/base.h"

typedef struct
{
  int fd; /* −1: closed */
  guint64 size;
  char *path;
} PldSource;

/* Errors: NOT_FOUND, IO, UNSUPPORTED (a directory, FIFO, device or socket). @source need not be initialized.
 * */
gboolean pld_source_open (PldSource *source, const char *path, GError **error);
/* Fine on a closed source. */
void pld_source_close (PldSource *source);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PldSource, pld_source_close)

/* clang-format off */
#define PLD_SOURCE_INIT { -1, 0, NULL }
/* clang-format on */

/* Reads exactly @n bytes at @offset; IO when the file has become shorter. */
gboolean pld_source_read (PldSource *source, guint64 offset, gsize n, guint8 *bytes, GError **error);

/**
 * pld_source_load:
 * @max: a longer file is a FORMAT error
 * @text: (out) (transfer full): the whole file and a final zero byte
 */
gboolean pld_source_load (const char *path, guint64 max, char **text, gsize *size, GError **error);
