/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads NumPy arrays.
 */
#include "tests/support/npy.h"

#include <string.h>

Npy *
npy_read (const char *path)
{
  g_autofree char *bytes = NULL, *header = NULL;
  g_autoptr (GError) error = NULL;
  gsize size, start;
  const char *shape;
  Npy *npy = g_new0 (Npy, 1);
  gboolean wide;

  g_file_get_contents (path, &bytes, &size, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (size, >, 10);
  g_assert_cmpint (memcmp (bytes, "\x93NUMPY\x01", 7), ==, 0);
  start = 10 + ((guint8) bytes[8] | (gsize) (guint8) bytes[9] << 8);
  header = g_strndup (bytes + 10, start - 10);
  wide = strstr (header, "'<f8'") != NULL;
  g_assert_true (wide || strstr (header, "'<f4'") != NULL);
  g_assert_nonnull (strstr (header, "'fortran_order': False"));
  npy->n = 1;
  for (shape = strchr (header, '(') + 1; *shape != ')'; npy->n_dims++)
    {
      char *end;

      npy->dims[npy->n_dims] = g_ascii_strtoull (shape, &end, 10);
      npy->n *= npy->dims[npy->n_dims];
      shape = end + strspn (end, ", ");
    }
  g_assert_cmpuint (size - start, ==, npy->n * (wide ? 8 : 4));
  npy->values = g_new (double, npy->n);
  for (gsize i = 0; i < npy->n; i++)
    if (wide)
      memcpy (&npy->values[i], bytes + start + i * 8, 8);
    else
      {
        float f;

        memcpy (&f, bytes + start + i * 4, 4);
        npy->values[i] = f;
      }
  return npy;
}

void
npy_free (Npy *npy)
{
  if (npy == NULL)
    return;
  g_free (npy->values);
  g_free (npy);
}
