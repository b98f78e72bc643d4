/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Weight files: direct reads with retries, and buffered ones that leave nothing in the page cache.
 */
#include "engine/stream/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct _PldFile
{
  char *path;
  int fd;
  gint direct;   /* atomic */
  guint retries; /* atomic */
  struct stat opened;
};

/* Disable readahead: extra pages would stay in the page cache. */
static void
file_set_buffered (PldFile *file)
{
  posix_fadvise (file->fd, 0, 0, POSIX_FADV_RANDOM);
  g_atomic_int_set (&file->direct, FALSE);
}

PldFile *
pld_file_open (const char *path, gboolean direct, GError **error)
{
  PldFile *file = g_new0 (PldFile, 1);
  int code;

  file->path = g_strdup (path);
  file->fd = -1;
  if (direct)
    file->fd = open (path, O_RDONLY | O_CLOEXEC | O_DIRECT);
  file->direct = file->fd >= 0;
  if (file->fd < 0 && (file->fd = open (path, O_RDONLY | O_CLOEXEC)) >= 0)
    file_set_buffered (file);
  if (file->fd < 0 || fstat (file->fd, &file->opened) < 0)
    {
      code = errno;
      g_set_error (error, PLD_ERROR, code == ENOENT ? PLD_ERROR_NOT_FOUND : PLD_ERROR_IO, "%s: cannot be opened: %s",
                   path, g_strerror (code));
      g_clear_pointer (&file, pld_file_close);
    }
  return file;
}

void
pld_file_close (PldFile *file)
{
  if (file == NULL)
    return;
  if (file->fd >= 0)
    close (file->fd);
  g_free (file->path);
  g_free (file);
}

gboolean
pld_file_is_direct (PldFile *file)
{
  return g_atomic_int_get (&file->direct);
}

guint64
pld_file_size (PldFile *file)
{
  return (guint64) file->opened.st_size;
}

gboolean
pld_file_wants_direct (void)
{
  return g_strcmp0 (g_getenv ("PIPELOAD_DIRECT_IO"), "0") != 0;
}

guint64
pld_file_retries (PldFile *file)
{
  return g_atomic_int_get (&file->retries);
}

/* After a failed read: whether it is worth another try, of which @tried were made; waits before it. A disturbed link or
 * card recovers within fractions of a second. */
static gboolean
file_retry (PldFile *file, int code, guint tried)
{
  static const gulong delays[] = { 10, 50, 250 };

  if ((code != EIO && code != EAGAIN && code != ETIMEDOUT) || tried >= G_N_ELEMENTS (delays))
    return FALSE;
  g_atomic_int_inc (&file->retries);
  g_usleep (delays[tried] * 1000);
  return TRUE;
}

/* Some file systems accept O_DIRECT at open and refuse it at the first read. */
static gboolean
file_fall_back (PldFile *file)
{
  int flags = fcntl (file->fd, F_GETFL);

  if (!g_atomic_int_get (&file->direct) || flags < 0 || fcntl (file->fd, F_SETFL, flags & ~O_DIRECT) < 0)
    return FALSE;
  file_set_buffered (file);
  return TRUE;
}

/* Fills @slot from @start, a multiple of the alignment, until at least @want bytes are there; @room is a multiple too.
 */
static gboolean
file_fill (PldFile *file, guint64 start, guint8 *slot, guint64 want, guint64 room, GError **error)
{
  guint64 got = 0;
  guint tried = 0;

  while (got < want)
    {
      /* After a short read a direct one has to begin on a boundary again. */
      guint64 from = got & ~(guint64) (PLD_FILE_ALIGN - 1);
      ssize_t n = pread (file->fd, slot + from, room - from, (off_t) (start + from));

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EINVAL && file_fall_back (file))
        continue;
      if (n < 0 && file_retry (file, errno, tried))
        {
          tried++;
          continue;
        }
      if (n < 0)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_IO,
                       "%s: reading %" G_GUINT64_FORMAT " bytes at offset %" G_GUINT64_FORMAT
                       " failed: %s; check the storage it is on",
                       file->path, want, start, g_strerror (errno));
          return FALSE;
        }
      if (from + (guint64) n <= got)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_IO,
                       "%s: ends at %" G_GUINT64_FORMAT
                       " bytes, shorter than when it was opened; restore the file and start again",
                       file->path, start + got);
          return FALSE;
        }
      got = from + (guint64) n;
    }
  return TRUE;
}

static gboolean
file_unchanged (PldFile *file, GError **error)
{
  struct stat now;

  if (fstat (file->fd, &now) == 0 && now.st_size == file->opened.st_size
      && now.st_mtim.tv_sec == file->opened.st_mtim.tv_sec && now.st_mtim.tv_nsec == file->opened.st_mtim.tv_nsec)
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_IO,
               "%s: was written to while it was in use; restore the file and start again", file->path);
  return FALSE;
}

gboolean
pld_file_read (PldFile *file, guint64 offset, guint64 n, guint8 *slot, const guint8 **view, GError **error)
{
  guint64 start = offset & ~(guint64) (PLD_FILE_ALIGN - 1);
  guint64 skip = offset - start;

  if (!file_fill (file, start, slot, skip + n, pld_file_span (offset, n), error) || !file_unchanged (file, error))
    return FALSE;
  if (!pld_file_is_direct (file))
    posix_fadvise (file->fd, (off_t) start, (off_t) pld_file_span (offset, n), POSIX_FADV_DONTNEED);
  /* Formats align tensors to their element size at best by custom. */
  if (skip % 4 != 0)
    {
      memmove (slot, slot + skip, n);
      skip = 0;
    }
  *view = slot + skip;
  return TRUE;
}
