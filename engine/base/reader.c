/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Little-endian reads with a check in front of each.
 */
#include "engine/base/reader.h"

gboolean
pld_reader_bytes (PldReader *reader, guint64 n, const guint8 **bytes, const char *what, GError **error)
{
  if (n > pld_reader_remaining (reader))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "%s wants %" G_GUINT64_FORMAT " bytes at offset %" G_GSIZE_FORMAT ", but only %" G_GSIZE_FORMAT
                   " remain",
                   what, n, reader->pos, pld_reader_remaining (reader));
      return FALSE;
    }
  *bytes = reader->data + reader->pos;
  reader->pos += n;
  return TRUE;
}

static gboolean
reader_uint (PldReader *reader, guint n, guint64 *value, const char *what, GError **error)
{
  const guint8 *bytes;

  if (!pld_reader_bytes (reader, n, &bytes, what, error))
    return FALSE;
  *value = 0;
  for (guint i = 0; i < n; i++)
    *value |= (guint64) bytes[i] << (8 * i);
  return TRUE;
}

#define READER_GET(bits)                                                                                               \
  gboolean pld_reader_u##bits (PldReader *reader, guint##bits *value, const char *what, GError **error)                \
  {                                                                                                                    \
    guint64 wide;                                                                                                      \
    if (!reader_uint (reader, bits / 8, &wide, what, error))                                                           \
      return FALSE;                                                                                                    \
    *value = (guint##bits) wide;                                                                                       \
    return TRUE;                                                                                                       \
  }

READER_GET (8)
READER_GET (16)
READER_GET (32)
READER_GET (64)
