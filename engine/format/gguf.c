/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian:
 *   "GGUF", u32 version, u64 number of tensors, u64 number of key/values,
 *   key/values: string key, u32 type, value; a string is u64 length and bytes; an array u32 type, u64 count,
 *     values;
 *   tensors: string name, u32 n_dims, u64 dims[n_dims] (innermost first), u32 type, u64 offset;
 *   padding to general.alignment; the data, from where offsets count.
 */
#include "engine/base/reader.h"
#include "engine/base/size.h"
#include "engine/format/tensors.h"

#include <math.h>
#include <string.h>

#define MAX_KEYS 65536
#define MAX_KEY_LENGTH 65535
#define MAX_STRING (G_GUINT64_CONSTANT (16) << 20)
#define MAX_ARRAY 64 /* longer ones are only counted */
#define MAX_ARRAY_DEPTH 4
#define MAX_VALUES (1u << 18)
#define MAX_GGUF_DIMS 4

typedef enum
{
  GGUF_U8,
  GGUF_I8,
  GGUF_U16,
  GGUF_I16,
  GGUF_U32,
  GGUF_I32,
  GGUF_F32,
  GGUF_BOOL,
  GGUF_STRING,
  GGUF_ARRAY,
  GGUF_U64,
  GGUF_I64,
  GGUF_F64,
  GGUF_N,
} GgufType;

/* size 0: varies; min: the fewest bytes that one value takes */
static const struct
{
  const char *name;
  guint8 size, min;
} gguf_types[GGUF_N]
    = { { "u8", 1, 1 },  { "i8", 1, 1 },  { "u16", 2, 2 },  { "i16", 2, 2 },    { "u32", 4, 4 },
        { "i32", 4, 4 }, { "f32", 4, 4 }, { "bool", 1, 1 }, { "string", 0, 8 }, { "array", 0, 12 },
        { "u64", 8, 8 }, { "i64", 8, 8 }, { "f64", 8, 8 } };

typedef struct
{
  PldReader reader;
  guint64 file_size;
  gboolean short_head; /* the file goes on where the given bytes end */
  guint n_values;      /* made into nodes so far */
} Gguf;

static gboolean
gguf_fail (GError **error, const char *what, const char *fact)
{
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "damaged: %s %s; download it again", what, fact);
  return FALSE;
}

static gboolean
gguf_fail_named (GError **error, const char *name, const char *fact)
{
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "damaged: \"%s\" %s; download it again", name, fact);
  return FALSE;
}

static gboolean
gguf_bytes (Gguf *gguf, guint64 n, const guint8 **bytes, const char *what, GError **error)
{
  guint64 left = gguf->file_size - gguf->reader.pos;

  if (n > left)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "truncated: %s wants %" G_GUINT64_FORMAT " bytes at byte %" G_GSIZE_FORMAT
                   " but the file has %" G_GUINT64_FORMAT "; download it again",
                   what, n, gguf->reader.pos, gguf->file_size);
      return FALSE;
    }
  gguf->short_head = n > pld_reader_remaining (&gguf->reader);
  return pld_reader_bytes (&gguf->reader, n, bytes, what, error);
}

static gboolean
gguf_uint (Gguf *gguf, guint n, guint64 *value, const char *what, GError **error)
{
  const guint8 *bytes;

  if (!gguf_bytes (gguf, n, &bytes, what, error))
    return FALSE;
  *value = 0;
  for (guint i = 0; i < n; i++)
    *value |= (guint64) bytes[i] << (8 * i);
  return TRUE;
}

/* How many things follow, each of @min bytes at least: refused when they cannot all be in the file. */
static gboolean
gguf_count (Gguf *gguf, guint min, guint64 *count, const char *what, GError **error)
{
  guint64 n, left;

  if (!gguf_uint (gguf, 8, &n, what, error))
    return FALSE;
  left = gguf->file_size - gguf->reader.pos;
  if (n > left / min)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "truncated or damaged: %s: a count of %" G_GUINT64_FORMAT
                   " cannot fit the %" G_GUINT64_FORMAT " bytes that follow; download it again",
                   what, n, left);
      return FALSE;
    }
  *count = n;
  return TRUE;
}

static gboolean
gguf_string (Gguf *gguf, guint64 max, char **string, gsize *length, const char *what, GError **error)
{
  const guint8 *bytes;
  guint64 n;

  if (!gguf_count (gguf, 1, &n, what, error))
    return FALSE;
  if (n > max)
    return gguf_fail (error, what, "is too long");
  if (!gguf_bytes (gguf, n, &bytes, what, error))
    return FALSE;
  if (string != NULL)
    *string = g_strndup ((const char *) bytes, n);
  if (length != NULL)
    *length = n;
  return TRUE;
}

/* Names: UTF-8, not empty, no zero character. */
static gboolean
gguf_name (Gguf *gguf, char **name, const char *what, GError **error)
{
  g_autofree char *string = NULL;
  gsize n;

  if (!gguf_string (gguf, MAX_KEY_LENGTH, &string, &n, what, error))
    return FALSE;
  if (n == 0 || strlen (string) != n || !g_utf8_validate (string, -1, NULL))
    return gguf_fail (error, what, n == 0 ? "is empty" : "is not UTF-8");
  *name = g_steal_pointer (&string);
  return TRUE;
}

static gboolean
gguf_type (Gguf *gguf, GgufType *type, const char *key, GError **error)
{
  guint64 number;

  if (!gguf_uint (gguf, 4, &number, "the type of a value", error))
    return FALSE;
  if (number >= GGUF_N)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "the value of \"%s\" has the unknown type %" G_GUINT64_FORMAT
                   "; the file is damaged (download it again) or newer than this program",
                   key, number);
      return FALSE;
    }
  *type = (GgufType) number;
  return TRUE;
}

static void
set_double (JsonNode *node, double value)
{
  /* JSON has no such numbers. */
  if (isfinite (value))
    json_node_init_double (node, value);
  else
    json_node_init_string (node, isnan (value) ? "nan" : value > 0 ? "inf" : "-inf");
}

static gboolean
gguf_scalar (Gguf *gguf, GgufType type, JsonNode *node, const char *key, GError **error)
{
  guint64 raw;
  guint32 raw32;
  guint shift;
  float f;
  double d;

  if (!gguf_uint (gguf, gguf_types[type].size, &raw, key, error))
    return FALSE;
  shift = 64 - 8 * gguf_types[type].size;
  switch (type)
    {
    case GGUF_BOOL:
      if (raw > 1)
        return gguf_fail_named (error, key, "is neither true nor false");
      json_node_init_boolean (node, raw == 1);
      break;
    case GGUF_F32:
      raw32 = (guint32) raw;
      memcpy (&f, &raw32, sizeof f);
      set_double (node, (double) f);
      break;
    case GGUF_F64:
      memcpy (&d, &raw, sizeof d);
      set_double (node, d);
      break;
    case GGUF_I8:
    case GGUF_I16:
    case GGUF_I32:
    case GGUF_I64:
      json_node_init_int (node, (gint64) (raw << shift) >> shift);
      break;
    default:
      if (raw > G_MAXINT64)
        json_node_init_double (node, (double) raw);
      else
        json_node_init_int (node, (gint64) raw);
    }
  return TRUE;
}

static gboolean gguf_value (Gguf *gguf, GgufType type, guint depth, JsonNode **out, const char *key,
                            GError **error);

static gboolean
gguf_items (Gguf *gguf, GgufType type, guint64 count, guint depth, JsonArray *array, const char *key,
            GError **error)
{
  const guint8 *bytes;

  /* gguf_count() has seen to it that the product is no more than the file. */
  if (array == NULL && gguf_types[type].size > 0)
    return gguf_bytes (gguf, count * gguf_types[type].size, &bytes, key, error);
  for (guint64 i = 0; i < count; i++)
    {
      JsonNode *item;

      if (!gguf_value (gguf, type, depth, array != NULL ? &item : NULL, key, error))
        return FALSE;
      if (array != NULL)
        json_array_add_element (array, item);
    }
  return TRUE;
}

static gboolean
gguf_array (Gguf *gguf, guint depth, JsonNode *node, const char *key, GError **error)
{
  g_autoptr (JsonArray) array = NULL;
  g_autoptr (JsonObject) summary = NULL;
  GgufType type;
  guint64 count;

  if (depth == MAX_ARRAY_DEPTH)
    return gguf_fail_named (error, key, "holds lists nested too deep");
  if (!gguf_type (gguf, &type, key, error)
      || !gguf_count (gguf, gguf_types[type].min, &count, "the length of a list", error))
    return FALSE;
  if (node != NULL && count <= MAX_ARRAY)
    array = json_array_new ();
  if (!gguf_items (gguf, type, count, depth + 1, array, key, error))
    return FALSE;
  if (array != NULL)
    json_node_init_array (node, array);
  else if (node != NULL)
    {
      summary = json_object_new ();
      json_object_set_string_member (summary, "type", gguf_types[type].name);
      json_object_set_int_member (summary, "count", (gint64) count);
      json_node_init_object (node, summary);
    }
  return TRUE;
}

static gboolean
gguf_value (Gguf *gguf, GgufType type, guint depth, JsonNode **out, const char *key, GError **error)
{
  g_autoptr (JsonNode) node = out != NULL ? json_node_alloc () : NULL;
  g_autofree char *string = NULL;
  g_autofree char *valid = NULL;
  const guint8 *bytes;

  if (out != NULL && gguf->n_values++ == MAX_VALUES)
    return gguf_fail_named (error, key, "follows too many values");
  if (type == GGUF_ARRAY)
    {
      if (!gguf_array (gguf, depth, node, key, error))
        return FALSE;
    }
  else if (type == GGUF_STRING)
    {
      if (!gguf_string (gguf, MAX_STRING, out != NULL ? &string : NULL, NULL, key, error))
        return FALSE;
      if (out != NULL)
        {
          valid = g_utf8_make_valid (string, -1);
          json_node_init_string (node, valid);
        }
    }
  else if (out == NULL)
    return gguf_bytes (gguf, gguf_types[type].size, &bytes, key, error);
  else if (!gguf_scalar (gguf, type, node, key, error))
    return FALSE;
  if (out != NULL)
    *out = g_steal_pointer (&node);
  return TRUE;
}

static gboolean
gguf_key_value (Gguf *gguf, JsonObject *metadata, GError **error)
{
  g_autofree char *key = NULL;
  JsonNode *node;
  GgufType type;

  if (!gguf_name (gguf, &key, "a key", error))
    return FALSE;
  if (json_object_has_member (metadata, key))
    return gguf_fail_named (error, key, "appears twice");
  if (!gguf_type (gguf, &type, key, error) || !gguf_value (gguf, type, 0, &node, key, error))
    return FALSE;
  json_object_set_member (metadata, key, node);
  return TRUE;
}

static gboolean
gguf_dims (Gguf *gguf, PldTensor *tensor, GError **error)
{
  guint64 n;

  if (!gguf_uint (gguf, 4, &n, "the number of dimensions", error))
    return FALSE;
  if (n < 1 || n > MAX_GGUF_DIMS)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "damaged: tensor \"%s\" has %" G_GUINT64_FORMAT
                   " dimensions, GGUF has 1 to %u; download it again",
                   tensor->name, n, MAX_GGUF_DIMS);
      return FALSE;
    }
  tensor->n_dims = (guint) n;
  for (guint i = tensor->n_dims; i-- > 0;)
    {
      if (!gguf_uint (gguf, 8, &tensor->dims[i], "a dimension", error))
        return FALSE;
      if (tensor->dims[i] == 0)
        return gguf_fail_named (error, tensor->name, "has a dimension of 0");
    }
  return TRUE;
}

/* offset still counts from the data's start. */
static gboolean
gguf_tensor (Gguf *gguf, guint64 alignment, guint file, GArray *tensors, GError **error)
{
  g_autofree char *name = NULL;
  PldTensor tensor = { NULL };
  guint64 number;

  if (!gguf_name (gguf, &name, "a tensor's name", error))
    return FALSE;
  tensor.name = name;
  tensor.file = file;
  if (!gguf_dims (gguf, &tensor, error) || !gguf_uint (gguf, 4, &number, "a tensor's type", error)
      || !gguf_uint (gguf, 8, &tensor.offset, "a tensor's offset", error))
    return FALSE;
  if (!pld_dtype_from_gguf ((guint32) number, &tensor.dtype))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "tensor \"%s\" has the unknown type number %" G_GUINT64_FORMAT
                   "; the file is damaged (download it again) or newer than this program",
                   name, number);
      return FALSE;
    }
  if (!pld_tensor_measure (&tensor, error))
    return FALSE;
  if (tensor.offset % alignment != 0)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "damaged: tensor \"%s\" lies at offset %" G_GUINT64_FORMAT
                   ", which is no multiple of the alignment %" G_GUINT64_FORMAT "; download it again",
                   name, tensor.offset, alignment);
      return FALSE;
    }
  tensor.name = g_steal_pointer (&name);
  g_array_append_val (tensors, tensor);
  return TRUE;
}

static gboolean
gguf_header (Gguf *gguf, guint64 *n_tensors, guint64 *n_keys, GError **error)
{
  const guint8 *magic;
  guint64 version;

  if (!gguf_bytes (gguf, 4, &magic, "the magic number", error))
    return FALSE;
  if (memcmp (magic, "GGUF", 4) != 0)
    return gguf_fail (error, "the magic number", "is not GGUF's");
  if (!gguf_uint (gguf, 4, &version, "the version", error))
    return FALSE;
  if (version != 2 && version != 3)
    {
      if (version != 0 && (version & 0xffff) == 0)
        g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                     "is a big-endian GGUF; convert the model to little-endian");
      else
        g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                     "is GGUF version %" G_GUINT64_FORMAT
                     "; versions 2 and 3 are known: convert the model to one of them",
                     version);
      return FALSE;
    }
  /* a tensor: name's length and a byte, n_dims, a dimension, type, offset; a key: length and a byte, type, a
   * byte */
  if (!gguf_count (gguf, 8 + 1 + 4 + 8 + 4 + 8, n_tensors, "the number of tensors", error)
      || !gguf_count (gguf, 8 + 1 + 4 + 1, n_keys, "the number of keys", error))
    return FALSE;
  if (*n_tensors > PLD_MAX_TENSORS || *n_keys > MAX_KEYS)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "has more than %u tensors or %u keys",
                   PLD_MAX_TENSORS, MAX_KEYS);
      return FALSE;
    }
  return TRUE;
}

static gboolean
gguf_alignment (JsonObject *metadata, guint64 *alignment, GError **error)
{
  JsonNode *node = json_object_get_member (metadata, "general.alignment");
  gint64 value;

  *alignment = 32;
  if (node == NULL)
    return TRUE;
  value = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64
              ? json_node_get_int (node)
              : 0;
  if (value < 8 || value > G_MAXINT32 || (value & (value - 1)) != 0)
    return gguf_fail_named (error, "general.alignment", "is no power of two from 8");
  *alignment = (guint64) value;
  return TRUE;
}

static gboolean
gguf_directory (Gguf *gguf, guint file, GArray *tensors, JsonObject *metadata, GError **error)
{
  guint64 n_tensors, n_keys, alignment, data;

  if (!gguf_header (gguf, &n_tensors, &n_keys, error))
    return FALSE;
  for (guint64 i = 0; i < n_keys; i++)
    if (!gguf_key_value (gguf, metadata, error))
      return FALSE;
  if (!gguf_alignment (metadata, &alignment, error))
    return FALSE;
  for (guint64 i = 0; i < n_tensors; i++)
    if (!gguf_tensor (gguf, alignment, file, tensors, error))
      return FALSE;
  data = pld_size_round_up (gguf->reader.pos, alignment);
  for (guint i = 0; i < tensors->len; i++)
    {
      PldTensor *tensor = &g_array_index (tensors, PldTensor, i);

      /* Saturated, an absurd offset is refused as one. */
      tensor->offset = tensor->offset > G_MAXUINT64 - data ? G_MAXUINT64 : tensor->offset + data;
      if (!pld_tensor_check_end (tensor, gguf->file_size, error))
        return FALSE;
    }
  return pld_tensors_check (tensors, error);
}

gboolean
pld_gguf_parse_window (const guint8 *head, gsize n_head, guint64 file_size, guint file, GArray *tensors,
                       JsonObject *metadata, gboolean *short_head, GError **error)
{
  g_autoptr (GArray) found = pld_tensors_new ();
  g_autoptr (JsonObject) found_metadata = json_object_new ();
  Gguf gguf = { .file_size = file_size };
  gboolean ok;

  g_return_val_if_fail (file_size >= n_head, FALSE);
  pld_reader_init (&gguf.reader, head, n_head);
  ok = gguf_directory (&gguf, file, found, found_metadata, error);
  *short_head = !ok && gguf.short_head;
  if (ok)
    pld_tensors_hand_over (found, found_metadata, tensors, metadata);
  return ok;
}

gboolean
pld_gguf_parse (const guint8 *head, gsize n_head, guint64 file_size, guint file, GArray *tensors,
                JsonObject *metadata, GError **error)
{
  gboolean short_head;

  return pld_gguf_parse_window (head, n_head, file_size, file, tensors, metadata, &short_head, error);
}
