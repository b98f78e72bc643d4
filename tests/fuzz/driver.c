/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Replays seeds: each argument is a file, or a folder of files. Fails when there was none.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

static guint
replay (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autofree guint8 *exact = NULL;
  gsize size;

  if (!g_file_get_contents (path, &text, &size, &error))
    g_error ("%s", error->message);
  /* GLib ends the text with a zero byte; without it a sanitizer sees a read past the input. */
  exact = g_memdup2 (text, size);
  LLVMFuzzerTestOneInput (exact, size);
  return 1;
}

static guint
replay_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  guint n = 0;

  if (dir == NULL)
    return replay (path);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      n += replay (file);
    }
  return n;
}

int
main (int argc, char **argv)
{
  guint n = 0;

  for (int i = 1; i < argc; i++)
    n += replay_folder (argv[i]);
  printf ("%u inputs\n", n);
  return n > 0 ? 0 : 1;
}
