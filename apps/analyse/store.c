/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes results so that they are complete or absent, also after a crash.
 */
#include "apps/analyse/store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define UNFINISHED ".unfinished-"
#define FAILED "failed"
#define DIGEST 12    /* hexadecimal digits */
#define MAX_NAME 200 /* bytes; a folder's name may have 255 with the digest */

struct _AnalyseStore
{
  char *folder, *files;
  char *options;
  int lock;
};

static gboolean
fail (GError **error, const char *path)
{
  const int code = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code), "%s: %s", path, g_strerror (code));
  return FALSE;
}

/* ---- files --------------------------------------------------------------------------------- */

/* Has what was written to @path, a file or a folder, on the disk. */
static gboolean
sync_path (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  gboolean ok = fd >= 0 && fsync (fd) == 0;

  if (!ok)
    fail (error, path);
  if (fd >= 0)
    close (fd);
  return ok;
}

/* Folders here have no folders in them. */
static gboolean
sync_folder (const char *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  const char *name;
  gboolean ok = dir != NULL;

  while (ok && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      ok = sync_path (path, error);
    }
  return ok && sync_path (folder, error);
}

void
analyse_store_discard (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
}

static gboolean
write_text (const char *folder, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  FILE *file = g_fopen (path, "we");
  gboolean ok = file != NULL && fputs (text, file) >= 0;

  if (file != NULL && fclose (file) != 0)
    ok = FALSE;
  return ok || fail (error, path);
}

/* ---- names --------------------------------------------------------------------------------- */

/* The facts that identify the results of a recording. Returns: (transfer full) */
static char *
describe (const AnalyseStore *store, const AnalyseInput *input)
{
  return g_strdup_printf ("%s\nsize %" G_GUINT64_FORMAT "\nchanged %" G_GINT64_FORMAT "\n%s\n", input->path,
                          input->size, input->mtime, store->options);
}

char *
analyse_store_path (const AnalyseStore *store, const AnalyseInput *input)
{
  g_autofree char *description = describe (store, input);
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, description, -1);
  g_autofree char *base = g_path_get_basename (input->path);
  g_autofree char *name = g_strdup_printf ("%.*s-%.*s", MAX_NAME, base, DIGEST, digest);

  /* The program's own folders begin with a dot. */
  if (*name == '.')
    *name = '_';
  return g_build_filename (store->files, name, NULL);
}

gboolean
analyse_store_has (const AnalyseStore *store, const AnalyseInput *input)
{
  g_autofree char *folder = analyse_store_path (store, input);
  g_autofree char *failed = g_build_filename (folder, FAILED, NULL);

  return g_file_test (folder, G_FILE_TEST_IS_DIR) && !g_file_test (failed, G_FILE_TEST_EXISTS);
}

/* ---- the store ----------------------------------------------------------------------------- */

static gboolean
lock (AnalyseStore *store, GError **error)
{
  g_autofree char *path = g_build_filename (store->folder, ".lock", NULL);

  store->lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (store->lock >= 0 && flock (store->lock, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  if (errno != EWOULDBLOCK)
    return fail (error, path);
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
               "%s: another analysis is at work in this folder; wait for it, or choose another --output",
               store->folder);
  return FALSE;
}

static gboolean
sweep (AnalyseStore *store, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (store->files, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, UNFINISHED))
      {
        g_autofree char *path = g_build_filename (store->files, name, NULL);

        analyse_store_discard (path);
      }
  return TRUE;
}

AnalyseStore *
analyse_store_open (const char *folder, const char *options, GError **error)
{
  g_autoptr (AnalyseStore) store = g_new0 (AnalyseStore, 1);

  store->lock = -1;
  store->folder = g_strdup (folder);
  store->files = g_build_filename (folder, "files", NULL);
  store->options = g_strdup (options);
  if (g_mkdir_with_parents (store->files, 0777) != 0)
    {
      fail (error, store->files);
      return NULL;
    }
  return lock (store, error) && sweep (store, error) ? g_steal_pointer (&store) : NULL;
}

void
analyse_store_close (AnalyseStore *store)
{
  if (store == NULL)
    return;
  if (store->lock >= 0)
    close (store->lock);
  g_free (store->folder);
  g_free (store->files);
  g_free (store->options);
  g_free (store);
}

char *
analyse_store_begin (AnalyseStore *store, const AnalyseInput *input, GError **error)
{
  g_autofree char *folder = g_build_filename (store->files, UNFINISHED "XXXXXX", NULL);

  if (g_mkdtemp_full (folder, 0777) != NULL)
    return g_steal_pointer (&folder);
  fail (error, folder);
  return NULL;
}

/* Whether the results in @folder are of a recording at @path. */
static gboolean
is_of (const char *folder, const char *path)
{
  g_autofree char *file = g_build_filename (folder, "input.txt", NULL);
  g_autofree char *text = NULL;
  const gsize n = strlen (path);

  return g_file_get_contents (file, &text, NULL, NULL) && strncmp (text, path, n) == 0 && text[n] == '\n';
}

/* Results of @input as it was, or of other options. */
static void
remove_older (AnalyseStore *store, const AnalyseInput *input, const char *current)
{
  g_autoptr (GDir) dir = g_dir_open (store->files, 0, NULL);
  const char *alike = current + strlen (store->files) + 1; /* but for the digest */
  const gsize n = strlen (alike) - DIGEST;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *folder = g_build_filename (store->files, name, NULL);

      if (strncmp (name, alike, n) == 0 && !g_str_equal (name, alike) && is_of (folder, input->path))
        analyse_store_discard (folder);
    }
}

gboolean
analyse_store_commit (AnalyseStore *store, const AnalyseInput *input, const char *folder, const char *row,
                      gboolean failed, GError **error)
{
  g_autofree char *path = analyse_store_path (store, input);
  g_autofree char *description = describe (store, input);

  if (!write_text (folder, "input.txt", description, error) || !write_text (folder, "row.csv", row, error)
      || (failed && !write_text (folder, FAILED, "", error)) || !sync_folder (folder, error))
    return FALSE;
  analyse_store_discard (path); /* there if it failed before, or is done again */
  if (g_rename (folder, path) != 0)
    return fail (error, path);
  if (!sync_path (store->files, error))
    return FALSE;
  remove_older (store, input, path);
  return TRUE;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static gboolean
append (FILE *out, const char *path)
{
  char block[65536];
  FILE *in = g_fopen (path, "re");
  gboolean ok = in != NULL || errno == ENOENT;
  size_t n;

  while (ok && in != NULL && (n = fread (block, 1, sizeof block, in)) > 0)
    ok = fwrite (block, 1, n, out) == n;
  if (in != NULL)
    {
      ok = ok && !ferror (in);
      fclose (in);
    }
  return ok;
}

gboolean
analyse_store_join (const AnalyseStore *store, const GPtrArray *inputs, const char *name, const char *header,
                    const char *part, GError **error)
{
  g_autofree char *path = g_build_filename (store->folder, name, NULL);
  g_autofree char *unfinished = g_strdup_printf ("%s/.%s", store->folder, name);
  FILE *out = g_fopen (unfinished, "we");
  gboolean ok = out != NULL && fputs (header, out) >= 0;

  for (guint i = 0; ok && i < inputs->len; i++)
    {
      g_autofree char *folder = analyse_store_path (store, inputs->pdata[i]);
      g_autofree char *file = g_build_filename (folder, part, NULL);

      ok = append (out, file);
    }
  ok = ok && fflush (out) == 0 && fsync (fileno (out)) == 0;
  if (out != NULL && fclose (out) != 0)
    ok = FALSE;
  ok = ok && g_rename (unfinished, path) == 0;
  if (!ok)
    {
      fail (error, path);
      g_unlink (unfinished);
    }
  return ok && sync_path (store->folder, error);
}
