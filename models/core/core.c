/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cores: opening a model, sharing the open ones between users, closing.
 */
#include "models/core/core-private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Held for looks and changes alone: never while a model opens or closes, nor while a user's function runs. */
static GMutex registry_lock;
static GCond registry_change;
/* (nullable): char * key → PldCore *, or NULL while a thread opens or closes that model. */
static GHashTable *registry;

/* The same for every opening of one model: real path, kind, input size, and the file's identity on storage. */
static char *
core_key (PldModelKind kind, const char *path, PldInputSize input)
{
  g_autofree char *real = NULL;
  char *resolved = realpath (path, NULL);
  struct stat st = { 0 };

  real = g_strdup (resolved != NULL ? resolved : path);
  free (resolved);
  if (stat (real, &st) != 0)
    memset (&st, 0, sizeof st);
  return g_strdup_printf ("%s|%d|%ux%u|%" G_GUINT64_FORMAT "|%" G_GUINT64_FORMAT "|%" G_GINT64_FORMAT ".%ld", real,
                          kind, input.width, input.height, (guint64) st.st_dev, (guint64) st.st_ino,
                          (gint64) st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void
core_free (PldCore *core)
{
  if (core->thread != NULL)
    g_thread_join (core->thread);
  if (core->stream != NULL)
    pld_core_drop (core);
  g_clear_pointer (&core->stream, pld_stream_free);
  g_clear_pointer (&core->proposal.plan, pld_plan_free);
  pld_core_follow_memory (core);
  for (guint i = 0; core->files != NULL && i < core->model->weights->n_files; i++)
    g_clear_pointer (&core->files[i], pld_file_close);
  g_free (core->files);
  g_clear_pointer (&core->model, pld_model_free);
  g_clear_pointer (&core->budget, pld_budget_free);
  g_clear_pointer (&core->team, pld_team_unref);
  g_ptr_array_unref (core->users);
  g_cond_clear (&core->change);
  g_mutex_clear (&core->lock);
  g_free (core->key);
  g_free (core);
}

static gboolean
core_load (PldCore *core, GError **error)
{
  const PldModel *model = core->model;
  const gboolean direct = pld_file_wants_direct ();

  core->files = g_new0 (PldFile *, model->weights->n_files);
  for (guint i = 0; i < model->weights->n_files; i++)
    if ((core->files[i] = pld_file_open (model->weights->files[i], direct, error)) == NULL)
      return FALSE;
  core->session.files = core->files;
  core->session.stream = core->stream = pld_stream_new (core->files, core->budget);
  return pld_params_load (model->params, core->files, core->budget, error)
         && pld_model_prepare (core->model, core->budget, error);
}

static gboolean
check_cancelled (GCancellable *cancellable, GError **error)
{
  if (!g_cancellable_is_cancelled (cancellable))
    return FALSE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_CANCELLED, "cancelled");
  return TRUE;
}

/* @user: (inout): completed */
static PldCore *
core_open (PldModelKind kind, const char *path, PldInputSize input, PldDemand *user, PldDemandFunc measure,
           gpointer data, PldProgressFunc progress, gpointer user_data, GCancellable *cancellable, GError **error)
{
  PldCore *core = g_new0 (PldCore, 1);
  PldProposal *proposal = &core->proposal;
  gboolean ok;

  core->n_refs = 1;
  core->users = g_ptr_array_new ();
  g_queue_init (&core->queue);
  g_mutex_init (&core->lock);
  g_cond_init (&core->change);
  pld_session_init (&core->session);
  if (progress != NULL)
    progress ("reading the directory", 0, user_data);
  if (!check_cancelled (cancellable, error))
    core->model = pld_model_open (kind, path, input, error);
  ok = core->model != NULL && measure (core->model, user, data, error);
  /* Planned before memory is taken: a limit that is too small is refused with the one that works, not with what first
   * failed to fit. */
  proposal->total = *user;
  if (user->limit == PLD_LIMIT_AUTO)
    proposal->total.limit = core->spare_limit = pld_core_spare (0);
  ok = ok && (proposal->plan = pld_core_plan (core->model, &proposal->total, &proposal->grant, error)) != NULL;
  if (ok && progress != NULL)
    progress ("reading small tensors", 40, user_data);
  ok = ok && !check_cancelled (cancellable, error);
  if (ok)
    {
      core->budget = pld_budget_new (proposal->total.limit);
      core->team = pld_team_ref (user->threads);
      core->session.team = core->team;
      ok = core_load (core, error);
    }
  if (!ok)
    g_clear_pointer (&core, core_free);
  return core;
}

/* ---- the registry -------------------------------------------------------------------------- */

/* Sets what other threads find under @key: a core; NULL: they wait for the next change. Under the registry's lock. */
static void
registry_set (const char *key, PldCore *core)
{
  if (registry == NULL)
    registry = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_insert (registry, g_strdup (key), core);
  g_cond_broadcast (&registry_change);
}

/* Under the registry's lock. */
static void
registry_remove (const char *key)
{
  g_hash_table_remove (registry, key);
  if (g_hash_table_size (registry) == 0)
    g_clear_pointer (&registry, g_hash_table_unref);
  g_cond_broadcast (&registry_change);
}

/* Ends the opening or closing of @key: others find @core now; NULL: it is not open. */
static void
registry_publish (const char *key, PldCore *core)
{
  g_mutex_lock (&registry_lock);
  if (core != NULL)
    {
      core->key = g_strdup (key);
      registry_set (key, core);
    }
  else
    registry_remove (key);
  g_mutex_unlock (&registry_lock);
}

static void
wake_registry_waiters (GCancellable *cancellable, gpointer data)
{
  g_mutex_lock (&registry_lock);
  g_cond_broadcast (&registry_change);
  g_mutex_unlock (&registry_lock);
}

/* Takes a reference to the open core of @key. NULL, with *error unset: there is none, and the key is now this thread's,
 * which opens it and then sets or removes it. */
static PldCore *
registry_look_up (const char *key, GCancellable *cancellable, GError **error)
{
  /* Without the lock, here and below: the handler may run at once, and disconnecting waits for one that runs. */
  const gulong handler
      = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (wake_registry_waiters), NULL, NULL) : 0;
  gpointer core = NULL;

  g_mutex_lock (&registry_lock);
  while (!g_cancellable_is_cancelled (cancellable) && registry != NULL
         && g_hash_table_lookup_extended (registry, key, NULL, &core) && core == NULL)
    g_cond_wait (&registry_change, &registry_lock);
  if (core != NULL)
    ((PldCore *) core)->n_refs++;
  else if (!check_cancelled (cancellable, error))
    registry_set (key, NULL);
  g_mutex_unlock (&registry_lock);
  g_cancellable_disconnect (cancellable, handler);
  return core;
}

/* The last reference closes the model. An opening of it waits meanwhile, so that memory is never taken twice. */
static void
core_unref (PldCore *core)
{
  g_autofree char *key = NULL;

  g_mutex_lock (&registry_lock);
  if (--core->n_refs == 0)
    {
      key = g_steal_pointer (&core->key);
      registry_set (key, NULL);
    }
  g_mutex_unlock (&registry_lock);
  if (key == NULL)
    return;
  core_free (core);
  registry_publish (key, NULL);
}

/* ---- users --------------------------------------------------------------------------------- */

PldCore *
pld_core_join (PldModelKind kind, const char *path, PldInputSize input, PldDemand *user, PldDemandFunc measure,
               gpointer data, PldProgressFunc progress, gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autofree char *key = core_key (kind, path, input);
  g_autoptr (GError) refused = NULL;
  PldDemand demand = *user;
  PldCore *core = registry_look_up (key, cancellable, &refused);
  const gboolean opened = core == NULL && refused == NULL;

  if (opened)
    {
      core = core_open (kind, path, input, &demand, measure, data, progress, user_data, cancellable, &refused);
      registry_publish (key, core);
    }
  if (core == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&refused));
      return NULL;
    }
  if (progress != NULL)
    progress ("planning", 80, user_data);
  g_mutex_lock (&core->lock);
  *user = (PldDemand) { 0 };
  g_ptr_array_add (core->users, user);
  g_mutex_unlock (&core->lock);
  if (check_cancelled (cancellable, error) || (!opened && !measure (core->model, &demand, data, error))
      || !pld_core_set_user (core, user, &demand, error))
    pld_core_leave (&core, user, NULL, NULL);
  else if (progress != NULL)
    progress ("ready", 100, user_data);
  return core;
}

void
pld_core_leave (PldCore **core_ptr, PldDemand *user, GDestroyNotify destroy, gpointer data)
{
  PldCore *core = g_steal_pointer (core_ptr);
  const PldDeferredFree deferred = { destroy, data };
  gboolean later = FALSE;

  if (core != NULL)
    {
      g_mutex_lock (&core->lock);
      g_ptr_array_remove (core->users, user);
      core->outdated = TRUE;
      pld_core_follow_memory (core);
      /* After the last user leaves, nothing may still be running: a pass without users ends within one tile's time. */
      while (core->users->len == 0 && core->busy)
        g_cond_wait (&core->change, &core->lock);
      later = destroy != NULL && core->busy && core->pass.has_cancelled;
      if (later && core->deferred_frees == NULL)
        core->deferred_frees = g_array_new (FALSE, FALSE, sizeof (PldDeferredFree));
      if (later)
        g_array_append_val (core->deferred_frees, deferred);
      g_mutex_unlock (&core->lock);
    }
  if (destroy != NULL && !later)
    destroy (data);
  if (core != NULL)
    core_unref (core);
}

const PldModel *
pld_core_model (PldCore *core)
{
  return core->model;
}

PldBudget *
pld_core_budget (PldCore *core)
{
  return core->budget;
}

void
pld_core_get_stats (PldCore *core, PldStats *stats)
{
  PldStreamStats stream;
  guint64 load_ns = 0;

  memset (stats, 0, sizeof *stats);
  g_mutex_lock (&core->lock);
  pld_stream_get_stats (core->stream, &stream);
  stats->bytes_streamed = stream.bytes_read;
  stats->stalls = stream.stalls;
  stats->stall_ns = stream.stall_ns;
  for (guint i = 0; i < core->model->weights->n_files; i++)
    stats->retries += pld_file_retries (core->files[i]);
  stats->read_bandwidth = (guint64) core->bandwidth;
  stats->memory_limit = pld_budget_get_limit (core->budget);
  stats->engine_bytes = pld_budget_get_used (core->budget);
  stats->engine_peak = pld_budget_get_peak (core->budget);
  stats->passes = core->passes;
  stats->frames = core->frames;
  stats->last_pass_ns = core->last_pass_ns;
  stats->mean_pass_ns = core->passes > 0 ? core->pass_ns / core->passes : 0;
  if (core->plan != NULL)
    {
      stats->streamed_per_pass = core->plan->streamed_bytes;
      stats->pinned_bytes = core->plan->pinned_bytes;
      stats->ring_bytes = core->plan->ring_bytes;
      stats->loaders = core->plan->loaders;
    }
  if (stats->read_bandwidth > 0)
    load_ns = (guint64) (1e9 * (double) stats->streamed_per_pass / (double) stats->read_bandwidth);
  stats->floor_ns = MAX (load_ns, core->compute_ns);
  stats->activation_bytes
      = core->activations.charged + core->scratch.charged + core->results.charged + core->window.charged;
  stats->table_bytes = core->model->params->memory.charged + core->model->tokenizer_bytes;
  stats->threads = core->session.n_threads;
  stats->batch = core->grant.batch;
  stats->users = core->users->len;
  stats->direct_io = pld_file_is_direct (core->files[0]);
  stats->mended = core->mended;
  g_mutex_unlock (&core->lock);
}

void
pld_core_count_mended (PldCore *core)
{
  g_mutex_lock (&core->lock);
  core->mended++;
  g_mutex_unlock (&core->lock);
}
