/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "models/core-private.h"

#include <string.h>

static gboolean
pass_cancelled (gpointer data)
{
  const PldPass *pass = data;

  for (guint i = 0; i < pass->n; i++)
    if (!g_cancellable_is_cancelled (pass->requests[i]->cancellable))
      return FALSE;
  return TRUE;
}

/* Takes what waits, oldest first. Under the lock. */
static void
pass_fill (PldCore *core, PldPass *pass)
{
  PldRequest *request;

  pass->n = pass->n_wanted = 0;
  while (pass->n < core->shape.batch && (request = g_queue_peek_head (&core->queue)) != NULL)
    {
      const PldItem *item = &request->items[request->taken];

      if (item->wanted && pass->n_wanted == core->shape.results)
        break;
      pass->n_wanted += item->wanted ? 1 : 0;
      pass->requests[pass->n] = request;
      pass->items[pass->n++] = *item;
      if (++request->taken == request->n)
        g_queue_pop_head (&core->queue);
    }
}

/* Hands results or @error out. Under the lock. */
static void
pass_finish (PldCore *core, PldPass *pass, GError *error)
{
  const gsize n_outputs = core->model->net->n_outputs;
  const float *result = (const float *) (gconstpointer) core->results.data;

  for (guint i = 0; i < pass->n; i++)
    {
      PldRequest *request = pass->requests[i];

      if (error == NULL && pass->items[i].wanted)
        {
          memcpy (request->results + request->delivered++ * n_outputs, result, n_outputs * sizeof (float));
          result += n_outputs;
        }
      else if (error != NULL)
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

/* What statistics say of a pass that took @ns. Under the lock. */
static void
pass_count (PldCore *core, guint64 ns, guint n, const PldStreamStats *before, const PldStreamStats *after)
{
  const guint64 compute_ns = ns - MIN (ns, after->stall_ns - before->stall_ns);

  core->last_pass_ns = ns;
  core->pass_ns += ns;
  core->compute_ns = core->compute_ns > 0 ? MIN (core->compute_ns, compute_ns) : compute_ns;
  if (after->read_ns > before->read_ns)
    core->bandwidth
        = MAX (core->bandwidth, 1e9 * (double) (after->bytes_read - before->bytes_read) / (double) (after->read_ns - before->read_ns));
  core->passes++;
  core->frames += n;
}

static GError *
pass_run (PldCore *core, PldPass *pass)
{
  const PldModel *model = core->model;
  GError *error = NULL;
  PldStreamStats before, after;
  gint64 begun = g_get_monotonic_time ();

  pld_stream_get_stats (core->stream, &before);
  pld_session_begin (&core->session, pass_cancelled, pass);
  if (model->arch->forward (model->net, &core->session, pass->items, pass->n, (float *) (gpointer) core->activations.data,
                            (float *) (gpointer) core->results.data, &error))
    {
      pld_stream_get_stats (core->stream, &after);
      g_mutex_lock (&core->lock);
      pass_count (core, (guint64) (g_get_monotonic_time () - begun) * 1000, pass->n, &before, &after);
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

  core->busy = TRUE;
  core->outdated = FALSE;
  wishes = pld_core_wishes (core, NULL, NULL);
  g_mutex_unlock (&core->lock);
  if (update)
    pld_core_update (core, &wishes, &error);
  g_mutex_lock (&core->lock);
  core->outdated |= error != NULL;
  core->shape.batch = MAX (core->shape.batch, 1);
  core->shape.results = MAX (core->shape.results, 1);
  pass_fill (core, &core->pass);
  g_mutex_unlock (&core->lock);
  if (error == NULL && core->pass.n > 0)
    error = pass_run (core, &core->pass);
  g_mutex_lock (&core->lock);
  pass_finish (core, &core->pass, error);
  pld_core_release (core);
}

gboolean
pld_core_run (PldCore *core, PldRequest *request, GError **error)
{
  request->taken = request->finished = request->delivered = 0;
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
