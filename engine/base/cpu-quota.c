/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tightest CPU quota of all cgroups above this process.
 */
#include "engine/base/cpu-quota.h"

#include "engine/base/cgroup.h"

/* The number at the start of @text (nullable); @rest gets the remaining text. 0 if there is no number, as in "max". A
 * number that is too large becomes the largest. */
static gint64
first_number (const char *text, char **rest)
{
  gint64 value = 0;

  *rest = NULL;
  if (text != NULL)
    value = g_ascii_strtoll (text, rest, 10);
  return *rest != NULL && (**rest == '\0' || g_ascii_isspace (**rest)) ? value : 0;
}

/* Lowers a guint to the CPUs that one group's quota is worth. A part of a CPU counts as one: two threads use all of 1.5
 * CPUs' time and rest for the last quarter of each period, where one would leave a third of the time unused. */
static void
group_cpus (const char *folder, guint version, gpointer data)
{
  g_autofree char *text = pld_cgroup_read (folder, version == 1 ? "cpu.cfs_quota_us" : "cpu.max");
  g_autofree char *separate = version == 1 ? pld_cgroup_read (folder, "cpu.cfs_period_us") : NULL;
  char *rest;
  const gint64 quota = first_number (text, &rest);
  const gint64 period = first_number (version == 1 ? separate : rest, &rest);
  guint *cpus = data;

  if (quota > 0 && period > 0)
    *cpus = (guint) MIN (*cpus, quota / period + (quota % period > 0));
}

guint
pld_cpu_quota (const char *root)
{
  guint cpus = G_MAXUINT;

  pld_cgroup_foreach (root, "cpu", group_cpus, &cpus);
  return cpus;
}
