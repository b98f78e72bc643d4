/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Begins a safetensors file (https://github.com/huggingface/safetensors); its data then goes through PldWriter.
 */
#pragma once

#include "engine/format/weights.h"
#include "engine/format/writer.h"

/**
 * pld_safetensors_writer_new:
 * @tensors: name, dtype and dims count; the data follows in this order, without gaps
 * @metadata: (nullable): members that are strings
 *
 * Errors as of pld_writer_new(); FORMAT, UNSUPPORTED when the tensors make no file. Returns: (transfer full): with its
 * header written
 */
PldWriter *pld_safetensors_writer_new (const char *path, const PldTensor *tensors, guint n_tensors,
                                       JsonObject *metadata, GError **error);
