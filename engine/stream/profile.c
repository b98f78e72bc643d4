/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures the bandwidth of storage by size and number of requests, and keeps the results.
 */
#include "engine/stream/profile.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "engine/base/user-cache.h"

#define DEPTH_MAX (1u << (PLD_PROFILE_DEPTHS - 1))
/* Every combination is measured this many times, all in turn, and the best counts: disturbances only make a measurement
 * slower. */
#define ROUNDS 3
/* Deeper queues must pay at least this. */
#define WORTH 0.97
/* No storage is that fast. */
#define BANDWIDTH_MAX 1e13
/* The fractional part of the golden ratio's multiples spreads any number of offsets evenly. */
#define GOLDEN 0.6180339887498949

static const guint64 sizes[PLD_PROFILE_SIZES]
    = { (guint64) 256 << 10, (guint64) 1 << 20, (guint64) 4 << 20, (guint64) 8 << 20 };

/* ---- measuring ----------------------------------------------------------------------------- */

/* One combination while it is measured; the readers share it. */
typedef struct
{
  PldFile *file;
  GCancellable *cancellable;
  PldBuffer memory; /* of all readers */
  guint counter;    /* atomic; of all reads so far */

  GMutex lock;     /* of what follows; the first three do not change while readers run */
  guint64 request; /* bytes */
  guint64 places;  /* pages at which a request may begin */
  gint64 deadline;
  GCond done;
  guint n_started, n_running;
  guint64 bytes;
  gint64 ended;
  GError *error;
} Run;

/* A reader: reads until the time is over, once at least. */
static void
run_read (gpointer data, gpointer user_data)
{
  Run *run = data;
  GError *error = NULL;
  const guint8 *view;
  guint64 bytes = 0;
  guint8 *slot;

  g_mutex_lock (&run->lock);
  slot = run->memory.data + run->n_started++ * pld_buffer_cost (run->request);
  g_mutex_unlock (&run->lock);
  do
    {
      const guint i = (guint) g_atomic_int_add ((gint *) &run->counter, 1);
      const double place = fmod (i * GOLDEN, 1) * (double) run->places;

      if (!pld_file_read (run->file, (guint64) place * PLD_FILE_ALIGN, run->request, slot, &view, &error))
        break;
      bytes += run->request;
    }
  while (g_get_monotonic_time () < run->deadline && !g_cancellable_is_cancelled (run->cancellable));
  g_mutex_lock (&run->lock);
  run->bytes += bytes;
  run->ended = g_get_monotonic_time ();
  if (run->error == NULL)
    run->error = g_steal_pointer (&error);
  run->n_running--;
  g_cond_signal (&run->done);
  g_mutex_unlock (&run->lock);
  g_clear_error (&error);
}

/* Reads for @duration with @depth requests of @request bytes in flight. Returns: bytes/s; 0: it failed */
static double
run_measure (Run *run, GThreadPool *pool, guint64 request, guint depth, gint64 duration, GError **error)
{
  const gint64 begun = g_get_monotonic_time ();

  g_mutex_lock (&run->lock);
  run->request = request;
  run->places = (pld_file_size (run->file) - request) / PLD_FILE_ALIGN + 1;
  run->deadline = begun + duration;
  run->n_started = 0;
  run->n_running = depth;
  run->bytes = 0;
  for (guint i = 0; i < depth; i++)
    g_thread_pool_push (pool, run, NULL);
  while (run->n_running > 0)
    g_cond_wait (&run->done, &run->lock);
  g_mutex_unlock (&run->lock);
  if (run->error != NULL)
    g_propagate_error (error, g_steal_pointer (&run->error));
  else if (g_cancellable_is_cancelled (run->cancellable))
    g_set_error (error, PLD_ERROR, PLD_ERROR_CANCELLED, "cancelled");
  else
    return 1e6 * (double) run->bytes / (double) MAX (1, run->ended - begun);
  return 0;
}

/* A combination that was not measured gets the value of its neighbor: a larger request, or one more in flight, is not
 * slower. */
static void
profile_fill (PldProfile *profile)
{
  for (guint i = 0; i < profile->n_sizes; i++)
    for (guint j = 0; j < PLD_PROFILE_DEPTHS; j++)
      if (profile->bandwidth[i][j] == 0)
        profile->bandwidth[i][j]
            = MAX (i > 0 ? profile->bandwidth[i - 1][j] : 0, j > 0 ? profile->bandwidth[i][j - 1] : 0);
}

/* Every combination in turn, in rounds, as memory and time allow. */
static gboolean
profile_measure (PldProfile *profile, Run *run, GThreadPool *pool, gint64 duration, GError **error)
{
  const guint n_cells = profile->n_sizes * PLD_PROFILE_DEPTHS;
  const gint64 end = g_get_monotonic_time () + duration;

  for (guint k = 0; k < ROUNDS * n_cells; k++)
    {
      const guint i = k % n_cells / PLD_PROFILE_DEPTHS, j = k % PLD_PROFILE_DEPTHS;
      const guint64 request = profile->request_bytes[i], flight = pld_buffer_cost (request) << j;
      const gint64 left = end - g_get_monotonic_time ();
      double known = profile->bandwidth[i][j];
      double measured;

      for (guint smaller = i; known == 0 && smaller > 0; smaller--)
        known = profile->bandwidth[smaller - 1][j];
      /* The first combination is always measured; others when their requests will be there in time. */
      if (flight > run->memory.size
          || (k > 0 && (left <= 0 || (known > 0 && 1e6 * (double) flight / known > (double) left))))
        continue;
      measured = run_measure (run, pool, request, 1u << j, MAX (0, left / (gint64) (ROUNDS * n_cells - k)), error);
      if (measured == 0)
        return FALSE;
      profile->bandwidth[i][j] = MAX (profile->bandwidth[i][j], measured);
    }
  profile_fill (profile);
  return TRUE;
}

/* Memory that measuring a file may take under @budget. */
static guint64
budget_room (PldBudget *budget)
{
  const guint64 limit = pld_budget_get_limit (budget), used = pld_budget_get_used (budget);
  const guint64 left = limit > 0 ? limit - MIN (used, limit) : G_MAXUINT64;

  return MIN (left, PLD_PROFILE_MEMORY) & ~(guint64) (PLD_FILE_ALIGN - 1);
}

/* The sizes of requests that the file and the memory have room for; less than the smallest: one of what there is. */
static void
profile_choose_sizes (PldProfile *profile, guint64 file_bytes)
{
  const guint64 most = MIN (file_bytes, profile->memory);

  for (guint i = 0; i < PLD_PROFILE_SIZES; i++)
    if (sizes[i] <= most)
      profile->request_bytes[profile->n_sizes++] = sizes[i];
  if (profile->n_sizes == 0)
    profile->request_bytes[profile->n_sizes++] = MAX (1, most);
}

PldProfile *
pld_profile_measure (PldFile *file, PldBudget *budget, gint64 duration, GCancellable *cancellable, GError **error)
{
  const guint64 file_bytes = pld_file_size (file);
  PldProfile *profile = g_new0 (PldProfile, 1);
  Run run = { .file = file, .cancellable = cancellable };
  GThreadPool *pool = NULL;
  guint64 most;
  gboolean ok;

  profile->memory = budget_room (budget);
  profile_choose_sizes (profile, file_bytes);
  most = DEPTH_MAX * pld_buffer_cost (profile->request_bytes[profile->n_sizes - 1]);
  g_mutex_init (&run.lock);
  g_cond_init (&run.done);
  ok = pld_buffer_init (&run.memory, budget, CLAMP (most, PLD_PAGE, MAX (PLD_PAGE, profile->memory)),
                        "the memory to measure the storage", error)
       && (pool = g_thread_pool_new (run_read, NULL, (gint) DEPTH_MAX, FALSE, error)) != NULL
       && profile_measure (profile, &run, pool, duration, error);
  profile->direct = pld_file_is_direct (file);
  if (pool != NULL)
    g_thread_pool_free (pool, FALSE, TRUE);
  pld_buffer_clear (&run.memory);
  g_cond_clear (&run.done);
  g_mutex_clear (&run.lock);
  if (!ok)
    g_clear_pointer (&profile, g_free);
  return profile;
}

/* ---- kept from run to run ------------------------------------------------------------------ */

#define KIND "storage"

gboolean
pld_profile_identity (const char *path, gboolean direct, char **name, char **key)
{
  char *real = realpath (path, NULL);
  struct stat st;
  const gboolean ok = real != NULL && stat (real, &st) == 0;

  if (ok)
    {
      *name = g_strdup_printf ("%s|%s", real, direct ? "direct" : "buffered");
      *key = g_strdup_printf ("%s|%" G_GUINT64_FORMAT "|%" G_GUINT64_FORMAT "|%" G_GINT64_FORMAT "|%" G_GINT64_FORMAT
                              ".%09ld",
                              *name, (guint64) st.st_dev, (guint64) st.st_ino, (gint64) st.st_size,
                              (gint64) st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    }
  free (real);
  return ok;
}

/* Every value is checked: the file is not trusted. */
static gboolean
profile_parse (PldProfile *profile, GKeyFile *file)
{
  g_autofree double *bandwidth = NULL;
  gsize n = 0;

  profile->direct = g_key_file_get_boolean (file, KIND, "direct", NULL);
  profile->memory = g_key_file_get_uint64 (file, KIND, "memory", NULL);
  profile->n_sizes = (guint) CLAMP (g_key_file_get_integer (file, KIND, "sizes", NULL), 0, PLD_PROFILE_SIZES);
  for (guint i = 0; i < profile->n_sizes; i++)
    {
      g_autofree char *name = g_strdup_printf ("request%u", i);

      profile->request_bytes[i] = g_key_file_get_uint64 (file, KIND, name, NULL);
      if (profile->request_bytes[i] == 0 || profile->request_bytes[i] > sizes[PLD_PROFILE_SIZES - 1]
          || (i > 0 && profile->request_bytes[i] <= profile->request_bytes[i - 1]))
        return FALSE;
    }
  bandwidth = g_key_file_get_double_list (file, KIND, "bandwidth", &n, NULL);
  if (bandwidth == NULL || profile->n_sizes == 0 || n != profile->n_sizes * PLD_PROFILE_DEPTHS)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      if (!(bandwidth[i] >= 1 && bandwidth[i] <= BANDWIDTH_MAX))
        return FALSE;
      profile->bandwidth[i / PLD_PROFILE_DEPTHS][i % PLD_PROFILE_DEPTHS] = bandwidth[i];
    }
  return TRUE;
}

PldProfile *
pld_profile_load (const char *path, gboolean direct)
{
  g_autofree char *name = NULL;
  g_autofree char *key = NULL;
  g_autoptr (GKeyFile) file = NULL;
  PldProfile *profile = NULL;

  if (pld_profile_identity (path, direct, &name, &key) && (file = pld_user_cache_load (KIND, name, key)) != NULL)
    {
      profile = g_new0 (PldProfile, 1);
      if (!profile_parse (profile, file))
        g_clear_pointer (&profile, g_free);
    }
  return profile;
}

void
pld_profile_save (const PldProfile *profile, const char *path, gboolean direct)
{
  g_autofree char *name = NULL;
  g_autofree char *key = NULL;
  g_autoptr (GKeyFile) file = g_key_file_new ();
  double bandwidth[PLD_PROFILE_SIZES * PLD_PROFILE_DEPTHS];

  if (!pld_profile_identity (path, direct, &name, &key))
    return;
  g_key_file_set_boolean (file, KIND, "direct", profile->direct);
  g_key_file_set_uint64 (file, KIND, "memory", profile->memory);
  g_key_file_set_integer (file, KIND, "sizes", (gint) profile->n_sizes);
  for (guint i = 0; i < profile->n_sizes; i++)
    {
      g_autofree char *request = g_strdup_printf ("request%u", i);

      g_key_file_set_uint64 (file, KIND, request, profile->request_bytes[i]);
      for (guint j = 0; j < PLD_PROFILE_DEPTHS; j++)
        bandwidth[i * PLD_PROFILE_DEPTHS + j] = profile->bandwidth[i][j];
    }
  g_key_file_set_double_list (file, KIND, "bandwidth", bandwidth, profile->n_sizes * PLD_PROFILE_DEPTHS);
  pld_user_cache_save (KIND, name, key, file);
}

/* ---- questions ----------------------------------------------------------------------------- */

/* Of one size, @depth between the powers of two. */
static double
size_bandwidth (const double *bandwidth, double depth)
{
  const double at = CLAMP (log2 (depth), 0, PLD_PROFILE_DEPTHS - 1);
  const guint j = MIN ((guint) at, PLD_PROFILE_DEPTHS - 2);

  return bandwidth[j] + (at - j) * (bandwidth[j + 1] - bandwidth[j]);
}

double
pld_profile_bandwidth (const PldProfile *profile, guint64 request_bytes, guint depth)
{
  const guint64 *request = profile->request_bytes;
  double lower, upper, at;
  guint i = 0;

  while (i + 1 < profile->n_sizes && request[i + 1] <= request_bytes)
    i++;
  lower = size_bandwidth (profile->bandwidth[i], MAX (1, depth));
  if (i + 1 == profile->n_sizes || request_bytes <= request[i])
    return lower;
  upper = size_bandwidth (profile->bandwidth[i + 1], MAX (1, depth));
  at = log2 ((double) request_bytes / (double) request[i]) / log2 ((double) request[i + 1] / (double) request[i]);
  return lower + at * (upper - lower);
}

guint
pld_profile_loaders (const PldProfile *profile, guint64 request_bytes)
{
  double best = 0;
  guint depth = 1;

  for (guint j = 0; j < PLD_PROFILE_DEPTHS; j++)
    best = MAX (best, pld_profile_bandwidth (profile, request_bytes, 1u << j));
  while (depth < DEPTH_MAX && pld_profile_bandwidth (profile, request_bytes, depth) < WORTH * best)
    depth *= 2;
  return depth;
}
