/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds the recordings in files and folders.
 */
#include "apps/analyse/input.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_DEPTH 64 /* of folders in folders */

typedef struct
{
  GPtrArray *inputs;
  GHashTable *seen;  /* "device:inode" of files and folders: links may lead anywhere */
  GHashTable *names; /* of @inputs */
  char *output;      /* absolute */
  AnalyseSkipped *skipped;
} Search;

static void
input_free (gpointer data)
{
  AnalyseInput *input = data;

  g_free (input->path);
  g_free (input->name);
  g_free (input);
}

static gboolean
is_video (const char *name)
{
  static const char *const endings[] = { "3gp", "asf",  "avi", "flv", "m2ts", "m4v", "mjpeg", "mjpg", "mkv", "mov",
                                         "mp4", "mpeg", "mpg", "mts", "mxf",  "ogv", "ts",    "webm", "wmv", NULL };
  const char *dot = strrchr (name, '.');
  g_autofree char *ending = dot != NULL ? g_ascii_strdown (dot + 1, -1) : NULL;

  return ending != NULL && g_strv_contains (endings, ending);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
set_failure (GError **error, const char *path)
{
  const int code = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code), "%s: %s; check the path", path, g_strerror (code));
}

/* Returns: whether the file or folder is new */
static gboolean
see (Search *search, const GStatBuf *what)
{
  const gboolean is_new
      = g_hash_table_add (search->seen, g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                                         (guint64) what->st_dev, (guint64) what->st_ino));

  search->skipped->again += !is_new;
  return is_new;
}

static void
add_file (Search *search, const char *path, const char *name, const GStatBuf *what)
{
  AnalyseInput *input;
  char *shown;

  if (!see (search, what))
    return;
  shown = g_filename_display_name (name);
  if (g_hash_table_contains (search->names, shown)) /* two folders' recordings of one name */
    {
      g_free (shown);
      shown = g_filename_display_name (path);
    }
  input = g_new0 (AnalyseInput, 1);
  input->path = g_strdup (path);
  input->name = shown;
  input->size = (guint64) what->st_size;
  input->mtime = (gint64) what->st_mtim.tv_sec * G_GINT64_CONSTANT (1000000000) + what->st_mtim.tv_nsec;
  g_ptr_array_add (search->inputs, input);
  g_hash_table_add (search->names, input->name);
}

/* Returns: (transfer full) (nullable): the names in @folder, sorted */
static GPtrArray *
list (const char *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  GPtrArray *names;
  const char *name;

  if (dir == NULL)
    return NULL;
  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* @below: the folder's name in results, "" or with "/" at its end */
static gboolean
add_folder (Search *search, const char *folder, const char *below, const GStatBuf *info, guint depth, GError **error)
{
  g_autoptr (GPtrArray) names = NULL;
  gboolean ok = TRUE;

  if (g_str_equal (folder, search->output) || depth > MAX_DEPTH || !see (search, info))
    return TRUE;
  names = list (folder, error);
  if (names == NULL)
    return FALSE;
  for (guint i = 0; ok && i < names->len; i++)
    {
      const char *entry = names->pdata[i];
      g_autofree char *path = g_build_filename (folder, entry, NULL);
      g_autofree char *name = g_strconcat (below, entry, NULL);
      g_autofree char *deeper = g_strconcat (name, "/", NULL);
      GStatBuf what;

      if (*entry == '.')
        search->skipped->hidden++;
      else if (g_stat (path, &what) != 0)
        search->skipped->dangling += g_file_test (path, G_FILE_TEST_IS_SYMLINK); /* else it is gone meanwhile */
      else if (S_ISDIR (what.st_mode))
        ok = add_folder (search, path, deeper, &what, depth + 1, error);
      else if (S_ISREG (what.st_mode) && is_video (entry))
        add_file (search, path, name, &what);
    }
  return ok;
}

static gboolean
add_argument (Search *search, const char *argument, GError **error)
{
  g_autofree char *path = g_canonicalize_filename (argument, NULL);
  g_autofree char *name = g_path_get_basename (path);
  GStatBuf what;

  if (g_stat (path, &what) != 0)
    {
      set_failure (error, argument);
      return FALSE;
    }
  if (S_ISDIR (what.st_mode))
    return add_folder (search, path, "", &what, 0, error);
  if (!S_ISREG (what.st_mode))
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: neither a file nor a folder", argument);
      return FALSE;
    }
  add_file (search, path, name, &what);
  return TRUE;
}

GPtrArray *
analyse_inputs_find (char **arguments, const char *output, AnalyseSkipped *skipped, GError **error)
{
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func (input_free);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *absolute = g_canonicalize_filename (output, NULL);
  Search search = { inputs, seen, names, absolute, skipped };

  *skipped = (AnalyseSkipped) { 0 };
  for (; *arguments != NULL; arguments++)
    if (!add_argument (&search, *arguments, error))
      return NULL;
  if (inputs->len == 0)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "there are no videos in these folders");
      return NULL;
    }
  return g_steal_pointer (&inputs);
}
