/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parses model.safetensors.index.json and checks that each tensor is in its shard.
 */
#include "engine/format/shards.h"

#include "engine/format/json.h"
#include "engine/format/source.h"
#include "engine/format/tensors.h"

#include <string.h>

#define MAX_INDEX (G_GUINT64_CONSTANT (256) << 20)
#define MAX_SHARDS 4096

/* A shard is in the folder of its index: any other path could make us read arbitrary files. */
static gboolean
shard_name_ok (const char *name)
{
  return *name != '\0' && *name != '.' && strchr (name, '/') == NULL && strchr (name, '\\') == NULL
         && strlen (name) <= 255;
}

static gboolean
parse_mapping (PldJson *json, PldShards *shards, GHashTable *index_of, GError **error)
{
  g_autofree char *tensor = NULL;
  g_autofree char *shard = NULL;
  guint number;

  if (!pld_json_key (json, &tensor, error) || !pld_json_string (json, &shard, error))
    return FALSE;
  if (!shard_name_ok (shard))
    {
      g_set_error (
          error, PLD_ERROR, PLD_ERROR_FORMAT,
          "maps tensor \"%s\" to \"%s\", which is not a file name in the same folder; download the model again", tensor,
          shard);
      return FALSE;
    }
  if (g_hash_table_contains (shards->map, tensor))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "maps tensor \"%s\" twice; download the model again", tensor);
      return FALSE;
    }
  number = GPOINTER_TO_UINT (g_hash_table_lookup (index_of, shard));
  if (number == 0)
    {
      if (shards->names->len == MAX_SHARDS)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "names more than %u files", MAX_SHARDS);
          return FALSE;
        }
      number = shards->names->len + 1;
      g_hash_table_insert (index_of, shard, GUINT_TO_POINTER (number));
      g_ptr_array_add (shards->names, g_steal_pointer (&shard));
    }
  if (g_hash_table_size (shards->map) == PLD_MAX_TENSORS)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "maps more than %u tensors", PLD_MAX_TENSORS);
      return FALSE;
    }
  g_hash_table_insert (shards->map, g_steal_pointer (&tensor), GUINT_TO_POINTER (number));
  return TRUE;
}

static gboolean
parse_map (PldJson *json, PldShards *shards, GError **error)
{
  g_autoptr (GHashTable) index_of = g_hash_table_new (g_str_hash, g_str_equal);
  gboolean more = TRUE;

  if (!pld_json_enter (json, '{', error))
    return FALSE;
  while (more)
    if (!pld_json_next (json, &more, error) || (more && !parse_mapping (json, shards, index_of, error)))
      return FALSE;
  return TRUE;
}

static gboolean
parse_index (PldJson *json, PldShards *shards, GError **error)
{
  gboolean more, seen = FALSE;

  if (!pld_json_enter (json, '{', error))
    return FALSE;
  while (pld_json_next (json, &more, error))
    {
      g_autofree char *key = NULL;

      if (!more)
        {
          if (shards->names->len > 0)
            return pld_json_end (json, error);
          g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "has no weight_map; download the model again");
          return FALSE;
        }
      if (!pld_json_key (json, &key, error))
        return FALSE;
      if (strcmp (key, "weight_map") != 0)
        {
          if (!pld_json_value (json, NULL, error))
            return FALSE;
          continue;
        }
      if (seen)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "has two weight_maps; download the model again");
          return FALSE;
        }
      seen = TRUE;
      if (!parse_map (json, shards, error))
        return FALSE;
    }
  return FALSE;
}

PldShards *
pld_shards_parse (const char *text, gsize size, const char *path, GError **error)
{
  g_autoptr (PldShards) shards = g_new0 (PldShards, 1);
  PldJson json;

  shards->path = g_strdup (path);
  shards->names = g_ptr_array_new_with_free_func (g_free);
  shards->map = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  pld_json_init (&json, text, size);
  if (!parse_index (&json, shards, error))
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  return g_steal_pointer (&shards);
}

PldShards *
pld_shards_open (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize size;

  if (!pld_source_load (path, MAX_INDEX, &text, &size, error))
    return NULL;
  return pld_shards_parse (text, size, path, error);
}

void
pld_shards_free (PldShards *shards)
{
  if (shards == NULL)
    return;
  g_clear_pointer (&shards->names, g_ptr_array_unref);
  g_clear_pointer (&shards->map, g_hash_table_unref);
  g_free (shards->path);
  g_free (shards);
}

gboolean
pld_shards_check (const PldShards *shards, const PldTensor *tensors, guint n_tensors, GError **error)
{
  g_autoptr (GHashTable) wanted = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, shards->map);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (wanted, key, value);
  for (guint i = 0; i < n_tensors; i++)
    if (GPOINTER_TO_UINT (g_hash_table_lookup (wanted, tensors[i].name)) == tensors[i].file + 1)
      g_hash_table_remove (wanted, tensors[i].name);
  g_hash_table_iter_init (&iter, wanted);
  if (!g_hash_table_iter_next (&iter, &key, &value))
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
               "%s: maps tensor \"%s\" to %s, which does not hold it; download the model again", shards->path,
               (char *) key, (char *) shards->names->pdata[GPOINTER_TO_UINT (value) - 1]);
  return FALSE;
}
