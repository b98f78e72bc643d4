/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Zones as users write them, and what is wrong with them.
 */
#include "pipeload/pipeload.h"
#include "analytics/zones.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_DWELL (366.0 * 24 * 3600)
#define MAX_QUOTE 80 /* characters of the user's text in an error */
#define NS_PER_SECOND 1e9

static void
clear_zone (gpointer data)
{
  PldZone *zone = data;

  g_free (zone->name);
  g_free (zone->points);
  g_strfreev (zone->labels);
}

static void
clear_line (gpointer data)
{
  PldLine *line = data;

  g_free (line->name);
  g_strfreev (line->labels);
}

static GArray *
new_list (guint size, GDestroyNotify clear)
{
  GArray *list = g_array_new (FALSE, TRUE, size);

  g_array_set_clear_func (list, clear);
  return list;
}

static PldZones *
new_zones (void)
{
  PldZones *zones = g_new0 (PldZones, 1);

  zones->zones = new_list (sizeof (PldZone), clear_zone);
  zones->masks = new_list (sizeof (PldZone), clear_zone);
  zones->lines = new_list (sizeof (PldLine), clear_line);
  return zones;
}

void
pld_zones_free (PldZones *zones)
{
  if (zones == NULL)
    return;
  g_free (zones->json);
  g_array_unref (zones->zones);
  g_array_unref (zones->masks);
  g_array_unref (zones->lines);
  g_free (zones);
}

/* ---- values -------------------------------------------------------------------------------- */

/* Returns: (transfer full): @text as an error may show it */
static char *
quote (const char *text)
{
  if (g_utf8_strlen (text, -1) <= MAX_QUOTE)
    return g_strdup (text);
  return g_utf8_substring (text, 0, MAX_QUOTE);
}

G_GNUC_PRINTF (2, 3)
static gboolean
fail (GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, PLD_ERROR, PLD_ERROR_FORMAT, text);
  return FALSE;
}

static gboolean
check_keys (JsonObject *object, const char *const *known, GError **error)
{
  g_autofree char *all = g_strjoinv (", ", (char **) known);
  JsonObjectIter iter;
  const char *key;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &key, &node))
    if (!g_strv_contains (known, key))
      {
        g_autofree char *shown = quote (key);

        return fail (error, "unknown key \"%s\"; there are: %s", shown, all);
      }
  return TRUE;
}

static gboolean
read_number (JsonNode *node, double *value)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return FALSE;
  *value = json_node_get_double (node);
  return TRUE;
}

static const char *
node_text (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node)
                                                                                          : NULL;
}

/* @what: "point 3 of \"polygon\"" */
static gboolean
read_point (JsonNode *node, const char *what, PldPoint *point, GError **error)
{
  JsonArray *pair = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (node == NULL)
    return fail (error, "%s is missing", what);
  if (pair == NULL || json_array_get_length (pair) != 2 || !read_number (json_array_get_element (pair, 0), &point->x)
      || !read_number (json_array_get_element (pair, 1), &point->y))
    return fail (error, "%s is not two numbers: write [x, y]", what);
  if (!(point->x >= 0 && point->x <= 1 && point->y >= 0 && point->y <= 1))
    return fail (error, "%s is [%g, %g], outside of 0..1: divide pixels by the picture's width and height", what,
                 point->x, point->y);
  return TRUE;
}

static gboolean
read_polygon (JsonObject *object, PldZone *zone, GError **error)
{
  JsonNode *node = json_object_get_member (object, "polygon");
  JsonArray *list = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint n = list != NULL ? json_array_get_length (list) : 0;

  if (list == NULL)
    return fail (error, "\"polygon\" is %s: write [[x, y], [x, y], [x, y]]",
                 node == NULL ? "missing" : "not a list of points");
  if (n < 3)
    return fail (error, "\"polygon\" has %u point%s: it takes 3 or more", n, n == 1 ? "" : "s");
  zone->points = g_new (PldPoint, n);
  zone->n_points = n;
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *what = g_strdup_printf ("point %u of \"polygon\"", i + 1);

      if (!read_point (json_array_get_element (list, i), what, &zone->points[i], error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_labels (JsonObject *object, char ***labels, GError **error)
{
  JsonNode *node = json_object_get_member (object, "labels");
  JsonArray *list = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (node == NULL)
    return TRUE;
  if (list == NULL || json_array_get_length (list) == 0)
    return fail (error, "\"labels\" is not a list of labels: write [\"person\"], or leave it out to watch everything");
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      const char *label = node_text (json_array_get_element (list, i));

      if (label == NULL || *label == '\0')
        return fail (error, "label %u of \"labels\" is not a text: write [\"person\"]", i + 1);
      g_strv_builder_add (builder, label);
    }
  *labels = g_strv_builder_end (builder);
  return TRUE;
}

static gboolean
read_dwell (JsonObject *object, guint64 *dwell, GError **error)
{
  JsonNode *node = json_object_get_member (object, "dwell");
  double seconds;

  if (node == NULL)
    return TRUE;
  if (!read_number (node, &seconds) || !(seconds >= 0 && seconds <= MAX_DWELL))
    return fail (error, "\"dwell\" is not a time: write seconds, 0 or more");
  *dwell = (guint64) (seconds * NS_PER_SECOND + 0.5);
  return TRUE;
}

/* Zones and lines share their names, since events name either. */
static gboolean
read_name (const PldZones *zones, JsonObject *object, char **name, GError **error)
{
  JsonNode *node = json_object_get_member (object, "name");
  const char *text = node != NULL ? node_text (node) : NULL;
  gboolean taken = FALSE;

  if (text == NULL || *text == '\0')
    return fail (error, "\"name\" is %s: write \"name\": \"driveway\"", node == NULL ? "missing" : "not a text");
  for (guint i = 0; i < zones->zones->len; i++)
    taken |= g_strcmp0 (g_array_index (zones->zones, PldZone, i).name, text) == 0;
  for (guint i = 0; i < zones->lines->len; i++)
    taken |= g_strcmp0 (g_array_index (zones->lines, PldLine, i).name, text) == 0;
  if (taken)
    return fail (error, "another zone or line has this \"name\" already: give each its own");
  *name = g_strdup (text);
  return TRUE;
}

/* ---- entries ------------------------------------------------------------------------------- */

static gboolean
read_zone (PldZones *zones, JsonObject *object, GError **error)
{
  static const char *const keys[] = { "name", "polygon", "labels", "dwell", NULL };
  PldZone zone = { 0 };
  gboolean ok = check_keys (object, keys, error) && read_name (zones, object, &zone.name, error)
                && read_polygon (object, &zone, error) && read_labels (object, &zone.labels, error)
                && read_dwell (object, &zone.dwell, error);

  if (ok)
    g_array_append_val (zones->zones, zone);
  else
    clear_zone (&zone);
  return ok;
}

static gboolean
read_mask (PldZones *zones, JsonObject *object, GError **error)
{
  static const char *const keys[] = { "polygon", NULL };
  PldZone zone = { 0 };
  gboolean ok = check_keys (object, keys, error) && read_polygon (object, &zone, error);

  if (ok)
    g_array_append_val (zones->masks, zone);
  else
    clear_zone (&zone);
  return ok;
}

static gboolean
read_line (PldZones *zones, JsonObject *object, GError **error)
{
  static const char *const keys[] = { "name", "from", "to", "labels", NULL };
  PldLine line = { 0 };
  gboolean ok = check_keys (object, keys, error) && read_name (zones, object, &line.name, error)
                && read_point (json_object_get_member (object, "from"), "\"from\"", &line.from, error)
                && read_point (json_object_get_member (object, "to"), "\"to\"", &line.to, error)
                && ((line.from.x != line.to.x || line.from.y != line.to.y)
                    || fail (error, "\"from\" and \"to\" are the same point: a line needs two"))
                && read_labels (object, &line.labels, error);

  if (ok)
    g_array_append_val (zones->lines, line);
  else
    clear_line (&line);
  return ok;
}

typedef gboolean (*ReadEntry) (PldZones *zones, JsonObject *object, GError **error);

/* @key: of a list; @what: one entry of it */
static gboolean
read_list (PldZones *zones, JsonObject *root, const char *key, const char *what, ReadEntry read, GError **error)
{
  JsonNode *node = json_object_get_member (root, key);
  JsonArray *list = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (node == NULL)
    return TRUE;
  if (list == NULL)
    return fail (error, "\"%s\" is not a list: write \"%s\": [{…}]", key, key);
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonNode *entry = json_array_get_element (list, i);
      JsonObject *object = JSON_NODE_HOLDS_OBJECT (entry) ? json_node_get_object (entry) : NULL;
      JsonNode *named = object != NULL ? json_object_get_member (object, "name") : NULL;
      g_autofree char *name = quote (named != NULL && node_text (named) != NULL ? node_text (named) : "");

      if (object == NULL)
        return fail (error, "%s %u is not an object: write {…}", what, i + 1);
      if (!read (zones, object, error))
        {
          if (*name != '\0')
            g_prefix_error (error, "%s \"%s\": ", what, name);
          else
            g_prefix_error (error, "%s %u: ", what, i + 1);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
read_root (PldZones *zones, JsonObject *root, GError **error)
{
  static const char *const keys[] = { "zones", "masks", "lines", NULL };
  PldZone everywhere = { 0 };

  if (!check_keys (root, keys, error) || !read_list (zones, root, "zones", "zone", read_zone, error)
      || !read_list (zones, root, "masks", "mask", read_mask, error)
      || !read_list (zones, root, "lines", "line", read_line, error))
    return FALSE;
  if (zones->zones->len == 0)
    {
      everywhere.name = g_strdup ("");
      g_array_append_val (zones->zones, everywhere);
    }
  return TRUE;
}

/* ---- text ---------------------------------------------------------------------------------- */

PldZones *
pld_zones_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (PldZones) zones = new_zones ();
  g_autoptr (GError) why = NULL;
  JsonNode *root;

  if (length > PLD_ZONES_MAX_BYTES || (length > 0 && !g_utf8_validate (text, (gssize) length, NULL)))
    {
      fail (error,
            length > PLD_ZONES_MAX_BYTES ? "larger than a megabyte: no zones are" : "not UTF-8 text: save it as such");
      return NULL;
    }
  /* Editors on Windows begin UTF-8 files with a byte order mark. */
  if (length >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0)
    {
      text += 3;
      length -= 3;
    }
  zones->json = g_strndup (length > 0 ? text : "", length);
  if (!pld_json_check (zones->json, length, &why)
      || !json_parser_load_from_data (parser, zones->json, (gssize) length, &why))
    {
      fail (error, "%s", why->message);
      return NULL;
    }
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      fail (error, "not a JSON object: write {\"zones\": […]}");
      return NULL;
    }
  return read_root (zones, json_node_get_object (root), error) ? g_steal_pointer (&zones) : NULL;
}
