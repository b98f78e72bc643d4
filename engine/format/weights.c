/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Recognizes a model's file format by its first bytes and reads the directory of all its files.
 */
#include "engine/format/weights.h"

#include "engine/base/reader.h"
#include "engine/format/shards.h"
#include "engine/format/source.h"
#include "engine/format/tensors.h"

#include <string.h>

#define GGUF_WINDOW ((gsize) 1 << 20) /* the first read; doubled until the directory fits */
#define GGUF_WINDOW_MAX ((gsize) 512 << 20)
#define STRINGS_MAX ((gsize) 16 << 20) /* bytes of a list of strings */

/* The directory under construction, before it becomes the immutable arrays of PldWeights. */
typedef struct
{
  GPtrArray *files; /* char * */
  GArray *tensors;
  JsonObject *metadata;
  GArray *arrays;
  PldFormat format;
} Gathered;

static gboolean
source_grow (PldSource *source, guint8 **bytes, gsize had, gsize want, GError **error)
{
  guint8 *grown = g_try_realloc (*bytes, MAX (want, 1));

  if (grown == NULL)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_MEMORY,
                   "%s: no memory for the %" G_GSIZE_FORMAT " bytes of its directory", source->path, want);
      return FALSE;
    }
  *bytes = grown;
  return pld_source_read (source, had, want - had, grown + had, error);
}

static gboolean
read_safetensors (PldSource *source, Gathered *g, GError **error)
{
  g_autofree guint8 *head = NULL;
  gsize n = MIN (source->size, 8);
  guint64 want;

  if (!source_grow (source, &head, 0, n, error))
    return FALSE;
  if (!pld_safetensors_head_size (head, n, source->size, &want, error))
    goto named;
  if (!source_grow (source, &head, n, want, error))
    return FALSE;
  if (pld_safetensors_parse (head, want, source->size, g->files->len, g->tensors, g->metadata, error))
    return TRUE;

named:
  g_prefix_error (error, "%s: ", source->path);
  return FALSE;
}

static gboolean
read_gguf (PldSource *source, Gathered *g, GError **error)
{
  g_autofree guint8 *head = NULL;
  gsize had = 0;

  for (gsize want = MIN (GGUF_WINDOW, source->size);; want = MIN (want * 2, source->size))
    {
      g_autoptr (GError) failure = NULL;
      gboolean short_head;

      if (!source_grow (source, &head, had, want, error))
        return FALSE;
      if (pld_gguf_parse_window (head, want, source->size, g->files->len, g->tensors, g->metadata, g->arrays,
                                 &short_head, &failure))
        return TRUE;
      if (short_head && want >= GGUF_WINDOW_MAX)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                       "%s: its directory is longer than %" G_GSIZE_FORMAT " bytes", source->path, GGUF_WINDOW_MAX);
          return FALSE;
        }
      if (!short_head)
        {
          g_propagate_prefixed_error (error, g_steal_pointer (&failure), "%s: ", source->path);
          return FALSE;
        }
      had = want;
    }
}

/* First bytes of files that are often given by mistake. */
static const struct
{
  const char *magic;
  const char *what;
} strangers[] = {
  { "version https://git-lfs", "is a Git LFS pointer, not the model itself: run \"git lfs pull\" in its folder" },
  { "PK\003\004", "is a PyTorch or other zip archive: save the model as safetensors" },
  { "\200\002", "is a Python pickle: save the model as safetensors" },
  { "\x89HDF", "is an HDF5 file: save the model as safetensors" },
  { "{", "is JSON text, not weights: give the folder that holds it" },
  { "<", "is a web page, not a model: download it again" },
};

static gboolean
format_detect (PldSource *source, PldFormat *format, GError **error)
{
  char head[32] = { 0 };
  gboolean named = g_str_has_suffix (source->path, ".safetensors") || g_str_has_suffix (source->path, ".gguf");
  gsize n = MIN (source->size, sizeof head);

  if (!pld_source_read (source, 0, n, (guint8 *) head, error))
    return FALSE;
  if (n < 9)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   n == 0 ? "%s: is empty; download it again"
                          : "%s: truncated: too short for a model; download it again",
                   source->path);
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (strangers); i++)
    if (g_str_has_prefix (head, strangers[i].magic) && head[8] != '{')
      {
        g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: %s", source->path, strangers[i].what);
        return FALSE;
      }
  if (memcmp (head, "GGUF", 4) == 0)
    *format = PLD_FORMAT_GGUF;
  else if (head[8] == '{')
    *format = PLD_FORMAT_SAFETENSORS;
  else
    {
      g_set_error (error, PLD_ERROR, named ? PLD_ERROR_FORMAT : PLD_ERROR_UNSUPPORTED,
                   named ? "%s: its first bytes are neither safetensors' nor GGUF's: it is damaged; download it again"
                         : "%s: is neither a safetensors nor a GGUF file; give one of these, or a Hugging Face folder",
                   source->path);
      return FALSE;
    }
  return TRUE;
}

static gboolean
read_file (const char *path, Gathered *g, GError **error)
{
  g_auto (PldSource) source = PLD_SOURCE_INIT;

  if (!pld_source_open (&source, path, error) || !format_detect (&source, &g->format, error))
    return FALSE;
  if (g->format == PLD_FORMAT_GGUF ? !read_gguf (&source, g, error) : !read_safetensors (&source, g, error))
    return FALSE;
  g_ptr_array_add (g->files, g_strdup (path));
  return TRUE;
}

static gboolean
check_split (const char *path, JsonObject *metadata, GError **error)
{
  JsonNode *node = json_object_get_member (metadata, "split.count");

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) || json_node_get_int (node) <= 1)
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
               "%s: is one of %" G_GINT64_FORMAT " parts of a split GGUF; merge them into one file first", path,
               json_node_get_int (node));
  return FALSE;
}

static gboolean
read_shards (const char *folder, const char *index, Gathered *g, GError **error)
{
  g_autoptr (PldShards) shards = pld_shards_open (index, error);

  if (shards == NULL)
    return FALSE;
  for (guint i = 0; i < shards->names->len; i++)
    {
      g_autofree char *path = g_build_filename (folder, shards->names->pdata[i], NULL);

      if (!read_file (path, g, error))
        {
          g_prefix_error (error, "%s names a file that cannot be used: ", index);
          return FALSE;
        }
      if (g->format != PLD_FORMAT_SAFETENSORS)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                       "%s: is not a safetensors file, but %s names it; download the model again", path, index);
          return FALSE;
        }
    }
  return pld_shards_check (shards, (const PldTensor *) g->tensors->data, g->tensors->len, error);
}

static gboolean
read_folder (const char *folder, Gathered *g, GError **error)
{
  g_autofree char *single = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree char *index = g_build_filename (folder, "model.safetensors.index.json", NULL);
  g_autofree char *pickle = g_build_filename (folder, "pytorch_model.bin", NULL);

  if (g_file_test (single, G_FILE_TEST_EXISTS))
    return read_file (single, g, error);
  if (g_file_test (index, G_FILE_TEST_EXISTS))
    return read_shards (folder, index, g, error);
  if (g_file_test (pickle, G_FILE_TEST_EXISTS))
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                 "%s: holds pytorch_model.bin but no model.safetensors; save the model as safetensors", folder);
  else
    g_set_error (error, PLD_ERROR, PLD_ERROR_NOT_FOUND,
                 "%s: holds neither model.safetensors nor model.safetensors.index.json; give a Hugging Face "
                 "model folder, or the "
                 ".gguf or .safetensors file itself",
                 folder);
  return FALSE;
}

static gboolean
index_names (PldWeights *weights, GError **error)
{
  weights->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < weights->n_tensors; i++)
    {
      PldTensor *tensor = &weights->tensors[i];
      const PldTensor *other = g_hash_table_lookup (weights->by_name, tensor->name);

      if (other != NULL)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "%s: tensor \"%s\" is also in %s; download the model again",
                       weights->files[tensor->file], tensor->name, weights->files[other->file]);
          return FALSE;
        }
      g_hash_table_insert (weights->by_name, tensor->name, tensor);
    }
  return TRUE;
}

PldWeights *
pld_weights_open (const char *path, GError **error)
{
  g_autoptr (PldWeights) weights = NULL;
  Gathered g = { g_ptr_array_new_with_free_func (g_free), pld_tensors_new (), json_object_new (),
                 pld_gguf_arrays_new (), PLD_FORMAT_SAFETENSORS };
  gboolean ok;

  g_return_val_if_fail (path != NULL, NULL);
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    ok = read_folder (path, &g, error);
  else
    ok = read_file (path, &g, error) && check_split (path, g.metadata, error);
  weights = g_new0 (PldWeights, 1);
  weights->format = g.format;
  weights->path = g_strdup (path);
  weights->metadata = g.metadata;
  weights->n_files = g.files->len;
  g_ptr_array_add (g.files, NULL);
  weights->files = (char **) g_ptr_array_free (g.files, FALSE);
  weights->n_arrays = g.arrays->len;
  weights->arrays = (PldArray *) g_array_free (g.arrays, FALSE);
  weights->n_tensors = g.tensors->len;
  weights->tensors = (PldTensor *) g_array_free (g.tensors, FALSE);
  if (!ok || !index_names (weights, error))
    return NULL;
  return g_steal_pointer (&weights);
}

void
pld_weights_free (PldWeights *weights)
{
  if (weights == NULL)
    return;
  for (guint i = 0; i < weights->n_tensors; i++)
    g_free (weights->tensors[i].name);
  g_free (weights->tensors);
  for (guint i = 0; i < weights->n_arrays; i++)
    g_free (weights->arrays[i].key);
  g_free (weights->arrays);
  g_clear_pointer (&weights->by_name, g_hash_table_unref);
  g_clear_pointer (&weights->metadata, json_object_unref);
  g_strfreev (weights->files);
  g_free (weights->path);
  g_free (weights);
}

const PldTensor *
pld_weights_find (const PldWeights *weights, const char *name)
{
  return g_hash_table_lookup (weights->by_name, name);
}

const PldArray *
pld_weights_array (const PldWeights *weights, const char *key)
{
  for (guint i = 0; i < weights->n_arrays; i++)
    if (strcmp (weights->arrays[i].key, key) == 0)
      return &weights->arrays[i];
  return NULL;
}

static gboolean
parse_strings (PldReader *reader, guint count, GPtrArray *strings, GError **error)
{
  for (guint i = 0; i < count; i++)
    {
      const guint8 *bytes;
      guint64 length;

      if (!pld_reader_u64 (reader, &length, "a string", error)
          || !pld_reader_bytes (reader, length, &bytes, "a string", error))
        return FALSE;
      if (memchr (bytes, '\0', length) != NULL || !g_utf8_validate ((const char *) bytes, (gssize) length, NULL))
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "string %u is not UTF-8; convert the model again", i);
          return FALSE;
        }
      g_ptr_array_add (strings, g_strndup ((const char *) bytes, length));
    }
  g_ptr_array_add (strings, NULL);
  return TRUE;
}

gboolean
pld_weights_strings (const PldWeights *weights, const char *key, guint max, char ***strings, guint *n, GError **error)
{
  const PldArray *array = pld_weights_array (weights, key);
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);
  g_autofree guint8 *bytes = NULL;
  g_auto (PldSource) source = PLD_SOURCE_INIT;
  PldReader reader;

  *strings = NULL;
  if (array == NULL)
    return TRUE;
  if (array->type != PLD_GGUF_STRING || array->count > max || array->n_bytes > STRINGS_MAX)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "%s: \"%s\" must be a list of at most %u strings; convert the model again", weights->path, key, max);
      return FALSE;
    }
  if (!pld_source_open (&source, weights->files[array->file], error))
    return FALSE;
  bytes = g_malloc (array->n_bytes);
  if (!pld_source_read (&source, array->offset, array->n_bytes, bytes, error))
    return FALSE;
  pld_reader_init (&reader, bytes, array->n_bytes);
  if (!parse_strings (&reader, (guint) array->count, found, error))
    {
      g_prefix_error (error, "%s: \"%s\": ", weights->path, key);
      return FALSE;
    }
  *n = (guint) array->count;
  *strings = (char **) g_ptr_array_free (g_steal_pointer (&found), FALSE);
  return TRUE;
}
