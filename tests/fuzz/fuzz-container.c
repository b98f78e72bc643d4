/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Recordings, as far as their containers' sizes go.
 */
#include "analytics/container.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

typedef struct
{
  const guint8 *data;
  gsize size;
} File;

static gboolean
read_bytes (guint64 offset, guint8 *bytes, gsize n, gpointer user_data)
{
  const File *file = user_data;

  if (offset > file->size || n > file->size - offset)
    g_error ("a read beyond the end");
  memcpy (bytes, file->data + offset, n);
  return TRUE;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  File file = { data, size };

  pld_container_size (size, read_bytes, &file);
  return 0;
}
