/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The control groups that govern this process (Linux: Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/cgroups.rst;
 * proc(5), cgroups(7)): of both versions, also mounted side by side, and as a container or a cgroup namespace shows
 * them. Which file holds a limit is for the caller to know. Thread-safe.
 */
#pragma once

#include <glib.h>

/* @folder: of one group, whose files may be missing; @version: 1 or 2, which says what they are called */
typedef void (*PldCgroupFunc) (const char *folder, guint version, gpointer data);

/**
 * pld_cgroup_foreach:
 * @root: "" for this system; a folder with copies of the files, for tests
 * @controller: as version 1 names it, e.g. "memory"
 *
 * Calls @func for the group that the process is in and for each above it, up to the mount, in every hierarchy that is
 * mounted and may have
 * @controller: in those of version 2 a group that has not got it lacks its files. All of them hold at once. A hierarchy
 * that is mounted twice comes twice.
 */
void pld_cgroup_foreach (const char *root, const char *controller, PldCgroupFunc func, gpointer data);

/* Reads a small file of the kernel, of a group or of /proc. Returns: (transfer full) (nullable): its text;
 * NULL when it cannot be read */
char *pld_cgroup_read (const char *folder, const char *name);
