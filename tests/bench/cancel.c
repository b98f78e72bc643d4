/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How long a user waits for the end of its call after it was cancelled, at any moment of a pass: alone, and while other
 * users share the model. Beside it the time of a tile and of a pass.
 *
 *   bench-cancel FOLDER [LIMIT [OTHERS [ROUNDS]]]
 *
 * ViT-B/16 in halves with random weights, which it makes in FOLDER.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pipeload/pipeload.h"
#include "tests/support/options.h"

#define PRESET "vit-b16"
#define TYPE "f16"
#define SEED 1
#define PASSES 3 /* before anything is timed: what is pinned is read */

typedef struct
{
  PldVision *vision;
  GCancellable *cancellable;
  gboolean again; /* runs until it is cancelled, else once */
  gint64 ended;
  GError *error;
} User;

static void
user_clear (User *user)
{
  g_clear_pointer (&user->vision, pld_vision_close);
  g_clear_object (&user->cancellable);
  g_clear_error (&user->error);
}

static gboolean
user_open (User *user, const PldVisionOptions *options, GError **error)
{
  const PldVisionInfo *info;
  g_autofree float *pixels = NULL;

  user->cancellable = g_cancellable_new ();
  user->vision = pld_vision_open (options, NULL, NULL, NULL, error);
  if (user->vision == NULL)
    return FALSE;
  info = pld_vision_get_info (user->vision);
  pixels = g_new0 (float, (gsize) 3 * info->input_width * info->input_height);
  return pld_vision_load_pixels (user->vision, 0, pixels, error);
}

static gpointer
user_main (gpointer data)
{
  User *user = data;

  do
    pld_vision_run (user->vision, 1, NULL, NULL, NULL, user->cancellable, &user->error);
  while (user->again && user->error == NULL);
  user->ended = g_get_monotonic_time ();
  return NULL;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

/* Cancels @user at some moment of @rounds calls, and takes down how long each went on. */
static gboolean
time_user (User *user, guint rounds, gint64 pass_us, GArray *times, GError **error)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (SEED);

  for (guint round = 0; round < rounds; round++)
    {
      GThread *thread = g_thread_new ("user", user_main, user);
      gint64 us;

      g_usleep ((gulong) g_rand_double_range (rand, 0, (double) pass_us));
      us = g_get_monotonic_time ();
      g_cancellable_cancel (user->cancellable);
      g_thread_join (thread);
      us = user->ended - us;
      g_cancellable_reset (user->cancellable);
      if (user->error != NULL && !g_error_matches (user->error, PLD_ERROR, PLD_ERROR_CANCELLED))
        {
          g_propagate_error (error, g_steal_pointer (&user->error));
          return FALSE;
        }
      /* A request that had already finished does not count. */
      if (user->error != NULL)
        g_array_append_val (times, us);
      g_clear_error (&user->error);
    }
  g_array_sort (times, compare);
  return TRUE;
}

static void
print (const PldVisionOptions *options, PldVision *vision, guint n_others, const GArray *times)
{
  g_autoptr (PldPlanInfo) plan = NULL;
  PldStats stats;
  double pass_ms;

  pld_handle_get_stats (PLD_HANDLE (vision), &stats);
  pass_ms = (double) stats.mean_pass_ns / 1e6;
  printf ("%u other users: cancelled in %.2f ms (median of %u), %.2f ms at worst; a pass of %u pictures %.1f ms",
          n_others, times->len > 0 ? (double) g_array_index (times, gint64, times->len / 2) / 1e3 : 0, times->len,
          times->len > 0 ? (double) g_array_index (times, gint64, times->len - 1) / 1e3 : 0, stats.batch, pass_ms);
  /* The plan of one user; tiles are cut much alike for several. */
  if ((plan = pld_model_plan (&options->engine, NULL)) != NULL)
    printf (", a tile %.2f ms in the mean, %.2f ms the largest", pass_ms / plan->n_tiles,
            pass_ms * (double) plan->tile_bytes / (double) plan->weight_bytes);
  printf ("\n");
}

static gboolean
bench (const PldVisionOptions *options, guint n_others, guint rounds, GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autofree User *users = g_new0 (User, n_others + 1); /* the first is cancelled */
  g_autofree GThread **threads = g_new0 (GThread *, n_others + 1);
  gboolean ok = TRUE;
  PldStats stats;

  for (guint i = 0; ok && i <= n_others; i++)
    ok = user_open (&users[i], options, error);
  for (guint i = 1; ok && i <= n_others; i++)
    {
      users[i].again = TRUE;
      threads[i] = g_thread_new ("other", user_main, &users[i]);
    }
  for (guint i = 0; ok && i < PASSES; i++)
    ok = pld_vision_run (users->vision, 1, NULL, NULL, NULL, NULL, error);
  if (ok)
    {
      pld_handle_get_stats (PLD_HANDLE (users->vision), &stats);
      ok = time_user (users, rounds, (gint64) stats.last_pass_ns / 1000, times, error);
    }
  if (ok)
    print (options, users->vision, n_others, times);
  for (guint i = 0; i <= n_others; i++)
    {
      if (threads[i] != NULL)
        {
          g_cancellable_cancel (users[i].cancellable);
          g_thread_join (threads[i]);
          if (ok && !g_error_matches (users[i].error, PLD_ERROR, PLD_ERROR_CANCELLED))
            {
              g_propagate_error (error, g_steal_pointer (&users[i].error));
              ok = FALSE;
            }
        }
      user_clear (&users[i]);
    }
  return ok;
}

int
main (int argc, char **argv)
{
  const guint n_others = argc > 3 ? (guint) MAX (1, atoi (argv[3])) : 3,
              rounds = argc > 4 ? (guint) MAX (1, atoi (argv[4])) : 50;
  g_autofree char *path = argc > 1 ? g_build_filename (argv[1], PRESET "-" TYPE, NULL) : NULL;
  PldVisionOptions options = VISION_OPTIONS (.engine.model = path);
  g_autoptr (GError) error = NULL;

  if (path == NULL)
    {
      g_printerr ("%s FOLDER [LIMIT [OTHERS [ROUNDS]]]\n", argv[0]);
      return 1;
    }
  if (!pld_limit_parse (argc > 2 ? argv[2] : "32MB", &options.engine.memory_limit, &error)
      || (!g_file_test (path, G_FILE_TEST_EXISTS)
          && !pld_model_synth (PRESET, TYPE, NULL, SEED, path, NULL, NULL, NULL, &error))
      || !bench (&options, 0, rounds, &error) || !bench (&options, n_others, rounds, &error))
    g_printerr ("%s\n", error->message);
  return error == NULL ? 0 : 1;
}
