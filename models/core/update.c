/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the users' demands to memory: their sum, its plan, and the stream and buffers that follow the plan.
 */
#include "models/core/core-private.h"

/* ---- demands ------------------------------------------------------------------------------- */

/* The demand of all users, with @demand in the place of @user's; the limit in bytes. The type of a cache is not part of
 * it. Under the lock. */
static PldDemand
core_total (PldCore *core, const PldDemand *user, const PldDemand *demand)
{
  PldDemand total = { .pipelining = PLD_PIPELINING_NONE };

  for (guint i = 0; i < core->users->len; i++)
    {
      const PldDemand *u = core->users->pdata[i] == user ? demand : core->users->pdata[i];
      const guint64 limit = u->limit == PLD_LIMIT_AUTO ? core->spare_limit : u->limit;

      if (limit > 0)
        total.limit = total.limit > 0 ? MIN (total.limit, limit) : limit;
      total.pipelining = MIN (total.pipelining, u->pipelining);
      total.loaders = MAX (total.loaders, u->loaders);
      total.threads = MAX (total.threads, u->threads);
      total.batch += u->batch;
      total.results += u->results;
      total.guesses += u->guesses;
      total.context = MAX (total.context, u->context);
      total.bytes += u->bytes;
      total.q8_0_saves += u->q8_0_saves;
    }
  return total;
}

/* Whether both lead to the same plan. */
static gboolean
demands_equal (const PldDemand *a, const PldDemand *b)
{
  return a->limit == b->limit && a->loaders == b->loaders && a->pipelining == b->pipelining && a->threads == b->threads
         && a->batch == b->batch && a->results == b->results && a->guesses == b->guesses && a->context == b->context
         && a->bytes == b->bytes;
}

static void
proposal_clear (PldProposal *proposal)
{
  g_clear_pointer (&proposal->plan, pld_plan_free);
}

/* Has a plan for @total in core->proposal. Under the lock. */
static gboolean
core_propose (PldCore *core, const PldDemand *total, GError **error)
{
  PldProposal *proposal = &core->proposal;

  if (proposal->plan != NULL && demands_equal (&proposal->total, total))
    return TRUE;
  proposal_clear (proposal);
  proposal->total = *total;
  proposal->plan = pld_core_plan (core->model, total, &proposal->grant, error);
  return proposal->plan != NULL;
}

PldProposal
pld_core_take_proposal (PldCore *core)
{
  const PldDemand total = core_total (core, NULL, NULL);
  PldProposal proposal = core->proposal;

  core->proposal.plan = NULL;
  if (!demands_equal (&proposal.total, &total))
    proposal_clear (&proposal);
  proposal.total = total;
  return proposal;
}

/* ---- update: from a plan to memory --------------------------------------------------------- */

static gboolean
plans_equal (const PldPlan *a, const PldPlan *b)
{
  gboolean equal = pld_plan_cut_equal (a, b) && a->slot_bytes == b->slot_bytes && a->n_slots == b->n_slots
                   && a->loaders == b->loaders && a->n_pinned == b->n_pinned;

  for (guint i = 0; equal && i < a->tiles->len; i++)
    equal = g_array_index (a->tiles, PldTile, i).pinned == g_array_index (b->tiles, PldTile, i).pinned;
  return equal;
}

/* Puts @plan (nullable) into the place of the one in force; takes the lock, so that what statistics read is consistent.
 */
static void
core_replace_plan (PldCore *core, PldPlan *plan)
{
  g_mutex_lock (&core->lock);
  g_clear_pointer (&core->plan, pld_plan_free);
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
core_allocate (PldCore *core, const PldGrant *grant, GError **error)
{
  const PldModel *model = core->model;
  const PldArch *arch = model->arch;
  const gsize scratch = arch->scratch_floats (model->net, grant->context);
  const guint64 window = pld_params_window (model->params);
  gboolean ok;

  g_mutex_lock (&core->lock);
  ok = pld_buffer_init (&core->activations, core->budget,
                        arch->activation_floats (model->net, grant->batch) * sizeof (float), "the activations", error)
       && pld_buffer_init (&core->scratch, core->budget, grant->threads * scratch * sizeof (float),
                           "the scratch memory", error)
       && pld_buffer_init (&core->window, core->budget, grant->threads * window, "the windows to read rows", error)
       && pld_buffer_init (&core->results, core->budget,
                           (guint64) grant->results * model->net->n_outputs * sizeof (float), "the results", error);
  core->compute_ns = 0;
  core->grant = *grant;
  core->session.n_threads = grant->threads;
  core->session.scratch = (float *) (gpointer) core->scratch.data;
  core->session.scratch_floats = scratch;
  core->session.window = core->window.data;
  core->session.window_bytes = window;
  g_mutex_unlock (&core->lock);
  return ok;
}

static gboolean
grants_equal (const PldGrant *a, const PldGrant *b)
{
  return a->batch == b->batch && a->results == b->results && a->threads == b->threads && a->context == b->context;
}

gboolean
pld_core_update (PldCore *core, PldProposal *proposal, GError **error)
{
  PldPlan *plan = g_steal_pointer (&proposal->plan);
  const PldGrant *grant = &proposal->grant;
  PldTeam *team;
  gboolean same, ok;

  if (plan == NULL)
    plan = pld_core_plan (core->model, &proposal->total, &proposal->grant, error);
  if (plan == NULL)
    return FALSE;
  team = pld_team_ref (grant->threads);
  g_clear_pointer (&team, pld_team_unref);
  same = core->plan != NULL && plans_equal (core->plan, plan);
  /* First gives back all that the new plan does not need: both together might be more than the limit. */
  if (!same)
    {
      pld_stream_shrink (core->stream, plan);
      core_replace_plan (core, NULL);
    }
  if (!grants_equal (&core->grant, grant))
    core_drop_activations (core);
  pld_budget_set_limit (core->budget, plan->limit);
  ok = (core->activations.data != NULL || core_allocate (core, grant, error))
       && (same || pld_stream_set_plan (core->stream, plan, error));
  if (!ok)
    {
      pld_core_drop (core);
      g_clear_pointer (&plan, pld_plan_free);
      return FALSE;
    }
  if (same)
    {
      /* The stream follows the plan that it has. */
      g_mutex_lock (&core->lock);
      core->plan->limit = plan->limit;
      core->plan->minimum = plan->minimum;
      core->plan->resident = plan->resident;
      g_mutex_unlock (&core->lock);
      g_clear_pointer (&plan, pld_plan_free);
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
pld_core_set_user (PldCore *core, PldDemand *user, const PldDemand *demand, GError **error)
{
  PldProposal proposal;
  PldDemand total, old;
  gboolean ok;

  g_mutex_lock (&core->lock);
  if (demand->limit == PLD_LIMIT_AUTO && core->spare_limit == 0)
    core->spare_limit = pld_core_spare (pld_budget_get_used (core->budget));
  total = core_total (core, user, demand);
  ok = core_propose (core, &total, error);
  if (ok)
    {
      old = *user;
      *user = *demand;
      core->outdated = TRUE;
      pld_core_follow_memory (core);
      /* More room is needed now, and less should be held now; while a pass runs, its successor does it. */
      if (!core->busy || demand->bytes > old.bytes)
        {
          core_acquire (core);
          proposal = pld_core_take_proposal (core);
          core->outdated = FALSE;
          g_mutex_unlock (&core->lock);
          ok = pld_core_update (core, &proposal, error);
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
