/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A sender that appends lines to a file, and retries while the disk is full.
 */
#include "gst/publish/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY G_USEC_PER_SEC
#define POLL_MS 1000
#define HANDLE 1 /* one line is under way at a time */

typedef struct
{
  GstPipeloadOutbox *outbox;
  char *file;
  gboolean sync;
  int fd;        /* -1 = closed */
  gboolean torn; /* the file ends in half a line */
} Lines;

static gboolean
fail (const Lines *lines, const char *what, const char *remedy, GError **error)
{
  int why = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (why), "%s: %s: %s%s", lines->file, what, g_strerror (why),
               remedy);
  return FALSE;
}

static void
close_file (Lines *lines)
{
  if (lines->fd >= 0)
    close (lines->fd);
  lines->fd = -1;
}

static void
lines_free (gpointer data)
{
  Lines *lines = data;

  close_file (lines);
  g_free (lines->file);
  g_free (lines);
}

/* A file that cannot be read counts as whole. */
static gboolean
ends_torn (const char *file, const struct stat *info)
{
  char last = '\n';
  int fd;

  if (!S_ISREG (info->st_mode) || info->st_size == 0)
    return FALSE;
  fd = open (file, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  if (pread (fd, &last, 1, info->st_size - 1) != 1)
    last = '\n';
  close (fd);
  return last != '\n';
}

/* O_NONBLOCK: a pipe that nobody reads is an error, and no wait. */
static gboolean
open_file (Lines *lines, GError **error)
{
  struct stat info;

  lines->fd = open (lines->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
  if (lines->fd < 0 || fstat (lines->fd, &info) < 0)
    {
      fail (lines, "cannot be opened for writing", "; make its folder, or choose another file", error);
      close_file (lines);
      return FALSE;
    }
  lines->torn = ends_torn (lines->file, &info);
  return TRUE;
}

/* Whether the open file is still the one under its name. */
static gboolean
is_current (const Lines *lines)
{
  struct stat named, held;

  return stat (lines->file, &named) == 0 && fstat (lines->fd, &held) == 0 && named.st_dev == held.st_dev
         && named.st_ino == held.st_ino;
}

/* Removes the first @written bytes of a line, unless another process has written after them. */
static void
remove_part (Lines *lines, gsize written)
{
  off_t end = lseek (lines->fd, 0, SEEK_CUR);
  struct stat info;

  if (fstat (lines->fd, &info) == 0 && S_ISREG (info.st_mode) && info.st_size == end && end >= (off_t) written)
    (void) !ftruncate (lines->fd, end - (off_t) written);
}

/* Writes all of @text, in one piece if the system allows it. */
static gboolean
write_all (Lines *lines, const char *text, gsize length, GError **error)
{
  gsize written = 0;

  while (written < length)
    {
      struct pollfd reader = { .fd = lines->fd, .events = POLLOUT };
      gssize n = write (lines->fd, text + written, length - written);

      if (n >= 0)
        written += (gsize) n;
      else if (errno == EAGAIN && !gst_pipeload_outbox_is_closed (lines->outbox))
        poll (&reader, 1, POLL_MS); /* a pipe whose reader is slow */
      else if (errno != EINTR)
        {
          fail (lines, "cannot be written", "", error);
          if (written > 0)
            remove_part (lines, written);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
write_line (Lines *lines, const char *text, GError **error)
{
  g_autofree char *line = NULL;

  if (lines->fd >= 0 && !is_current (lines))
    close_file (lines);
  if (lines->fd < 0 && !open_file (lines, error))
    return FALSE;
  line = g_strconcat (lines->torn ? "\n" : "", text, "\n", NULL);
  if (!write_all (lines, line, strlen (line), error))
    {
      close_file (lines);
      return FALSE;
    }
  lines->torn = FALSE;
  return TRUE;
}

/* A device or pipe knows no syncing. A line that was not synced is not written again: it would be there twice. */
static gboolean
sync_line (Lines *lines, GError **error)
{
  if (!lines->sync || fdatasync (lines->fd) == 0 || errno == EINVAL || errno == EROFS)
    return TRUE;
  return fail (lines, "what was written may not survive a power failure", "", error);
}

static void
lines_main (gpointer data)
{
  Lines *lines = data;
  GstPipeloadOutbox *outbox = lines->outbox;
  GstPipeloadKind kind;
  char *text;

  while ((text = gst_pipeload_outbox_wait_next (outbox, HANDLE, &kind)) != NULL)
    {
      g_autoptr (GError) error = NULL;
      gboolean written = write_line (lines, text, &error);

      if (written && sync_line (lines, &error))
        gst_pipeload_outbox_works (outbox);
      else
        gst_pipeload_outbox_failed (outbox, error);
      if (written)
        gst_pipeload_outbox_done (outbox, HANDLE, FALSE);
      else
        {
          gst_pipeload_outbox_again (outbox);
          gst_pipeload_outbox_wait_closed (outbox, g_get_monotonic_time () + RETRY);
        }
      g_free (text);
    }
}

gboolean
gst_pipeload_lines_start (GstPipeloadOutbox *outbox, const char *file, gboolean sync, GError **error)
{
  Lines *lines = g_new0 (Lines, 1);

  lines->outbox = outbox; /* which holds itself while its sender runs */
  lines->file = g_strdup (file);
  lines->sync = sync;
  if (!open_file (lines, error))
    {
      lines_free (lines);
      return FALSE;
    }
  gst_pipeload_outbox_works (outbox);
  return gst_pipeload_outbox_start (outbox, "pipeload-lines", lines_main, lines, lines_free, error);
}
