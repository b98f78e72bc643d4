/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks of tensors and directories that all formats share.
 */
#include "engine/format/tensors.h"

#include "engine/base/size.h"

static void
tensor_clear (gpointer data)
{
  PldTensor *tensor = data;

  g_clear_pointer (&tensor->name, g_free);
}

GArray *
pld_tensors_new (void)
{
  GArray *tensors = g_array_new (FALSE, TRUE, sizeof (PldTensor));

  g_array_set_clear_func (tensors, tensor_clear);
  return tensors;
}

char *
pld_tensor_shape (const PldTensor *tensor)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < tensor->n_dims; i++)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? ", " : "", tensor->dims[i]);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

gboolean
pld_tensor_measure (PldTensor *tensor, GError **error)
{
  const PldDtypeInfo *info = pld_dtype_info (tensor->dtype);
  g_autofree char *shape = pld_tensor_shape (tensor);
  guint64 values = 1, bytes = 0, row = tensor->n_dims > 0 ? tensor->dims[tensor->n_dims - 1] : 1;
  gboolean empty = FALSE;

  for (guint i = 0; i < tensor->n_dims; i++)
    empty |= tensor->dims[i] == 0;
  /* No consumer could index 0 × 2^63 × 2 values, so a zero does not excuse the other dimensions. */
  for (guint i = 0; i < tensor->n_dims; i++)
    if (!pld_size_mul (values, MAX (tensor->dims[i], 1), &values))
      goto overflow;
  if (!pld_size_mul (values / info->block, info->bytes, &bytes) || values > G_MAXINT64 || bytes > G_MAXINT64)
    goto overflow;
  if (row % info->block != 0)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "tensor \"%s\": rows of %" G_GUINT64_FORMAT
                   " values are not whole blocks of %u values, as %s requires; the file is damaged, download it again",
                   tensor->name, row, info->block, info->name);
      return FALSE;
    }
  tensor->n_values = empty ? 0 : values;
  tensor->n_bytes = empty ? 0 : bytes;
  return TRUE;

overflow:
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
               "tensor \"%s\": the shape %s is larger than any file; the file is damaged, download it again",
               tensor->name, shape);
  return FALSE;
}

gboolean
pld_tensor_check_end (const PldTensor *tensor, guint64 file_size, GError **error)
{
  guint64 end;

  if (!pld_size_add (tensor->offset, tensor->n_bytes, &end) || end > G_MAXINT64)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "tensor \"%s\": the offset %" G_GUINT64_FORMAT
                   " is larger than any file; the file is damaged, download it again",
                   tensor->name, tensor->offset);
      return FALSE;
    }
  if (end > file_size)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "truncated: tensor \"%s\" ends at byte %" G_GUINT64_FORMAT " but the file has %" G_GUINT64_FORMAT
                   "; download it again",
                   tensor->name, end, file_size);
      return FALSE;
    }
  return TRUE;
}

static int
tensor_compare (gconstpointer a, gconstpointer b)
{
  const PldTensor *x = a, *y = b;

  if (x->offset != y->offset)
    return x->offset < y->offset ? -1 : 1;
  /* An empty tensor comes before the one that begins where it lies. */
  if (x->n_bytes != y->n_bytes)
    return x->n_bytes < y->n_bytes ? -1 : 1;
  return g_strcmp0 (x->name, y->name);
}

gboolean
pld_tensors_check (GArray *tensors, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  const PldTensor *last = NULL;

  g_array_sort (tensors, tensor_compare);
  for (guint i = 0; i < tensors->len; i++)
    {
      const PldTensor *tensor = &g_array_index (tensors, PldTensor, i);

      if (!g_hash_table_add (names, tensor->name))
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                       "two tensors are called \"%s\"; the file is damaged, download it again", tensor->name);
          return FALSE;
        }
      if (tensor->n_bytes == 0)
        continue;
      if (last != NULL && tensor->offset < last->offset + last->n_bytes)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                       "tensors \"%s\" and \"%s\" overlap; the file is damaged, download it again", last->name,
                       tensor->name);
          return FALSE;
        }
      last = tensor;
    }
  return TRUE;
}

void
pld_tensors_hand_over (GArray *from, JsonObject *from_metadata, GArray *to, JsonObject *to_metadata)
{
  JsonObjectIter iter;
  const char *key;
  JsonNode *node;

  for (guint i = 0; i < from->len; i++)
    {
      PldTensor tensor = g_array_index (from, PldTensor, i);

      g_array_index (from, PldTensor, i).name = NULL;
      g_array_append_val (to, tensor);
    }
  g_array_set_size (from, 0);
  json_object_iter_init_ordered (&iter, from_metadata);
  while (json_object_iter_next_ordered (&iter, &key, &node))
    json_object_set_member (to_metadata, key, json_node_ref (node));
}
