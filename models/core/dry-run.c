/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A second opening of a model, whose passes are timed with the products left out.
 */
#include "models/core/dry-run.h"

#include <string.h>

#include "engine/runtime/dispatch.h"

/* Tokens of a prompt; the time of longer ones is taken to be proportional. */
#define TOKENS_MAX 64
/* The first run touches its memory. */
#define RUNS_MIN 3
#define RUNS_MAX 20
#define DURATION_US (100 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  PldModel *model;
  const PldGrant *grant;
  PldCacheType cache_type;
  PldFile **files;
  PldKernels kernels;
  PldSession session;
  PldBuffer activations, scratch, window, results, picture;
  PldCache cache;
  PldItem items[PLD_BATCH_MAX];
} Run;

/* ---- opening ------------------------------------------------------------------------------- */

static PldInputSize
input_size (const PldModel *model)
{
  const PldVisionNet *net = (const PldVisionNet *) model->net;

  return model->arch->kind == PLD_MODEL_VISION ? (PldInputSize) { net->input_width, net->input_height }
                                               : (PldInputSize) { 0 };
}

/* The items that are run: not all tokens of a long prompt. */
static guint
run_items (const PldModel *model, guint n)
{
  return model->arch->kind == PLD_MODEL_LANGUAGE ? MIN (n, TOKENS_MAX) : n;
}

/* The position of the first of @n tokens. */
static guint
first_position (const PldGrant *grant, guint n)
{
  return n == 1 ? MIN (PLD_DRY_POSITIONS, grant->context - 1) : 0;
}

static gboolean
run_open (Run *run, const PldModel *model, PldBudget *budget, GError **error)
{
  PldModel *own = run->model = pld_model_open (model->arch->kind, model->path, input_size (model), error);

  if (own == NULL)
    return FALSE;
  run->files = g_new0 (PldFile *, own->weights->n_files);
  for (guint i = 0; i < own->weights->n_files; i++)
    if ((run->files[i] = pld_file_open (own->weights->files[i], pld_file_wants_direct (), error)) == NULL)
      return FALSE;
  return pld_params_load (own->params, run->files, budget, error) && own->arch->prepare (own->net, budget, error);
}

static gboolean
run_take_memory (Run *run, guint n, PldBudget *budget, GError **error)
{
  const PldModel *model = run->model;
  const PldArch *arch = model->arch;
  const PldGrant *grant = run->grant;
  const gsize scratch = arch->scratch_floats (model->net, grant->context);
  const guint64 window = pld_params_window (model->params);
  const guint results = MIN (n, grant->results);

  if (!pld_buffer_init (&run->activations, budget, arch->activation_floats (model->net, n) * sizeof (float),
                        "the activations", error)
      || !pld_buffer_init (&run->scratch, budget, grant->threads * scratch * sizeof (float), "the scratch memory",
                           error)
      || !pld_buffer_init (&run->window, budget, grant->threads * window, "the windows to read rows", error)
      || !pld_buffer_init (&run->results, budget, (guint64) results * model->net->n_outputs * sizeof (float),
                           "the results", error))
    return FALSE;
  run->kernels = *pld_kernels ();
  pld_kernels_drop_products (&run->kernels);
  run->session = (PldSession) {
    .kernels = &run->kernels,
    .team = pld_team_ref (grant->threads),
    .n_threads = grant->threads,
    .scratch = (float *) (gpointer) run->scratch.data,
    .scratch_floats = scratch,
    .files = run->files,
    .window = run->window.data,
    .window_bytes = window,
  };
  return TRUE;
}

/* A black picture, or a context that was written to: untouched memory takes no time to read. */
static gboolean
run_take_input (Run *run, guint n, PldBudget *budget, GError **error)
{
  const PldInputSize size = input_size (run->model);
  const PldTextNet *net = (const PldTextNet *) run->model->net;

  if (run->model->arch->kind == PLD_MODEL_VISION)
    return pld_buffer_init (&run->picture, budget, 3 * (guint64) size.width * size.height, "the input picture", error);
  if (!pld_cache_init (&run->cache, net->n_layers, net->n_kv_heads, net->d_head,
                       MAX (n, first_position (run->grant, 1) + 1), run->cache_type, error)
      || !pld_cache_allocate (&run->cache, budget, error))
    return FALSE;
  memset (run->cache.memory.data, 0, run->cache.memory.size);
  return TRUE;
}

static void
run_clear (Run *run)
{
  pld_cache_clear (&run->cache);
  pld_buffer_clear (&run->picture);
  pld_buffer_clear (&run->results);
  pld_buffer_clear (&run->window);
  pld_buffer_clear (&run->scratch);
  pld_buffer_clear (&run->activations);
  g_clear_pointer (&run->session.team, pld_team_unref);
  for (guint i = 0; run->files != NULL && i < run->model->weights->n_files; i++)
    g_clear_pointer (&run->files[i], pld_file_close);
  g_free (run->files);
  g_clear_pointer (&run->model, pld_model_free);
}

/* ---- passes -------------------------------------------------------------------------------- */

/* The time of the fastest pass: disturbances only make a pass slower. */
static gboolean
run_time (Run *run, guint n, guint64 *ns, GCancellable *cancellable, GError **error)
{
  const gboolean text = run->model->arch->kind == PLD_MODEL_LANGUAGE;
  const gint64 end = g_get_monotonic_time () + DURATION_US;
  gint64 best = G_MAXINT64, now = g_get_monotonic_time ();

  for (guint i = 0; i < n; i++)
    run->items[i]
        = text ? (PldItem) { .wanted = i + 1 == n, .token = { &run->cache, 0, first_position (run->grant, n) + i } }
               : (PldItem) { .wanted = TRUE, .picture = { .rgb = run->picture.data } };
  for (guint i = 0; i < RUNS_MIN || (i < RUNS_MAX && now < end); i++)
    {
      const gint64 begun = now;

      if (g_cancellable_is_cancelled (cancellable))
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_CANCELLED, "cancelled");
          return FALSE;
        }
      if (!run->model->arch->forward (run->model->net, &run->session, run->items, n,
                                      (float *) (gpointer) run->activations.data,
                                      (float *) (gpointer) run->results.data, error))
        return FALSE;
      now = g_get_monotonic_time ();
      best = MIN (best, now - begun);
    }
  *ns = 1000 * (guint64) MAX (best, 1);
  return TRUE;
}

/* All that the time depends on, in addition to the key of the profile. FALSE: the file is gone. */
static gboolean
pass_id (const PldModel *model, const PldGrant *grant, PldCacheType cache_type, guint n, char *id)
{
  const PldInputSize size = input_size (model);
  g_autofree char *name = NULL, *key = NULL, *all = NULL, *sum = NULL;

  if (!pld_profile_identity (pld_model_largest_file (model), FALSE, &name, &key))
    return FALSE;
  if (model->arch->kind == PLD_MODEL_LANGUAGE)
    all = g_strdup_printf ("%s|%u|%d", key, first_position (grant, n), (int) cache_type);
  else
    all = g_strdup_printf ("%s|%ux%u", key, size.width, size.height);
  sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, all, -1);
  g_strlcpy (id, sum, PLD_DRY_ID + 1);
  return TRUE;
}

gboolean
pld_dry_run (const PldModel *model, const PldGrant *grant, PldCacheType cache_type, const guint *items, guint n,
             PldComputeProfile *profile, PldBudget *budget, gboolean *measured, double *ns, GCancellable *cancellable,
             GError **error)
{
  g_autofree Run *run = g_new0 (Run, 1);
  gboolean ok = TRUE;

  run->grant = grant;
  run->cache_type = cache_type;
  *measured = FALSE;
  for (guint i = 0; ok && i < n; i++)
    {
      PldDryPass pass = { .n = run_items (model, items[i]) };
      const gboolean kept = pass_id (model, grant, cache_type, pass.n, pass.id);
      const PldDryPass *known = kept ? pld_compute_profile_find_dry (profile, pass.id, pass.n) : NULL;

      if (known != NULL)
        pass = *known;
      else
        {
          const guint most = run_items (model, grant->batch);

          ok = (run->model != NULL
                || (run_open (run, model, budget, error) && run_take_memory (run, most, budget, error)
                    && run_take_input (run, most, budget, error)))
               && run_time (run, pass.n, &pass.ns, cancellable, error);
          if (ok && kept)
            {
              pld_compute_profile_add_dry (profile, &pass);
              *measured = TRUE;
            }
        }
      ns[i] = (double) pass.ns * items[i] / pass.n;
    }
  run_clear (run);
  return ok;
}
