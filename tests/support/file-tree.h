/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A folder with made-up files, such as /proc and /sys/fs/cgroup have.
 */
#pragma once

#include <glib.h>

/* Returns: (transfer full): a new, empty folder; end it with file_tree_free() */
char *file_tree_new (void);
/* Writes a file, and the folders that contain it. */
void file_tree_put (const char *root, const char *path, const char *text);
/* Takes the folder away, with all that is in it. */
void file_tree_free (char *root);
