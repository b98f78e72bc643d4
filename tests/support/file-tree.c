/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Temporary folders with files.
 */
#include "tests/support/file-tree.h"

#include <glib/gstdio.h>

char *
file_tree_new (void)
{
  char *root = g_dir_make_tmp ("pipeload-XXXXXX", NULL);

  g_assert_nonnull (root);
  return root;
}

void
file_tree_put (const char *root, const char *path, const char *text)
{
  g_autofree char *whole = g_build_filename (root, path, NULL), *folder = g_path_get_dirname (whole);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (whole, text, -1, NULL));
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *whole = g_build_filename (path, name, NULL);

      remove_all (whole);
    }
  g_remove (path);
}

void
file_tree_free (char *root)
{
  remove_all (root);
  g_free (root);
}
