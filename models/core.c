/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "models/core.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Pictures in a pass: beyond some, a pass only takes longer. */
#define BATCH_MAX 16

struct _PldCore
{
  char *key;
  guint n_refs; /* under the registry's lock */
  PldModel *model;
  PldFile **files; /* [weights->n_files] */
  PldBudget *budget;
  PldTeam *team;

  GMutex lock; /* of what follows */
  GCond change;
  GPtrArray *users;   /* PldUser * */
  GQueue queue;       /* PldRequest *: those with pictures that no pass has taken */
  gboolean busy;      /* a pass or an update runs; its thread alone touches the next group, without the lock */
  gboolean outdated;  /* the plan does not fit the users' wishes */

  PldPlan *plan;
  PldStream *stream;
  PldSession session;
  guint batch;        /* pictures a pass */
  PldBuffer activations, scratch, logits;

  guint64 passes, frames, pass_ns, last_pass_ns;
  guint64 compute_ns;  /* of the pass that computed the least: the time it did not wait */
  PldStreamStats past; /* of streams that are gone */
};

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
  guint n = CLAMP (wishes->batch, 1, BATCH_MAX);
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

/* What all users together wish, with @wishes in the place of @user. Under the lock. */
static PldUser
core_wishes (PldCore *core, const PldUser *user, const PldUser *wishes)
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

/* What statistics read is changed under the lock, also by the thread that holds busy. */
static void
core_drop_stream (PldCore *core)
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

static void
core_drop_activations (PldCore *core)
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

/* Brings plan, stream and activations in line with @wishes. The caller has set busy; without the lock. */
static gboolean
core_update (PldCore *core, const PldUser *wishes, GError **error)
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
    core_drop_stream (core);
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
    core_drop_activations (core);
  pld_budget_set_limit (core->budget, wishes->limit);
  if (core->activations.data == NULL && !core_take_activations (core, batch, threads, error))
    {
      core_drop_stream (core);
      core_drop_activations (core);
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

static void
core_release (PldCore *core)
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
  all = core_wishes (core, user, wishes);
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
          all = core_wishes (core, NULL, NULL);
          core->outdated = FALSE;
          g_mutex_unlock (&core->lock);
          ok = core_update (core, &all, error);
          g_mutex_lock (&core->lock);
          if (!ok)
            {
              *user = old;
              core->outdated = TRUE;
            }
          core_release (core);
        }
    }
  g_mutex_unlock (&core->lock);
  return ok;
}

/* ---- passes -------------------------------------------------------------------------------- */

typedef struct
{
  PldRequest *requests[BATCH_MAX]; /* one a picture */
  guint first[BATCH_MAX];          /* its index in the request */
  PldPicture pictures[BATCH_MAX];
  guint n;
} Pass;

static gboolean
pass_cancelled (gpointer data)
{
  const Pass *pass = data;

  for (guint i = 0; i < pass->n; i++)
    if (!g_cancellable_is_cancelled (pass->requests[i]->cancellable))
      return FALSE;
  return TRUE;
}

/* Takes what waits, oldest first. Under the lock. */
static void
pass_fill (PldCore *core, Pass *pass)
{
  PldRequest *request;

  for (pass->n = 0; pass->n < core->batch && (request = g_queue_peek_head (&core->queue)) != NULL; pass->n++)
    {
      pass->requests[pass->n] = request;
      pass->first[pass->n] = request->taken;
      pass->pictures[pass->n] = request->pictures[request->taken++];
      if (request->taken == request->n)
        g_queue_pop_head (&core->queue);
    }
}

/* Hands results or @error out. Under the lock. */
static void
pass_finish (PldCore *core, Pass *pass, GError *error)
{
  const gsize n_classes = core->model->vision->n_classes;
  const float *logits = (const float *) (gconstpointer) core->logits.data;

  for (guint i = 0; i < pass->n; i++)
    {
      PldRequest *request = pass->requests[i];

      if (error == NULL)
        memcpy (request->logits + pass->first[i] * n_classes, logits + i * n_classes, n_classes * sizeof (float));
      else
        {
          if (request->error == NULL)
            request->error = g_error_copy (error);
          /* The rest of it has no use either. */
          g_queue_remove (&core->queue, request);
          request->finished += request->n - request->taken;
          request->taken = request->n;
        }
      request->finished++;
    }
  g_clear_error (&error);
}

static GError *
pass_run (PldCore *core, Pass *pass)
{
  const PldModel *model = core->model;
  GError *error = NULL;
  PldStreamStats before, after;
  guint64 compute_ns;
  gint64 begun = g_get_monotonic_time ();

  pld_stream_get_stats (core->stream, &before);
  pld_session_begin (&core->session, pass_cancelled, pass);
  if (model->arch->forward (model->vision, &core->session, pass->pictures, pass->n, (float *) (gpointer) core->activations.data,
                            (float *) (gpointer) core->logits.data, &error))
    {
      pld_stream_get_stats (core->stream, &after);
      g_mutex_lock (&core->lock);
      core->last_pass_ns = (guint64) (g_get_monotonic_time () - begun) * 1000;
      core->pass_ns += core->last_pass_ns;
      compute_ns = core->last_pass_ns - MIN (core->last_pass_ns, after.stall_ns - before.stall_ns);
      core->compute_ns = core->compute_ns > 0 ? MIN (core->compute_ns, compute_ns) : compute_ns;
      core->passes++;
      core->frames += pass->n;
      g_mutex_unlock (&core->lock);
    }
  return error;
}

/* One pass over what waits, or an update. Under the lock, which is given up meanwhile; busy is not set. */
static void
core_lead (PldCore *core)
{
  PldUser wishes;
  gboolean update = core->outdated || core->stream == NULL;
  GError *error = NULL;
  Pass pass;

  core->busy = TRUE;
  core->outdated = FALSE;
  wishes = core_wishes (core, NULL, NULL);
  g_mutex_unlock (&core->lock);
  if (update)
    core_update (core, &wishes, &error);
  g_mutex_lock (&core->lock);
  core->outdated |= error != NULL;
  core->batch = MAX (core->batch, 1);
  pass_fill (core, &pass);
  g_mutex_unlock (&core->lock);
  if (error == NULL && pass.n > 0)
    error = pass_run (core, &pass);
  g_mutex_lock (&core->lock);
  pass_finish (core, &pass, error);
  core_release (core);
}

gboolean
pld_core_run (PldCore *core, PldRequest *request, GError **error)
{
  request->taken = request->finished = 0;
  request->error = NULL;
  g_mutex_lock (&core->lock);
  g_queue_push_tail (&core->queue, request);
  while (request->finished < request->n)
    {
      if (request->taken == request->finished && g_cancellable_is_cancelled (request->cancellable))
        {
          g_queue_remove (&core->queue, request);
          g_set_error (&request->error, PLD_ERROR, PLD_ERROR_CANCELLED, "cancelled");
          break;
        }
      if (!core->busy)
        core_lead (core);
      else
        /* Woken when the pass ends; looks now and then whether it was cancelled. */
        g_cond_wait_until (&core->change, &core->lock, g_get_monotonic_time () + 20 * G_TIME_SPAN_MILLISECOND);
    }
  g_mutex_unlock (&core->lock);
  if (request->error != NULL)
    g_propagate_error (error, g_steal_pointer (&request->error));
  else
    return TRUE;
  return FALSE;
}

/* ---- opening and sharing ------------------------------------------------------------------- */

static GMutex registry_lock;
static GHashTable *registry; /* key → PldCore *, those that are open */

/* Names the same model by the same words: its real path, its identity on storage, the input size. */
static char *
core_key (const char *path, guint input_size)
{
  g_autofree char *real = NULL;
  char *resolved = realpath (path, NULL);
  struct stat st = { 0 };

  real = g_strdup (resolved != NULL ? resolved : path);
  free (resolved);
  if (stat (real, &st) != 0)
    memset (&st, 0, sizeof st);
  return g_strdup_printf ("%s|%u|%" G_GUINT64_FORMAT "|%" G_GUINT64_FORMAT "|%" G_GINT64_FORMAT ".%ld", real, input_size,
                          (guint64) st.st_dev, (guint64) st.st_ino, (gint64) st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void
core_free (PldCore *core)
{
  core_drop_stream (core);
  pld_plan_free (&core->plan);
  core_drop_activations (core);
  for (guint i = 0; core->files != NULL && i < core->model->weights->n_files; i++)
    pld_file_close (&core->files[i]);
  g_free (core->files);
  pld_model_free (&core->model);
  pld_budget_free (&core->budget);
  pld_team_unref (&core->team);
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
  gboolean direct = g_strcmp0 (g_getenv ("PIPELOAD_DIRECT_IO"), "0") != 0;

  core->files = g_new0 (PldFile *, model->weights->n_files);
  for (guint i = 0; i < model->weights->n_files; i++)
    if ((core->files[i] = pld_file_open (model->weights->files[i], direct, error)) == NULL)
      return FALSE;
  return pld_params_load (model->params, core->files, core->budget, error) && model->arch->prepare (model->vision, core->budget, error);
}

static PldCore *
core_open (const char *path, guint input_size, PldUser *user, PldProgressFunc progress, gpointer user_data, GError **error)
{
  PldCore *core = g_new0 (PldCore, 1);
  PldPlan *plan = NULL;
  guint batch;
  gboolean ok;

  core->n_refs = 1;
  core->users = g_ptr_array_new ();
  g_queue_init (&core->queue);
  g_mutex_init (&core->lock);
  g_cond_init (&core->change);
  pld_session_init (&core->session);
  if (progress != NULL)
    progress ("reading the directory", 0, user_data);
  core->model = pld_model_open (path, input_size, error);
  ok = core->model != NULL;
  if (ok)
    user->bytes = pld_core_handle_bytes (core->model, user->batch, FALSE);
  /* Before anything is taken: a limit that is too small is refused with the one that works, not with what first failed to fit. */
  ok = ok && (plan = pld_core_plan (core->model, user, &batch, error)) != NULL;
  pld_plan_free (&plan);
  if (ok && progress != NULL)
    progress ("reading small tensors", 40, user_data);
  if (ok)
    {
      core->budget = pld_budget_new (user->limit);
      core->team = pld_team_ref (user->threads);
      core->session.team = core->team;
      ok = core_load (core, error);
    }
  if (!ok)
    g_clear_pointer (&core, core_free);
  return core;
}

static void
core_unref (PldCore *core)
{
  g_mutex_lock (&registry_lock);
  if (--core->n_refs == 0)
    {
      g_hash_table_remove (registry, core->key);
      if (g_hash_table_size (registry) == 0)
        g_clear_pointer (&registry, g_hash_table_unref);
      core_free (core);
    }
  g_mutex_unlock (&registry_lock);
}

PldCore *
pld_core_join (const char *path, guint input_size, PldUser *user, PldProgressFunc progress, gpointer user_data,
               GCancellable *cancellable, GError **error)
{
  g_autofree char *key = core_key (path, input_size);
  PldUser wishes = *user;
  PldCore *core;

  if (g_cancellable_is_cancelled (cancellable))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_CANCELLED, "cancelled");
      return NULL;
    }
  g_mutex_lock (&registry_lock);
  core = registry != NULL ? g_hash_table_lookup (registry, key) : NULL;
  if (core != NULL)
    core->n_refs++;
  else if ((core = core_open (path, input_size, &wishes, progress, user_data, error)) != NULL)
    {
      core->key = g_steal_pointer (&key);
      if (registry == NULL)
        registry = g_hash_table_new (g_str_hash, g_str_equal);
      g_hash_table_insert (registry, core->key, core);
    }
  g_mutex_unlock (&registry_lock);
  if (core == NULL)
    return NULL;
  if (progress != NULL)
    progress ("planning", 80, user_data);
  wishes.bytes = pld_core_handle_bytes (core->model, wishes.batch, FALSE);
  g_mutex_lock (&core->lock);
  *user = (PldUser) { 0 };
  g_ptr_array_add (core->users, user);
  g_mutex_unlock (&core->lock);
  if (!pld_core_set_user (core, user, &wishes, error))
    pld_core_leave (&core, user);
  else if (progress != NULL)
    progress ("ready", 100, user_data);
  return core;
}

void
pld_core_leave (PldCore **core_ptr, PldUser *user)
{
  PldCore *core = g_steal_pointer (core_ptr);

  if (core == NULL)
    return;
  g_mutex_lock (&core->lock);
  g_ptr_array_remove (core->users, user);
  core->outdated = TRUE;
  g_mutex_unlock (&core->lock);
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
  PldStreamStats stream = { 0 };
  guint64 load_ns = 0;

  memset (stats, 0, sizeof *stats);
  g_mutex_lock (&core->lock);
  if (core->stream != NULL)
    pld_stream_get_stats (core->stream, &stream);
  stats->bytes_streamed = core->past.bytes_read + stream.bytes_read;
  stats->stalls = core->past.stalls + stream.stalls;
  stats->stall_ns = core->past.stall_ns + stream.stall_ns;
  if (core->past.read_ns + stream.read_ns > 0)
    stats->read_bandwidth = (guint64) (1e9 * (double) stats->bytes_streamed / (double) (core->past.read_ns + stream.read_ns));
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
  stats->activation_bytes = core->activations.charged + core->scratch.charged + core->logits.charged;
  stats->table_bytes = core->model->params->memory.charged;
  stats->threads = core->session.n_threads;
  stats->batch = core->batch;
  stats->users = core->users->len;
  stats->direct_io = pld_file_is_direct (core->files[0]);
  g_mutex_unlock (&core->lock);
}
