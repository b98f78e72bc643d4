/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The profiler of storage: measured profiles by their properties, questions against a profile that is made up, and
 * files in the cache that are not ours.
 */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <utime.h>

#include "engine/stream/profile.h"
#include "tests/support/cache-rig.h"

#define MIB ((guint64) 1 << 20)

static const char *scratch; /* the cache is in it too */

static char *
make_file (const char *name, gsize n)
{
  char *path = g_build_filename (scratch, name, NULL);
  g_autofree char *bytes = g_malloc0 (n);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, bytes, (gssize) n, &error);
  g_assert_no_error (error);
  return path;
}

static PldProfile *
measure_file (const char *path, gboolean direct, PldBudget *budget, GCancellable *cancellable, GError **error)
{
  PldFile *file = pld_file_open (path, direct, error);
  PldProfile *profile = pld_profile_measure (file, budget, 40 * G_TIME_SPAN_MILLISECOND, cancellable, error);

  g_clear_pointer (&file, pld_file_close);
  return profile;
}

/* ---- storage ------------------------------------------------------------------------------- */

static void
check_profile (const PldProfile *profile)
{
  g_assert_cmpuint (profile->n_sizes, >=, 1);
  for (guint i = 0; i < profile->n_sizes; i++)
    for (guint j = 0; j < PLD_PROFILE_DEPTHS; j++)
      {
        g_assert_cmpfloat (profile->bandwidth[i][j], >, 0);
        g_assert_true (isfinite (profile->bandwidth[i][j]));
      }
}

/* Sizes are those that file and memory have room for; memory is charged, within the limit, and given back. */
static void
test_measure (void)
{
  const struct
  {
    gsize file;
    guint64 limit;
    guint n_sizes;
    guint64 largest;
  } cases[] = {
    { 10, 0, 1, 10 },           { 300 * 1024, 0, 1, MIB / 4 },    { 5 * MIB, 0, 3, 4 * MIB },
    { 9 * MIB, 0, 4, 8 * MIB }, { 9 * MIB, 5 * MIB, 3, 4 * MIB }, { 9 * MIB, 100 * 1000, 1, 98304 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases) * 2; i++)
    {
      const gboolean direct = i % 2 == 0;
      g_autofree char *path = make_file ("measured", cases[i / 2].file);
      PldBudget *budget = pld_budget_new (cases[i / 2].limit);
      g_autoptr (GError) error = NULL;
      g_autofree PldProfile *profile = measure_file (path, direct, budget, NULL, &error);

      g_assert_no_error (error);
      check_profile (profile);
      g_assert_cmpuint (profile->n_sizes, ==, cases[i / 2].n_sizes);
      g_assert_cmpuint (profile->request_bytes[profile->n_sizes - 1], ==, cases[i / 2].largest);
      g_assert_false (profile->direct && !direct);
      g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
      g_assert_cmpuint (pld_budget_get_peak (budget), >=, cases[i / 2].largest);
      g_assert_cmpuint (pld_budget_get_peak (budget), <=,
                        cases[i / 2].limit > 0 ? cases[i / 2].limit : PLD_PROFILE_MEMORY);
      g_clear_pointer (&budget, pld_budget_free);
    }
}

static void
test_measure_fails (void)
{
  g_autofree char *path = make_file ("fails", 2 * MIB);
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  PldBudget *budget = pld_budget_new (0), *nothing = pld_budget_new (100);
  g_autoptr (GError) error = NULL;
  PldFile *file;

  g_cancellable_cancel (cancelled);
  g_assert_null (measure_file (path, TRUE, budget, cancelled, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (measure_file (path, TRUE, nothing, NULL, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  g_clear_error (&error);
  /* Cut while it is open. */
  file = pld_file_open (path, TRUE, NULL);
  g_free (make_file ("other", 1));
  g_assert_cmpint (truncate (path, 100), ==, 0);
  g_assert_null (pld_profile_measure (file, budget, 1000, NULL, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_IO);
  g_clear_pointer (&file, pld_file_close);
  g_assert_cmpuint (pld_budget_get_used (budget), ==, 0);
  g_clear_pointer (&budget, pld_budget_free);
  g_clear_pointer (&nothing, pld_budget_free);
}

/* 256 KiB: 100, 200, 200, 150; 1 MiB: 200, 300, 400, 410; 4 MiB: 400 everywhere. */
static const PldProfile made_up
    = { .direct = TRUE,
        .memory = PLD_PROFILE_MEMORY,
        .n_sizes = 3,
        .request_bytes = { MIB / 4, MIB, 4 * MIB },
        .bandwidth = { { 100, 200, 200, 150 }, { 200, 300, 400, 410 }, { 400, 400, 400, 400 } } };

static void
test_questions (void)
{
  const struct
  {
    guint64 bytes;
    guint depth;
    double bandwidth;
  } cases[] = {
    { MIB, 1, 200 },     { MIB, 8, 410 },     { MIB, 100, 410 },
    { MIB, 0, 200 },     { 4 * MIB, 2, 400 }, { 100 * MIB, 2, 400 }, /* beyond the ends: as at the ends */
    { 1000, 1, 100 },    { MIB / 2, 1, 150 }, { 2 * MIB, 2, 350 },   /* half way from size to size */
    { MIB / 2, 4, 300 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpfloat_with_epsilon (pld_profile_bandwidth (&made_up, cases[i].bytes, cases[i].depth),
                                    cases[i].bandwidth, 1e-9);
  /* Three in flight are log2 (1.5) of the way from two to four. */
  g_assert_cmpfloat_with_epsilon (pld_profile_bandwidth (&made_up, MIB, 3), 300 + 100 * log2 (1.5), 1e-9);
  g_assert_cmpuint (pld_profile_loaders (&made_up, MIB / 4), ==, 2);
  g_assert_cmpuint (pld_profile_loaders (&made_up, MIB), ==, 4); /* 410 is not 3 % more than 400 */
  g_assert_cmpuint (pld_profile_loaders (&made_up, 4 * MIB), ==, 1);
  /* 300, 350, 400, 405 at 2 MiB */
  g_assert_cmpuint (pld_profile_loaders (&made_up, 2 * MIB), ==, 4);
}

/* ---- the cache ----------------------------------------------------------------------------- */

static void
test_cache (void)
{
  g_autofree char *path = make_file ("cached", 1000);
  g_autofree char *link = g_build_filename (scratch, "link", NULL);
  g_autofree PldProfile *loaded = NULL, *linked = NULL;

  cache_rig_clear ();
  g_assert_null (pld_profile_load (path, TRUE));
  pld_profile_save (&made_up, path, TRUE);
  loaded = pld_profile_load (path, TRUE);
  g_assert_nonnull (loaded);
  g_assert_cmpmem (loaded, sizeof *loaded, &made_up, sizeof made_up);
  /* The same file by another name; not the same way of reading it. */
  g_assert_cmpint (symlink (path, link), ==, 0);
  linked = pld_profile_load (link, TRUE);
  g_assert_nonnull (linked);
  g_assert_null (pld_profile_load (path, FALSE));
  g_assert_null (pld_profile_load ("/no/such/file", TRUE));
  pld_profile_save (&made_up, "/no/such/file", TRUE);
  g_unlink (link);
}

static void
test_cache_key (void)
{
  g_autofree char *path = make_file ("changing", 1000);
  g_autofree char *other = make_file ("changing-other", 1000);
  struct utimbuf then = { 1000000, 1000000 };

  for (guint change = 0; change < 3; change++)
    {
      g_autofree PldProfile *loaded = NULL;

      pld_profile_save (&made_up, path, TRUE);
      loaded = pld_profile_load (path, TRUE);
      g_assert_nonnull (loaded);
      if (change == 0)
        g_assert_cmpint (truncate (path, 999), ==, 0);
      else if (change == 1)
        g_assert_cmpint (utime (path, &then), ==, 0);
      else
        g_assert_cmpint (g_rename (other, path), ==, 0);
      g_assert_null (pld_profile_load (path, TRUE));
    }
}

static void
test_cache_damaged (void)
{
  const struct
  {
    const char *from, *to;
  } cases[] = {
    { "bandwidth=100;", "bandwidth=0;" },
    { "bandwidth=100;", "bandwidth=-5;" },
    { "bandwidth=100;", "bandwidth=nan;" },
    { "bandwidth=100;", "bandwidth=inf;" },
    { "bandwidth=100;", "bandwidth=1e300;" },
    { "bandwidth=100;", "bandwidth=" },
    { "bandwidth=100;", "bandwidth=1;1;" },
    { "bandwidth=100;", "bandwidth=x;" },
    { "bandwidth", "band" },
    { "sizes=3", "sizes=4" },
    { "sizes=3", "sizes=0" },
    { "sizes=3", "sizes=-1" },
    { "sizes=3", "sizes=99999999999999999" },
    { "request1=1048576", "request1=1" },
    { "request1=1048576", "request1=-1" },
    { "request2=4194304", "request2=1048576" },
    { "request2=4194304", "request2=99999999999" },
    { "key=", "key=0" },
    { "version=", "version=9" },
    { "[storage]", "[other]" },
    { "[profile]", "[profile" },
    { "[storage]", "\xff\xfe" },
  };
  g_autofree char *path = make_file ("damaged", 1000);
  g_autofree char *file = NULL;
  g_autofree char *large = g_malloc (100000);

  cache_rig_clear ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree PldProfile *sound = NULL;

      pld_profile_save (&made_up, path, TRUE);
      g_clear_pointer (&file, g_free);
      file = cache_rig_file ("storage");
      sound = pld_profile_load (path, TRUE);
      g_assert_nonnull (sound);
      cache_rig_spoil (file, cases[i].from, cases[i].to);
      g_assert_null (pld_profile_load (path, TRUE));
    }
  memset (large, '\n', 100000);
  g_assert_true (g_file_set_contents (file, large, 100000, NULL));
  g_assert_null (pld_profile_load (path, TRUE));
  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_assert_null (pld_profile_load (path, TRUE));
  /* Nobody will ever write into this pipe. */
  g_unlink (file);
  g_assert_cmpint (mkfifo (file, 0600), ==, 0);
  g_assert_null (pld_profile_load (path, TRUE));
  pld_profile_save (&made_up, path, TRUE);
  g_free (pld_profile_load (path, TRUE));
}

int
main (int argc, char **argv)
{
  int status;

  scratch = cache_rig_open ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profile/measure", test_measure);
  g_test_add_func ("/profile/measure-fails", test_measure_fails);
  g_test_add_func ("/profile/questions", test_questions);
  g_test_add_func ("/profile/cache", test_cache);
  g_test_add_func ("/profile/cache-key", test_cache_key);
  g_test_add_func ("/profile/cache-damaged", test_cache_damaged);
  status = g_test_run ();
  cache_rig_close ();
  return status;
}
