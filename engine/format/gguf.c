/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian:
 *   "GGUF", u32 version, u64 number of tensors, u64 number of key/values,
 *   key/values: string key, u32 type, value; a string is u64 length and bytes; an array u32 type, u64 count,
 *     values;
 *   tensors: string name, u32 n_dims, u64 dims[n_dims] (innermost first), u32 type, u64 offset;
 *   padding to general.alignment; the data, from where offsets count.
 */
#include "engine/base/size.h"
#include "engine/format/gguf-values.h"
#include "engine/format/tensors.h"

#include <string.h>

#define MAX_KEYS 65536
#define MAX_GGUF_DIMS 4

static gboolean
gguf_key_value (PldGguf *gguf, guint file, JsonObject *metadata, GArray *arrays, GError **error)
{
  g_autofree char *key = NULL;
  JsonNode *node;
  PldGgufType type;

  if (!pld_gguf_name (gguf, &key, "a key", error))
    return FALSE;
  if (json_object_has_member (metadata, key))
    return pld_gguf_fail_named (error, key, "appears twice");
  if (!pld_gguf_type (gguf, &type, key, error) || !pld_gguf_value (gguf, type, 0, &node, key, error))
    return FALSE;
  json_object_set_member (metadata, key, node);
  if (type == PLD_GGUF_ARRAY)
    {
      gguf->array.key = g_steal_pointer (&key);
      gguf->array.file = file;
      g_array_append_val (arrays, gguf->array);
    }
  return TRUE;
}

static gboolean
gguf_dims (PldGguf *gguf, PldTensor *tensor, GError **error)
{
  guint64 n;

  if (!pld_gguf_uint (gguf, 4, &n, "the number of dimensions", error))
    return FALSE;
  if (n < 1 || n > MAX_GGUF_DIMS)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "damaged: tensor \"%s\" has %" G_GUINT64_FORMAT " dimensions, GGUF has 1 to %u; download it again",
                   tensor->name, n, MAX_GGUF_DIMS);
      return FALSE;
    }
  tensor->n_dims = (guint) n;
  for (guint i = tensor->n_dims; i-- > 0;)
    {
      if (!pld_gguf_uint (gguf, 8, &tensor->dims[i], "a dimension", error))
        return FALSE;
      if (tensor->dims[i] == 0)
        return pld_gguf_fail_named (error, tensor->name, "has a dimension of 0");
    }
  return TRUE;
}

/* ggml's types that are no more, and what takes their place. */
static const struct
{
  guint number;
  const char *name, *instead;
} removed[] = { { 4, "Q4_2", "Q4_0" },          { 5, "Q4_3", "Q4_1" },         { 31, "Q4_0_4_4", "Q4_0" },
                { 32, "Q4_0_4_8", "Q4_0" },     { 33, "Q4_0_8_8", "Q4_0" },    { 36, "IQ4_NL_4_4", "IQ4_NL" },
                { 37, "IQ4_NL_4_8", "IQ4_NL" }, { 38, "IQ4_NL_8_8", "IQ4_NL" } };

/* Numbers that ggml may well give to types that are not known here. */
#define MOST_TYPES 256

static void
set_unknown_type (const char *name, guint64 number, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (removed); i++)
    if (removed[i].number == number)
      {
        g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                     "tensor \"%s\" has type %s, which was removed from GGUF; get or make the model with %s instead",
                     name, removed[i].name, removed[i].instead);
        return;
      }
  if (number < MOST_TYPES)
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                 "tensor \"%s\" has the type number %" G_GUINT64_FORMAT
                 ", which is newer than this program; update pipeload, or get the model in another type",
                 name, number);
  else
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                 "tensor \"%s\" has the type number %" G_GUINT64_FORMAT
                 ", which cannot be one; the file is damaged: download it again",
                 name, number);
}

/* offset still counts from the data's start. */
static gboolean
gguf_tensor (PldGguf *gguf, guint64 alignment, guint file, GArray *tensors, GError **error)
{
  g_autofree char *name = NULL;
  PldTensor tensor = { NULL };
  guint64 number;

  if (!pld_gguf_name (gguf, &name, "a tensor's name", error))
    return FALSE;
  tensor.name = name;
  tensor.file = file;
  if (!gguf_dims (gguf, &tensor, error) || !pld_gguf_uint (gguf, 4, &number, "a tensor's type", error)
      || !pld_gguf_uint (gguf, 8, &tensor.offset, "a tensor's offset", error))
    return FALSE;
  if (!pld_dtype_from_gguf ((guint32) number, &tensor.dtype))
    {
      set_unknown_type (name, number, error);
      return FALSE;
    }
  if (!pld_tensor_measure (&tensor, error))
    return FALSE;
  if (tensor.offset % alignment != 0)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "damaged: tensor \"%s\" is at offset %" G_GUINT64_FORMAT
                   ", which is not a multiple of the alignment %" G_GUINT64_FORMAT "; download it again",
                   name, tensor.offset, alignment);
      return FALSE;
    }
  tensor.name = g_steal_pointer (&name);
  g_array_append_val (tensors, tensor);
  return TRUE;
}

static gboolean
gguf_header (PldGguf *gguf, guint64 *n_tensors, guint64 *n_keys, GError **error)
{
  const guint8 *magic;
  guint64 version;

  if (!pld_gguf_bytes (gguf, 4, &magic, "the magic number", error))
    return FALSE;
  if (memcmp (magic, "GGUF", 4) != 0)
    return pld_gguf_fail (error, "the magic number", "is not GGUF's");
  if (!pld_gguf_uint (gguf, 4, &version, "the version", error))
    return FALSE;
  if (version != 2 && version != 3)
    {
      if (version != 0 && (version & 0xffff) == 0)
        g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                     "is a big-endian GGUF; convert the model to little-endian");
      else
        g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                     "is GGUF version %" G_GUINT64_FORMAT
                     "; versions 2 and 3 are known: convert the model to one of them",
                     version);
      return FALSE;
    }
  /* a tensor: name's length and a byte, n_dims, a dimension, type, offset; a key: length and a byte, type, a
   * byte */
  if (!pld_gguf_count (gguf, 8 + 1 + 4 + 8 + 4 + 8, n_tensors, "the number of tensors", error)
      || !pld_gguf_count (gguf, 8 + 1 + 4 + 1, n_keys, "the number of keys", error))
    return FALSE;
  if (*n_tensors > PLD_MAX_TENSORS || *n_keys > MAX_KEYS)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "has more than %u tensors or %u keys", PLD_MAX_TENSORS,
                   MAX_KEYS);
      return FALSE;
    }
  return TRUE;
}

static gboolean
gguf_alignment (JsonObject *metadata, guint64 *alignment, GError **error)
{
  JsonNode *node = json_object_get_member (metadata, "general.alignment");
  gint64 value;

  *alignment = 32;
  if (node == NULL)
    return TRUE;
  value
      = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node) : 0;
  if (value < 8 || value > G_MAXINT32 || (value & (value - 1)) != 0)
    return pld_gguf_fail_named (error, "general.alignment", "is not a power of two of at least 8");
  *alignment = (guint64) value;
  return TRUE;
}

static gboolean
gguf_directory (PldGguf *gguf, guint file, GArray *tensors, JsonObject *metadata, GArray *arrays, GError **error)
{
  guint64 n_tensors, n_keys, alignment, data;

  if (!gguf_header (gguf, &n_tensors, &n_keys, error))
    return FALSE;
  for (guint64 i = 0; i < n_keys; i++)
    if (!gguf_key_value (gguf, file, metadata, arrays, error))
      return FALSE;
  if (!gguf_alignment (metadata, &alignment, error))
    return FALSE;
  for (guint64 i = 0; i < n_tensors; i++)
    if (!gguf_tensor (gguf, alignment, file, tensors, error))
      return FALSE;
  data = pld_size_round_up (gguf->reader.pos, alignment);
  for (guint i = 0; i < tensors->len; i++)
    {
      PldTensor *tensor = &g_array_index (tensors, PldTensor, i);

      /* Saturated, an absurd offset is refused as one. */
      tensor->offset = tensor->offset > G_MAXUINT64 - data ? G_MAXUINT64 : tensor->offset + data;
      if (!pld_tensor_check_end (tensor, gguf->file_size, error))
        return FALSE;
    }
  return pld_tensors_check (tensors, error);
}

static void
array_clear (gpointer data)
{
  g_clear_pointer (&((PldArray *) data)->key, g_free);
}

GArray *
pld_gguf_arrays_new (void)
{
  GArray *arrays = g_array_new (FALSE, TRUE, sizeof (PldArray));

  g_array_set_clear_func (arrays, array_clear);
  return arrays;
}

gboolean
pld_gguf_parse_window (const guint8 *head, gsize n_head, guint64 file_size, guint file, GArray *tensors,
                       JsonObject *metadata, GArray *arrays, gboolean *short_head, GError **error)
{
  g_autoptr (GArray) found = pld_tensors_new ();
  g_autoptr (GArray) found_arrays = pld_gguf_arrays_new ();
  g_autoptr (JsonObject) found_metadata = json_object_new ();
  PldGguf gguf = { .file_size = file_size };
  gboolean ok;

  g_return_val_if_fail (file_size >= n_head, FALSE);
  pld_reader_init (&gguf.reader, head, n_head);
  ok = gguf_directory (&gguf, file, found, found_metadata, found_arrays, error);
  *short_head = !ok && gguf.short_head;
  if (ok)
    {
      pld_tensors_hand_over (found, found_metadata, tensors, metadata);
      g_array_append_vals (arrays, found_arrays->data, found_arrays->len);
      g_array_set_clear_func (found_arrays, NULL);
    }
  return ok;
}

gboolean
pld_gguf_parse (const guint8 *head, gsize n_head, guint64 file_size, guint file, GArray *tensors, JsonObject *metadata,
                GArray *arrays, GError **error)
{
  gboolean short_head;

  return pld_gguf_parse_window (head, n_head, file_size, file, tensors, metadata, arrays, &short_head, error);
}
