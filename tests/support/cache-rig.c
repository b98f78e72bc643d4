/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A cache directory of its own for each test.
 */
#include "tests/support/cache-rig.h"

#include <glib/gstdio.h>

#include "tests/support/model-bytes.h"

static char *scratch;

const char *
cache_rig_open (void)
{
  scratch = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  g_assert_nonnull (scratch);
  g_assert_true (g_setenv ("XDG_CACHE_HOME", scratch, TRUE));
  return scratch;
}

void
cache_rig_close (void)
{
  remove_folder (scratch);
  g_clear_pointer (&scratch, g_free);
}

char *
cache_rig_file (const char *kind)
{
  g_autofree char *folder = g_build_filename (g_get_user_cache_dir (), "pipeload", "profiles", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, kind))
      return g_build_filename (folder, name, NULL);
  g_assert_not_reached ();
}

void
cache_rig_clear (void)
{
  g_autofree char *folder = g_build_filename (g_get_user_cache_dir (), "pipeload", "profiles", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
}

void
cache_rig_spoil (const char *file, const char *from, const char *to)
{
  g_autofree char *text = NULL;
  g_autoptr (GString) spoilt = NULL;

  g_assert_true (g_file_get_contents (file, &text, NULL, NULL));
  spoilt = g_string_new (text);
  g_assert_cmpuint (g_string_replace (spoilt, from, to, 1), ==, 1);
  g_assert_true (g_file_set_contents (file, spoilt->str, (gssize) spoilt->len, NULL));
}
