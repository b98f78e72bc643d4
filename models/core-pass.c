/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "models/core-private.h"

#include <string.h>

typedef struct
{
  PldRequest *requests[PLD_CORE_BATCH_MAX]; /* one a picture */
  guint first[PLD_CORE_BATCH_MAX];          /* its index in the request */
  PldPicture pictures[PLD_CORE_BATCH_MAX];
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
  wishes = pld_core_wishes (core, NULL, NULL);
  g_mutex_unlock (&core->lock);
  if (update)
    pld_core_update (core, &wishes, &error);
  g_mutex_lock (&core->lock);
  core->outdated |= error != NULL;
  core->batch = MAX (core->batch, 1);
  pass_fill (core, &pass);
  g_mutex_unlock (&core->lock);
  if (error == NULL && pass.n > 0)
    error = pass_run (core, &pass);
  g_mutex_lock (&core->lock);
  pass_finish (core, &pass, error);
  pld_core_release (core);
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
