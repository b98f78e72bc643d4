/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * model.safetensors.index.json: {"metadata": {…}, "weight_map": {tensor: file in the same folder}}.
 */
#pragma once

#include "engine/format/weights.h"

typedef struct
{
  char *path;       /* of the index */
  GPtrArray *names; /* (element-type utf8): of the shards, in the order of their first use; owns them */
  GHashTable *map;  /* tensor → 1 + index in names */
} PldShards;

/* Errors: NOT_FOUND, IO, FORMAT, UNSUPPORTED. Returns: (transfer full) */
PldShards *pld_shards_open (const char *path, GError **error);
/* The same from text; @path is only for messages. */
PldShards *pld_shards_parse (const char *text, gsize size, const char *path, GError **error);
void pld_shards_free (PldShards *shards);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldShards, pld_shards_free)

/* Each mapped tensor is in the shard that it is mapped to: @tensors are those of all shards, their file an
 * index in names. */
gboolean pld_shards_check (const PldShards *shards, const PldTensor *tensors, guint n_tensors, GError **error);
