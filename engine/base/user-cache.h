/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measurements that are worth keeping from run to run: small key files under the user's cache directory (XDG base
 * directories), in pipeload/profiles/. The files are not trusted: the caller checks each value that it reads.
 * All functions are thread-safe.
 */
#pragma once

#include <gio/gio.h>

/**
 * pld_user_cache_load:
 * @kind: what is kept, e.g. "storage"
 * @name: of the thing that it was measured on; any text
 * @key: the state that the thing was in; any text
 *
 * Returns: (transfer full) (nullable): what was saved for @name when it was in the same state; NULL also for a damaged
 * file
 */
GKeyFile *pld_user_cache_load (const char *kind, const char *name, const char *key);

/* Replaces what was saved for @name, at once or not at all. Where that cannot be written, nothing is kept. Adds a group
 * to @file. */
void pld_user_cache_save (const char *kind, const char *name, const char *key, GKeyFile *file);
