/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The compute team: one for the whole process, so that CPUs are never oversubscribed. Thread-safe:
 * regions of different callers run one after the other. Workers spin for some tens of microseconds, if there is a core
 * for each thread of the last region, then sleep.
 */
#pragma once

#include <glib.h>

typedef struct _PldTeam PldTeam;

/* Items [item] of a region; @thread is 0 … n_threads − 1, stable during the call, to pick scratch memory. */
typedef void (*PldTeamFunc) (gpointer data, guint item, guint thread);

/* Returns: (transfer full): the process's team, grown to at least @n_threads (0 = pld_team_cores()), or as far as the
 * system gives threads; give back with pld_team_unref(). */
PldTeam *pld_team_ref (guint n_threads);
void pld_team_unref (PldTeam *team);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldTeam, pld_team_unref)

/**
 * pld_team_cores:
 *
 * CPUs that this process may keep busy: those that the calling thread may run on, and no more than the quotas of its
 * cgroups are worth (cpu-quota.h). The default of every number of threads, and what decides whether workers look for
 * work before they sleep. Read anew at each call, so by each model that is opened: affinity and quotas change under a
 * running process (docker update, systemctl set-property, a pod that is resized), and reading costs nothing compared
 * with opening a model. A model that is open keeps its threads. Thread-safe.
 */
guint pld_team_cores (void);

/**
 * pld_team_run:
 * @n_threads: at most this many threads take part, the caller among them
 *
 * Calls @func for items 0 … @n_items − 1, each once, in any order, and returns when all are done. Threads take runs of
 * neighboring items first, and single items at the end. Nobody waits for a worker that wakes late. Must not be called
 * from inside a region.
 */
void pld_team_run (PldTeam *team, guint n_threads, guint n_items, PldTeamFunc func, gpointer data);
