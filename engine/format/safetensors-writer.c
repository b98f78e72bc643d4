/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Builds the JSON header of a safetensors file.
 */
#include "engine/format/safetensors-writer.h"

#include "engine/base/size.h"
#include "engine/format/tensors.h"

static void
header_add (JsonObject *header, const PldTensor *tensor, guint64 begin)
{
  JsonObject *entry = json_object_new ();
  JsonArray *shape = json_array_new ();
  JsonArray *offsets = json_array_new ();

  for (guint d = 0; d < tensor->n_dims; d++)
    json_array_add_int_element (shape, (gint64) tensor->dims[d]);
  json_array_add_int_element (offsets, (gint64) begin);
  json_array_add_int_element (offsets, (gint64) (begin + tensor->n_bytes));
  json_object_set_string_member (entry, "dtype", pld_dtype_info (tensor->dtype)->name);
  json_object_set_array_member (entry, "shape", shape);
  json_object_set_array_member (entry, "data_offsets", offsets);
  json_object_set_object_member (header, tensor->name, entry);
}

/* 8 bytes length, the JSON, spaces up to a multiple of 8 so that the data is aligned. */
static GString *
header_make (const PldTensor *tensors, guint n_tensors, JsonObject *metadata, guint64 *data, GError **error)
{
  g_autoptr (JsonObject) header = json_object_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *json = NULL;
  GString *text;
  guint64 length;

  *data = 0;
  if (metadata != NULL)
    json_object_set_object_member (header, "__metadata__", json_object_ref (metadata));
  for (guint i = 0; i < n_tensors; i++)
    {
      PldTensor tensor = tensors[i];
      guint64 begin = *data;

      if (!pld_tensor_measure (&tensor, error))
        return NULL;
      if (!pld_size_add (begin, tensor.n_bytes, data) || *data > G_MAXINT64)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "the tensors are larger than any file");
          return NULL;
        }
      header_add (header, &tensor, begin);
    }
  json_node_set_object (node, header);
  json = json_to_string (node, FALSE);
  text = g_string_new ("12345678");
  g_string_append (text, json);
  while (text->len % 8 != 0)
    g_string_append_c (text, ' ');
  length = text->len - 8;
  for (guint i = 0; i < 8; i++)
    text->str[i] = (char) (length >> (8 * i));
  return text;
}

PldWriter *
pld_safetensors_writer_new (const char *path, const PldTensor *tensors, guint n_tensors, JsonObject *metadata,
                            GError **error)
{
  PldWriter *writer = NULL;
  GString *header;
  guint64 data;

  g_return_val_if_fail (path != NULL, NULL);
  header = header_make (tensors, n_tensors, metadata, &data, error);
  if (header == NULL)
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  writer = pld_writer_new (path, header->len + data, error);
  if (writer != NULL && !pld_writer_write (writer, header->str, header->len, error))
    g_clear_pointer (&writer, pld_writer_free);
  g_string_free (header, TRUE);
  return writer;
}
