/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Typed getters over a JSON object; each checks the range and names file, key and value in its error.
 */
#include "engine/format/config.h"

#include "engine/format/json.h"
#include "engine/format/source.h"

#include <math.h>
#include <string.h>

#define MAX_CONFIG (G_GUINT64_CONSTANT (16) << 20)
#define MAX_LABELS 65536
#define MAX_SIDE 65536

PldConfig *
pld_config_parse (const char *text, gssize length, const char *path, GError **error)
{
  g_autoptr (JsonNode) node = NULL;
  PldConfig *config;
  PldJson json;

  g_return_val_if_fail ((text != NULL || length == 0) && path != NULL, NULL);
  pld_json_init (&json, text, length < 0 ? strlen (text) : (gsize) length);
  if (!pld_json_value (&json, &node, error) || !pld_json_end (&json, error))
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "%s: is not a JSON object; download it again", path);
      return NULL;
    }
  config = g_new0 (PldConfig, 1);
  config->path = g_strdup (path);
  config->prefix = g_strdup ("");
  config->root = json_node_dup_object (node);
  return config;
}

PldConfig *
pld_config_open (const char *model, const char *name, GError **error)
{
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  gsize size;

  g_return_val_if_fail (model != NULL && name != NULL, NULL);
  folder = g_file_test (model, G_FILE_TEST_IS_DIR) ? g_strdup (model) : g_path_get_dirname (model);
  path = g_build_filename (folder, name, NULL);
  if (g_file_test (folder, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_NOT_FOUND,
                   "%s: holds no %s; download the whole model folder, its .json files too", folder, name);
      return NULL;
    }
  if (!pld_source_load (path, MAX_CONFIG, &text, &size, error))
    return NULL;
  return pld_config_parse (text, (gssize) size, path, error);
}

PldConfig *
pld_config_wrap (JsonObject *root, const char *prefix, const char *path)
{
  PldConfig *config = g_new0 (PldConfig, 1);

  config->path = g_strdup (path);
  config->prefix = g_strdup (prefix);
  config->root = json_object_ref (root);
  return config;
}

void
pld_config_free (PldConfig *config)
{
  if (config == NULL)
    return;
  g_clear_pointer (&config->root, json_object_unref);
  g_free (config->prefix);
  g_free (config->path);
  g_free (config);
}

/* The member's value, NULL when it is absent or null. */
static JsonNode *
config_member (const PldConfig *config, const char *key)
{
  g_autofree char *full = g_strconcat (config->prefix, key, NULL);
  JsonNode *node = json_object_get_member (config->root, full);

  return node == NULL || JSON_NODE_HOLDS_NULL (node) ? NULL : node;
}

gboolean
pld_config_has (const PldConfig *config, const char *key)
{
  return config_member (config, key) != NULL;
}

static GType
node_type (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;
}

static gboolean
node_number (JsonNode *node, double *value)
{
  GType type = node_type (node);

  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return FALSE;
  *value = json_node_get_double (node);
  return (gboolean) isfinite (*value);
}

/* "config.json: "hidden_size" is "x", but must be …" */
static gboolean
config_fail (const PldConfig *config, const char *key, JsonNode *node, const char *wanted, GError **error)
{
  g_autofree char *text = node != NULL ? json_to_string (node, FALSE) : NULL;
  gboolean is_long = text != NULL && strlen (text) > 60;

  if (text == NULL)
    g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "%s: \"%s%s\" is missing: it must be %s", config->path,
                 config->prefix, key, wanted);
  else
    g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "%s: \"%s%s\" is %s, but must be %s", config->path, config->prefix,
                 key, is_long ? "something longer" : text, wanted);
  return FALSE;
}

gboolean
pld_config_uint (const PldConfig *config, const char *key, guint64 min, guint64 max, guint64 *value, GError **error)
{
  JsonNode *node = config_member (config, key);
  gint64 v;

  if (node != NULL && node_type (node) == G_TYPE_INT64)
    {
      v = json_node_get_int (node);
      if (v >= 0 && (guint64) v >= min && (guint64) v <= max)
        {
          *value = (guint64) v;
          return TRUE;
        }
    }
  {
    g_autofree char *wanted
        = g_strdup_printf ("a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, min, max);

    return config_fail (config, key, node, wanted, error);
  }
}

gboolean
pld_config_double (const PldConfig *config, const char *key, double fallback, double *value, GError **error)
{
  JsonNode *node = config_member (config, key);
  double v = fallback;

  if (node != NULL && !node_number (node, &v))
    return config_fail (config, key, node, "a number", error);
  *value = v;
  return TRUE;
}

gboolean
pld_config_bool (const PldConfig *config, const char *key, gboolean fallback, gboolean *value, GError **error)
{
  JsonNode *node = config_member (config, key);

  if (node != NULL && node_type (node) != G_TYPE_BOOLEAN)
    return config_fail (config, key, node, "true or false", error);
  *value = node != NULL ? json_node_get_boolean (node) : fallback;
  return TRUE;
}

gboolean
pld_config_string (const PldConfig *config, const char *key, const char *fallback, const char **value, GError **error)
{
  JsonNode *node = config_member (config, key);

  if (node != NULL && node_type (node) != G_TYPE_STRING)
    return config_fail (config, key, node, "a string", error);
  *value = node != NULL ? json_node_get_string (node) : fallback;
  return TRUE;
}

gboolean
pld_config_doubles (const PldConfig *config, const char *key, guint n, const double *fallback, double *values,
                    GError **error)
{
  JsonNode *node = config_member (config, key);
  JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  g_autofree double *v = g_new (double, n);
  gboolean ok = node == NULL || array == NULL || json_array_get_length (array) == n;

  for (guint i = 0; ok && i < n; i++)
    if (node == NULL)
      v[i] = fallback[i];
    else
      ok = node_number (array != NULL ? json_array_get_element (array, i) : node, &v[i]);
  if (!ok)
    {
      g_autofree char *wanted = g_strdup_printf ("a list of %u numbers", n);

      return config_fail (config, key, node, wanted, error);
    }
  if (n > 0)
    memcpy (values, v, n * sizeof *v);
  return TRUE;
}

static gboolean
node_side (JsonNode *node, guint *side)
{
  gint64 v;

  if (node == NULL || node_type (node) != G_TYPE_INT64)
    return FALSE;
  v = json_node_get_int (node);
  if (v < 1 || v > MAX_SIDE)
    return FALSE;
  *side = (guint) v;
  return TRUE;
}

gboolean
pld_config_size (const PldConfig *config, const char *key, guint *width, guint *height, GError **error)
{
  JsonNode *node = config_member (config, key);
  guint w = 0, h = 0;
  gboolean ok = FALSE;

  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      ok = json_array_get_length (array) == 2 && node_side (json_array_get_element (array, 0), &h)
           && node_side (json_array_get_element (array, 1), &w);
    }
  else if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObject *object = json_node_get_object (node);

      ok = node_side (json_object_get_member (object, "height"), &h)
           && node_side (json_object_get_member (object, "width"), &w);
      if (!ok && !json_object_has_member (object, "height") && !json_object_has_member (object, "width"))
        {
          ok = node_side (json_object_get_member (object, "shortest_edge"), &h);
          w = h;
        }
    }
  else if (node != NULL)
    {
      ok = node_side (node, &h);
      w = h;
    }
  if (!ok)
    return config_fail (
        config, key, node,
        "a size from 1 to 65536: a number, [height, width], {\"height\", \"width\"} or {\"shortest_edge\"}", error);
  *width = w;
  *height = h;
  return TRUE;
}

gboolean
pld_config_labels (const PldConfig *config, char ***labels, guint *n, GError **error)
{
  JsonNode *node = config_member (config, "id2label");
  g_autoptr (GPtrArray) found = NULL;
  JsonObjectIter iter;
  const char *key;
  JsonNode *value;
  guint count;

  if (node == NULL)
    {
      *labels = NULL;
      *n = 0;
      return TRUE;
    }
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return config_fail (config, "id2label", node, "an object", error);
  count = json_object_get_size (json_node_get_object (node));
  if (count == 0 || count > MAX_LABELS)
    return config_fail (config, "id2label", node, "an object of 1 to 65536 labels", error);
  found = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_set_size (found, (int) count + 1);
  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, &key, &value))
    {
      guint64 id;

      /* "01" would be a second name of 1, so that some id got none. */
      if (!g_ascii_string_to_unsigned (key, 10, 0, count - 1, &id, NULL) || (*key == '0' && key[1] != '\0')
          || found->pdata[id] != NULL || node_type (value) != G_TYPE_STRING)
        return config_fail (config, "id2label", node, "an object that gives each id from 0, without a gap, one name",
                            error);
      found->pdata[id] = g_strdup (json_node_get_string (value));
    }
  *labels = (char **) g_ptr_array_free (g_steal_pointer (&found), FALSE);
  *n = count;
  return TRUE;
}
