/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: GGUF directories, and opening what passes.
 */
#include "engine/format/weights.h"
#include "tests/fuzz/fuzz.h"

static void
tensor_clear (gpointer tensor)
{
  g_free (((PldTensor *) tensor)->name);
}

/* Returns the number of tensors, or −1 when the parser refuses. */
static int
parse (const guint8 *data, gsize n_head, gsize size, gboolean *short_head)
{
  g_autoptr (GArray) tensors = g_array_new (FALSE, FALSE, sizeof (PldTensor));
  g_autoptr (JsonObject) metadata = json_object_new ();
  g_autoptr (GArray) arrays = pld_gguf_arrays_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;
  GError *error = NULL;
  gboolean ok;

  g_array_set_clear_func (tensors, tensor_clear);
  ok = pld_gguf_parse_window (data, n_head, size, 0, tensors, metadata, arrays, short_head, &error);
  fuzz_check_error (ok, &error);
  if (!ok && (tensors->len > 0 || json_object_get_size (metadata) > 0 || arrays->len > 0))
    g_error ("outputs touched on failure");
  for (guint i = 0; i < tensors->len; i++)
    {
      const PldTensor *t = &g_array_index (tensors, PldTensor, i);
      const PldDtypeInfo *info = pld_dtype_info (t->dtype);

      if (t->offset > size || t->n_bytes > size - t->offset || t->n_bytes != t->n_values / info->block * info->bytes)
        g_error ("a tensor outside its file");
    }
  for (guint i = 0; i < arrays->len; i++)
    {
      const PldArray *a = &g_array_index (arrays, PldArray, i);

      if (a->offset > size || a->n_bytes > size - a->offset || a->count > a->n_bytes)
        g_error ("a list outside its file");
    }
  /* The text that inspect prints. */
  json_node_set_object (node, metadata);
  text = json_to_string (node, FALSE);
  if (!g_utf8_validate (text, -1, NULL))
    g_error ("metadata that is not UTF-8");
  return ok ? (int) tensors->len : -1;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  gboolean short_head, whole_short;
  int whole = parse (data, size, size, &whole_short);
  int half = parse (data, size / 2, size, &short_head);

  if (whole_short)
    g_error ("the whole file is not all there");
  if (!short_head && half != whole)
    g_error ("half of a file parses differently");
  return 0;
}
