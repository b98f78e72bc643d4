/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Walks the parts of a container at its highest level.
 */
#include "analytics/container.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Parts of one file: a damaged one must not keep anybody busy. */
#define MOST_PARTS 100000
/* A RIFF list of a writer that was still at work, or could not go back. */
#define RIFF_UNKNOWN G_MAXUINT32

typedef struct
{
  guint64 size;
  PldReadFunc read;
  gpointer user_data;
} File;

/* Reads what there is at @at. Returns: its bytes, at most @n; 0: none, or a failure */
static gsize
take (const File *file, guint64 at, guint8 *bytes, gsize n)
{
  memset (bytes, 0, n);
  if (at >= file->size)
    return 0;
  n = (gsize) MIN (n, file->size - at);
  return file->read (at, bytes, n, file->user_data) ? n : 0;
}

static guint64
big_endian (const guint8 *bytes, guint n)
{
  guint64 value = 0;

  for (guint i = 0; i < n; i++)
    value = value << 8 | bytes[i];
  return value;
}

/* ---- MP4, QuickTime ------------------------------------------------------------------------ */

static gboolean
is_box (const guint8 *type)
{
  static const char *const types[] = { "ftyp", "moov", "mdat", "free", "skip", "wide", "pnot", "styp" };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (memcmp (type, types[i], 4) == 0)
      return TRUE;
  return FALSE;
}

/* A box that begins and is not whole ends the walk. Less than a box's head at the end is padding. */
static guint64
boxes_size (const File *file)
{
  guint64 at = 0;
  guint8 head[16];

  for (guint i = 0; i < MOST_PARTS && at < file->size && take (file, at, head, sizeof head) >= 8; i++)
    {
      guint64 size = big_endian (head, 4);

      if (size == 1)
        size = big_endian (head + 8, 8);
      if (size == 0) /* to the end of the file */
        return file->size;
      if (size < 8 || size > G_MAXINT64 - at) /* not a box: nobody knows */
        return 0;
      at += size;
    }
  return at;
}

/* ---- Matroska ------------------------------------------------------------------------------ */

/* An element's size. Returns: its bytes; 0: none. @value: G_MAXUINT64: unknown */
static guint
read_length (const guint8 *bytes, guint64 *value)
{
  guint n = 1;

  while (n <= 8 && (bytes[0] & (0x80 >> (n - 1))) == 0)
    n++;
  if (n > 8)
    return 0;
  *value = big_endian (bytes, n) & ((G_GUINT64_CONSTANT (1) << (7 * n)) - 1);
  if (*value == (G_GUINT64_CONSTANT (1) << (7 * n)) - 1)
    *value = G_MAXUINT64;
  return n;
}

static guint64
matroska_size (const File *file)
{
  guint8 head[12];
  guint64 length, at;
  guint n;

  if (take (file, 0, head, sizeof head) < sizeof head || (n = read_length (head + 4, &length)) == 0
      || length > G_MAXINT32)
    return 0;
  at = 4 + n + length;
  if (take (file, at, head, sizeof head) < 5 || memcmp (head, "\x18\x53\x80\x67", 4) != 0
      || (n = read_length (head + 4, &length)) == 0 || length > G_MAXINT64 - at - 12)
    return 0;
  return at + 4 + n + length;
}

/* ---- AVI ----------------------------------------------------------------------------------- */

/* Lists of at most 2 GiB each, of even length. */
static guint64
riff_size (const File *file)
{
  guint64 at = 0, end = 0;
  guint8 head[8];

  for (guint i = 0; i < MOST_PARTS && take (file, at, head, sizeof head) == 8 && memcmp (head, "RIFF", 4) == 0; i++)
    {
      const guint64 size
          = (guint64) head[4] | (guint64) head[5] << 8 | (guint64) head[6] << 16 | (guint64) head[7] << 24;

      if (size == 0 || size == RIFF_UNKNOWN)
        return 0;
      end = at + 8 + size;
      at = end + size % 2;
    }
  return end;
}

/* ---- all ----------------------------------------------------------------------------------- */

guint64
pld_container_size (guint64 size, PldReadFunc read, gpointer user_data)
{
  const File file = { size, read, user_data };
  guint8 head[8];

  if (take (&file, 0, head, sizeof head) < sizeof head)
    return 0;
  if (is_box (head + 4))
    return boxes_size (&file);
  if (memcmp (head, "\x1a\x45\xdf\xa3", 4) == 0)
    return matroska_size (&file);
  return memcmp (head, "RIFF", 4) == 0 ? riff_size (&file) : 0;
}

static gboolean
read_file (guint64 offset, guint8 *bytes, gsize n, gpointer user_data)
{
  return pread (GPOINTER_TO_INT (user_data), bytes, n, (off_t) offset) == (gssize) n;
}

guint64
pld_container_file_size (const char *path, guint64 *size)
{
  const int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  guint64 wanted = 0;

  *size = 0;
  if (fd < 0)
    return 0;
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode))
    {
      *size = (guint64) info.st_size;
      wanted = pld_container_size (*size, read_file, GINT_TO_POINTER (fd));
    }
  close (fd);
  return wanted;
}
