/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/format/writer.h"

#include "engine/base/size.h"
#include "engine/format/tensors.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

struct _PldSafetensorsWriter
{
  char *path;
  char *temporary;
  int fd;
  guint64 left; /* bytes of data still to come */
};

static void
writer_fail (const PldSafetensorsWriter *writer, int code, GError **error)
{
  gboolean full = code == ENOSPC || code == EDQUOT;

  g_set_error (error, PLD_ERROR, PLD_ERROR_IO, "%s: cannot be written: %s%s", writer->path, g_strerror (code),
               full ? "; free space there or choose another folder" : "; choose another folder");
}

static gboolean
writer_put (PldSafetensorsWriter *writer, const void *bytes, gsize n, GError **error)
{
  for (gsize done = 0; done < n;)
    {
      ssize_t put = write (writer->fd, (const guint8 *) bytes + done, n - done);

      if (put < 0 && errno == EINTR)
        continue;
      if (put < 0)
        {
          writer_fail (writer, errno, error);
          return FALSE;
        }
      done += (gsize) put;
    }
  return TRUE;
}

static void
header_add (JsonObject *header, const PldTensor *tensor, guint64 begin)
{
  JsonObject *entry = json_object_new ();
  JsonArray *shape = json_array_new ();
  JsonArray *offsets = json_array_new ();

  for (guint d = 0; d < tensor->n_dims; d++)
    json_array_add_int_element (shape, (gint64) tensor->dims[d]);
  json_array_add_int_element (offsets, (gint64) begin);
  json_array_add_int_element (offsets, (gint64) (begin + tensor->n_bytes));
  json_object_set_string_member (entry, "dtype", pld_dtype_info (tensor->dtype)->name);
  json_object_set_array_member (entry, "shape", shape);
  json_object_set_array_member (entry, "data_offsets", offsets);
  json_object_set_object_member (header, tensor->name, entry);
}

/* 8 bytes length, the JSON, spaces up to a multiple of 8 so that the data is aligned. */
static GString *
header_make (const PldTensor *tensors, guint n_tensors, JsonObject *metadata, guint64 *data, GError **error)
{
  g_autoptr (JsonObject) header = json_object_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *json = NULL;
  GString *text;
  guint64 length;

  *data = 0;
  if (metadata != NULL)
    json_object_set_object_member (header, "__metadata__", json_object_ref (metadata));
  for (guint i = 0; i < n_tensors; i++)
    {
      PldTensor tensor = tensors[i];
      guint64 begin = *data;

      if (!pld_tensor_measure (&tensor, error))
        return NULL;
      if (!pld_size_add (begin, tensor.n_bytes, data) || *data > G_MAXINT64)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "the tensors are larger than any file");
          return NULL;
        }
      header_add (header, &tensor, begin);
    }
  json_node_set_object (node, header);
  json = json_to_string (node, FALSE);
  text = g_string_new ("12345678");
  g_string_append (text, json);
  while (text->len % 8 != 0)
    g_string_append_c (text, ' ');
  length = text->len - 8;
  for (guint i = 0; i < 8; i++)
    text->str[i] = (char) (length >> (8 * i));
  return text;
}

PldSafetensorsWriter *
pld_safetensors_writer_new (const char *path, const PldTensor *tensors, guint n_tensors, JsonObject *metadata,
                            GError **error)
{
  PldSafetensorsWriter *writer;
  GString *header;

  g_return_val_if_fail (path != NULL, NULL);
  writer = g_new0 (PldSafetensorsWriter, 1);
  writer->fd = -1;
  writer->path = g_strdup (path);
  header = header_make (tensors, n_tensors, metadata, &writer->left, error);
  if (header == NULL)
    {
      g_prefix_error (error, "%s: ", path);
      goto fail;
    }
  writer->temporary = g_strconcat (path, ".XXXXXX", NULL);
  writer->fd = g_mkstemp_full (writer->temporary, O_RDWR | O_CLOEXEC, 0666);
  if (writer->fd < 0)
    {
      writer_fail (writer, errno, error);
      g_clear_pointer (&writer->temporary, g_free);
      goto fail;
    }
  /* Where the file system can, take the space now: a full disk shows before the work, not after. */
  if (fallocate (writer->fd, 0, 0, (off_t) (header->len + writer->left)) < 0
      && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
    {
      writer_fail (writer, errno, error);
      goto fail;
    }
  if (!writer_put (writer, header->str, header->len, error))
    goto fail;
  g_string_free (header, TRUE);
  return writer;

fail:
  if (header != NULL)
    g_string_free (header, TRUE);
  pld_safetensors_writer_free (&writer);
  return NULL;
}

gboolean
pld_safetensors_writer_write (PldSafetensorsWriter *writer, const void *bytes, gsize n, GError **error)
{
  g_return_val_if_fail (n <= writer->left, FALSE);
  if (!writer_put (writer, bytes, n, error))
    return FALSE;
  writer->left -= n;
  return TRUE;
}

gboolean
pld_safetensors_writer_finish (PldSafetensorsWriter *writer, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (writer->path);
  int fd = writer->fd, dir;

  g_return_val_if_fail (writer->left == 0 && fd >= 0, FALSE);
  writer->fd = -1;
  if (fsync (fd) < 0)
    {
      writer_fail (writer, errno, error);
      close (fd);
      return FALSE;
    }
  if (close (fd) < 0 || g_rename (writer->temporary, writer->path) < 0)
    {
      writer_fail (writer, errno, error);
      return FALSE;
    }
  g_clear_pointer (&writer->temporary, g_free);
  /* So that the new name outlives a power cut, too; some file systems have no such thing, which loses nothing
   * else. */
  dir = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir >= 0)
    {
      (void) fsync (dir);
      close (dir);
    }
  return TRUE;
}

void
pld_safetensors_writer_free (PldSafetensorsWriter **writer_ptr)
{
  PldSafetensorsWriter *writer = g_steal_pointer (writer_ptr);

  if (writer == NULL)
    return;
  if (writer->fd >= 0)
    close (writer->fd);
  if (writer->temporary != NULL)
    g_unlink (writer->temporary);
  g_free (writer->temporary);
  g_free (writer->path);
  g_free (writer);
}
