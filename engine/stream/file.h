/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A weight file, read past the page cache: O_DIRECT where the file system has it, else buffered reads whose pages are
 * dropped at once. Never mapped: resident pages of a mapping cannot be bounded.
 */
#pragma once

#include "engine/base/buffer.h"

typedef struct _PldFile PldFile;

/* Direct reads start and end on multiples of this. */
#define PLD_FILE_ALIGN PLD_PAGE

/* @direct: FALSE forces buffered reads. Errors: NOT_FOUND, IO. Returns: (transfer full) */
PldFile *pld_file_open (const char *path, gboolean direct, GError **error);
/* NULL is allowed. No read may be running. */
void pld_file_close (PldFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldFile, pld_file_close)

/* Reads so far that failed and were tried again. Thread-safe. */
guint64 pld_file_retries (PldFile *file);

/* The size when the file was opened. */
guint64 pld_file_size (PldFile *file);

/* Whether files are to be read directly at all: not when the environment says PIPELOAD_DIRECT_IO=0. */
gboolean pld_file_wants_direct (void);

/* Whether reads bypass the page cache now. Thread-safe. */
gboolean pld_file_is_direct (PldFile *file);

/* Bytes of memory that reading @n bytes at @offset needs: the aligned range around them. */
static inline guint64
pld_file_span (guint64 offset, guint64 n)
{
  guint64 start = offset & ~(guint64) (PLD_FILE_ALIGN - 1);

  return pld_buffer_cost (offset - start + n);
}

/**
 * pld_file_read:
 * @slot: (out): page-aligned memory of pld_file_span (@offset, @n) bytes
 * @view: (out): where the @n bytes are in @slot; aligned to 4 bytes
 *
 * Thread-safe. Device errors may be transient, so a read is retried three times, after 10, 50 and 250 ms. PLD_ERROR_IO
 * when reading fails for good, when the file has become shorter, or when it was written to since it was opened: wrong
 * data are never returned.
 */
gboolean pld_file_read (PldFile *file, guint64 offset, guint64 n, guint8 *slot, const guint8 **view, GError **error);
