/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A bounds-checked cursor over bytes in memory, little-endian. Each get fails, without moving, when the
 * bytes that remain do not suffice. Used from one thread.
 */
#pragma once

#include "pipeload/base.h"

typedef struct
{
  const guint8 *data; /* not owned */
  gsize size;
  gsize pos;
} PldReader;

static inline void
pld_reader_init (PldReader *reader, const void *data, gsize size)
{
  reader->data = data;
  reader->size = size;
  reader->pos = 0;
}

static inline gsize
pld_reader_remaining (const PldReader *reader)
{
  return reader->size - reader->pos;
}

/* Points *bytes at the next @n bytes and steps over them; PLD_ERROR_FORMAT, with @what in it, if they are not there. */
gboolean pld_reader_bytes (PldReader *reader, guint64 n, const guint8 **bytes, const char *what, GError **error);
gboolean pld_reader_u8 (PldReader *reader, guint8 *value, const char *what, GError **error);
gboolean pld_reader_u16 (PldReader *reader, guint16 *value, const char *what, GError **error);
gboolean pld_reader_u32 (PldReader *reader, guint32 *value, const char *what, GError **error);
gboolean pld_reader_u64 (PldReader *reader, guint64 *value, const char *what, GError **error);
