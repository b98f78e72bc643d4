/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Requests that wait, and the passes that compute them: which items share a pass, which thread runs it, how requests
 * leave it.
 */
#include "models/core/core-private.h"

#include <string.h>

/* Cancellation check, called for every tile without holding the lock. */
static gboolean
pass_cancelled (gpointer data)
{
  PldPass *pass = data;

  return g_atomic_int_get (&pass->all_cancelled)
         || (pass->alone != NULL && g_cancellable_is_cancelled (pass->alone->cancellable));
}

/* Fills the pass from the queue: every request gets an equal share, and the oldest ones what others leave of theirs, so
 * that a long prompt neither keeps others from their next tokens nor waits for room. Under the lock. */
static void
pass_fill (PldCore *core, PldPass *pass)
{
  guint left = core->grant.batch, n = g_queue_get_length (&core->queue), n_requests = 0;

  for (GList *link = core->queue.tail; link != NULL; link = link->prev, n--)
    {
      PldRequest *request = link->data;

      request->share = MIN (request->n - request->taken, left / n);
      left -= request->share;
    }
  pass->n = pass->n_wanted = 0;
  pass->alone = NULL;
  pass->all_cancelled = pass->has_cancelled = FALSE;
  for (GList *link = core->queue.head, *next, *last = core->queue.tail; link != NULL; link = next)
    {
      PldRequest *request = link->data;
      guint taken = 0;

      next = link != last ? link->next : NULL;
      for (; taken < request->share; taken++)
        {
          const PldItem *item = &request->items[request->taken];

          if (item->wanted && pass->n_wanted == core->grant.results)
            break;
          pass->n_wanted += item->wanted ? 1 : 0;
          pass->requests[pass->n] = request;
          pass->items[pass->n++] = *item;
          request->taken++;
        }
      if (request->taken == request->n)
        g_queue_delete_link (&core->queue, link);
      else if (taken > 0)
        {
          /* Where the pass is smaller than the number of requests, others are first in the next one. */
          g_queue_unlink (&core->queue, link);
          g_queue_push_tail_link (&core->queue, link);
        }
      if (taken > 0)
        pass->alone = n_requests++ == 0 ? request : NULL;
    }
}

/* Removes a cancelled request from the queue and the running pass; it gets no results. Under the lock. */
static void
pass_cancel (PldCore *core, PldRequest *request)
{
  PldPass *pass = &core->pass;
  gboolean others = FALSE;

  g_queue_remove (&core->queue, request);
  for (guint i = 0; i < pass->n; i++)
    {
      if (pass->requests[i] == request)
        pass->requests[i] = NULL;
      others |= pass->requests[i] != NULL;
    }
  pass->has_cancelled = TRUE;
  if (!others)
    g_atomic_int_set (&pass->all_cancelled, TRUE);
}

/* Hands the results or @error to the requests. Under the lock. */
static void
pass_finish (PldCore *core, PldPass *pass, GError *error)
{
  const gsize n_outputs = core->model->net->n_outputs;
  const float *result = (const float *) (gconstpointer) core->results.data;

  for (guint i = 0; i < pass->n; i++)
    {
      PldRequest *request = pass->requests[i];
      const float *own = result;

      if (error == NULL && pass->items[i].wanted)
        result += n_outputs;
      if (request == NULL)
        continue;
      if (error == NULL && pass->items[i].wanted)
        memcpy (request->results + request->delivered++ * n_outputs, own, n_outputs * sizeof (float));
      else if (error != NULL)
        {
          if (request->error == NULL)
            request->error = g_error_copy (error);
          /* Its remaining items are pointless now; drop them. */
          g_queue_remove (&core->queue, request);
          request->finished += request->n - request->taken;
          request->taken = request->n;
        }
      request->finished++;
    }
  g_clear_error (&error);
}

/* Counts a pass of @n items that took @ns. Under the lock. */
static void
pass_count (PldCore *core, guint64 ns, guint n, const PldStreamStats *before, const PldStreamStats *after)
{
  const guint64 compute_ns = ns - MIN (ns, after->stall_ns - before->stall_ns);

  core->last_pass_ns = ns;
  core->pass_ns += ns;
  core->compute_ns = core->compute_ns > 0 ? MIN (core->compute_ns, compute_ns) : compute_ns;
  if (after->read_ns > before->read_ns)
    core->bandwidth = MAX (core->bandwidth, 1e9 * (double) (after->bytes_read - before->bytes_read)
                                                / (double) (after->read_ns - before->read_ns));
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
  if (model->arch->forward (model->net, &core->session, pass->items, pass->n,
                            (float *) (gpointer) core->activations.data, (float *) (gpointer) core->results.data,
                            &error))
    {
      pld_stream_get_stats (core->stream, &after);
      g_mutex_lock (&core->lock);
      pass_count (core, (guint64) (g_get_monotonic_time () - begun) * 1000, pass->n, &before, &after);
      g_mutex_unlock (&core->lock);
    }
  return error;
}

/* Runs the pass to its end and releases the core, which is busy. Without the lock. */
static void
pass_complete (PldCore *core)
{
  PldPass *pass = &core->pass;
  GError *error = pass_run (core, pass);
  GArray *frees;

  g_mutex_lock (&core->lock);
  pass_finish (core, pass, error);
  while ((frees = g_steal_pointer (&core->deferred_frees)) != NULL)
    {
      g_mutex_unlock (&core->lock);
      for (guint i = 0; i < frees->len; i++)
        {
          const PldDeferredFree *deferred = &g_array_index (frees, PldDeferredFree, i);

          deferred->destroy (deferred->data);
        }
      g_array_unref (frees);
      g_mutex_lock (&core->lock);
    }
  pass->n = 0;
  pass->has_cancelled = FALSE;
  pld_core_release (core);
  g_mutex_unlock (&core->lock);
}

static gpointer
pass_thread (gpointer data)
{
  pass_complete (data);
  return NULL;
}

/* Whether a thread of its own runs the pass. A pass that several requests share needs one, so that any of them may
 * leave before its end. Under the lock, so that the pass does not end before the thread is stored. */
static gboolean
pass_start_thread (PldCore *core)
{
  if (core->pass.alone != NULL)
    return FALSE;
  if (core->thread != NULL)
    g_thread_join (core->thread);
  core->thread = g_thread_try_new ("pipeload-pass", pass_thread, core, NULL);
  return core->thread != NULL;
}

/* Begins a pass over the queue, in which @own is, after an update if the plan is outdated. Under the lock, which is
 * released meanwhile; busy is not set. */
static void
core_lead (PldCore *core, const PldRequest *own)
{
  PldPass *pass = &core->pass;
  GError *error = NULL;

  core->busy = TRUE;
  pld_core_watch_memory (core);
  if (core->outdated || core->plan == NULL)
    {
      PldProposal proposal = pld_core_take_proposal (core);

      core->outdated = FALSE;
      g_mutex_unlock (&core->lock);
      pld_core_update (core, &proposal, &error);
      g_mutex_lock (&core->lock);
      core->outdated |= error != NULL;
    }
  core->grant.batch = MAX (core->grant.batch, 1);
  core->grant.results = MAX (core->grant.results, 1);
  pass_fill (core, pass);
  /* Do not block this thread on another thread's request. */
  if (pass->alone != own)
    pass->alone = NULL;
  if (error != NULL)
    pass_finish (core, pass, error);
  if (error != NULL || pass->n == 0)
    {
      pass->n = 0;
      pld_core_release (core);
      return;
    }
  if (!pass_start_thread (core))
    {
      g_mutex_unlock (&core->lock);
      pass_complete (core);
      g_mutex_lock (&core->lock);
    }
}

/* Wakes all waiting requests, so that the cancelled one can leave. */
static void
request_cancelled (GCancellable *cancellable, gpointer data)
{
  PldCore *core = data;

  g_mutex_lock (&core->lock);
  g_cond_broadcast (&core->change);
  g_mutex_unlock (&core->lock);
}

gboolean
pld_core_run (PldCore *core, PldRequest *request, GError **error)
{
  /* Without the lock, here and below: the handler may run at once, and disconnecting waits for one that runs. */
  const gulong handler = request->cancellable != NULL
                             ? g_cancellable_connect (request->cancellable, G_CALLBACK (request_cancelled), core, NULL)
                             : 0;

  request->taken = request->finished = request->delivered = 0;
  request->error = NULL;
  g_mutex_lock (&core->lock);
  g_queue_push_tail (&core->queue, request);
  while (request->finished < request->n)
    {
      if (g_cancellable_is_cancelled (request->cancellable))
        {
          if (request->taken > request->finished)
            pass_cancel (core, request);
          else
            g_queue_remove (&core->queue, request);
          g_clear_error (&request->error);
          g_set_error (&request->error, PLD_ERROR, PLD_ERROR_CANCELLED, "cancelled");
          break;
        }
      if (!core->busy)
        core_lead (core, request);
      else
        g_cond_wait (&core->change, &core->lock);
    }
  g_mutex_unlock (&core->lock);
  g_cancellable_disconnect (request->cancellable, handler);
  if (request->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&request->error));
  return FALSE;
}

guint
pld_core_room (PldCore *core)
{
  guint room;

  g_mutex_lock (&core->lock);
  room = MIN (core->grant.batch, core->grant.results) / MAX (1, core->users->len);
  g_mutex_unlock (&core->lock);
  return MAX (1, room);
}

void
pld_core_settle (PldCore *core)
{
  g_mutex_lock (&core->lock);
  while (core->busy && core->pass.has_cancelled)
    g_cond_wait (&core->change, &core->lock);
  g_mutex_unlock (&core->lock);
}
