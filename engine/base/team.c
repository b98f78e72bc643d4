/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/base/team.h"

#include <sched.h>

/* A region lasts from microseconds to milliseconds and the next one follows at once, so a worker looks for it this many
 * times (some tens of microseconds) before it sleeps. */
#define SPINS 2000

typedef struct
{
  PldTeamFunc func;
  gpointer data;
  guint n_items;
  guint n_threads;
} Region;

struct _PldTeam
{
  guint n_refs;      /* under the registry's lock */
  GMutex region_lock; /* one region at a time; also held while the team grows */
  GMutex lock;       /* of what follows */
  GCond wake, done;
  Region region;
  guint generation;  /* atomic; counts regions */
  guint next;        /* atomic; the next item */
  guint pending;     /* atomic; workers that still owe their part of the region */
  gboolean quit;
  GPtrArray *workers; /* GThread *; under region_lock */
};

typedef struct
{
  PldTeam *team;
  guint index;      /* 1 …; 0 is the caller */
  guint generation; /* when it was hired */
} Worker;

static GMutex registry_lock;
static PldTeam *registry;

static inline void
cpu_relax (void)
{
#if defined (__x86_64__)
  __builtin_ia32_pause ();
#elif defined (__aarch64__)
  __asm__ volatile ("yield");
#endif
}

guint
pld_team_cores (void)
{
  cpu_set_t set;

  if (sched_getaffinity (0, sizeof set, &set) == 0)
    return MAX (1, CPU_COUNT (&set));
  return g_get_num_processors ();
}

static void
region_work (PldTeam *team, const Region *region, guint thread)
{
  guint item;

  while ((item = __atomic_fetch_add (&team->next, 1, __ATOMIC_ACQ_REL)) < region->n_items)
    region->func (region->data, item, thread);
}

/* Waits for a region after @seen; FALSE when the team is dismissed. */
static gboolean
worker_wait (PldTeam *team, guint seen, guint *generation, Region *region)
{
  gboolean quit;

  for (guint i = 0; i < SPINS && __atomic_load_n (&team->generation, __ATOMIC_ACQUIRE) == seen; i++)
    cpu_relax ();
  g_mutex_lock (&team->lock);
  while (team->generation == seen && !team->quit)
    g_cond_wait (&team->wake, &team->lock);
  *generation = team->generation;
  *region = team->region;
  quit = team->quit;
  g_mutex_unlock (&team->lock);
  return !quit;
}

static gpointer
worker_main (gpointer data)
{
  g_autofree Worker *worker = data;
  PldTeam *team = worker->team;
  guint generation = worker->generation;
  Region region;

  while (worker_wait (team, generation, &generation, &region))
    {
      if (worker->index >= region.n_threads)
        continue;
      region_work (team, &region, worker->index);
      if (__atomic_sub_fetch (&team->pending, 1, __ATOMIC_ACQ_REL) == 0)
        {
          g_mutex_lock (&team->lock);
          g_cond_signal (&team->done);
          g_mutex_unlock (&team->lock);
        }
    }
  return NULL;
}

static void
team_grow (PldTeam *team, guint n_threads)
{
  g_mutex_lock (&team->region_lock);
  while (team->workers->len + 1 < n_threads)
    {
      Worker *worker = g_new (Worker, 1);
      GThread *thread;

      *worker = (Worker) { team, team->workers->len + 1, team->generation };
      thread = g_thread_try_new ("pld-compute", worker_main, worker, NULL);
      /* Where the system gives no more threads, the team stays smaller. */
      if (thread == NULL)
        {
          g_free (worker);
          break;
        }
      g_ptr_array_add (team->workers, thread);
    }
  g_mutex_unlock (&team->region_lock);
}

PldTeam *
pld_team_ref (guint n_threads)
{
  PldTeam *team;

  g_mutex_lock (&registry_lock);
  if (registry == NULL)
    {
      registry = g_new0 (PldTeam, 1);
      g_mutex_init (&registry->region_lock);
      g_mutex_init (&registry->lock);
      g_cond_init (&registry->wake);
      g_cond_init (&registry->done);
      registry->workers = g_ptr_array_new ();
    }
  team = registry;
  team->n_refs++;
  team_grow (team, n_threads > 0 ? n_threads : pld_team_cores ());
  g_mutex_unlock (&registry_lock);
  return team;
}

void
pld_team_unref (PldTeam **team_ptr)
{
  PldTeam *team = g_steal_pointer (team_ptr);

  if (team == NULL)
    return;
  g_mutex_lock (&registry_lock);
  if (--team->n_refs == 0)
    {
      g_mutex_lock (&team->lock);
      team->quit = TRUE;
      g_cond_broadcast (&team->wake);
      g_mutex_unlock (&team->lock);
      for (guint i = 0; i < team->workers->len; i++)
        g_thread_join (team->workers->pdata[i]);
      g_ptr_array_unref (team->workers);
      g_cond_clear (&team->done);
      g_cond_clear (&team->wake);
      g_mutex_clear (&team->lock);
      g_mutex_clear (&team->region_lock);
      g_free (team);
      registry = NULL;
    }
  g_mutex_unlock (&registry_lock);
}

void
pld_team_run (PldTeam *team, guint n_threads, guint n_items, PldTeamFunc func, gpointer data)
{
  Region region = { func, data, n_items, 0 };

  g_mutex_lock (&team->region_lock);
  region.n_threads = CLAMP (MIN (n_threads, n_items), 1, team->workers->len + 1);
  if (region.n_threads == 1)
    {
      for (guint item = 0; item < n_items; item++)
        func (data, item, 0);
      g_mutex_unlock (&team->region_lock);
      return;
    }
  __atomic_store_n (&team->pending, region.n_threads - 1, __ATOMIC_RELEASE);
  __atomic_store_n (&team->next, 0, __ATOMIC_RELEASE);
  g_mutex_lock (&team->lock);
  team->region = region;
  __atomic_add_fetch (&team->generation, 1, __ATOMIC_RELEASE);
  g_cond_broadcast (&team->wake);
  g_mutex_unlock (&team->lock);
  region_work (team, &region, 0);
  for (guint i = 0; i < SPINS && __atomic_load_n (&team->pending, __ATOMIC_ACQUIRE) > 0; i++)
    cpu_relax ();
  g_mutex_lock (&team->lock);
  while (__atomic_load_n (&team->pending, __ATOMIC_ACQUIRE) > 0)
    g_cond_wait (&team->done, &team->lock);
  g_mutex_unlock (&team->lock);
  g_mutex_unlock (&team->region_lock);
}
