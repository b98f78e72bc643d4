/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The inspect verb: prints the contents of a model file or folder; reads no weights.
 */
#include "apps/pipeload/verbs.h"

#include <json-glib/json-glib.h>
#include <stdio.h>

static void
print_types (JsonObject *types)
{
  g_autoptr (GString) text = g_string_new (NULL);
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, types);
  while (json_object_iter_next_ordered (&iter, &name, &node))
    {
      g_autofree char *size = pld_size_format ((guint64) json_node_get_int (node));

      g_string_append_printf (text, "%s%s %s", text->len > 0 ? ", " : "", name, size);
    }
  pld_tool_line ("types", "%s", text->str);
}

static void
print_members (const char *title, JsonObject *object)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, object);
  for (gboolean first = TRUE; json_object_iter_next_ordered (&iter, &name, &node); first = FALSE)
    {
      g_autofree char *json = json_to_string (node, FALSE);
      g_autofree char *value = pld_tool_clean (json);
      g_autofree char *key = pld_tool_clean (name);
      gsize length = (gsize) g_utf8_strlen (value, -1);

      if (first)
        printf ("\n%s\n", title);
      if (length > 80)
        *g_utf8_offset_to_pointer (value, 80) = '\0';
      printf ("  %-42s %s%s\n", key, value, length > 80 ? "…" : "");
    }
}

static char *
tensor_name (JsonArray *tensors, guint i)
{
  return pld_tool_clean (json_object_get_string_member (json_array_get_object_element (tensors, i), "name"));
}

static void
print_tensors (JsonArray *tensors)
{
  guint n = json_array_get_length (tensors), width = 8;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = tensor_name (tensors, i);

      width = CLAMP ((guint) g_utf8_strlen (name, -1), width, 72);
    }
  printf ("\n%-*s  %-8s %-22s %s\n", (int) width + 2, "  tensor", "type", "shape", "size");
  for (guint i = 0; i < n; i++)
    {
      JsonObject *tensor = json_array_get_object_element (tensors, i);
      g_autofree char *name = tensor_name (tensors, i);
      g_autofree char *shape = json_to_string (json_object_get_member (tensor, "shape"), FALSE);
      g_autofree char *size = pld_size_format ((guint64) json_object_get_int_member (tensor, "bytes"));

      printf ("  %-*s  %-8s %-22s %s\n", (int) width, name, json_object_get_string_member (tensor, "type"), shape,
              size);
    }
}

static void
print_text (JsonObject *model)
{
  JsonArray *files = json_object_get_array_member (model, "files");
  JsonNode *architecture = json_object_get_member (model, "architecture");

  pld_tool_line ("model", "%s", json_object_get_string_member (model, "path"));
  pld_tool_line ("format", "%s", json_object_get_string_member (model, "format"));
  pld_tool_line ("architecture", "%s",
                 JSON_NODE_HOLDS_NULL (architecture) ? "not named" : json_node_get_string (architecture));
  pld_tool_line ("parameters", "%" G_GINT64_FORMAT, json_object_get_int_member (model, "parameters"));
  pld_tool_line_size ("weights", (guint64) json_object_get_int_member (model, "bytes"), NULL);
  print_types (json_object_get_object_member (model, "types"));
  for (guint i = 0; i < json_array_get_length (files); i++)
    pld_tool_line (i == 0 ? "files" : "", "%s", json_array_get_string_element (files, i));
  print_members ("metadata", json_object_get_object_member (model, "metadata"));
  if (json_object_has_member (model, "config"))
    print_members ("config.json", json_object_get_object_member (model, "config"));
  print_tensors (json_object_get_array_member (model, "tensors"));
}

static gboolean print_as_json;

static const GOptionEntry options[]
    = { { "json", 'j', 0, G_OPTION_ARG_NONE, &print_as_json, "Print JSON", NULL }, { NULL } };

static int
run (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *text = pld_model_inspect (argv[1], &error);

  if (text == NULL)
    return pld_tool_fail (error);
  if (print_as_json)
    puts (text);
  else
    {
      node = json_from_string (text, &error);
      if (node == NULL)
        return pld_tool_fail (error);
      print_text (json_node_get_object (node));
    }
  return PLD_EXIT_OK;
}

const PldVerb pld_verb_inspect = {
  .name = "inspect",
  .arguments = "MODEL",
  .min = 1,
  .max = 1,
  .description = "Prints the format, architecture, metadata and tensors of a model file or folder. Reads no weights.",
  .options = { options },
  .examples = { { "model.gguf", "metadata and tensors, as a table" }, { "--json model.gguf", "the same as JSON" } },
  .run = run,
};
