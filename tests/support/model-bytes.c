/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Builds small model files byte by byte.
 */
#include "tests/support/model-bytes.h"

#include <glib/gstdio.h>
#include <string.h>

static void
put (GByteArray *bytes, guint64 value, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      guint8 byte = (guint8) (value >> (8 * i));

      g_byte_array_append (bytes, &byte, 1);
    }
}

void
bytes_u8 (GByteArray *bytes, guint8 value)
{
  put (bytes, value, 1);
}

void
bytes_u16 (GByteArray *bytes, guint16 value)
{
  put (bytes, value, 2);
}

void
bytes_u32 (GByteArray *bytes, guint32 value)
{
  put (bytes, value, 4);
}

void
bytes_u64 (GByteArray *bytes, guint64 value)
{
  put (bytes, value, 8);
}

void
bytes_string (GByteArray *bytes, const char *string)
{
  bytes_u64 (bytes, strlen (string));
  g_byte_array_append (bytes, (const guint8 *) string, (guint) strlen (string));
}

void
bytes_zero (GByteArray *bytes, gsize n)
{
  guint old = bytes->len;

  g_byte_array_set_size (bytes, (guint) (old + n));
  memset (bytes->data + old, 0, n);
}

GByteArray *
bytes_safetensors (const char *header, gsize n_data)
{
  GByteArray *bytes = g_byte_array_new ();

  bytes_string (bytes, header);
  bytes_zero (bytes, n_data);
  return bytes;
}

GByteArray *
bytes_gguf (guint32 version, guint64 n_tensors, guint64 n_keys)
{
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_append (bytes, (const guint8 *) "GGUF", 4);
  bytes_u32 (bytes, version);
  bytes_u64 (bytes, n_tensors);
  bytes_u64 (bytes, n_keys);
  return bytes;
}

void
bytes_gguf_tensor (GByteArray *bytes, const char *name, guint n_dims, const guint64 *dims, guint32 type, guint64 offset)
{
  bytes_string (bytes, name);
  bytes_u32 (bytes, n_dims);
  for (guint i = 0; i < n_dims; i++)
    bytes_u64 (bytes, dims[i]);
  bytes_u32 (bytes, type);
  bytes_u64 (bytes, offset);
}

static char *
save (const void *data, gsize n, const char *folder, const char *name)
{
  char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, data, (gssize) n, &error);
  g_assert_no_error (error);
  return path;
}

char *
bytes_save (GByteArray *bytes, const char *folder, const char *name)
{
  return save (bytes->data, bytes->len, folder, name);
}

char *
text_save (const char *text, const char *folder, const char *name)
{
  return save (text, strlen (text), folder, name);
}

void
assert_pld_error (GError **error, PldError code, const char *part)
{
  g_assert_nonnull (*error);
  if ((*error)->domain != PLD_ERROR || (*error)->code != (int) code || strstr ((*error)->message, part) == NULL)
    g_error ("wanted code %d with \"%s\", got %s %d: %s", code, part, g_quark_to_string ((*error)->domain),
             (*error)->code, (*error)->message);
  g_clear_error (error);
}

void
remove_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
        remove_folder (path);
      else
        g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

guint
count_files (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

void
scratch_make (Scratch *scratch, const char *name)
{
  scratch->folder = g_dir_make_tmp ("pipeload-XXXXXX", NULL);
  g_assert_nonnull (scratch->folder);
  scratch->path = g_build_filename (scratch->folder, name, NULL);
}

void
scratch_remove (Scratch *scratch, gconstpointer data)
{
  remove_folder (scratch->folder);
  g_free (scratch->folder);
  g_free (scratch->path);
}

static void
tensor_clear (gpointer tensor)
{
  g_free (((PldTensor *) tensor)->name);
}

void
parsed_init (Parsed *parsed)
{
  parsed->tensors = g_array_new (FALSE, FALSE, sizeof (PldTensor));
  g_array_set_clear_func (parsed->tensors, tensor_clear);
  parsed->metadata = json_object_new ();
  parsed->arrays = pld_gguf_arrays_new ();
}

void
parsed_clear (Parsed *parsed)
{
  g_array_unref (parsed->tensors);
  json_object_unref (parsed->metadata);
  g_array_unref (parsed->arrays);
}
