/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lists the inputs of the detect verb, and separates pictures from videos.
 */
#include "apps/detect/detect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <glib/gstdio.h>

#define MOST_PICTURE_BYTES ((gint64) 512 << 20)
#define DEEPEST_FOLDER 64

/* Names that are listed from a folder. */
static const struct
{
  const char *extension;
  PldDetectKind kind;
} extensions[] = {
  { ".jpg", PLD_DETECT_JPEG },     { ".jpeg", PLD_DETECT_JPEG },    { ".jpe", PLD_DETECT_JPEG },
  { ".jfif", PLD_DETECT_JPEG },    { ".png", PLD_DETECT_PICTURE },  { ".bmp", PLD_DETECT_PICTURE },
  { ".gif", PLD_DETECT_PICTURE },  { ".webp", PLD_DETECT_PICTURE }, { ".tif", PLD_DETECT_PICTURE },
  { ".tiff", PLD_DETECT_PICTURE }, { ".pnm", PLD_DETECT_PICTURE },  { ".ppm", PLD_DETECT_PICTURE },
  { ".pgm", PLD_DETECT_PICTURE },  { ".mp4", PLD_DETECT_VIDEO },    { ".m4v", PLD_DETECT_VIDEO },
  { ".mov", PLD_DETECT_VIDEO },    { ".mkv", PLD_DETECT_VIDEO },    { ".webm", PLD_DETECT_VIDEO },
  { ".avi", PLD_DETECT_VIDEO },    { ".mpg", PLD_DETECT_VIDEO },    { ".mpeg", PLD_DETECT_VIDEO },
  { ".ts", PLD_DETECT_VIDEO },     { ".m2ts", PLD_DETECT_VIDEO },   { ".ogv", PLD_DETECT_VIDEO },
  { ".flv", PLD_DETECT_VIDEO },    { ".wmv", PLD_DETECT_VIDEO },    { ".3gp", PLD_DETECT_VIDEO },
  { ".mjpeg", PLD_DETECT_VIDEO },  { ".mjpg", PLD_DETECT_VIDEO },   { ".y4m", PLD_DETECT_VIDEO },
};

static gboolean
kind_from_name (const char *name, PldDetectKind *kind)
{
  const char *dot = strrchr (name, '.');

  for (guint i = 0; dot != NULL && i < G_N_ELEMENTS (extensions); i++)
    if (g_ascii_strcasecmp (dot, extensions[i].extension) == 0)
      {
        *kind = extensions[i].kind;
        return TRUE;
      }
  return FALSE;
}

/* Pictures often carry the wrong extension, or none; their first bytes are right. A file too short for that is
 * judged by its name. */
static PldDetectKind
kind_from_file (const char *path)
{
  static const char *const pictures[] = { "\x89PNG", "GIF8", "BM", "II*", "MM", "P5", "P6", "RIFF" };
  PldDetectKind kind = PLD_DETECT_VIDEO;
  char head[12] = { 0 };
  FILE *file;

  if (kind_from_name (path, &kind) && kind == PLD_DETECT_VIDEO)
    return kind;
  file = g_fopen (path, "rb");
  if (file == NULL || fread (head, 1, sizeof head, file) != sizeof head)
    head[0] = '\0';
  if (file != NULL)
    fclose (file);
  if (memcmp (head, "\xFF\xD8\xFF", 3) == 0)
    return PLD_DETECT_JPEG;
  for (guint i = 0; i < G_N_ELEMENTS (pictures); i++)
    if (strncmp (head, pictures[i], strlen (pictures[i])) == 0
        && (strcmp (pictures[i], "RIFF") != 0 || memcmp (head + 8, "WEBP", 4) == 0))
      return PLD_DETECT_PICTURE;
  return kind;
}

static void
input_free (gpointer data)
{
  PldDetectInput *input = data;

  g_free (input->path);
  g_free (input);
}

static void
add_input (GPtrArray *inputs, char *path, PldDetectKind kind)
{
  PldDetectInput *input = g_new (PldDetectInput, 1);

  *input = (PldDetectInput) { path, kind };
  g_ptr_array_add (inputs, input);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Links to folders are not followed: they may form circles. */
static void
add_folder (PldDetect *detect, GPtrArray *inputs, const char *path, guint depth)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) folder = g_dir_open (path, 0, &error);
  const char *name;

  if (folder == NULL)
    {
      pld_detect_complain (detect, path, error->message);
      return;
    }
  while ((name = g_dir_read_name (folder)) != NULL)
    if (name[0] != '.')
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *child = g_build_filename (path, g_ptr_array_index (names, i), NULL);
      PldDetectKind kind;
      GStatBuf info;

      if (g_lstat (child, &info) == 0 && S_ISDIR (info.st_mode))
        {
          if (depth < DEEPEST_FOLDER)
            add_folder (detect, inputs, child, depth + 1);
        }
      else if (kind_from_name (child, &kind) && g_file_test (child, G_FILE_TEST_IS_REGULAR))
        {
          kind = kind_from_file (child);
          add_input (inputs, g_steal_pointer (&child), kind);
        }
    }
}

GPtrArray *
pld_detect_list_inputs (PldDetect *detect, char **names)
{
  GPtrArray *inputs = g_ptr_array_new_with_free_func (input_free);

  for (; *names != NULL; names++)
    {
      GStatBuf info;

      if (strstr (*names, "://") != NULL || g_str_has_prefix (*names, "/dev/video"))
        add_input (inputs, g_strdup (*names), PLD_DETECT_VIDEO);
      else if (g_stat (*names, &info) != 0)
        {
          g_autofree char *message = g_strdup_printf ("cannot be read: %s", g_strerror (errno));

          pld_detect_complain (detect, *names, message);
        }
      else if (S_ISDIR (info.st_mode))
        {
          guint before = inputs->len;

          add_folder (detect, inputs, *names, 0);
          if (inputs->len == before)
            pld_detect_complain (detect, *names, "the folder holds no pictures and no videos");
        }
      else
        add_input (inputs, g_strdup (*names), kind_from_file (*names));
    }
  return inputs;
}

GBytes *
pld_detect_read_file (const char *path, GError **error)
{
  GStatBuf info;
  char *data;
  gsize size;

  if (g_stat (path, &info) == 0 && info.st_size > MOST_PICTURE_BYTES)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "%" G_GINT64_FORMAT " bytes are too many for a picture",
                   (gint64) info.st_size);
      return NULL;
    }
  if (!g_file_get_contents (path, &data, &size, error))
    return NULL;
  return g_bytes_new_take (data, size);
}
