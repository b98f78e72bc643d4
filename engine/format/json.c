/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The JSON pull parser: a byte cursor and a bit stack of containers, without recursion.
 */
#include "engine/format/json.h"

#include <math.h>
#include <string.h>

void
pld_json_init (PldJson *json, const char *text, gsize size)
{
  memset (json, 0, sizeof *json);
  json->text = text;
  json->size = size;
}

static gboolean
json_fail (PldJson *json, const char *fact, GError **error)
{
  json->fact = fact;
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "damaged JSON: %s at byte %" G_GSIZE_FORMAT "; download it again",
               fact, json->pos);
  return FALSE;
}

/* The next character other than white space, or −1 at the end. */
static int
json_peek (PldJson *json)
{
  for (; json->pos < json->size; json->pos++)
    {
      char c = json->text[json->pos];

      if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
        return (guchar) c;
    }
  return -1;
}

gboolean
pld_json_enter (PldJson *json, char open, GError **error)
{
  if (json_peek (json) != open)
    return json_fail (json, open == '{' ? "an object was expected" : "a list was expected", error);
  if (json->depth == PLD_JSON_MAX_DEPTH)
    return json_fail (json, "containers nested too deep", error);
  if (open == '{')
    json->objects |= G_GUINT64_CONSTANT (1) << json->depth;
  else
    json->objects &= ~(G_GUINT64_CONSTANT (1) << json->depth);
  json->depth++;
  json->first = TRUE;
  json->pos++;
  return TRUE;
}

gboolean
pld_json_next (PldJson *json, gboolean *more, GError **error)
{
  int c = json_peek (json);
  int close;

  g_return_val_if_fail (json->depth > 0, FALSE);
  close = json->objects >> (json->depth - 1) & 1 ? '}' : ']';
  if (c == close)
    {
      json->pos++;
      json->depth--;
      json->first = FALSE;
      *more = FALSE;
      return TRUE;
    }
  if (!json->first)
    {
      if (c != ',')
        return json_fail (json, c < 0 ? "the text ends" : "a comma or the end of a container was expected", error);
      json->pos++;
      if (json_peek (json) == close)
        return json_fail (json, "a comma ends a container", error);
    }
  json->first = FALSE;
  *more = TRUE;
  return TRUE;
}

/* The code unit of "\uXXXX" at text[pos]; −1 when it is none. */
static int
json_unit (const PldJson *json, gsize pos)
{
  int unit = 0;

  if (json->size - pos < 6 || json->text[pos] != '\\' || json->text[pos + 1] != 'u')
    return -1;
  for (guint i = 2; i < 6; i++)
    {
      if (!g_ascii_isxdigit (json->text[pos + i]))
        return -1;
      unit = unit * 16 + g_ascii_xdigit_value (json->text[pos + i]);
    }
  return unit;
}

/* The character of the escape at pos, which is stepped over. */
static gboolean
json_escape (PldJson *json, gunichar *c, GError **error)
{
  static const char plain[] = "\"\\/bfnrt", value[] = "\"\\/\b\f\n\r\t";
  char letter = json->size - json->pos > 1 ? json->text[json->pos + 1] : '\0';
  const char *found = letter != '\0' ? strchr (plain, letter) : NULL;
  int unit, low;

  if (found != NULL)
    {
      *c = (guchar) value[found - plain];
      json->pos += 2;
      return TRUE;
    }
  unit = json_unit (json, json->pos);
  if (unit < 0)
    return json_fail (json, "an unknown escape", error);
  if (unit == 0)
    return json_fail (json, "a zero character in a string", error);
  if (unit >= 0xd800 && unit < 0xe000)
    {
      low = unit < 0xdc00 ? json_unit (json, json->pos + 6) : -1;
      if (low < 0xdc00 || low >= 0xe000)
        return json_fail (json, "half a surrogate pair", error);
      unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
      json->pos += 6;
    }
  *c = (gunichar) unit;
  json->pos += 6;
  return TRUE;
}

gboolean
pld_json_string (PldJson *json, char **string, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);

  if (json_peek (json) != '"')
    return json_fail (json, "a string was expected, in double quotes", error);
  json->pos++;
  while (json->pos < json->size && json->text[json->pos] != '"')
    {
      gsize start = json->pos;
      gunichar c;

      while (json->pos < json->size && (guchar) json->text[json->pos] >= 0x20 && json->text[json->pos] != '"'
             && json->text[json->pos] != '\\')
        json->pos++;
      g_string_append_len (out, json->text + start, (gssize) (json->pos - start));
      if (json->pos == json->size || json->text[json->pos] == '"')
        continue;
      if (json->text[json->pos] != '\\')
        return json_fail (json, "a control character in a string", error);
      if (!json_escape (json, &c, error))
        return FALSE;
      g_string_append_unichar (out, c);
    }
  if (json->pos == json->size)
    return json_fail (json, "the text ends within a string", error);
  if (!g_utf8_validate (out->str, (gssize) out->len, NULL))
    return json_fail (json, "a string that is not UTF-8", error);
  json->pos++;
  *string = g_string_free (g_steal_pointer (&out), FALSE);
  return TRUE;
}

gboolean
pld_json_key (PldJson *json, char **key, GError **error)
{
  g_autofree char *string = NULL;

  if (!pld_json_string (json, &string, error))
    return FALSE;
  if (json_peek (json) != ':')
    return json_fail (json, "a colon was expected", error);
  json->pos++;
  *key = g_steal_pointer (&string);
  return TRUE;
}

static gsize
json_digits (PldJson *json)
{
  gsize start = json->pos;

  while (json->pos < json->size && g_ascii_isdigit (json->text[json->pos]))
    json->pos++;
  return json->pos - start;
}

gboolean
pld_json_uint (PldJson *json, guint64 *value, GError **error)
{
  guint64 v = 0;
  gsize start, n;

  json_peek (json);
  start = json->pos;
  n = json_digits (json);
  if (n == 0 || (n > 1 && json->text[start] == '0')
      || (json->pos < json->size && strchr (".eE+-", json->text[json->pos]) != NULL && json->text[json->pos] != '\0'))
    {
      json->pos = start;
      return json_fail (json, "a whole number from 0 was expected", error);
    }
  for (gsize i = start; i < json->pos; i++)
    if (__builtin_mul_overflow (v, 10, &v) || __builtin_add_overflow (v, (guint64) (json->text[i] - '0'), &v))
      {
        json->pos = start;
        return json_fail (json, "a number above 2^64", error);
      }
  *value = v;
  return TRUE;
}

static gboolean
json_number (PldJson *json, JsonNode *node, GError **error)
{
  gsize start = json->pos;
  gboolean whole = TRUE, negative = json->text[start] == '-';
  gsize first = start + (negative ? 1 : 0), n;
  char buffer[64];
  double value;

  json->pos = first;
  n = json_digits (json);
  if (n == 0 || (n > 1 && json->text[first] == '0'))
    return json_fail (json, "a malformed number", error);
  if (json->pos < json->size && json->text[json->pos] == '.')
    {
      whole = FALSE;
      json->pos++;
      if (json_digits (json) == 0)
        return json_fail (json, "a malformed number", error);
    }
  if (json->pos < json->size && (json->text[json->pos] == 'e' || json->text[json->pos] == 'E'))
    {
      whole = FALSE;
      json->pos++;
      if (json->pos < json->size && (json->text[json->pos] == '+' || json->text[json->pos] == '-'))
        json->pos++;
      if (json_digits (json) == 0)
        return json_fail (json, "a malformed number", error);
    }
  if (json->pos - start >= sizeof buffer)
    return json_fail (json, "a number of too many digits", error);
  memcpy (buffer, json->text + start, json->pos - start);
  buffer[json->pos - start] = '\0';
  value = g_ascii_strtod (buffer, NULL);
  if (!isfinite (value))
    return json_fail (json, "a number out of range", error);
  if (whole && value >= (double) G_MININT64 && value < (double) G_MAXINT64)
    json_node_init_int (node, g_ascii_strtoll (buffer, NULL, 10));
  else
    json_node_init_double (node, value);
  return TRUE;
}

/* true, false, null; and Python's NaN, Infinity and -Infinity, which become strings: no number that a getter gives
 * is infinite, and what is written again is JSON. */
static gboolean
json_word (PldJson *json, JsonNode *node, GError **error)
{
  static const char *const words[] = { "true", "false", "null", "NaN", "Infinity", "-Infinity" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize n = strlen (words[i]);

      if (json->size - json->pos < n || memcmp (json->text + json->pos, words[i], n) != 0)
        continue;
      json->pos += n;
      if (i < 2)
        json_node_init_boolean (node, i == 0);
      else if (i == 2)
        json_node_init_null (node);
      else
        json_node_init_string (node, words[i]);
      return TRUE;
    }
  return json_fail (json, "a value was expected", error);
}

static gboolean
json_container (PldJson *json, JsonNode *node, gboolean is_object, GError **error)
{
  g_autoptr (JsonObject) object = is_object ? json_object_new () : NULL;
  g_autoptr (JsonArray) array = is_object ? NULL : json_array_new ();
  gboolean more;

  if (!pld_json_enter (json, is_object ? '{' : '[', error))
    return FALSE;
  while (pld_json_next (json, &more, error))
    {
      g_autofree char *key = NULL;
      JsonNode *child;

      if (!more)
        {
          if (is_object)
            json_node_init_object (node, object);
          else
            json_node_init_array (node, array);
          return TRUE;
        }
      if (is_object && !pld_json_key (json, &key, error))
        return FALSE;
      if (is_object && json_object_has_member (object, key))
        return json_fail (json, "a doubled member", error);
      if (!pld_json_value (json, &child, error))
        return FALSE;
      if (is_object)
        json_object_set_member (object, key, child);
      else
        json_array_add_element (array, child);
    }
  return FALSE;
}

gboolean
pld_json_value (PldJson *json, JsonNode **out, GError **error)
{
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *string = NULL;
  int c = json_peek (json);
  gboolean ok;

  if (json->n_values == PLD_JSON_MAX_VALUES)
    return json_fail (json, "too many values", error);
  json->n_values++;
  node = json_node_alloc ();
  if (c == '{' || c == '[')
    ok = json_container (json, node, c == '{', error);
  else if (c == '"')
    {
      ok = pld_json_string (json, &string, error);
      if (ok)
        json_node_init_string (node, string);
    }
  else if (g_ascii_isdigit (c)
           || (c == '-' && json->size - json->pos > 1 && g_ascii_isdigit (json->text[json->pos + 1])))
    ok = json_number (json, node, error);
  else
    ok = json_word (json, node, error);
  if (ok && out != NULL)
    *out = g_steal_pointer (&node);
  return ok;
}

gboolean
pld_json_end (PldJson *json, GError **error)
{
  return json_peek (json) < 0 || json_fail (json, "more text after its end", error);
}

gboolean
pld_json_check (const char *text, gsize size, GError **error)
{
  PldJson json;
  guint line = 1;

  pld_json_init (&json, text, size);
  if (pld_json_value (&json, NULL, NULL) && pld_json_end (&json, NULL))
    return TRUE;
  for (gsize i = 0; i < MIN (json.pos, size); i++)
    line += text[i] == '\n';
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "line %u is not JSON: %s", line, json.fact);
  return FALSE;
}
