/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes to a temporary file in the target's folder, syncs it, and renames it.
 */
#include "engine/format/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct _PldWriter
{
  char *path;
  char *temporary;
  int fd;
  guint64 left; /* bytes still to come */
};

static void
writer_fail (const PldWriter *writer, int code, GError **error)
{
  gboolean full = code == ENOSPC || code == EDQUOT;

  g_set_error (error, PLD_ERROR, PLD_ERROR_IO, "%s: cannot be written: %s%s", writer->path, g_strerror (code),
               full ? "; free space there or choose another folder" : "; choose another folder");
}

/* A file, or nothing yet: renaming would take a device, a socket or a folder's name away. */
static gboolean
check_target (const char *path, GError **error)
{
  struct stat info;

  if (stat (path, &info) < 0 || S_ISREG (info.st_mode))
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_IO, "%s: cannot be written: it is %s; name a file", path,
               S_ISDIR (info.st_mode) ? "a folder" : "no ordinary file");
  return FALSE;
}

PldWriter *
pld_writer_new (const char *path, guint64 size, GError **error)
{
  PldWriter *writer;

  g_return_val_if_fail (path != NULL, NULL);
  if (!check_target (path, error))
    return NULL;
  writer = g_new0 (PldWriter, 1);
  writer->path = g_strdup (path);
  writer->left = size;
  writer->temporary = g_strconcat (path, ".XXXXXX", NULL);
  writer->fd = g_mkstemp_full (writer->temporary, O_RDWR | O_CLOEXEC, 0666);
  if (writer->fd < 0)
    {
      writer_fail (writer, errno, error);
      g_clear_pointer (&writer->temporary, g_free);
      goto fail;
    }
  /* Where the file system can, take the space now: a full disk shows before the work, not after. */
  if (fallocate (writer->fd, 0, 0, (off_t) size) < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
    {
      writer_fail (writer, errno, error);
      goto fail;
    }
  return writer;

fail:
  g_clear_pointer (&writer, pld_writer_free);
  return NULL;
}

gboolean
pld_writer_write (PldWriter *writer, const void *bytes, gsize n, GError **error)
{
  g_return_val_if_fail (n <= writer->left, FALSE);
  for (gsize done = 0; done < n;)
    {
      ssize_t put = write (writer->fd, (const guint8 *) bytes + done, n - done);

      if (put < 0 && errno == EINTR)
        continue;
      if (put < 0)
        {
          writer_fail (writer, errno, error);
          return FALSE;
        }
      done += (gsize) put;
    }
  writer->left -= n;
  return TRUE;
}

gboolean
pld_writer_finish (PldWriter *writer, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (writer->path);
  int fd = writer->fd, dir;

  g_return_val_if_fail (writer->left == 0 && fd >= 0, FALSE);
  writer->fd = -1;
  if (fsync (fd) < 0)
    {
      writer_fail (writer, errno, error);
      close (fd);
      return FALSE;
    }
  if (close (fd) < 0 || g_rename (writer->temporary, writer->path) < 0)
    {
      writer_fail (writer, errno, error);
      return FALSE;
    }
  g_clear_pointer (&writer->temporary, g_free);
  /* So that the new name outlives a power cut, too; some file systems have no such thing, which loses nothing
   * else. */
  dir = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir >= 0)
    {
      (void) fsync (dir);
      close (dir);
    }
  return TRUE;
}

void
pld_writer_free (PldWriter *writer)
{
  if (writer == NULL)
    return;
  if (writer->fd >= 0)
    close (writer->fd);
  if (writer->temporary != NULL)
    g_unlink (writer->temporary);
  g_free (writer->temporary);
  g_free (writer->path);
  g_free (writer);
}
