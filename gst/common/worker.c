/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A thread that runs one job at a time.
 */
#include "gst/common/worker.h"

struct _GstPipeloadWorker
{
  GstPipeloadWorkerFunc func;
  gpointer user_data;
  GThread *thread;
  GMutex lock; /* of what follows */
  GCond cond;
  gpointer job; /* waits to be taken */
  gboolean busy, quit;
};

static gpointer
worker_main (gpointer data)
{
  GstPipeloadWorker *worker = data;

  g_mutex_lock (&worker->lock);
  for (;;)
    {
      gpointer job;

      while (worker->job == NULL && !worker->quit)
        g_cond_wait (&worker->cond, &worker->lock);
      job = g_steal_pointer (&worker->job);
      if (job == NULL)
        break;
      g_mutex_unlock (&worker->lock);
      worker->func (job, worker->user_data);
      g_mutex_lock (&worker->lock);
      worker->busy = FALSE;
      g_cond_broadcast (&worker->cond);
    }
  g_mutex_unlock (&worker->lock);
  return NULL;
}

GstPipeloadWorker *
gst_pipeload_worker_new (const char *name, GstPipeloadWorkerFunc func, gpointer user_data, GError **error)
{
  g_autoptr (GstPipeloadWorker) worker = g_new0 (GstPipeloadWorker, 1);

  worker->func = func;
  worker->user_data = user_data;
  g_mutex_init (&worker->lock);
  g_cond_init (&worker->cond);
  worker->thread = g_thread_try_new (name, worker_main, worker, error);
  return worker->thread != NULL ? g_steal_pointer (&worker) : NULL;
}

gboolean
gst_pipeload_worker_submit (GstPipeloadWorker *worker, gpointer job)
{
  gboolean taken;

  g_mutex_lock (&worker->lock);
  taken = !worker->busy;
  if (taken)
    {
      worker->job = job;
      worker->busy = TRUE;
      g_cond_broadcast (&worker->cond);
    }
  g_mutex_unlock (&worker->lock);
  return taken;
}

gboolean
gst_pipeload_worker_is_busy (GstPipeloadWorker *worker)
{
  gboolean busy;

  g_mutex_lock (&worker->lock);
  busy = worker->busy;
  g_mutex_unlock (&worker->lock);
  return busy;
}

void
gst_pipeload_worker_drain (GstPipeloadWorker *worker)
{
  g_mutex_lock (&worker->lock);
  while (worker->busy)
    g_cond_wait (&worker->cond, &worker->lock);
  g_mutex_unlock (&worker->lock);
}

void
gst_pipeload_worker_free (GstPipeloadWorker *worker)
{
  if (worker == NULL)
    return;
  g_mutex_lock (&worker->lock);
  worker->quit = TRUE;
  g_cond_broadcast (&worker->cond);
  g_mutex_unlock (&worker->lock);
  if (worker->thread != NULL)
    g_thread_join (worker->thread);
  g_mutex_clear (&worker->lock);
  g_cond_clear (&worker->cond);
  g_free (worker);
}
