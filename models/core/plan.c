/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "models/core/core-private.h"
#include "models/core/predict.h"

/* What a longer batch may take in any case: one part in so many of the weights, which lengthens the reading of a pass
 * by no more than that … */
#define BATCH_WEIGHTS 200
/* … and never more than this share of the room. */
#define BATCH_ROOM 0.75
/* Of that, results of guesses take one part in so many at most. */
#define BATCH_GUESSES 4

/* ---- planning ------------------------------------------------------------------------------ */

guint64
pld_core_pass_bytes (const PldModel *model, const PldUser *wishes)
{
  const PldArch *arch = model->arch;

  return pld_buffer_cost (arch->activation_floats (model->net, wishes->batch) * sizeof (float))
         + pld_buffer_cost (wishes->threads * arch->scratch_floats (model->net, wishes->context) * sizeof (float))
         + pld_buffer_cost (wishes->threads * pld_params_window (model->params))
         + pld_buffer_cost ((guint64) wishes->results * model->net->n_outputs * sizeof (float)) + wishes->bytes;
}

PldPlan *
pld_core_plan (const PldModel *model, PldUser *wishes, GError **error)
{
  const PldTape *tape = model->params->tape;
  const guint64 limit = wishes->limit, tables = pld_model_table_bytes (model),
                row = model->net->n_outputs * sizeof (float);
  PldUser one = *wishes;
  PldPlanOptions plan_wishes
      = { .loaders = wishes->loaders, .pipelining = wishes->pipelining, .storage = model->storage };
  PldPlan *plan, *least;
  guint64 room;
  double longer;

  one.batch = one.results = 1;
  plan_wishes.fixed = tables + pld_core_pass_bytes (model, &one);
  least = pld_plan_make (tape, &plan_wishes, NULL);
  room = limit - MIN (least->minimum, limit);
  wishes->batch = CLAMP (wishes->batch, 1, model->arch->batch_max);
  wishes->results = MIN (wishes->results, wishes->batch);
  wishes->guesses = MIN (wishes->guesses, wishes->results - 1);
  /* Sharing a pass pays, but not with memory that streaming needs more. */
  longer = MIN (BATCH_ROOM * (double) room,
                MAX (model->arch->batch_share * (double) room, (double) tape->n_bytes / BATCH_WEIGHTS));
  while (limit > 0 && wishes->guesses > 0 && (double) pld_buffer_cost (wishes->guesses * row) > longer / BATCH_GUESSES)
    {
      wishes->guesses--;
      wishes->results--;
    }
  while (limit > 0 && wishes->batch > 1
         && pld_core_pass_bytes (model, wishes) > pld_core_pass_bytes (model, &one) + (guint64) longer)
    {
      wishes->batch--;
      wishes->results = MIN (wishes->results, wishes->batch);
    }
  plan_wishes.limit = limit;
  plan_wishes.fixed = tables + pld_core_pass_bytes (model, wishes);
  plan = pld_plan_make (tape, &plan_wishes, error);
  if (plan == NULL)
    g_prefix_error (error, "%s: ", model->path);
  else
    plan->minimum = least->minimum;
  pld_plan_free (&least);
  return plan;
}

gboolean
pld_core_plan_info (PldKind kind, const char *path, PldInputSize input, PldUser *user, PldUserFunc measure,
                    gpointer data, gboolean predict, PldPlanInfo *info, GCancellable *cancellable, GError **error)
{
  PldModel *model = pld_model_open (kind, path, input, error);
  PldPlan *plan = NULL;
  PldPlanInfo made;
  PldUser wishes;
  gboolean ok;

  if (user->limit == PLD_LIMIT_AUTO)
    user->limit = pld_core_spare (0);
  ok = model != NULL && measure (model, user, data, error);
  wishes = *user;
  ok = ok && (plan = pld_core_plan (model, user, error)) != NULL;
  if (ok && predict)
    {
      /* The limit is known to work; with what is measured now it may be planned otherwise. */
      pld_plan_free (&plan);
      *user = wishes;
      ok = pld_predict_storage (model, user->limit, cancellable, error)
           && (plan = pld_core_plan (model, user, error)) != NULL;
    }
  if (ok)
    made = (PldPlanInfo) {
      .memory_limit = plan->limit,
      .minimum_limit = plan->minimum,
      .resident_limit = plan->resident,
      .weight_bytes = model->params->tape->n_bytes,
      .pinned_bytes = plan->pinned_bytes,
      .ring_bytes = plan->ring_bytes,
      .activation_bytes = pld_core_pass_bytes (model, user),
      .table_bytes = pld_model_table_bytes (model) + pld_plan_table_bytes (plan->tiles->len),
      .streamed_per_pass = plan->streamed_bytes,
      .tile_bytes = plan->slot_bytes,
      .n_tiles = plan->tiles->len,
      .n_pinned = plan->n_pinned,
      .n_slots = plan->n_slots,
      .loaders = plan->loaders,
      .batch = user->batch,
    };
  if (ok && predict)
    ok = pld_predict_info (model, &wishes, user, plan, &made, cancellable, error);
  if (ok)
    *info = made;
  pld_plan_free (&plan);
  pld_model_free (&model);
  return ok;
}

PldUser
pld_core_wishes (PldCore *core, const PldUser *user, const PldUser *wishes)
{
  PldUser all = { .pipelining = PLD_PIPELINING_NONE };

  for (guint i = 0; i < core->users->len; i++)
    {
      const PldUser *u = core->users->pdata[i] == user ? wishes : core->users->pdata[i];
      const guint64 limit = u->limit == PLD_LIMIT_AUTO ? core->spare_limit : u->limit;

      if (limit > 0)
        all.limit = all.limit > 0 ? MIN (all.limit, limit) : limit;
      all.pipelining = MIN (all.pipelining, u->pipelining);
      all.loaders = MAX (all.loaders, u->loaders);
      all.threads = MAX (all.threads, u->threads);
      all.batch += u->batch;
      all.results += u->results;
      all.guesses += u->guesses;
      all.context = MAX (all.context, u->context);
      all.bytes += u->bytes;
    }
  return all;
}

static gboolean
plans_equal (const PldPlan *a, const PldPlan *b)
{
  gboolean equal = pld_plan_cut_equal (a, b) && a->slot_bytes == b->slot_bytes && a->n_slots == b->n_slots
                   && a->loaders == b->loaders && a->n_pinned == b->n_pinned;

  for (guint i = 0; equal && i < a->tiles->len; i++)
    equal = g_array_index (a->tiles, PldTile, i).pinned == g_array_index (b->tiles, PldTile, i).pinned;
  return equal;
}

/* ---- update: from wishes to memory --------------------------------------------------------- */

/* Puts @plan (nullable) into the place of the one in force; takes the lock, so that what statistics read is consistent.
 */
static void
core_replace_plan (PldCore *core, PldPlan *plan)
{
  g_mutex_lock (&core->lock);
  pld_plan_free (&core->plan);
  core->plan = plan;
  g_mutex_unlock (&core->lock);
}

static void
core_drop_activations (PldCore *core)
{
  g_mutex_lock (&core->lock);
  pld_buffer_clear (&core->activations);
  pld_buffer_clear (&core->scratch);
  pld_buffer_clear (&core->results);
  pld_buffer_clear (&core->window);
  g_mutex_unlock (&core->lock);
}

void
pld_core_drop (PldCore *core)
{
  pld_stream_shrink (core->stream, NULL);
  core_replace_plan (core, NULL);
  core_drop_activations (core);
}

static gboolean
core_take_activations (PldCore *core, const PldUser *shape, GError **error)
{
  const PldModel *model = core->model;
  const PldArch *arch = model->arch;
  const gsize scratch = arch->scratch_floats (model->net, shape->context);
  const guint64 window = pld_params_window (model->params);
  gboolean ok;

  g_mutex_lock (&core->lock);
  ok = pld_buffer_init (&core->activations, core->budget,
                        arch->activation_floats (model->net, shape->batch) * sizeof (float), "the activations", error)
       && pld_buffer_init (&core->scratch, core->budget, shape->threads * scratch * sizeof (float),
                           "the scratch memory", error)
       && pld_buffer_init (&core->window, core->budget, shape->threads * window, "the windows to read rows", error)
       && pld_buffer_init (&core->results, core->budget,
                           (guint64) shape->results * model->net->n_outputs * sizeof (float), "the results", error);
  core->compute_ns = 0;
  core->shape = *shape;
  core->session.n_threads = shape->threads;
  core->session.scratch = (float *) (gpointer) core->scratch.data;
  core->session.scratch_floats = scratch;
  core->session.window = core->window.data;
  core->session.window_bytes = window;
  g_mutex_unlock (&core->lock);
  return ok;
}

static gboolean
shapes_equal (const PldUser *a, const PldUser *b)
{
  return a->batch == b->batch && a->results == b->results && a->threads == b->threads && a->context == b->context;
}

gboolean
pld_core_update (PldCore *core, const PldUser *wishes, GError **error)
{
  PldUser shape = *wishes;
  PldPlan *plan = pld_core_plan (core->model, &shape, error);
  PldTeam *team;
  gboolean same, ok;

  if (plan == NULL)
    return FALSE;
  team = pld_team_ref (shape.threads);
  pld_team_unref (&team);
  same = core->plan != NULL && plans_equal (core->plan, plan);
  /* First everything is given back that the new plan does not need: both together might be more than the limit. */
  if (!same)
    {
      pld_stream_shrink (core->stream, plan);
      core_replace_plan (core, NULL);
    }
  if (!shapes_equal (&core->shape, &shape))
    core_drop_activations (core);
  pld_budget_set_limit (core->budget, shape.limit);
  ok = (core->activations.data != NULL || core_take_activations (core, &shape, error))
       && (same || pld_stream_set_plan (core->stream, plan, error));
  if (!ok)
    {
      pld_core_drop (core);
      pld_plan_free (&plan);
      return FALSE;
    }
  if (same)
    {
      /* The stream goes by the plan that it has. */
      g_mutex_lock (&core->lock);
      core->plan->limit = plan->limit;
      core->plan->minimum = plan->minimum;
      core->plan->resident = plan->resident;
      g_mutex_unlock (&core->lock);
      pld_plan_free (&plan);
    }
  else
    core_replace_plan (core, plan);
  core->session.plan = core->plan;
  return TRUE;
}

/* Takes the core for this thread; with the lock, which is given up meanwhile. */
static void
core_acquire (PldCore *core)
{
  while (core->busy)
    g_cond_wait (&core->change, &core->lock);
  core->busy = TRUE;
}

void
pld_core_release (PldCore *core)
{
  core->busy = FALSE;
  g_cond_broadcast (&core->change);
}

gboolean
pld_core_set_user (PldCore *core, PldUser *user, const PldUser *wishes, GError **error)
{
  PldUser all, old;
  PldPlan *plan;
  gboolean ok;

  g_mutex_lock (&core->lock);
  if (wishes->limit == PLD_LIMIT_AUTO && core->spare_limit == 0)
    core->spare_limit = pld_core_spare (pld_budget_get_used (core->budget));
  all = pld_core_wishes (core, user, wishes);
  plan = pld_core_plan (core->model, &all, error);
  ok = plan != NULL;
  pld_plan_free (&plan);
  if (ok)
    {
      old = *user;
      *user = *wishes;
      core->outdated = TRUE;
      pld_core_follow_memory (core);
      /* More room is needed now, and less should be held now; while a pass runs, its successor does it. */
      if (!core->busy || wishes->bytes > old.bytes)
        {
          core_acquire (core);
          all = pld_core_wishes (core, NULL, NULL);
          core->outdated = FALSE;
          g_mutex_unlock (&core->lock);
          ok = pld_core_update (core, &all, error);
          g_mutex_lock (&core->lock);
          if (!ok)
            {
              *user = old;
              core->outdated = TRUE;
              pld_core_follow_memory (core);
            }
          pld_core_release (core);
        }
    }
  g_mutex_unlock (&core->lock);
  return ok;
}
