/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * engine/base/team. Regions write without atomics, so that ThreadSanitizer sees any thread that is let in where it
 * should not be.
 */
#include <dlfcn.h>
#include <string.h>

#include "engine/base/team.h"

#define ITEMS 1000
#define THREADS 6
#define CALLERS 5

/* ---- the system's threads ------------------------------------------------------------------ */

static gint threads_left = G_MAXINT; /* that the system gives */

GThread *
g_thread_try_new (const char *name, GThreadFunc func, gpointer data, GError **error)
{
  static typeof (&g_thread_try_new) real;

  if (real == NULL)
    real = (typeof (real)) dlsym (RTLD_NEXT, "g_thread_try_new");
  if (threads_left == 0)
    {
      g_set_error (error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN, "no more threads");
      return NULL;
    }
  threads_left--;
  return real (name, func, data, error);
}

/* The value after @key in a file of a thread of this process. */
static char *
task_value (const char *task, const char *file, const char *key)
{
  g_autofree char *path = g_build_filename ("/proc/self/task", task, file, NULL), *text = NULL;
  const char *value;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (value = strstr (text, key)) == NULL)
    return NULL;
  value += strlen (key);
  return g_strndup (value, strcspn (value, "\n"));
}

/* Workers of the team; @awake: those that do not sleep; @switches: how often they fell asleep. */
static guint
count_workers (guint *awake, guint64 *switches)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  const char *task;
  guint n = 0;

  *awake = 0;
  *switches = 0;
  while (dir != NULL && (task = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *name = task_value (task, "comm", ""), *state = task_value (task, "status", "State:\t");
      g_autofree char *times = task_value (task, "status", "\nvoluntary_ctxt_switches:\t");

      if (name == NULL || state == NULL || times == NULL || strcmp (name, "pld-compute") != 0)
        continue;
      n++;
      *awake += state[0] != 'S';
      *switches += g_ascii_strtoull (times, NULL, 10);
    }
  return n;
}

/* Until there is none: one that was joined may still be listed for a moment. */
static void
wait_for_end (void)
{
  guint awake;
  guint64 switches;

  while (count_workers (&awake, &switches) > 0)
    g_usleep (1000);
}

/* ---- regions ------------------------------------------------------------------------------- */

typedef struct
{
  guint seen[ITEMS];
  guint taken[THREADS]; /* items of each thread, as scratch memory of its own */
  guint n_threads;
  const gint *cancelled; /* (nullable): atomic */
} Tally;

static void
count (gpointer data, guint item, guint thread)
{
  Tally *tally = data;

  g_assert_cmpuint (thread, <, tally->n_threads);
  if (tally->cancelled == NULL || !g_atomic_int_get (tally->cancelled))
    tally->seen[item]++;
  tally->taken[thread]++;
}

/* Each of @n_items once, and nothing else. */
static void
run_and_check (PldTeam *team, guint n_threads, guint n_items, const gint *cancelled)
{
  Tally tally = { .n_threads = n_threads, .cancelled = cancelled };
  guint taken = 0;

  pld_team_run (team, n_threads, n_items, count, &tally);
  for (guint i = 0; i < ITEMS; i++)
    g_assert_cmpuint (tally.seen[i], <=, i < n_items);
  for (guint i = 0; i < ITEMS && cancelled == NULL; i++)
    g_assert_cmpuint (tally.seen[i], ==, i < n_items);
  for (guint i = 0; i < THREADS; i++)
    taken += tally.taken[i];
  g_assert_cmpuint (taken, ==, n_items);
}

/* In many short regions, whatever the number of threads and items. */
static void
test_items (void)
{
  PldTeam *team = pld_team_ref (4), *same = pld_team_ref (2);

  g_assert_true (team == same);
  g_clear_pointer (&same, pld_team_unref);
  for (guint round = 0; round < 3000; round++)
    run_and_check (team, 1 + round % 5, round % 97, NULL);
  run_and_check (team, 4, ITEMS, NULL);
  g_clear_pointer (&team, pld_team_unref);
  g_assert_null (team);
}

typedef struct
{
  gint begun; /* atomic */
  gint n;
} Meeting;

static void
meet (gpointer data, guint item, guint thread)
{
  Meeting *meeting = data;

  g_atomic_int_inc (&meeting->begun);
  while (g_atomic_int_get (&meeting->begun) < meeting->n)
    g_thread_yield ();
}

/* Every item waits for all others, so a worker that is not woken would be missed. Pauses about as long as one takes to
 * fall asleep. */
static void
test_wake (void)
{
  PldTeam *team = pld_team_ref (4);

  for (guint round = 0; round < 2000; round++)
    {
      Meeting meeting = { .n = g_test_rand_int_range (2, 5) };

      pld_team_run (team, (guint) meeting.n, (guint) meeting.n, meet, &meeting);
      g_assert_cmpint (meeting.begun, ==, meeting.n);
      if (round % 4 > 0)
        g_usleep ((gulong) g_test_rand_int_range (0, 120));
    }
  g_clear_pointer (&team, pld_team_unref);
}

static void
test_sleep (void)
{
  PldTeam *team = pld_team_ref (THREADS);
  Meeting meeting = { .n = THREADS };
  guint awake = 1;
  guint64 before = 0, after;

  pld_team_run (team, THREADS, THREADS, meet, &meeting);
  if (count_workers (&awake, &before) == 0)
    g_test_skip ("/proc does not name threads");
  else
    {
      while (count_workers (&awake, &before) != THREADS - 1 || awake > 0)
        g_usleep (1000);
      /* Nor do they look now and then. */
      g_usleep (50000);
      g_assert_cmpuint (count_workers (&awake, &after), ==, THREADS - 1);
      g_assert_cmpuint (after, ==, before);
    }
  g_clear_pointer (&team, pld_team_unref);
  wait_for_end ();
}

/* Where the system gives two threads, three take part. */
static void
test_few_threads (void)
{
  PldTeam *team;

  threads_left = 2;
  team = pld_team_ref (THREADS);
  g_assert_cmpint (threads_left, ==, 0);
  for (guint round = 0; round < 100; round++)
    {
      Tally tally = { .n_threads = 3 };

      pld_team_run (team, THREADS, ITEMS, count, &tally);
      g_assert_cmpuint (tally.taken[0] + tally.taken[1] + tally.taken[2], ==, ITEMS);
    }
  threads_left = G_MAXINT;
  g_clear_pointer (&team, pld_team_unref);
}

/* ---- many callers -------------------------------------------------------------------------- */

typedef struct
{
  guint32 seed;
  gint cancelled; /* atomic */
  PldTeam *team;  /* (nullable): else one that it takes anew each time */
  guint *shared;  /* what only one region at a time may touch, [THREADS] */
  guint n_shared;
  guint rounds;
} Caller;

static void
touch (gpointer data, guint item, guint thread)
{
  guint *shared = data;

  shared[thread]++;
}

static gpointer
run_regions (gpointer data)
{
  Caller *caller = data;
  g_autoptr (GRand) rand = g_rand_new_with_seed (caller->seed);

  for (guint round = 0; round < caller->rounds; round++)
    {
      const guint n_threads = (guint) g_rand_int_range (rand, 1, THREADS + 1),
                  n_items = (guint) g_rand_int_range (rand, 0, ITEMS + 1);
      PldTeam *team = caller->team != NULL ? caller->team : pld_team_ref (n_threads);

      pld_team_run (team, n_threads, n_items % 70, touch, caller->shared);
      caller->n_shared += n_items % 70;
      run_and_check (team, n_threads, n_items, round % 3 == 0 ? &caller->cancelled : NULL);
      if (caller->team == NULL)
        g_clear_pointer (&team, pld_team_unref);
      if (round % 8 == 0)
        g_usleep ((gulong) g_rand_int_range (rand, 0, 300));
    }
  return NULL;
}

/* Callers together; those that have no team of their own make it grow, and end and begin when @team is NULL. */
static void
run_callers (PldTeam *team, guint rounds)
{
  Caller callers[CALLERS];
  GThread *threads[CALLERS];
  guint shared[THREADS] = { 0 }, expected = 0, touched = 0;

  for (guint i = 0; i < CALLERS; i++)
    {
      callers[i] = (Caller) {
        .seed = (guint32) g_test_rand_int (), .team = i % 2 == 0 ? team : NULL, .shared = shared, .rounds = rounds
      };
      threads[i] = g_thread_new ("caller", run_regions, &callers[i]);
    }
  for (guint i = 0; i < CALLERS; i++)
    {
      g_usleep ((gulong) g_test_rand_int_range (0, 3000));
      g_atomic_int_set (&callers[i].cancelled, TRUE);
    }
  for (guint i = 0; i < CALLERS; i++)
    {
      g_thread_join (threads[i]);
      expected += callers[i].n_shared;
    }
  for (guint i = 0; i < THREADS; i++)
    touched += shared[i];
  g_assert_cmpuint (touched, ==, expected);
}

static void
test_callers (void)
{
  PldTeam *team = pld_team_ref (2);

  run_callers (team, 500);
  g_clear_pointer (&team, pld_team_unref);
}

/* The team's last user may leave while another comes. */
static void
test_come_and_go (void)
{
  run_callers (NULL, 200);
  wait_for_end ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/team/items", test_items);
  g_test_add_func ("/team/wake", test_wake);
  g_test_add_func ("/team/sleep", test_sleep);
  g_test_add_func ("/team/few-threads", test_few_threads);
  g_test_add_func ("/team/callers", test_callers);
  g_test_add_func ("/team/come-and-go", test_come_and_go);
  return g_test_run ();
}
