/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pieces that a GGUF directory is made of: counts, names and typed values. Of engine/format only.
 */
#pragma once

#include "engine/base/reader.h"
#include "engine/format/weights.h"

typedef struct
{
  PldReader reader;
  guint64 file_size;
  gboolean short_head; /* the file continues beyond the given bytes */
  guint n_values;      /* made into nodes so far */
  PldArray array;      /* the last list that was a key's value: type, count and span */
} PldGguf;

/* FORMAT; both return FALSE. */
gboolean pld_gguf_fail (GError **error, const char *what, const char *fact);
gboolean pld_gguf_fail_named (GError **error, const char *name, const char *fact);

/* Steps over @n bytes. FORMAT when the file has fewer. */
gboolean pld_gguf_bytes (PldGguf *gguf, guint64 n, const guint8 **bytes, const char *what, GError **error);
/* @n: 1 to 8 bytes */
gboolean pld_gguf_uint (PldGguf *gguf, guint n, guint64 *value, const char *what, GError **error);
/* Reads a count of things of @min bytes at least; FORMAT when the file cannot hold them all. */
gboolean pld_gguf_count (PldGguf *gguf, guint min, guint64 *count, const char *what, GError **error);
/* A string that is UTF-8, not empty and without a zero character. @name: (out) (transfer full) */
gboolean pld_gguf_name (PldGguf *gguf, char **name, const char *what, GError **error);
gboolean pld_gguf_type (PldGguf *gguf, PldGgufType *type, const char *key, GError **error);
/* @depth: 0 for the value of a key. @out: (out) (transfer full): NULL to step over the value */
gboolean pld_gguf_value (PldGguf *gguf, PldGgufType type, guint depth, JsonNode **out, const char *key, GError **error);
