/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * engine/base/memory: what the system and its memory cgroups leave, on copies of the files that Linux has.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "tests/support/file-tree.h"

#define MB ((guint64) 1000000)

static char *root;

static void
put (const char *path, const char *text)
{
  file_tree_put (root, path, text);
}

static void
begin (void)
{
  root = file_tree_new ();
  put ("proc/meminfo", "MemTotal:        8000000 kB\nMemFree:          100000 kB\nMemAvailable:    2000000 kB\n");
}

static void
end (void)
{
  g_clear_pointer (&root, file_tree_free);
}

static void
test_system (void)
{
  begin ();
  g_assert_cmpuint (pld_memory_spare (root), ==, (guint64) 2000000 * 1024);
  put ("proc/meminfo", "MemTotal: 12 kB\n");
  g_assert_cmpuint (pld_memory_spare (root), ==, G_MAXUINT64);
  put ("proc/meminfo", "MemAvailable: nothing\n");
  g_assert_cmpuint (pld_memory_spare (root), ==, G_MAXUINT64);
  put ("proc/meminfo", "MemAvailable: 99999999999999999999999 kB\n");
  g_assert_cmpuint (pld_memory_spare (root), ==, G_MAXUINT64);
  end ();
}

/* Version 2: the tightest on the way up counts; "max" is none; inactive file pages can be dropped. */
static void
test_version_2 (void)
{
  begin ();
  put ("proc/self/mountinfo", "22 1 0:20 / /sys rw - sysfs sysfs rw\n30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - "
                              "cgroup2 cgroup2 rw,nsdelegate\n");
  put ("proc/self/cgroup", "0::/user.slice/camera.service\n");
  put ("sys/fs/cgroup/user.slice/memory.max", "max\n");
  put ("sys/fs/cgroup/user.slice/memory.current", "900000000\n");
  put ("sys/fs/cgroup/user.slice/camera.service/memory.max", "500000000\n");
  put ("sys/fs/cgroup/user.slice/camera.service/memory.current", "200000000\n");
  put ("sys/fs/cgroup/user.slice/camera.service/memory.stat",
       "anon 5\nfile 7\ninactive_file 50000000\nactive_file 9\n");
  g_assert_cmpuint (pld_memory_spare (root), ==, 350 * MB);
  put ("sys/fs/cgroup/user.slice/camera.service/memory.high", "400000000\n");
  g_assert_cmpuint (pld_memory_spare (root), ==, 250 * MB);
  put ("sys/fs/cgroup/user.slice/memory.max", "1000000000\n");
  g_assert_cmpuint (pld_memory_spare (root), ==, 100 * MB);
  put ("sys/fs/cgroup/user.slice/memory.current", "1100000000\n");
  g_assert_cmpuint (pld_memory_spare (root), ==, 0);
  end ();
}

/* Version 1, as in a container: the mount shows a part of the hierarchy only. Its "no limit" is a large number. */
static void
test_version_1 (void)
{
  begin ();
  put ("proc/self/mountinfo", "40 22 0:30 /docker/7 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n41 22 0:31 "
                              "/docker/7 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n");
  put ("proc/self/cgroup", "9:memory:/docker/7/job\n4:cpu,cpuacct:/docker/7\n0::/\n");
  put ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put ("sys/fs/cgroup/memory/memory.usage_in_bytes", "123\n");
  put ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "64000000\n");
  put ("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "30000000\n");
  put ("sys/fs/cgroup/memory/job/memory.stat", "inactive_file 1\ntotal_inactive_file 10000000\n");
  g_assert_cmpuint (pld_memory_spare (root), ==, 44 * MB);
  put ("proc/self/cgroup", "9:memory:/elsewhere\n");
  g_assert_cmpuint (pld_memory_spare (root), ==, (guint64) 2000000 * 1024);
  end ();
}

/* Any content is survived. */
static void
test_damaged (void)
{
  begin ();
  put ("proc/self/mountinfo",
       "\n - \n1 2 3 / / - cgroup2\n1 2 3 /../.. /x rw - cgroup2 c rw\n30 22 0:26 / /sys/fs/cgroup rw - cgroup2 c rw");
  put ("proc/self/cgroup", "::\n0::\n0:\nmemory\n0::/a//b/../c/\n");
  put ("sys/fs/cgroup/memory.max", "-5 MB\n");
  put ("sys/fs/cgroup/memory.current", "");
  g_assert_cmpuint (pld_memory_spare (root), <=, (guint64) 2000000 * 1024);
  end ();
}

/* This machine's own: something can be spared, and no more than it has. */
static void
test_here (void)
{
  g_autofree char *text = NULL;
  guint64 total;

  g_assert_true (g_file_get_contents ("/proc/meminfo", &text, NULL, NULL));
  total = g_ascii_strtoull (strstr (text, "MemTotal:") + 9, NULL, 10) * 1024;
  g_assert_cmpuint (pld_memory_spare (""), >, 0);
  g_assert_cmpuint (pld_memory_spare (""), <, total);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/memory/system", test_system);
  g_test_add_func ("/memory/version-2", test_version_2);
  g_test_add_func ("/memory/version-1", test_version_1);
  g_test_add_func ("/memory/damaged", test_damaged);
  g_test_add_func ("/memory/here", test_here);
  return g_test_run ();
}
