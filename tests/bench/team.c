/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The cost of the compute team: the time of short regions, and the CPU time of a process that has work now and then, as
 * a camera of 5 frames a second gives it.
 *
 *   bench-team [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "engine/base/team.h"

#define ROUNDS 15
#define FRAMES 20
#define FRAME_NS 1000000
#define PERIOD_US 200000

/* Regions one after the other; @pause_us before each, in which workers fall asleep. */
typedef struct
{
  const char *name;
  guint items;    /* of each thread */
  gint64 item_ns; /* of CPU time; 0: next to nothing */
  guint regions;
  gulong pause_us;
} Case;

static const Case cases[] = {
  { "1 item a thread", 1, 0, 2000, 0 },
  { "1000 items a thread", 1000, 0, 50, 0 },
  { "10 items of 2 us a thread", 10, 2000, 200, 0 },
  { "1 item a thread, after 1 ms of rest", 1, 0, 30, 1000 },
};

static gint64
time_ns (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return (gint64) now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static void
do_nothing (gpointer data, guint item, guint thread)
{
}

/* Computes until its thread has had the CPU for as many nanoseconds as @data points to. */
static void
do_work (gpointer data, guint item, guint thread)
{
  const gint64 end = time_ns (CLOCK_THREAD_CPUTIME_ID) + *(const gint64 *) data;

  while (time_ns (CLOCK_THREAD_CPUTIME_ID) < end)
    ;
}

/* Nanoseconds a region. */
static double
time_case (const Case *c, PldTeam *team, guint n_threads)
{
  gint64 ns = 0, begun = time_ns (CLOCK_MONOTONIC);

  for (guint i = 0; i < c->regions; i++)
    {
      if (c->pause_us > 0)
        {
          ns += time_ns (CLOCK_MONOTONIC) - begun;
          g_usleep (c->pause_us);
          begun = time_ns (CLOCK_MONOTONIC);
        }
      pld_team_run (team, n_threads, c->items * n_threads, c->item_ns > 0 ? do_work : do_nothing,
                    (gpointer) &c->item_ns);
    }
  return (double) (ns + time_ns (CLOCK_MONOTONIC) - begun) / c->regions;
}

static int
compare (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
print_case (const Case *c, PldTeam *team, guint n_threads, guint n_rounds)
{
  g_autofree double *ns = g_new (double, n_rounds);

  for (guint i = 0; i < n_rounds; i++)
    ns[i] = time_case (c, team, n_threads);
  qsort (ns, n_rounds, sizeof *ns, compare);
  printf ("%-38s %2u threads %9.0f ns a region, %9.0f at best\n", c->name, n_threads, ns[n_rounds / 2], ns[0]);
}

/* CPU time beyond the work itself, of which every thread has a part. */
static void
print_frames (PldTeam *team, guint n_threads)
{
  gint64 part_ns = FRAME_NS / n_threads, begun = time_ns (CLOCK_PROCESS_CPUTIME_ID), used;
  struct rusage before, after;

  getrusage (RUSAGE_SELF, &before);
  for (guint i = 0; i < FRAMES; i++)
    {
      pld_team_run (team, n_threads, n_threads, do_work, &part_ns);
      g_usleep (PERIOD_US);
    }
  used = time_ns (CLOCK_PROCESS_CPUTIME_ID) - begun;
  getrusage (RUSAGE_SELF, &after);
  printf (
      "%.0f ms of work every %d ms %15s %2u threads %9.0f us of CPU time a frame beyond it, %.1f context switches\n",
      FRAME_NS / 1e6, PERIOD_US / 1000, "", n_threads, (double) (used - (gint64) FRAMES * FRAME_NS) / 1e3 / FRAMES,
      (double) (after.ru_nvcsw - before.ru_nvcsw) / FRAMES);
}

int
main (int argc, char **argv)
{
  const guint n_rounds = argc > 1 ? (guint) MAX (1, atoi (argv[1])) : ROUNDS;
  PldTeam *team;

  printf ("%u cores, %u rounds\n", pld_team_cores (), n_rounds);
  for (guint n_threads = 1; n_threads <= 4; n_threads *= 2)
    {
      team = pld_team_ref (n_threads);
      for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
        print_case (&cases[i], team, n_threads, n_rounds);
      print_frames (team, n_threads);
      g_clear_pointer (&team, pld_team_unref);
    }
  return 0;
}
