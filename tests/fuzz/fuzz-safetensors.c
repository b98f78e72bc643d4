/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: safetensors headers.
 */
#include "engine/format/weights.h"
#include "tests/fuzz/fuzz.h"

static void
tensor_clear (gpointer tensor)
{
  g_free (((PldTensor *) tensor)->name);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GArray) tensors = g_array_new (FALSE, FALSE, sizeof (PldTensor));
  g_autoptr (JsonObject) metadata = json_object_new ();
  GError *error = NULL;
  gboolean ok;

  g_array_set_clear_func (tensors, tensor_clear);
  ok = pld_safetensors_parse (data, size, size, 0, tensors, metadata, &error);
  fuzz_check_error (ok, &error);
  if (!ok && (tensors->len > 0 || json_object_get_size (metadata) > 0))
    g_error ("outputs touched on failure");
  for (guint i = 0; i < tensors->len; i++)
    {
      const PldTensor *t = &g_array_index (tensors, PldTensor, i);
      const PldDtypeInfo *info = pld_dtype_info (t->dtype);

      if (t->offset > size || t->n_bytes > size - t->offset || t->n_bytes != t->n_values * info->bytes)
        g_error ("a tensor outside its file");
      if (i > 0 && t->n_bytes > 0 && t[-1].offset + t[-1].n_bytes > t->offset)
        g_error ("tensors overlap");
    }
  return 0;
}
