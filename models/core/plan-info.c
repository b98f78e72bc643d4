/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A plan without an opening, and its predictions: what users read before they choose a limit.
 */
#include "models/core/core-private.h"
#include "models/core/predict.h"

gboolean
pld_core_plan_info (PldModelKind kind, const char *path, PldInputSize input, PldDemand *user, PldDemandFunc measure,
                    gpointer data, gboolean predict, PldPlanInfo *info, GCancellable *cancellable, GError **error)
{
  PldModel *model = pld_model_open (kind, path, input, error);
  PldPlan *plan = NULL;
  PldPlanInfo made;
  PldGrant grant;
  gboolean ok;

  if (user->limit == PLD_LIMIT_AUTO)
    user->limit = pld_core_spare (0);
  ok = model != NULL && measure (model, user, data, error)
       && (plan = pld_core_plan (model, user, &grant, error)) != NULL;
  if (ok && predict)
    {
      /* The limit is known to work; with what is measured now, the plan may be another. */
      g_clear_pointer (&plan, pld_plan_free);
      ok = pld_predict_storage (model, user->limit, cancellable, error)
           && (plan = pld_core_plan (model, user, &grant, error)) != NULL;
    }
  if (ok)
    made = (PldPlanInfo) {
      .memory_limit = plan->limit,
      .minimum_limit = plan->minimum,
      .resident_limit = plan->resident,
      .weight_bytes = model->params->tape->n_bytes,
      .pinned_bytes = plan->pinned_bytes,
      .ring_bytes = plan->ring_bytes,
      .activation_bytes = pld_core_pass_bytes (model, &grant) + user->bytes,
      .table_bytes = pld_model_table_bytes (model) + pld_plan_table_bytes (plan->tiles->len),
      .streamed_per_pass = plan->streamed_bytes,
      .tile_bytes = plan->slot_bytes,
      .n_tiles = plan->tiles->len,
      .n_pinned = plan->n_pinned,
      .n_slots = plan->n_slots,
      .loaders = plan->loaders,
      .batch = grant.batch,
    };
  if (ok && predict)
    ok = pld_predict_info (model, user, &grant, plan, &made, cancellable, error);
  if (ok)
    *info = made;
  g_clear_pointer (&plan, pld_plan_free);
  g_clear_pointer (&model, pld_model_free);
  return ok;
}
