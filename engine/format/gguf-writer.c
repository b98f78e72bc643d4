/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Collects keys and tensors, writes the GGUF directory, then aligns the data of each tensor.
 */
#include "engine/format/gguf-writer.h"

#include "engine/base/size.h"
#include "engine/format/tensors.h"
#include "engine/format/writer.h"

#include <string.h>

#define VERSION 3
#define ALIGNMENT 32 /* the format's default, which needs no key */
#define MAX_DIMS 4

struct _PldGgufWriter
{
  GByteArray *keys;
  guint64 n_keys;
  GArray *tensors; /* PldTensor; measured once the file has begun */
  PldWriter *file; /* NULL: not begun */
  guint current;   /* the tensor whose turn it is */
  guint64 left;    /* bytes it still lacks */
};

static void
put_uint (GByteArray *bytes, guint64 value, guint size)
{
  guint8 raw[8];

  for (guint i = 0; i < size; i++)
    raw[i] = (guint8) (value >> (8 * i));
  g_byte_array_append (bytes, raw, size);
}

static void
put_string (GByteArray *bytes, const char *string)
{
  gsize n = strlen (string);

  put_uint (bytes, n, 8);
  g_byte_array_append (bytes, (const guint8 *) string, (guint) n);
}

static guint32
float_bits (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

PldGgufWriter *
pld_gguf_writer_new (void)
{
  PldGgufWriter *writer = g_new0 (PldGgufWriter, 1);

  writer->keys = g_byte_array_new ();
  writer->tensors = pld_tensors_new ();
  return writer;
}

/* ---- keys ---------------------------------------------------------------------------------- */

static void
add_key (PldGgufWriter *writer, const char *key, PldGgufType type)
{
  g_return_if_fail (writer->file == NULL);
  put_string (writer->keys, key);
  put_uint (writer->keys, type, 4);
  writer->n_keys++;
}

static void
add_list (PldGgufWriter *writer, const char *key, PldGgufType type, guint64 count)
{
  add_key (writer, key, PLD_GGUF_ARRAY);
  put_uint (writer->keys, type, 4);
  put_uint (writer->keys, count, 8);
}

void
pld_gguf_writer_add_bool (PldGgufWriter *writer, const char *key, gboolean value)
{
  add_key (writer, key, PLD_GGUF_BOOL);
  put_uint (writer->keys, value ? 1 : 0, 1);
}

void
pld_gguf_writer_add_uint32 (PldGgufWriter *writer, const char *key, guint32 value)
{
  add_key (writer, key, PLD_GGUF_U32);
  put_uint (writer->keys, value, 4);
}

void
pld_gguf_writer_add_int32 (PldGgufWriter *writer, const char *key, gint32 value)
{
  add_key (writer, key, PLD_GGUF_I32);
  put_uint (writer->keys, (guint32) value, 4);
}

void
pld_gguf_writer_add_float (PldGgufWriter *writer, const char *key, float value)
{
  add_key (writer, key, PLD_GGUF_F32);
  put_uint (writer->keys, float_bits (value), 4);
}

void
pld_gguf_writer_add_string (PldGgufWriter *writer, const char *key, const char *value)
{
  add_key (writer, key, PLD_GGUF_STRING);
  put_string (writer->keys, value);
}

void
pld_gguf_writer_add_strings (PldGgufWriter *writer, const char *key, const char *const *values, guint64 n)
{
  add_list (writer, key, PLD_GGUF_STRING, n);
  for (guint64 i = 0; i < n; i++)
    put_string (writer->keys, values[i]);
}

void
pld_gguf_writer_add_floats (PldGgufWriter *writer, const char *key, const float *values, guint64 n)
{
  add_list (writer, key, PLD_GGUF_F32, n);
  for (guint64 i = 0; i < n; i++)
    put_uint (writer->keys, float_bits (values[i]), 4);
}

void
pld_gguf_writer_add_int32s (PldGgufWriter *writer, const char *key, const gint32 *values, guint64 n)
{
  add_list (writer, key, PLD_GGUF_I32, n);
  for (guint64 i = 0; i < n; i++)
    put_uint (writer->keys, (guint32) values[i], 4);
}

void
pld_gguf_writer_add_stored (PldGgufWriter *writer, const char *key, PldGgufType type, guint64 count, const void *bytes,
                            gsize n_bytes)
{
  add_list (writer, key, type, count);
  g_byte_array_append (writer->keys, bytes, (guint) n_bytes);
}

void
pld_gguf_writer_add_tensor (PldGgufWriter *writer, const PldTensor *tensor)
{
  PldTensor copy = *tensor;

  g_return_if_fail (writer->file == NULL && tensor->n_dims <= MAX_DIMS);
  copy.name = g_strdup (tensor->name);
  g_array_append_val (writer->tensors, copy);
}

/* ---- the file ------------------------------------------------------------------------------ */

static PldTensor *
tensor_at (const PldGgufWriter *writer, guint i)
{
  return &g_array_index (writer->tensors, PldTensor, i);
}

static void
put_tensor (GByteArray *bytes, const PldTensor *tensor, guint32 type, guint64 offset)
{
  put_string (bytes, tensor->name);
  put_uint (bytes, tensor->n_dims, 4);
  for (guint d = tensor->n_dims; d-- > 0;)
    put_uint (bytes, tensor->dims[d], 8);
  put_uint (bytes, type, 4);
  put_uint (bytes, offset, 8);
}

/* All that comes before the data; *@data is the data's size with its padding. */
static gboolean
put_directory (PldGgufWriter *writer, GByteArray *bytes, guint64 *data, GError **error)
{
  *data = 0;
  g_byte_array_append (bytes, (const guint8 *) "GGUF", 4);
  put_uint (bytes, VERSION, 4);
  put_uint (bytes, writer->tensors->len, 8);
  put_uint (bytes, writer->n_keys, 8);
  g_byte_array_append (bytes, writer->keys->data, writer->keys->len);
  for (guint i = 0; i < writer->tensors->len; i++)
    {
      PldTensor *tensor = tensor_at (writer, i);
      guint64 end;
      guint32 type;

      if (!pld_dtype_to_gguf (tensor->dtype, &type))
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "GGUF has no type %s, which \"%s\" is of",
                       pld_dtype_info (tensor->dtype)->name, tensor->name);
          return FALSE;
        }
      if (!pld_tensor_measure (tensor, error))
        return FALSE;
      if (!pld_size_add (*data, tensor->n_bytes, &end) || end > G_MAXINT64 / 2)
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "the tensors are larger than any file");
          return FALSE;
        }
      put_tensor (bytes, tensor, type, *data);
      *data = pld_size_round_up (end, ALIGNMENT);
    }
  while (bytes->len % ALIGNMENT != 0)
    put_uint (bytes, 0, 1);
  return TRUE;
}

/* The next tensor's turn, past those that have no bytes. */
static void
turn_to (PldGgufWriter *writer, guint i)
{
  while (i < writer->tensors->len && tensor_at (writer, i)->n_bytes == 0)
    i++;
  writer->current = i;
  writer->left = i < writer->tensors->len ? tensor_at (writer, i)->n_bytes : 0;
}

gboolean
pld_gguf_writer_begin (PldGgufWriter *writer, const char *path, GError **error)
{
  g_autoptr (GByteArray) directory = g_byte_array_new ();
  guint64 data;

  g_return_val_if_fail (writer->file == NULL, FALSE);
  if (!put_directory (writer, directory, &data, error))
    {
      g_prefix_error (error, "%s: ", path);
      return FALSE;
    }
  writer->file = pld_writer_new (path, directory->len + data, error);
  if (writer->file == NULL || !pld_writer_write (writer->file, directory->data, directory->len, error))
    return FALSE;
  turn_to (writer, 0);
  return TRUE;
}

gboolean
pld_gguf_writer_write (PldGgufWriter *writer, const void *bytes, gsize n, GError **error)
{
  static const guint8 zeros[ALIGNMENT];

  g_return_val_if_fail (n <= writer->left, FALSE);
  if (!pld_writer_write (writer->file, bytes, n, error))
    return FALSE;
  writer->left -= n;
  if (writer->left == 0 && writer->current < writer->tensors->len)
    {
      guint64 size = tensor_at (writer, writer->current)->n_bytes;

      if (!pld_writer_write (writer->file, zeros, pld_size_round_up (size, ALIGNMENT) - size, error))
        return FALSE;
      turn_to (writer, writer->current + 1);
    }
  return TRUE;
}

gboolean
pld_gguf_writer_finish (PldGgufWriter *writer, GError **error)
{
  g_return_val_if_fail (writer->file != NULL, FALSE);
  return pld_writer_finish (writer->file, error);
}

void
pld_gguf_writer_free (PldGgufWriter *writer)
{
  if (writer == NULL)
    return;
  g_clear_pointer (&writer->file, pld_writer_free);
  g_byte_array_unref (writer->keys);
  g_array_unref (writer->tensors);
  g_free (writer);
}
