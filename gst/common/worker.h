/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One thread that does one job at a time and never queues a second. Async elements submit their frames to it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _GstPipeloadWorker GstPipeloadWorker;

/* Runs in the worker's thread; owns @job. */
typedef void (*GstPipeloadWorkerFunc) (gpointer job, gpointer user_data);

/* Returns: (transfer full) (nullable): NULL with G_THREAD_ERROR */
GstPipeloadWorker *gst_pipeload_worker_new (const char *name, GstPipeloadWorkerFunc func, gpointer user_data,
                                            GError **error);

/* Takes @job and returns TRUE, or FALSE if the worker is busy. */
gboolean gst_pipeload_worker_submit (GstPipeloadWorker *worker, gpointer job);
gboolean gst_pipeload_worker_is_busy (GstPipeloadWorker *worker);

/* Waits until no job is under way. */
void gst_pipeload_worker_drain (GstPipeloadWorker *worker);

/* Waits for the job under way, and ends the thread. NULL is allowed. */
void gst_pipeload_worker_free (GstPipeloadWorker *worker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadWorker, gst_pipeload_worker_free)

G_END_DECLS
