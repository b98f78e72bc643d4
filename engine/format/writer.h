/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes a safetensors file front to back: never more of it in memory than one call hands over. The file
 * appears under its name when it is complete and on storage; until then it is a temporary one beside it.
 * Used from one thread.
 */
#pragma once

#include "engine/format/weights.h"

typedef struct _PldSafetensorsWriter PldSafetensorsWriter;

/**
 * pld_safetensors_writer_new:
 * @tensors: name, dtype and dims count; the data follows in this order, without gaps
 * @metadata: (nullable): members that are strings
 *
 * IO when the file cannot be made or the disk is too full for it. Returns: (transfer full)
 */
PldSafetensorsWriter *pld_safetensors_writer_new (const char *path, const PldTensor *tensors, guint n_tensors,
                                                  JsonObject *metadata, GError **error);

/* The next @n bytes of the data. More than the tensors have is the caller's bug. */
gboolean pld_safetensors_writer_write (PldSafetensorsWriter *writer, const void *bytes, gsize n,
                                       GError **error);

/* All data is written: to storage with it, and to its name. */
gboolean pld_safetensors_writer_finish (PldSafetensorsWriter *writer, GError **error);

/* Takes a pointer to the pointer, accepts NULL. What was not finished is removed. */
void pld_safetensors_writer_free (PldSafetensorsWriter **writer);
