/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads the typed values of a GGUF directory with bounds on depth, count and length.
 */
#include "engine/format/gguf-values.h"

#include <math.h>
#include <string.h>

#define MAX_KEY_LENGTH 65535
#define MAX_STRING (G_GUINT64_CONSTANT (16) << 20)
#define MAX_ARRAY 64 /* longer ones are only counted */
#define MAX_ARRAY_DEPTH 4
#define MAX_VALUES (1u << 18)

/* size 0: varies; min: the fewest bytes that one value takes */
static const struct
{
  const char *name;
  guint8 size, min;
} gguf_types[PLD_GGUF_N] = { { "u8", 1, 1 },  { "i8", 1, 1 },  { "u16", 2, 2 },  { "i16", 2, 2 },    { "u32", 4, 4 },
                             { "i32", 4, 4 }, { "f32", 4, 4 }, { "bool", 1, 1 }, { "string", 0, 8 }, { "array", 0, 12 },
                             { "u64", 8, 8 }, { "i64", 8, 8 }, { "f64", 8, 8 } };

gboolean
pld_gguf_fail (GError **error, const char *what, const char *fact)
{
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "damaged: %s %s; download it again", what, fact);
  return FALSE;
}

gboolean
pld_gguf_fail_named (GError **error, const char *name, const char *fact)
{
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "damaged: \"%s\" %s; download it again", name, fact);
  return FALSE;
}

gboolean
pld_gguf_bytes (PldGguf *gguf, guint64 n, const guint8 **bytes, const char *what, GError **error)
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

gboolean
pld_gguf_uint (PldGguf *gguf, guint n, guint64 *value, const char *what, GError **error)
{
  const guint8 *bytes;

  if (!pld_gguf_bytes (gguf, n, &bytes, what, error))
    return FALSE;
  *value = 0;
  for (guint i = 0; i < n; i++)
    *value |= (guint64) bytes[i] << (8 * i);
  return TRUE;
}

/* How many things follow, each of @min bytes at least: refused when they cannot all be in the file. */
gboolean
pld_gguf_count (PldGguf *gguf, guint min, guint64 *count, const char *what, GError **error)
{
  guint64 n, left;

  if (!pld_gguf_uint (gguf, 8, &n, what, error))
    return FALSE;
  left = gguf->file_size - gguf->reader.pos;
  if (n > left / min)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "truncated or damaged: %s: a count of %" G_GUINT64_FORMAT " cannot fit the %" G_GUINT64_FORMAT
                   " bytes that follow; download it again",
                   what, n, left);
      return FALSE;
    }
  *count = n;
  return TRUE;
}

static gboolean
gguf_string (PldGguf *gguf, guint64 max, char **string, gsize *length, const char *what, GError **error)
{
  const guint8 *bytes;
  guint64 n;

  if (!pld_gguf_count (gguf, 1, &n, what, error))
    return FALSE;
  if (n > max)
    return pld_gguf_fail (error, what, "is too long");
  if (!pld_gguf_bytes (gguf, n, &bytes, what, error))
    return FALSE;
  if (string != NULL)
    *string = g_strndup ((const char *) bytes, n);
  if (length != NULL)
    *length = n;
  return TRUE;
}

/* Names: UTF-8, not empty, no zero character. */
gboolean
pld_gguf_name (PldGguf *gguf, char **name, const char *what, GError **error)
{
  g_autofree char *string = NULL;
  gsize n;

  if (!gguf_string (gguf, MAX_KEY_LENGTH, &string, &n, what, error))
    return FALSE;
  if (n == 0 || strlen (string) != n || !g_utf8_validate (string, -1, NULL))
    return pld_gguf_fail (error, what, n == 0 ? "is empty" : "is not UTF-8");
  *name = g_steal_pointer (&string);
  return TRUE;
}

gboolean
pld_gguf_type (PldGguf *gguf, PldGgufType *type, const char *key, GError **error)
{
  guint64 number;

  if (!pld_gguf_uint (gguf, 4, &number, "the type of a value", error))
    return FALSE;
  if (number >= PLD_GGUF_N)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "the value of \"%s\" has the unknown type %" G_GUINT64_FORMAT
                   "; the file is damaged (download it again) or newer than this program",
                   key, number);
      return FALSE;
    }
  *type = (PldGgufType) number;
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
gguf_scalar (PldGguf *gguf, PldGgufType type, JsonNode *node, const char *key, GError **error)
{
  guint64 raw;
  guint32 raw32;
  guint shift;
  float f;
  double d;

  if (!pld_gguf_uint (gguf, gguf_types[type].size, &raw, key, error))
    return FALSE;
  shift = 64 - 8 * gguf_types[type].size;
  switch (type)
    {
    case PLD_GGUF_BOOL:
      if (raw > 1)
        return pld_gguf_fail_named (error, key, "is neither true nor false");
      json_node_init_boolean (node, raw == 1);
      break;
    case PLD_GGUF_F32:
      raw32 = (guint32) raw;
      memcpy (&f, &raw32, sizeof f);
      set_double (node, (double) f);
      break;
    case PLD_GGUF_F64:
      memcpy (&d, &raw, sizeof d);
      set_double (node, d);
      break;
    case PLD_GGUF_I8:
    case PLD_GGUF_I16:
    case PLD_GGUF_I32:
    case PLD_GGUF_I64:
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

static gboolean
gguf_items (PldGguf *gguf, PldGgufType type, guint64 count, guint depth, JsonArray *array, const char *key,
            GError **error)
{
  const guint8 *bytes;

  /* gguf_count() has seen to it that the product is no more than the file. */
  if (array == NULL && gguf_types[type].size > 0)
    return pld_gguf_bytes (gguf, count * gguf_types[type].size, &bytes, key, error);
  for (guint64 i = 0; i < count; i++)
    {
      JsonNode *item;

      if (!pld_gguf_value (gguf, type, depth, array != NULL ? &item : NULL, key, error))
        return FALSE;
      if (array != NULL)
        json_array_add_element (array, item);
    }
  return TRUE;
}

static gboolean
gguf_array (PldGguf *gguf, guint depth, JsonNode *node, const char *key, GError **error)
{
  g_autoptr (JsonArray) array = NULL;
  g_autoptr (JsonObject) summary = NULL;
  PldGgufType type;
  guint64 count, start;

  if (depth == MAX_ARRAY_DEPTH)
    return pld_gguf_fail_named (error, key, "holds lists nested too deep");
  if (!pld_gguf_type (gguf, &type, key, error)
      || !pld_gguf_count (gguf, gguf_types[type].min, &count, "the length of a list", error))
    return FALSE;
  if (node != NULL && count <= MAX_ARRAY)
    array = json_array_new ();
  start = gguf->reader.pos;
  if (!gguf_items (gguf, type, count, depth + 1, array, key, error))
    return FALSE;
  if (depth == 0)
    gguf->array = (PldArray) { NULL, type, count, 0, start, gguf->reader.pos - start };
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

gboolean
pld_gguf_value (PldGguf *gguf, PldGgufType type, guint depth, JsonNode **out, const char *key, GError **error)
{
  g_autoptr (JsonNode) node = out != NULL ? json_node_alloc () : NULL;
  g_autofree char *string = NULL;
  g_autofree char *valid = NULL;
  const guint8 *bytes;

  if (out != NULL && gguf->n_values++ == MAX_VALUES)
    return pld_gguf_fail_named (error, key, "follows too many values");
  if (type == PLD_GGUF_ARRAY)
    {
      if (!gguf_array (gguf, depth, node, key, error))
        return FALSE;
    }
  else if (type == PLD_GGUF_STRING)
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
    return pld_gguf_bytes (gguf, gguf_types[type].size, &bytes, key, error);
  else if (!gguf_scalar (gguf, type, node, key, error))
    return FALSE;
  if (out != NULL)
    *out = g_steal_pointer (&node);
  return TRUE;
}
