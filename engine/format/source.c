/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opens and reads untrusted files: regular files only, never blocking.
 */
#include "engine/format/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void
source_set_errno (const char *path, int code, GError **error)
{
  if (code == ENOENT || code == ENOTDIR)
    g_set_error (error, PLD_ERROR, PLD_ERROR_NOT_FOUND, "%s: no such file or folder; check the path", path);
  else
    g_set_error (error, PLD_ERROR, PLD_ERROR_IO, "%s: cannot be read: %s%s", path, g_strerror (code),
                 code == EACCES ? "; give this user the right to read it" : "");
}

static const char *
source_kind (mode_t mode)
{
  switch (mode & S_IFMT)
    {
    case S_IFDIR:
      return "a folder";
    case S_IFIFO:
      return "a pipe";
    case S_IFSOCK:
      return "a socket";
    default:
      return "a device";
    }
}

gboolean
pld_source_open (PldSource *source, const char *path, GError **error)
{
  g_auto (PldSource) s = PLD_SOURCE_INIT;
  struct stat st;

  /* A FIFO without a writer would block here for ever. */
  do
    s.fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  while (s.fd < 0 && errno == EINTR);
  if (s.fd < 0 || fstat (s.fd, &st) < 0)
    {
      source_set_errno (path, errno, error);
      return FALSE;
    }
  if (!S_ISREG (st.st_mode))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: is %s; give a regular file", path,
                   source_kind (st.st_mode));
      return FALSE;
    }
  source->fd = g_steal_fd (&s.fd);
  source->size = (guint64) st.st_size;
  source->path = g_strdup (path);
  return TRUE;
}

void
pld_source_close (PldSource *source)
{
  if (source->fd >= 0)
    close (source->fd);
  source->fd = -1;
  g_clear_pointer (&source->path, g_free);
}

gboolean
pld_source_read (PldSource *source, guint64 offset, gsize n, guint8 *bytes, GError **error)
{
  for (gsize done = 0; done < n;)
    {
      ssize_t got = pread (source->fd, bytes + done, n - done, (off_t) (offset + done));

      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        {
          source_set_errno (source->path, errno, error);
          return FALSE;
        }
      if (got == 0)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_IO,
                       "%s: became shorter while it was read: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                       " bytes are left; try again when it is complete",
                       source->path, offset + done, source->size);
          return FALSE;
        }
      done += (gsize) got;
    }
  return TRUE;
}

gboolean
pld_source_load (const char *path, guint64 max, char **text, gsize *size, GError **error)
{
  g_auto (PldSource) source = PLD_SOURCE_INIT;
  g_autofree char *bytes = NULL;

  if (!pld_source_open (&source, path, error))
    return FALSE;
  if (source.size > max)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "%s: has %" G_GUINT64_FORMAT " bytes, more than the %" G_GUINT64_FORMAT " that such a file may have",
                   path, source.size, max);
      return FALSE;
    }
  bytes = g_try_malloc (source.size + 1);
  if (bytes == NULL)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_MEMORY, "%s: no memory for its %" G_GUINT64_FORMAT " bytes", path,
                   source.size);
      return FALSE;
    }
  if (!pld_source_read (&source, 0, source.size, (guint8 *) bytes, error))
    return FALSE;
  bytes[source.size] = '\0';
  *size = source.size;
  *text = g_steal_pointer (&bytes);
  return TRUE;
}
