/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How much CPU time the cgroups of this process give it.
 */
#pragma once

#include <glib.h>

/**
 * pld_cpu_quota:
 * @root: "" for this system; a folder with copies of the files, for tests
 *
 * The number of CPUs that the CPU quotas allow: quota / period of the tightest cgroup, rounded up. All cgroups that
 * contain the process count. Version 1: cpu.cfs_quota_us and cpu.cfs_period_us; version 2: cpu.max (Linux:
 * Documentation/scheduler/sched-bwc.rst, admin-guide/cgroup-v2.rst). Thread-safe.
 *
 * Returns: 1 …; G_MAXUINT when nothing limits it
 */
guint pld_cpu_quota (const char *root);
