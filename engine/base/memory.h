/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The memory that this process may still take.
 */
#pragma once

#include <glib.h>

/**
 * pld_memory_spare:
 * @root: "" for this system; a folder with copies of the files, for tests
 *
 * The least of what the system has available (MemAvailable of /proc/meminfo, which counts page cache that can be
 * dropped) and of what each memory cgroup that the process is in leaves, with those above it: limit − (usage − inactive
 * file pages). Version 1: memory.limit_in_bytes; version 2: memory.max and memory.high (Linux:
 * Documentation/admin-guide/cgroup-v1/memory.rst, cgroup-v2.rst). Thread-safe.
 *
 * Returns: bytes; G_MAXUINT64 when nothing says anything
 */
guint64 pld_memory_spare (const char *root);
