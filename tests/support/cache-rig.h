/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A scratch folder that holds the user's cache, for tests of what is kept in it.
 */
#pragma once

#include <glib.h>

/* Makes the folder; before anything asks for the user's cache directory. Returns: (transfer none) */
const char *cache_rig_open (void);
/* Removes it with all that is in it. */
void cache_rig_close (void);
/* Removes what is kept. */
void cache_rig_clear (void);
/* The only file in the cache whose name begins with @kind. Returns: (transfer full) */
char *cache_rig_file (const char *kind);
/* Replaces @from, which @file has once, by @to. */
void cache_rig_spoil (const char *file, const char *from, const char *to);
