/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Plans and predictions for options of any kind.
 */
#include "models/api/handle.h"

static PldPlanInfo *
plan (const PldEngineOptions *options, gboolean predict, GCancellable *cancellable, GError **error)
{
  const PldHandleType *const types[] = { &pld_handle_vision, &pld_handle_llm };

  g_return_val_if_fail (options != NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i]->kind == options->kind)
      return pld_handle_plan (types[i], options, predict, cancellable, error);
  g_return_val_if_reached (NULL);
}

PldPlanInfo *
pld_model_plan (const PldEngineOptions *options, GError **error)
{
  return plan (options, FALSE, NULL, error);
}

PldPlanInfo *
pld_model_predict (const PldEngineOptions *options, GCancellable *cancellable, GError **error)
{
  return plan (options, TRUE, cancellable, error);
}

void
pld_plan_info_free (PldPlanInfo *info)
{
  if (info != NULL)
    g_free (info->changes);
  g_free (info);
}
