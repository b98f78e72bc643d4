/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes a GGUF file, version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): first the keys are added
 * and the tensors declared, then the file begins, and the tensors' data follows in their order, aligned to 32 bytes.
 * Never more than the directory and one call's data is in memory. Used from one thread.
 */
#pragma once

#include "engine/format/weights.h"

typedef struct _PldGgufWriter PldGgufWriter;

/* Returns: (transfer full): free with pld_gguf_writer_free() */
PldGgufWriter *pld_gguf_writer_new (void);

/* ---- before pld_gguf_writer_begin(): each key once ------------------------------------------ */

void pld_gguf_writer_add_bool (PldGgufWriter *writer, const char *key, gboolean value);
void pld_gguf_writer_add_uint32 (PldGgufWriter *writer, const char *key, guint32 value);
void pld_gguf_writer_add_int32 (PldGgufWriter *writer, const char *key, gint32 value);
void pld_gguf_writer_add_float (PldGgufWriter *writer, const char *key, float value);
void pld_gguf_writer_add_string (PldGgufWriter *writer, const char *key, const char *value);
void pld_gguf_writer_add_strings (PldGgufWriter *writer, const char *key, const char *const *values, guint64 n);
void pld_gguf_writer_add_floats (PldGgufWriter *writer, const char *key, const float *values, guint64 n);
void pld_gguf_writer_add_int32s (PldGgufWriter *writer, const char *key, const gint32 *values, guint64 n);

/* A list as another GGUF stores it: @bytes are its @count items of @type. */
void pld_gguf_writer_add_stored (PldGgufWriter *writer, const char *key, PldGgufType type, guint64 count,
                                 const void *bytes, gsize n_bytes);

/* Only name, dtype and dims (outermost first) of @tensor count. */
void pld_gguf_writer_add_tensor (PldGgufWriter *writer, const PldTensor *tensor);

/* ---- the file ------------------------------------------------------------------------------ */

/* Errors as of pld_writer_new(); FORMAT, UNSUPPORTED when the tensors make no file. */
gboolean pld_gguf_writer_begin (PldGgufWriter *writer, const char *path, GError **error);

/* The next @n bytes of the tensor whose turn it is; more than it has left is the caller's bug. */
gboolean pld_gguf_writer_write (PldGgufWriter *writer, const void *bytes, gsize n, GError **error);

/* All data is written: to storage with it, and to its name. */
gboolean pld_gguf_writer_finish (PldGgufWriter *writer, GError **error);

/* NULL is allowed. An unfinished file is removed. */
void pld_gguf_writer_free (PldGgufWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldGgufWriter, pld_gguf_writer_free)
