/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "models/core-private.h"

/* ---- planning ------------------------------------------------------------------------------ */

guint64
pld_core_fixed_bytes (const PldModel *model, guint n, guint n_threads, guint64 user_bytes)
{
  const PldVisionArch *arch = model->arch;

  return pld_params_bytes (model->params) + pld_buffer_cost (arch->prepare_bytes (model->vision))
         + pld_buffer_cost (arch->activation_floats (model->vision, n) * sizeof (float))
         + pld_buffer_cost (n_threads * arch->scratch_floats (model->vision, model->params->tape) * sizeof (float))
         + pld_buffer_cost ((guint64) n * model->vision->n_classes * sizeof (float)) + user_bytes;
}

guint64
pld_core_handle_bytes (const PldModel *model, guint batch, gboolean with_pixels)
{
  const guint width = model->vision->input_width, height = model->vision->input_height;
  const guint64 n = (guint64) width * height * 3;

  return pld_buffer_cost (batch * n) + pld_buffer_cost (n) + pld_scaler_cost (width, height)
         + pld_buffer_cost ((guint64) batch * model->vision->n_classes * sizeof (float))
         + (with_pixels ? pld_buffer_cost (batch * n * sizeof (float)) : 0);
}

PldPlan *
pld_core_plan (const PldModel *model, const PldUser *wishes, guint *batch, GError **error)
{
  const guint threads = wishes->threads;
  const guint64 limit = wishes->limit;
  const guint64 one = pld_core_fixed_bytes (model, 1, threads, wishes->bytes);
  guint n = CLAMP (wishes->batch, 1, PLD_CORE_BATCH_MAX);
  PldPlan *plan;

  /* Sharing a pass pays, but not with memory that streaming needs. */
  while (limit > 0 && n > 1 && pld_core_fixed_bytes (model, n, threads, wishes->bytes) > one + (limit - MIN (one, limit)) / 4)
    n--;
  plan = pld_plan_make (model->params->tape, limit, pld_core_fixed_bytes (model, n, threads, wishes->bytes), wishes->loaders, error);
  if (plan == NULL)
    g_prefix_error (error, "%s: ", model->path);
  else
    *batch = n;
  return plan;
}

PldUser
pld_core_wishes (PldCore *core, const PldUser *user, const PldUser *wishes)
{
  PldUser all = { 0 };

  for (guint i = 0; i < core->users->len; i++)
    {
      const PldUser *u = core->users->pdata[i] == user ? wishes : core->users->pdata[i];

      if (u->limit > 0)
        all.limit = all.limit > 0 ? MIN (all.limit, u->limit) : u->limit;
      all.loaders = MAX (all.loaders, u->loaders);
      all.threads = MAX (all.threads, u->threads);
      all.batch += u->batch;
      all.bytes += u->bytes;
    }
  return all;
}

static gboolean
plans_equal (const PldPlan *a, const PldPlan *b)
{
  gboolean equal = a->tiles->len == b->tiles->len && a->slot_bytes == b->slot_bytes && a->n_slots == b->n_slots
                   && a->loaders == b->loaders && a->n_pinned == b->n_pinned;

  for (guint i = 0; equal && i < a->tiles->len; i++)
    equal = g_array_index (a->tiles, PldTile, i).pinned == g_array_index (b->tiles, PldTile, i).pinned;
  return equal;
}

/* ---- update: from wishes to memory --------------------------------------------------------- */

void
pld_core_drop_stream (PldCore *core)
{
  PldStreamStats stats;
  PldStream *stream;

  g_mutex_lock (&core->lock);
  stream = g_steal_pointer (&core->stream);
  if (stream != NULL)
    {
      pld_stream_get_stats (stream, &stats);
      core->past.bytes_read += stats.bytes_read;
      core->past.read_ns += stats.read_ns;
      core->past.stalls += stats.stalls;
      core->past.stall_ns += stats.stall_ns;
    }
  g_mutex_unlock (&core->lock);
  pld_stream_free (&stream);
}

void
pld_core_drop_activations (PldCore *core)
{
  g_mutex_lock (&core->lock);
  pld_buffer_clear (&core->activations);
  pld_buffer_clear (&core->scratch);
  pld_buffer_clear (&core->logits);
  g_mutex_unlock (&core->lock);
}

static gboolean
core_take_activations (PldCore *core, guint batch, guint threads, GError **error)
{
  const PldModel *model = core->model;
  const PldVisionArch *arch = model->arch;
  const gsize scratch = arch->scratch_floats (model->vision, model->params->tape);
  gboolean ok;

  g_mutex_lock (&core->lock);
  ok = pld_buffer_init (&core->activations, core->budget, arch->activation_floats (model->vision, batch) * sizeof (float),
                        "the activations", error)
       && pld_buffer_init (&core->scratch, core->budget, threads * scratch * sizeof (float), "the scratch memory", error)
       && pld_buffer_init (&core->logits, core->budget, (guint64) batch * model->vision->n_classes * sizeof (float), "the logits", error);
  core->compute_ns = 0;
  core->batch = batch;
  core->session.n_threads = threads;
  core->session.scratch = (float *) (gpointer) core->scratch.data;
  core->session.scratch_floats = scratch;
  g_mutex_unlock (&core->lock);
  return ok;
}

gboolean
pld_core_update (PldCore *core, const PldUser *wishes, GError **error)
{
  const guint threads = wishes->threads;
  guint batch = 1;
  PldPlan *plan = pld_core_plan (core->model, wishes, &batch, error);
  PldTeam *team;
  gboolean same;

  if (plan == NULL)
    return FALSE;
  team = pld_team_ref (threads);
  pld_team_unref (&team);
  same = core->stream != NULL && plans_equal (core->plan, plan);
  if (!same)
    pld_core_drop_stream (core);
  g_mutex_lock (&core->lock);
  if (same)
    {
      core->plan->limit = plan->limit;
      core->plan->minimum = plan->minimum;
      core->plan->resident = plan->resident;
      pld_plan_free (&plan);
    }
  else
    {
      pld_plan_free (&core->plan);
      core->plan = plan;
    }
  g_mutex_unlock (&core->lock);
  if (batch != core->batch || threads != core->session.n_threads || core->activations.data == NULL)
    pld_core_drop_activations (core);
  pld_budget_set_limit (core->budget, wishes->limit);
  if (core->activations.data == NULL && !core_take_activations (core, batch, threads, error))
    {
      pld_core_drop_stream (core);
      pld_core_drop_activations (core);
      return FALSE;
    }
  if (core->stream == NULL)
    {
      PldStream *stream = pld_stream_new (core->plan, core->files, core->budget, error);

      g_mutex_lock (&core->lock);
      core->stream = stream;
      g_mutex_unlock (&core->lock);
    }
  core->session.stream = core->stream;
  core->session.plan = core->plan;
  return core->stream != NULL;
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
  guint batch;
  gboolean ok;

  g_mutex_lock (&core->lock);
  all = pld_core_wishes (core, user, wishes);
  plan = pld_core_plan (core->model, &all, &batch, error);
  ok = plan != NULL;
  pld_plan_free (&plan);
  if (ok)
    {
      old = *user;
      *user = *wishes;
      core->outdated = TRUE;
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
            }
          pld_core_release (core);
        }
    }
  g_mutex_unlock (&core->lock);
  return ok;
}
