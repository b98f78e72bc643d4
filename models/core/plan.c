/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a demand to a plan: how many items share a pass, and what that leaves to the weights.
 */
#include "models/core/core.h"

/* A longer batch may always use 1/BATCH_WEIGHTS of the weights' size, which lengthens the reading of a pass by no more
 * than that … */
#define BATCH_WEIGHTS 200
/* … and never more than this share of the room. */
#define BATCH_ROOM 0.75
/* Results of guesses may use 1/BATCH_GUESSES of that. */
#define BATCH_GUESSES 4

guint64
pld_core_pass_bytes (const PldModel *model, const PldGrant *grant)
{
  const PldArch *arch = model->arch;

  return pld_buffer_cost (arch->activation_floats (model->net, grant->batch) * sizeof (float))
         + pld_buffer_cost (grant->threads * arch->scratch_floats (model->net, grant->context) * sizeof (float))
         + pld_buffer_cost (grant->threads * pld_params_window (model->params))
         + pld_buffer_cost ((guint64) grant->results * model->net->n_outputs * sizeof (float));
}

/* Bytes of passes of @batch items with as many of @grant's results as these can have. */
static guint64
batch_bytes (const PldModel *model, const PldGrant *grant, guint batch)
{
  const PldGrant shorter = { batch, MIN (grant->results, batch), grant->threads, grant->context };

  return pld_core_pass_bytes (model, &shorter);
}

/* The longest batch up to @grant's that takes no more than @most bytes; at least 1. Bytes never fall as a batch gets
 * longer. */
static guint
longest_batch (const PldModel *model, const PldGrant *grant, guint64 most)
{
  guint fits = 1, above = grant->batch + 1;

  while (above - fits > 1)
    {
      const guint middle = fits + (above - fits) / 2;

      if (batch_bytes (model, grant, middle) <= most)
        fits = middle;
      else
        above = middle;
    }
  return fits;
}

/* Lowers @grant to what should share a pass under @limit. Sharing pays, but not with memory that streaming needs more.
 * @least: bytes of passes of one item; @room: what the smallest limit that works leaves of @limit. */
static void
lower_batch (const PldModel *model, guint guesses, guint64 least, guint64 room, PldGrant *grant)
{
  const guint64 row = model->net->n_outputs * sizeof (float);
  const double longer = MIN (BATCH_ROOM * (double) room, MAX (model->arch->batch_share * (double) room,
                                                              (double) model->params->tape->n_bytes / BATCH_WEIGHTS));

  for (; guesses > 0 && (double) pld_buffer_cost (guesses * row) > longer / BATCH_GUESSES; guesses--)
    grant->results--;
  grant->batch = longest_batch (model, grant, least + (guint64) longer);
  grant->results = MIN (grant->results, grant->batch);
}

PldPlan *
pld_core_plan (const PldModel *model, const PldDemand *demand, PldGrant *grant, GError **error)
{
  const PldTape *tape = model->params->tape;
  const guint64 held = pld_model_table_bytes (model) + demand->bytes;
  const guint batch = CLAMP (demand->batch, 1, model->arch->batch_max), results = MIN (demand->results, batch);
  const PldGrant one = { 1, 1, demand->threads, demand->context };
  const guint64 least = pld_core_pass_bytes (model, &one), minimum = pld_plan_minimum (tape, held + least);
  PldPlanOptions options = {
    .limit = demand->limit, .loaders = demand->loaders, .pipelining = demand->pipelining, .storage = model->storage
  };
  PldPlan *plan;

  *grant = (PldGrant) { batch, results, demand->threads, demand->context };
  if (demand->limit > 0)
    lower_batch (model, MIN (demand->guesses, results - 1), least, demand->limit - MIN (minimum, demand->limit), grant);
  options.fixed = held + pld_core_pass_bytes (model, grant);
  plan = pld_plan_make (tape, &options, error);
  if (plan == NULL)
    g_prefix_error (error, "%s: ", model->path);
  else
    plan->minimum = minimum;
  return plan;
}
