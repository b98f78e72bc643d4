/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lists of the tensors that a synthetic model has.
 */
#include "models/architectures/presets.h"

static void
draft_clear (gpointer data)
{
  PldDraft *draft = data;

  g_free (draft->tensor.name);
  g_free (draft->values);
}

GArray *
pld_drafts_new (void)
{
  GArray *drafts = g_array_new (FALSE, FALSE, sizeof (PldDraft));

  g_array_set_clear_func (drafts, draft_clear);
  return drafts;
}

PldDraft *
pld_drafts_add (GArray *drafts, char *name, guint n_dims, const guint64 *dims)
{
  PldDraft draft = { .tensor = { .name = name, .n_dims = n_dims, .n_values = 1 } };

  for (guint i = 0; i < n_dims; i++)
    {
      draft.tensor.dims[i] = dims[i];
      draft.tensor.n_values *= dims[i];
    }
  g_array_append_val (drafts, draft);
  return &g_array_index (drafts, PldDraft, drafts->len - 1);
}
