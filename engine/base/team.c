/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The compute team: workers join a region by compare-and-swap, so starting and ending one takes no lock.
 */
#include "engine/base/team.h"

#include <sched.h>

#include "engine/base/cpu-quota.h"

/* A region lasts from microseconds to milliseconds, and the next one usually follows at once. A waiting thread
 * therefore spins first, for about the time that going to sleep and waking up take. */
#define SPIN_US 50
/* Polls between two readings of the clock. */
#define SPIN_LOOKS 32
/* A thread takes its share of the remaining items, divided by this: a core that is this many times slower than the mean
 * still finishes with the others. */
#define CHUNKS 4
/* Fields written by different threads must share neither a cache line nor a pair of lines that is fetched together. */
#define LINE 128

/* PldTeam.state, one word with everything that a worker needs to join a region. A worker joins by counting itself in
 * while OPEN is set; the region cannot end without it then. A late worker finds the region closed, and nobody waits for
 * that worker. Only workers that the caller waits for read the descriptor, so it needs no lock. */
#define JOINED G_GUINT64_CONSTANT (0x7fff) /* workers inside */
#define WAITED G_GUINT64_CONSTANT (0x8000) /* the caller sleeps until the last of them leaves */
#define THREADS_SHIFT 16                   /* threads that may take part: 14 bits */
#define THREADS_MAX 0x3fff
#define QUIT (G_GUINT64_CONSTANT (1) << 30) /* no region: the team is dismissed */
#define OPEN (G_GUINT64_CONSTANT (1) << 31) /* may be joined */
#define GENERATION_SHIFT 32                 /* counts regions */

typedef struct
{
  PldTeam *team;
  GThread *thread;
  guint index;        /* 1 …; 0 is the caller */
  guint32 generation; /* the last that it has seen; its own */

  gint asleep __attribute__ ((aligned (LINE))); /* atomic; set under the lock */
  GMutex lock;
  GCond wake;
} Worker;

struct _PldTeam
{
  guint64 state __attribute__ ((aligned (LINE))); /* atomic; begun and closed under region_lock */
  guint next __attribute__ ((aligned (LINE)));    /* atomic; the next item */

  /* The region, unchanged while it runs. */
  PldTeamFunc func __attribute__ ((aligned (LINE)));
  gpointer data;
  guint n_items;
  guint n_threads;
  guint cores; /* atomic */

  guint n_refs;       /* under the registry's lock */
  GMutex region_lock; /* one region at a time; also held while the team grows */
  GPtrArray *workers; /* Worker *; under region_lock */
  GMutex lock;        /* of the caller's sleep */
  GCond done;
};

static GMutex registry_lock;
static PldTeam *registry;

guint
pld_team_cores (void)
{
  cpu_set_t set;
  guint cores = g_get_num_processors ();

  if (sched_getaffinity (0, sizeof set, &set) == 0)
    cores = (guint) MAX (1, CPU_COUNT (&set));
  return MIN (cores, pld_cpu_quota (""));
}

/* ---- waiting ------------------------------------------------------------------------------- */

static inline void
cpu_relax (void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  /* "yield" takes no time on most cores; this some nanoseconds. */
  __asm__ volatile ("isb");
#endif
}

static inline guint
state_threads (guint64 state)
{
  return (guint) (state >> THREADS_SHIFT) & THREADS_MAX;
}

/* Whether to spin before sleeping: spinning would delay the region if one of its threads needs this core. */
static gboolean
state_spins (PldTeam *team, guint64 state)
{
  return state_threads (state) <= __atomic_load_n (&team->cores, __ATOMIC_RELAXED);
}

/* Whether @state is a region that the worker has not seen. */
static gboolean
state_is_news (const Worker *worker, guint64 state)
{
  return (guint32) (state >> GENERATION_SHIFT) != worker->generation && worker->index < state_threads (state);
}

/* Polls for SPIN_US until there is a region for the worker (NULL: until nobody is inside). Returns the last state.
 */
static guint64
team_spin (PldTeam *team, const Worker *worker)
{
  guint64 state = __atomic_load_n (&team->state, __ATOMIC_ACQUIRE);
  gint64 end = 0;

  if (!state_spins (team, state))
    return state;
  for (guint i = 1; worker != NULL ? !state_is_news (worker, state) : (state & JOINED) > 0; i++)
    {
      if (i % SPIN_LOOKS == 0)
        {
          const gint64 now = g_get_monotonic_time ();

          end = end > 0 ? end : now + SPIN_US;
          if (now >= end)
            break;
          /* The thread that we wait for may need this core. */
          sched_yield ();
        }
      cpu_relax ();
      state = __atomic_load_n (&team->state, __ATOMIC_ACQUIRE);
    }
  return state;
}

static guint64
worker_sleep (Worker *worker)
{
  guint64 state;

  g_mutex_lock (&worker->lock);
  /* Sequentially consistent: either we see the new region, or its starter sees us asleep. */
  __atomic_store_n (&worker->asleep, TRUE, __ATOMIC_SEQ_CST);
  while (!state_is_news (worker, (state = __atomic_load_n (&worker->team->state, __ATOMIC_SEQ_CST))))
    g_cond_wait (&worker->wake, &worker->lock);
  __atomic_store_n (&worker->asleep, FALSE, __ATOMIC_RELAXED);
  g_mutex_unlock (&worker->lock);
  return state;
}

/* Begins the next generation, with @flags and the number of threads, and wakes those workers of them that sleep. */
static void
team_publish (PldTeam *team, guint64 flags, guint n_threads)
{
  const guint64 generation = (__atomic_load_n (&team->state, __ATOMIC_RELAXED) >> GENERATION_SHIFT) + 1;

  __atomic_store_n (&team->state, generation << GENERATION_SHIFT | flags | (guint64) n_threads << THREADS_SHIFT,
                    __ATOMIC_SEQ_CST);
  for (guint i = 0; i + 1 < n_threads; i++)
    {
      Worker *worker = team->workers->pdata[i];

      if (!__atomic_load_n (&worker->asleep, __ATOMIC_SEQ_CST))
        continue;
      /* Once we hold the lock, the worker is already waiting or will look again. Signalling after the unlock spares it
       * a wait for the lock. */
      g_mutex_lock (&worker->lock);
      g_mutex_unlock (&worker->lock);
      g_cond_signal (&worker->wake);
    }
}

/* Closes the region and waits for the workers inside. */
static void
team_close (PldTeam *team)
{
  guint64 state = __atomic_and_fetch (&team->state, ~OPEN, __ATOMIC_ACQ_REL);

  if ((state & JOINED) == 0 || (team_spin (team, NULL) & JOINED) == 0)
    return;
  g_mutex_lock (&team->lock);
  state = __atomic_or_fetch (&team->state, WAITED, __ATOMIC_ACQ_REL);
  while ((state & JOINED) > 0)
    {
      g_cond_wait (&team->done, &team->lock);
      state = __atomic_load_n (&team->state, __ATOMIC_ACQUIRE);
    }
  g_mutex_unlock (&team->lock);
}

/* ---- working ------------------------------------------------------------------------------- */

static void
team_work (PldTeam *team, guint thread)
{
  const PldTeamFunc func = team->func;
  const gpointer data = team->data;
  const guint n_items = team->n_items, share = CHUNKS * team->n_threads;
  guint item = __atomic_load_n (&team->next, __ATOMIC_RELAXED);

  while (item < n_items)
    {
      const guint end = item + MAX (1, (n_items - item) / share);

      if (!__atomic_compare_exchange_n (&team->next, &item, end, FALSE, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
      for (; item < end; item++)
        func (data, item, thread);
      item = __atomic_load_n (&team->next, __ATOMIC_RELAXED);
    }
}

/* Joins the region of @state, or its present successor, unless it is closed. */
static gboolean
worker_join (Worker *worker, guint64 *state)
{
  gboolean joined = FALSE;

  while (!joined && (*state & OPEN) && state_is_news (worker, *state))
    joined = __atomic_compare_exchange_n (&worker->team->state, state, *state + 1, FALSE, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED);
  worker->generation = (guint32) (*state >> GENERATION_SHIFT);
  return joined;
}

static void
team_leave (PldTeam *team)
{
  const guint64 state = __atomic_sub_fetch (&team->state, 1, __ATOMIC_ACQ_REL);

  if ((state & JOINED) > 0 || !(state & WAITED))
    return;
  g_mutex_lock (&team->lock);
  g_cond_signal (&team->done);
  g_mutex_unlock (&team->lock);
}

static gpointer
worker_main (gpointer data)
{
  Worker *worker = data;
  PldTeam *team = worker->team;
  guint64 state;

  do
    {
      state = team_spin (team, worker);
      if (!state_is_news (worker, state))
        state = worker_sleep (worker);
      if (worker_join (worker, &state))
        {
          team_work (team, worker->index);
          team_leave (team);
        }
    }
  while (!(state & QUIT));
  return NULL;
}

void
pld_team_run (PldTeam *team, guint n_threads, guint n_items, PldTeamFunc func, gpointer data)
{
  g_mutex_lock (&team->region_lock);
  n_threads = CLAMP (MIN (n_threads, n_items), 1, team->workers->len + 1);
  if (n_threads == 1)
    {
      for (guint item = 0; item < n_items; item++)
        func (data, item, 0);
    }
  else
    {
      team->func = func;
      team->data = data;
      team->n_items = n_items;
      team->n_threads = n_threads;
      __atomic_store_n (&team->next, 0, __ATOMIC_RELAXED);
      team_publish (team, OPEN, n_threads);
      team_work (team, 0);
      team_close (team);
    }
  g_mutex_unlock (&team->region_lock);
}

/* ---- the process's team -------------------------------------------------------------------- */

static void
worker_free (Worker *worker)
{
  g_cond_clear (&worker->wake);
  g_mutex_clear (&worker->lock);
  g_aligned_free (worker);
}

static void
team_grow (PldTeam *team, guint n_threads, guint cores)
{
  g_mutex_lock (&team->region_lock);
  __atomic_store_n (&team->cores, cores, __ATOMIC_RELAXED);
  while (team->workers->len + 1 < MIN (n_threads, THREADS_MAX))
    {
      Worker *worker = g_aligned_alloc0 (1, sizeof (Worker), LINE);

      worker->team = team;
      worker->index = team->workers->len + 1;
      worker->generation = (guint32) (__atomic_load_n (&team->state, __ATOMIC_RELAXED) >> GENERATION_SHIFT);
      g_mutex_init (&worker->lock);
      g_cond_init (&worker->wake);
      worker->thread = g_thread_try_new ("pld-compute", worker_main, worker, NULL);
      /* If the system refuses more threads, the team stays smaller. */
      if (worker->thread == NULL)
        {
          worker_free (worker);
          break;
        }
      g_ptr_array_add (team->workers, worker);
    }
  g_mutex_unlock (&team->region_lock);
}

static PldTeam *
team_new (void)
{
  PldTeam *team = g_aligned_alloc0 (1, sizeof (PldTeam), LINE);

  g_mutex_init (&team->region_lock);
  g_mutex_init (&team->lock);
  g_cond_init (&team->done);
  team->workers = g_ptr_array_new ();
  return team;
}

static void
team_free (PldTeam *team)
{
  team_publish (team, QUIT, team->workers->len + 1);
  for (guint i = 0; i < team->workers->len; i++)
    {
      Worker *worker = team->workers->pdata[i];

      g_thread_join (worker->thread);
      worker_free (worker);
    }
  g_ptr_array_unref (team->workers);
  g_cond_clear (&team->done);
  g_mutex_clear (&team->lock);
  g_mutex_clear (&team->region_lock);
  g_aligned_free (team);
}

PldTeam *
pld_team_ref (guint n_threads)
{
  /* Read the files before taking the locks that other regions wait for. */
  const guint cores = pld_team_cores ();
  PldTeam *team;

  g_mutex_lock (&registry_lock);
  if (registry == NULL)
    registry = team_new ();
  team = registry;
  team->n_refs++;
  team_grow (team, n_threads > 0 ? n_threads : cores, cores);
  g_mutex_unlock (&registry_lock);
  return team;
}

void
pld_team_unref (PldTeam *team)
{
  if (team == NULL)
    return;
  g_mutex_lock (&registry_lock);
  if (--team->n_refs == 0)
    {
      team_free (team);
      registry = NULL;
    }
  g_mutex_unlock (&registry_lock);
}
