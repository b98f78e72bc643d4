/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Key files under the user's cache directory, written completely or not at all.
 */
#include "engine/base/user-cache.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than any profile takes; a longer file is not ours. */
#define BYTES_MAX ((gsize) 64 << 10)
#define GROUP "profile"
/* To be raised whenever the measurements or their meaning change. */
#define VERSION 1

static char *
cache_folder (void)
{
  return g_build_filename (g_get_user_cache_dir (), "pipeload", "profiles", NULL);
}

static char *
cache_path (const char *kind, const char *name)
{
  g_autofree char *folder = cache_folder ();
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, name, -1);
  g_autofree char *file = g_strdup_printf ("%s-%.32s.ini", kind, sum);

  return g_build_filename (folder, file, NULL);
}

/* The text of a regular file of reasonable length, or NULL; never blocks on a pipe. */
static char *
read_text (const char *path, gsize *length)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  g_autofree char *text = NULL;
  gsize n = 0;
  ssize_t got = 1;
  struct stat st;

  if (fd < 0)
    return NULL;
  if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && st.st_size > 0 && (guint64) st.st_size <= BYTES_MAX)
    {
      text = g_malloc ((gsize) st.st_size);
      while (n < (gsize) st.st_size
             && ((got = read (fd, text + n, (gsize) st.st_size - n)) > 0 || (got < 0 && errno == EINTR)))
        n += got > 0 ? (gsize) got : 0;
    }
  close (fd);
  *length = n;
  return got >= 0 ? g_steal_pointer (&text) : NULL;
}

GKeyFile *
pld_user_cache_load (const char *kind, const char *name, const char *key)
{
  g_autofree char *path = cache_path (kind, name);
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, key, -1);
  g_autofree char *saved = NULL;
  g_autoptr (GKeyFile) file = g_key_file_new ();
  gsize length;
  g_autofree char *text = read_text (path, &length);

  if (text == NULL || length == 0 || !g_key_file_load_from_data (file, text, length, G_KEY_FILE_NONE, NULL))
    return NULL;
  saved = g_key_file_get_string (file, GROUP, "key", NULL);
  if (g_strcmp0 (saved, sum) != 0 || g_key_file_get_integer (file, GROUP, "version", NULL) != VERSION)
    return NULL;
  return g_steal_pointer (&file);
}

void
pld_user_cache_save (const char *kind, const char *name, const char *key, GKeyFile *file)
{
  g_autofree char *folder = cache_folder ();
  g_autofree char *path = cache_path (kind, name);
  /* A key file holds UTF-8 only, but paths may be any bytes. */
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, key, -1);
  g_autofree char *text = NULL;
  gsize length;

  g_key_file_set_string (file, GROUP, "key", sum);
  g_key_file_set_integer (file, GROUP, "version", VERSION);
  text = g_key_file_to_data (file, &length, NULL);
  if (g_mkdir_with_parents (folder, 0700) == 0)
    g_file_set_contents_full (path, text, (gssize) length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}
