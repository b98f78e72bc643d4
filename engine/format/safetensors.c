/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * https://github.com/huggingface/safetensors: 8 bytes header length (little-endian), the header, the data.
 * The header is {"name": {"dtype", "shape": […], "data_offsets": [begin, end]}, …, "__metadata__": {string:
 * string}}; offsets count from the header's end.
 */
#include "engine/base/reader.h"
#include "engine/format/json.h"
#include "engine/format/tensors.h"

#include <string.h>

#define MAX_HEADER G_GUINT64_CONSTANT (100000000) /* the reference implementation's */

gboolean
pld_safetensors_head_size (const guint8 *head, gsize n_head, guint64 file_size, guint64 *size, GError **error)
{
  PldReader reader;
  guint64 length;

  pld_reader_init (&reader, head, n_head);
  if (n_head < 8)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "truncated: %" G_GUINT64_FORMAT " bytes are too few for a safetensors file; download it again",
                   file_size);
      return FALSE;
    }
  if (!pld_reader_u64 (&reader, &length, "the header length", error))
    return FALSE;
  if (length > MAX_HEADER)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "damaged: a header of %" G_GUINT64_FORMAT
                   " bytes is longer than safetensors allows; download it again",
                   length);
      return FALSE;
    }
  if (length > file_size - 8)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "truncated: the header wants %" G_GUINT64_FORMAT " bytes but the file has %" G_GUINT64_FORMAT
                   "; download it again",
                   length + 8, file_size);
      return FALSE;
    }
  *size = length + 8;
  return TRUE;
}

static gboolean
parse_dtype (PldJson *json, PldTensor *tensor, GError **error)
{
  g_autofree char *name = NULL;

  if (!pld_json_string (json, &name, error))
    return FALSE;
  if (!pld_dtype_from_safetensors (name, &tensor->dtype))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "tensor \"%s\" has the element type \"%s\", which is not known; convert the model to F32, "
                   "F16 or BF16",
                   tensor->name, name);
      return FALSE;
    }
  return TRUE;
}

/* A list of at most @max whole numbers. */
static gboolean
parse_numbers (PldJson *json, const PldTensor *tensor, guint max, guint64 *values, guint *n, GError **error)
{
  gboolean more;

  *n = 0;
  if (!pld_json_enter (json, '[', error))
    return FALSE;
  while (pld_json_next (json, &more, error))
    {
      if (!more)
        return TRUE;
      if (*n == max)
        {
          g_set_error (error, PLD_ERROR, max == 2 ? PLD_ERROR_FORMAT : PLD_ERROR_UNSUPPORTED,
                       max == 2 ? "tensor \"%s\" has more than %u offsets; the file is damaged, download it again"
                                : "tensor \"%s\" has more than %u dimensions",
                       tensor->name, max);
          return FALSE;
        }
      if (!pld_json_uint (json, &values[(*n)++], error))
        return FALSE;
    }
  return FALSE;
}

enum
{
  HAS_DTYPE = 1,
  HAS_SHAPE = 2,
  HAS_OFFSETS = 4,
  HAS_ALL = 7,
};

static gboolean
parse_member (PldJson *json, const char *key, PldTensor *tensor, guint64 *span, guint *has, GError **error)
{
  guint bit = 0, n;

  if (strcmp (key, "dtype") == 0)
    bit = HAS_DTYPE;
  else if (strcmp (key, "shape") == 0)
    bit = HAS_SHAPE;
  else if (strcmp (key, "data_offsets") == 0)
    bit = HAS_OFFSETS;
  if (*has & bit)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "tensor \"%s\" has two \"%s\"; the file is damaged, download it again", tensor->name, key);
      return FALSE;
    }
  *has |= bit;
  if (bit == HAS_DTYPE)
    return parse_dtype (json, tensor, error);
  if (bit == HAS_SHAPE)
    return parse_numbers (json, tensor, PLD_TENSOR_MAX_DIMS, tensor->dims, &tensor->n_dims, error);
  if (bit == 0)
    return pld_json_value (json, NULL, error);
  if (!parse_numbers (json, tensor, 2, span, &n, error))
    return FALSE;
  if (n < 2 || span[0] > span[1])
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "tensor \"%s\": its data_offsets are not a range; the file is damaged, download it again",
                   tensor->name);
      return FALSE;
    }
  return TRUE;
}

/* @span: [begin, end) behind the header at @data */
static gboolean
check_span (PldTensor *tensor, const guint64 *span, guint64 data, guint64 file_size, GError **error)
{
  if (!pld_tensor_measure (tensor, error))
    return FALSE;
  if (span[1] - span[0] != tensor->n_bytes)
    {
      g_autofree char *shape = pld_tensor_shape (tensor);

      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "tensor \"%s\": %s %s takes %" G_GUINT64_FORMAT " bytes, but its offsets span %" G_GUINT64_FORMAT
                   "; the file is damaged, download it again",
                   tensor->name, pld_dtype_info (tensor->dtype)->name, shape, tensor->n_bytes, span[1] - span[0]);
      return FALSE;
    }
  /* data is at most 100 MB + 8, so only an absurd offset wraps; saturated, it is refused as one. */
  tensor->offset = span[0] > G_MAXUINT64 - data ? G_MAXUINT64 : span[0] + data;
  return pld_tensor_check_end (tensor, file_size, error);
}

static gboolean
parse_tensor (PldJson *json, PldTensor *tensor, guint64 data, guint64 file_size, GError **error)
{
  guint64 span[2] = { 0, 0 };
  guint has = 0;
  gboolean more;

  if (!pld_json_enter (json, '{', error))
    return FALSE;
  while (pld_json_next (json, &more, error))
    {
      g_autofree char *key = NULL;

      if (more)
        {
          if (!pld_json_key (json, &key, error) || !parse_member (json, key, tensor, span, &has, error))
            return FALSE;
          continue;
        }
      if (has == HAS_ALL)
        return check_span (tensor, span, data, file_size, error);
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "tensor \"%s\" lacks its %s; the file is damaged, download it again", tensor->name,
                   !(has & HAS_DTYPE)   ? "dtype"
                   : !(has & HAS_SHAPE) ? "shape"
                                        : "data_offsets");
      return FALSE;
    }
  return FALSE;
}

static gboolean
parse_metadata (PldJson *json, JsonObject *metadata, GError **error)
{
  g_autoptr (JsonNode) node = NULL;
  JsonObjectIter iter;
  const char *key;
  JsonNode *value;

  if (!pld_json_value (json, &node, error))
    return FALSE;
  if (JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    goto bad;
  json_object_iter_init_ordered (&iter, json_node_get_object (node));
  while (json_object_iter_next_ordered (&iter, &key, &value))
    {
      if (!JSON_NODE_HOLDS_VALUE (value) || json_node_get_value_type (value) != G_TYPE_STRING)
        goto bad;
      json_object_set_string_member (metadata, key, json_node_get_string (value));
    }
  return TRUE;

bad:
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
               "__metadata__ is not an object of strings; the file is damaged, download it again");
  return FALSE;
}

static gboolean
parse_entry (PldJson *json, guint64 data, guint64 file_size, guint file, GArray *tensors, JsonObject *metadata,
             GError **error)
{
  g_autofree char *name = NULL;
  PldTensor tensor = { NULL };

  if (!pld_json_key (json, &name, error))
    return FALSE;
  if (strcmp (name, "__metadata__") == 0)
    return parse_metadata (json, metadata, error);
  if (tensors->len == PLD_MAX_TENSORS)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "has more than %u tensors", PLD_MAX_TENSORS);
      return FALSE;
    }
  tensor.name = name;
  tensor.file = file;
  if (!parse_tensor (json, &tensor, data, file_size, error))
    return FALSE;
  tensor.name = g_steal_pointer (&name);
  g_array_append_val (tensors, tensor);
  return TRUE;
}

gboolean
pld_safetensors_parse (const guint8 *head, gsize n_head, guint64 file_size, guint file, GArray *tensors,
                       JsonObject *metadata, GError **error)
{
  g_autoptr (GArray) found = pld_tensors_new ();
  g_autoptr (JsonObject) found_metadata = json_object_new ();
  guint64 size;
  PldJson json;
  gboolean more = TRUE;

  g_return_val_if_fail (file_size >= n_head, FALSE);
  if (!pld_safetensors_head_size (head, n_head, file_size, &size, error))
    return FALSE;
  if (size > n_head)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "the header wants %" G_GUINT64_FORMAT " bytes but only %" G_GSIZE_FORMAT " are given", size, n_head);
      return FALSE;
    }
  pld_json_init (&json, (const char *) head + 8, size - 8);
  if (!pld_json_enter (&json, '{', error))
    return FALSE;
  while (more)
    if (!pld_json_next (&json, &more, error)
        || (more && !parse_entry (&json, size, file_size, file, found, found_metadata, error)))
      return FALSE;
  if (!pld_json_end (&json, error) || !pld_tensors_check (found, error))
    return FALSE;
  pld_tensors_hand_over (found, found_metadata, tensors, metadata);
  return TRUE;
}
