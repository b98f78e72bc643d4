/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The time of a pass, tile by tile, and the changes that would shorten it.
 */
#include "models/core/predict.h"

#include <math.h>

#include "models/core/dry-run.h"

#define STORAGE_US (1200 * G_TIME_SPAN_MILLISECOND)
#define COMPUTE_US (700 * G_TIME_SPAN_MILLISECOND)
/* The ring reaches its steady state after this many passes. */
#define PASSES 3
#define SLOTS_MAX 64
/* More memory is tried in steps of this size; for smaller models in quarters of what they lack. */
#define STEP ((guint64) 500000000)

/* ---- a pass -------------------------------------------------------------------------------- */

static double
tile_compute_ns (const PldTape *tape, const PldTile *tile, const PldComputeProfile *compute, guint items, guint results)
{
  const PldMatrix *matrix = tape->matrices->pdata[tile->matrix];

  return pld_compute_profile_ns (compute, matrix, tile->matrix + 1 < tape->matrices->len ? items : results)
         * tile->n_rows / matrix->n_rows;
}

static double
tape_compute_ns (const PldTape *tape, const PldPlan *plan, const PldComputeProfile *compute, guint items, guint results)
{
  double sum = 0;

  for (guint i = 0; i < plan->tiles->len; i++)
    sum += tile_compute_ns (tape, &g_array_index (plan->tiles, PldTile, i), compute, items, results);
  return sum;
}

static double
tile_load_ns (const PldTile *tile, const PldPlan *plan, const PldProfile *storage, double speed)
{
  return tile->pinned
             ? 0
             : 1e9 * (double) tile->n_bytes / (speed * pld_profile_bandwidth (storage, tile->n_bytes, plan->loaders));
}

PldPrediction
pld_predict_pass (const PldTape *tape, const PldPlan *plan, const PldProfile *storage, double speed,
                  const PldComputeProfile *compute, guint items, guint results, double other_ns)
{
  const double products = tape_compute_ns (tape, plan, compute, items, results),
               share = products > 0 ? 1 + other_ns / products : 1;
  double released[SLOTS_MAX] = { 0 }, loaded = 0, computed = 0;
  PldPrediction result = { 0 };
  guint streamed = 0;

  g_assert (plan->n_slots <= SLOTS_MAX);
  for (guint pass = 0; pass < PASSES; pass++)
    {
      const double begun = computed;

      result.load_ns = result.compute_ns = 0;
      for (guint i = 0; i < plan->tiles->len; i++)
        {
          const PldTile *tile = &g_array_index (plan->tiles, PldTile, i);
          const double load = tile_load_ns (tile, plan, storage, speed),
                       work = share * tile_compute_ns (tape, tile, compute, items, results);
          double *slot = tile->pinned ? NULL : &released[streamed++ % plan->n_slots];

          if (slot != NULL)
            loaded = MAX (loaded, *slot) + load;
          computed = (slot != NULL ? MAX (computed, loaded) : computed) + work;
          if (slot != NULL)
            *slot = computed;
          result.load_ns += load;
          result.compute_ns += work;
        }
      result.pass_ns = computed - begun;
    }
  return result;
}

/* Items of the pass that is predicted: the next token, or the pictures that share a pass. */
static guint
pass_items (const PldModel *model, const PldGrant *grant)
{
  return model->arch->kind == PLD_MODEL_LANGUAGE ? 1 : grant->batch;
}

/* ---- profiles ------------------------------------------------------------------------------ */

gboolean
pld_predict_storage (PldModel *model, guint64 limit, GCancellable *cancellable, GError **error)
{
  const char *path = pld_model_largest_file (model);
  const gboolean direct = pld_file_wants_direct ();
  const guint64 room = limit > 0 ? limit - limit % PLD_PAGE : G_MAXUINT64;
  PldBudget *budget;
  PldProfile *profile;
  PldFile *file;

  /* A profile that was made with less memory has fewer figures. */
  if (model->storage != NULL && model->storage->memory >= MIN (room, PLD_PROFILE_MEMORY))
    return TRUE;
  file = pld_file_open (path, direct, error);
  if (file == NULL)
    return FALSE;
  budget = pld_budget_new (limit);
  profile = pld_profile_measure (file, budget, STORAGE_US, cancellable, error);
  if (profile != NULL)
    {
      pld_profile_save (profile, path, direct);
      g_free (model->storage);
      model->storage = profile;
    }
  g_clear_pointer (&budget, pld_budget_free);
  g_clear_pointer (&file, pld_file_close);
  return profile != NULL;
}

/* Computing: of products, from the cache or measured; other_ns: (out): of passes of pass_items() and of grant->batch
 * items. */
static PldComputeProfile *
get_compute (const PldModel *model, const PldGrant *grant, PldCacheType cache_type, PldBudget *budget,
             double other_ns[2], GCancellable *cancellable, GError **error)
{
  const guint items[] = { pass_items (model, grant), grant->batch };
  /* Only language models compute by row. */
  PldComputeProfile *profile = pld_compute_profile_load (grant->threads, model->arch->kind != PLD_MODEL_LANGUAGE);
  gboolean products, passes;

  if (!pld_compute_profile_measure (profile, model->params->tape, items, G_N_ELEMENTS (items), budget, COMPUTE_US,
                                    &products, cancellable, error)
      || !pld_dry_run (model, grant, cache_type, items, G_N_ELEMENTS (items), profile, budget, &passes, other_ns,
                       cancellable, error))
    g_clear_pointer (&profile, pld_compute_profile_free);
  else if (products || passes)
    pld_compute_profile_save (profile);
  return profile;
}

/* ---- what would help ----------------------------------------------------------------------- */

typedef struct
{
  const PldModel *model;
  const PldDemand *demand;
  const PldProfile *storage;
  const PldComputeProfile *compute;
  double other_ns, batch_other_ns; /* of a pass of info->pass_items, and of one of info->batch */
  PldPlanInfo *info;
} Predictor;

static PldPrediction
predict_pass (const Predictor *p, const PldPlan *plan, double speed, guint items, double other_ns)
{
  return pld_predict_pass (p->model->params->tape, plan, p->storage, speed, p->compute, items,
                           MIN (items, p->demand->results - p->demand->guesses), other_ns);
}

static void
predict_change (const Predictor *p, guint64 limit, double speed, gboolean q8_0_cache)
{
  PldDemand demand = *p->demand;
  PldGrant grant;
  PldPlan *plan;

  demand.limit = limit;
  demand.bytes -= q8_0_cache ? demand.q8_0_saves : 0;
  plan = pld_core_plan (p->model, &demand, &grant, NULL);
  if (plan != NULL)
    {
      p->info->changes = g_renew (PldPlanChange, p->info->changes, p->info->n_changes + 1);
      p->info->changes[p->info->n_changes++] = (PldPlanChange) {
        .memory_limit = limit,
        .storage_speed = speed,
        .q8_0_cache = q8_0_cache,
        .streamed_per_pass = plan->streamed_bytes,
        .pass_ns = (guint64) predict_pass (p, plan, speed, p->info->pass_items, p->other_ns).pass_ns,
      };
    }
  g_clear_pointer (&plan, pld_plan_free);
}

/* The smallest limit under which nothing streams; longer passes, which more memory allows, use some of it. */
static guint64
resident_limit (const Predictor *p, guint64 limit)
{
  for (guint i = 0; i < 10; i++)
    {
      PldDemand demand = *p->demand;
      PldGrant grant;
      PldPlan *plan;
      guint64 next = limit;

      demand.limit = limit;
      plan = pld_core_plan (p->model, &demand, &grant, NULL);
      if (plan != NULL)
        next = MAX (limit, plan->resident);
      g_clear_pointer (&plan, pld_plan_free);
      if (next == limit)
        break;
      limit = next;
    }
  return limit;
}

/* A quarter of @lack in one digit, or STEP. */
static guint64
choose_step (guint64 lack)
{
  const double quarter = (double) lack / 4, unit = pow (10, floor (log10 (MAX (quarter, 1))));

  return lack > 4 * STEP ? STEP : (guint64) (MAX (1, floor (quarter / unit)) * unit);
}

static void
predict_changes (const Predictor *p, const PldPlan *plan)
{
  const guint64 limit = plan->limit, resident = resident_limit (p, plan->resident);

  if (plan->streamed_bytes == 0)
    return;
  if (limit > 0 && limit < resident)
    {
      const guint64 step = choose_step (resident - limit);

      for (guint i = 1; i <= 2; i++)
        if (limit + i * step < resident)
          predict_change (p, limit + i * step, 1, FALSE);
      predict_change (p, resident, 1, FALSE);
    }
  if (p->demand->q8_0_saves > 0)
    predict_change (p, limit, 1, TRUE);
  predict_change (p, limit, 2, FALSE);
}

/* ---- all predictions ----------------------------------------------------------------------- */

static void
predict (const Predictor *p, const PldGrant *grant, const PldPlan *plan)
{
  const PldTape *tape = p->model->params->tape;
  PldPlanInfo *info = p->info;
  const guint n_streamed = plan->tiles->len - plan->n_pinned;
  PldPrediction pass, full;

  /* Where nothing streams: all tiles, which the first pass reads. */
  info->read_bytes = n_streamed > 0 ? plan->streamed_bytes / n_streamed : tape->n_bytes / MAX (1, plan->tiles->len);
  info->best_loaders = pld_profile_loaders (p->storage, info->read_bytes);
  info->read_bandwidth = (guint64) pld_profile_bandwidth (p->storage, info->read_bytes,
                                                          plan->loaders > 0 ? plan->loaders : info->best_loaders);
  info->direct_io = p->storage->direct;
  pass = predict_pass (p, plan, 1, info->pass_items, p->other_ns);
  full = predict_pass (p, plan, 1, grant->batch, p->batch_other_ns);
  info->load_ns = (guint64) pass.load_ns;
  info->compute_ns = (guint64) pass.compute_ns;
  info->pass_ns = (guint64) pass.pass_ns;
  info->floor_ns = MAX (info->load_ns, info->compute_ns);
  info->batch_compute_ns = (guint64) full.compute_ns;
  info->batch_pass_ns = (guint64) full.pass_ns;
  predict_changes (p, plan);
}

gboolean
pld_predict_info (const PldModel *model, const PldDemand *demand, const PldGrant *grant, const PldPlan *plan,
                  PldPlanInfo *info, GCancellable *cancellable, GError **error)
{
  PldBudget *budget = pld_budget_new (plan->limit);
  double other_ns[2];
  PldComputeProfile *compute = get_compute (model, grant, demand->cache_type, budget, other_ns, cancellable, error);
  const Predictor p = { model, demand, model->storage, compute, other_ns[0], other_ns[1], info };

  info->pass_items = pass_items (model, grant);
  if (compute != NULL)
    predict (&p, grant, plan);
  g_clear_pointer (&compute, pld_compute_profile_free);
  g_clear_pointer (&budget, pld_budget_free);
  return p.compute != NULL;
}
