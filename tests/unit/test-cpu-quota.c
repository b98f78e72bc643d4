/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * engine/base/cpu-quota and cgroup: what quotas are worth, on made-up copies of the files that Linux has; and what the
 * team makes of it.
 */
#include <sched.h>

#include "engine/base/cgroup.h"
#include "engine/base/cpu-quota.h"
#include "engine/base/team.h"
#include "tests/support/file-tree.h"

#define NONE G_MAXUINT
#define V1 "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
#define V2 "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"

static char *root;

static void
put (const char *path, const char *text)
{
  file_tree_put (root, path, text);
}

static void
begin (const char *mounts, const char *groups)
{
  root = file_tree_new ();
  put ("proc/self/mountinfo", mounts);
  put ("proc/self/cgroup", groups);
}

static void
end (void)
{
  g_clear_pointer (&root, file_tree_free);
}

/* ---- version 2 ----------------------------------------------------------------------------- */

/* The tightest on the way up counts, also where levels between say nothing. */
static void
test_version_2 (void)
{
  begin (V2, "0::/kubepods.slice/pod.slice/7\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, NONE);
  put ("sys/fs/cgroup/kubepods.slice/pod.slice/7/cpu.max", "max 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, NONE);
  put ("sys/fs/cgroup/kubepods.slice/cpu.max", "1200000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 12);
  put ("sys/fs/cgroup/kubepods.slice/pod.slice/7/cpu.max", "200000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 2);
  put ("sys/fs/cgroup/kubepods.slice/pod.slice/cpu.max", "300000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 2);
  put ("sys/fs/cgroup/kubepods.slice/cpu.max", "20000 20000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 1);
  /* Of others. */
  put ("sys/fs/cgroup/kubepods.slice/cpu.max", "max 100000\n");
  put ("sys/fs/cgroup/kubepods.slice/pod.slice/7/child/cpu.max", "100000 100000\n");
  put ("sys/fs/cgroup/kubepods.slice/pod.slice/8/cpu.max", "100000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 2);
  end ();
}

/* In a cgroup namespace, and in a container that has none: the mount's top is the container's own group. */
static void
test_container (void)
{
  begin (V2, "0::/\n");
  put ("sys/fs/cgroup/cpu.max", "400000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 4);
  put ("proc/self/cgroup", "0::/job\n");
  put ("sys/fs/cgroup/job/cpu.max", "50000 25000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 2);
  put ("proc/self/mountinfo", "30 22 0:26 /docker/7 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  put ("proc/self/cgroup", "0::/docker/7\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 4);
  put ("proc/self/cgroup", "0::/docker/7/job\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 2);
  /* A neighbor whose name begins alike. */
  put ("proc/self/cgroup", "0::/docker/77\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, NONE);
  end ();
}

/* Spaces and backslashes, which mountinfo writes in octal. */
static void
test_names (void)
{
  begin ("30 22 0:26 /machine.slice/machine-a\\134x2db.scope /sys/fs/control\\040groups rw - cgroup2 cgroup2 rw\n",
         "0::/machine.slice/machine-a\\x2db.scope/a:b\n");
  put ("sys/fs/control groups/a:b/cpu.max", "300000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 3);
  end ();
}

static void
test_rounding (void)
{
  static const struct
  {
    const char *text;
    guint cpus;
  } cases[] = {
    { "1000 100000", 1 },   { "50000 100000", 1 },  { "100000 100000", 1 }, { "100001 100000", 2 },
    { "150000 100000", 2 }, { "200000 100000", 2 }, { "250000 100000", 3 }, { "1600000 100000", 16 },
  };

  begin (V2, "0::/a\n");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      put ("sys/fs/cgroup/a/cpu.max", cases[i].text);
      g_assert_cmpuint (pld_cpu_quota (root), ==, cases[i].cpus);
    }
  end ();
}

/* ---- version 1 ----------------------------------------------------------------------------- */

static void
test_version_1 (void)
{
  begin ("34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n" V1,
         "3:cpuset:/set\n2:cpuacct,cpu:/docker/7\n1:name=systemd:/\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, NONE);
  put ("sys/fs/cgroup/cpu/docker/7/cpu.cfs_quota_us", "-1\n");
  put ("sys/fs/cgroup/cpu/docker/7/cpu.cfs_period_us", "100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, NONE);
  put ("sys/fs/cgroup/cpu/docker/cpu.cfs_quota_us", "450000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, NONE);
  put ("sys/fs/cgroup/cpu/docker/cpu.cfs_period_us", "50000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 9);
  put ("sys/fs/cgroup/cpu/docker/7/cpu.cfs_quota_us", "150000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 2);
  put ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
  put ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 1);
  /* Neither another hierarchy's files nor the other version's. */
  put ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  put ("sys/fs/cgroup/cpuset/set/cpu.cfs_quota_us", "100000\n");
  put ("sys/fs/cgroup/cpuset/set/cpu.cfs_period_us", "100000\n");
  put ("sys/fs/cgroup/cpu/docker/7/cpu.max", "100000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 2);
  end ();
}

/* Both versions mounted, as systemd's hybrid mode has them: whichever has the controller limits it. */
static void
test_hybrid (void)
{
  begin (V1 "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", "1:cpu,cpuacct:/old\n0::/new\n");
  put ("sys/fs/cgroup/unified/new/cgroup.controllers", "\n");
  put ("sys/fs/cgroup/cpu/old/cpu.cfs_quota_us", "300000\n");
  put ("sys/fs/cgroup/cpu/old/cpu.cfs_period_us", "100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 3);
  put ("sys/fs/cgroup/unified/old/cpu.max", "100000 100000\n");
  put ("sys/fs/cgroup/cpu/new/cpu.cfs_quota_us", "100000\n");
  put ("sys/fs/cgroup/cpu/new/cpu.cfs_period_us", "100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 3);
  put ("sys/fs/cgroup/unified/new/cpu.max", "200000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 2);
  put ("sys/fs/cgroup/cpu/old/cpu.cfs_quota_us", "-1\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 2);
  /* Version 1 without a hierarchy for CPUs. */
  put ("proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,memory\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, NONE);
  end ();
}

/* ---- what is damaged ----------------------------------------------------------------------- */

static void
test_damaged_values (void)
{
  static const char *const values[] = {
    "",
    "\n",
    "max",
    "200000",
    "200000\n",
    "200000 0",
    "0 100000",
    "0 0",
    "-1 100000",
    "200000 -5",
    "-200000 -100000",
    "x 100000",
    "200000 x",
    "2e5 1e5",
    "0x30d40 0x186a0",
    "NaN NaN",
    "99999999999999999999999 100000",
    "9223372036854775807 1",
    "9223372036854775807 2",
    "4294967295 1",
  };

  begin (V1 V2, "1:cpu:/a\n0::/a\n");
  put ("sys/fs/cgroup/a/cpu.max", "100000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_auto (GStrv) words = g_strsplit (values[i], " ", 2);

      put ("sys/fs/cgroup/a/cpu.max", values[i]);
      put ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", words[0] != NULL ? words[0] : "");
      put ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", words[0] != NULL && words[1] != NULL ? words[1] : "");
      g_test_message ("\"%s\"", values[i]);
      g_assert_cmpuint (pld_cpu_quota (root), ==, NONE);
    }
  /* A period beyond what there is: hardly any time, but a thread. */
  put ("sys/fs/cgroup/a/cpu.max", "1 99999999999999999999999");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 1);
  end ();
}

static void
test_damaged_system (void)
{
  begin ("\n - \n1 2 3 / / - cgroup2\n1 2 3 /.. /x rw - cgroup cpu cpu\n - cgroup2 c rw\n" V2,
         "::\n0::\n0:\ncpu\n0::/a\n");
  put ("sys/fs/cgroup/cpu.max", "200000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, 2);
  end ();
  begin (V1 V2, "");
  put ("sys/fs/cgroup/cpu.max", "200000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, NONE);
  end ();
  root = file_tree_new ();
  put ("sys/fs/cgroup/cpu.max", "200000 100000\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, NONE);
  put ("proc/self/cgroup", "0::/\n");
  g_assert_cmpuint (pld_cpu_quota (root), ==, NONE);
  end ();
}

/* ---- the walk ------------------------------------------------------------------------------ */

static void
note_folder (const char *folder, guint version, gpointer data)
{
  g_string_append_printf (data, "%u:%s\n", version, folder + strlen (root));
}

static void
test_walk (void)
{
  g_autoptr (GString) seen = g_string_new (NULL);

  begin (V1 V2 "50 22 0:9 / /proc rw - proc proc rw,cpu\n", "7:cpu,cpuacct:/one\n0::/two/three\n");
  pld_cgroup_foreach (root, "cpu", note_folder, seen);
  g_assert_cmpstr (seen->str, ==,
                   "1:/sys/fs/cgroup/cpu/one\n1:/sys/fs/cgroup/cpu\n2:/sys/fs/cgroup/two/three\n2:/sys/fs/cgroup/"
                   "two\n2:/sys/fs/cgroup\n");
  g_string_truncate (seen, 0);
  pld_cgroup_foreach (root, "memory", note_folder, seen);
  g_assert_cmpstr (seen->str, ==, "2:/sys/fs/cgroup/two/three\n2:/sys/fs/cgroup/two\n2:/sys/fs/cgroup\n");
  end ();
}

/* ---- the team ------------------------------------------------------------------------------ */

/* The lesser of affinity, as it is now, and this machine's own quota. */
static void
test_team (void)
{
  cpu_set_t before, one;

  g_assert_cmpint (sched_getaffinity (0, sizeof before, &before), ==, 0);
  g_assert_cmpuint (pld_cpu_quota (""), >=, 1);
  g_assert_cmpuint (pld_team_cores (), ==, MIN ((guint) CPU_COUNT (&before), pld_cpu_quota ("")));
  CPU_ZERO (&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT (&one) == 0; i++)
    if (CPU_ISSET (i, &before))
      CPU_SET (i, &one);
  g_assert_cmpint (sched_setaffinity (0, sizeof one, &one), ==, 0);
  g_assert_cmpuint (pld_team_cores (), ==, 1);
  g_assert_cmpint (sched_setaffinity (0, sizeof before, &before), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cpu-quota/version-2", test_version_2);
  g_test_add_func ("/cpu-quota/container", test_container);
  g_test_add_func ("/cpu-quota/names", test_names);
  g_test_add_func ("/cpu-quota/rounding", test_rounding);
  g_test_add_func ("/cpu-quota/version-1", test_version_1);
  g_test_add_func ("/cpu-quota/hybrid", test_hybrid);
  g_test_add_func ("/cpu-quota/damaged-values", test_damaged_values);
  g_test_add_func ("/cpu-quota/damaged-system", test_damaged_system);
  g_test_add_func ("/cpu-quota/walk", test_walk);
  g_test_add_func ("/cpu-quota/team", test_team);
  return g_test_run ();
}
