/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Describes a model's files as JSON, and finds its kind, without reading weights.
 */
#include "models/files/inspect.h"
#include "models/architectures/arch.h"

#include "engine/format/config.h"
#include "engine/format/weights.h"

/* Returns: (nullable): the name that the model gives its architecture */
static const char *
architecture (const PldWeights *weights, const PldConfig *config)
{
  JsonObject *object = weights->format == PLD_FORMAT_GGUF ? weights->metadata : config != NULL ? config->root : NULL;
  const char *key = weights->format == PLD_FORMAT_GGUF ? "general.architecture" : "model_type";
  JsonNode *node = object != NULL ? json_object_get_member (object, key) : NULL;

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
}

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

static void
add_uint (JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64) value);
}

static void
add_object (JsonBuilder *builder, const char *name, JsonObject *object)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_set_object (node, object);
  json_builder_set_member_name (builder, name);
  json_builder_add_value (builder, node);
}

static void
add_tensor (JsonBuilder *builder, const PldWeights *weights, const PldTensor *tensor)
{
  g_autofree char *file = g_path_get_basename (weights->files[tensor->file]);

  json_builder_begin_object (builder);
  add_string (builder, "name", tensor->name);
  add_string (builder, "type", pld_dtype_info (tensor->dtype)->name);
  json_builder_set_member_name (builder, "shape");
  json_builder_begin_array (builder);
  for (guint i = 0; i < tensor->n_dims; i++)
    json_builder_add_int_value (builder, (gint64) tensor->dims[i]);
  json_builder_end_array (builder);
  add_string (builder, "file", file);
  add_uint (builder, "offset", tensor->offset);
  add_uint (builder, "bytes", tensor->n_bytes);
  json_builder_end_object (builder);
}

/* Bytes of each element type that occurs. */
static void
add_types (JsonBuilder *builder, const PldWeights *weights)
{
  guint64 bytes[PLD_DTYPE_N] = { 0 };

  for (guint i = 0; i < weights->n_tensors; i++)
    bytes[weights->tensors[i].dtype] += weights->tensors[i].n_bytes;
  json_builder_set_member_name (builder, "types");
  json_builder_begin_object (builder);
  for (guint i = 0; i < PLD_DTYPE_N; i++)
    if (bytes[i] > 0)
      add_uint (builder, pld_dtype_info ((PldDtype) i)->name, bytes[i]);
  json_builder_end_object (builder);
}

static JsonNode *
describe (const PldWeights *weights, const PldConfig *config)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  guint64 values = 0, bytes = 0;

  for (guint i = 0; i < weights->n_tensors; i++)
    {
      values += weights->tensors[i].n_values;
      bytes += weights->tensors[i].n_bytes;
    }
  json_builder_begin_object (builder);
  add_string (builder, "path", weights->path);
  add_string (builder, "format", weights->format == PLD_FORMAT_GGUF ? "gguf" : "safetensors");
  add_string (builder, "architecture", architecture (weights, config));
  add_uint (builder, "parameters", values);
  add_uint (builder, "bytes", bytes);
  add_types (builder, weights);
  json_builder_set_member_name (builder, "files");
  json_builder_begin_array (builder);
  for (guint i = 0; i < weights->n_files; i++)
    json_builder_add_string_value (builder, weights->files[i]);
  json_builder_end_array (builder);
  add_object (builder, "metadata", weights->metadata);
  if (config != NULL)
    add_object (builder, "config", config->root);
  json_builder_set_member_name (builder, "tensors");
  json_builder_begin_array (builder);
  for (guint i = 0; i < weights->n_tensors; i++)
    add_tensor (builder, weights, &weights->tensors[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

/* GGUF has its own keys; a safetensors file alone, without the folder, can still be described. */
static gboolean
open_config (const PldWeights *weights, PldConfig **config, GError **error)
{
  g_autoptr (GError) failure = NULL;

  *config = NULL;
  if (weights->format == PLD_FORMAT_GGUF)
    return TRUE;
  *config = pld_config_open (weights->path, "config.json", &failure);
  if (*config != NULL || g_error_matches (failure, PLD_ERROR, PLD_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

char *
pld_model_inspect (const char *path, GError **error)
{
  g_autoptr (PldWeights) weights = NULL;
  g_autoptr (PldConfig) config = NULL;
  g_autoptr (JsonNode) node = NULL;

  g_return_val_if_fail (path != NULL, NULL);
  weights = pld_weights_open (path, error);
  if (weights == NULL || !open_config (weights, &config, error))
    return NULL;
  node = describe (weights, config);
  return json_to_string (node, TRUE);
}

PldModelKind
pld_weights_kind (const PldWeights *weights, GError **error)
{
  g_autoptr (PldConfig) config = NULL;
  g_autofree char *vision = pld_arch_names (PLD_MODEL_VISION), *text = pld_arch_names (PLD_MODEL_LANGUAGE);
  const char *name;

  if (weights->format != PLD_FORMAT_GGUF && (config = pld_config_open (weights->path, "config.json", error)) == NULL)
    return PLD_MODEL_UNKNOWN;
  name = architecture (weights, config);
  if (pld_arch_find (PLD_MODEL_VISION, name) != NULL)
    return PLD_MODEL_VISION;
  if (pld_arch_find (PLD_MODEL_LANGUAGE, name) != NULL)
    return PLD_MODEL_LANGUAGE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
               "%s: architecture \"%s\" is not supported; supported are %s for pictures and %s for text", weights->path,
               name != NULL ? name : "", vision, text);
  return PLD_MODEL_UNKNOWN;
}

PldModelKind
pld_model_kind (const char *path, GError **error)
{
  g_autoptr (PldWeights) weights = NULL;

  if (path == NULL)
    return PLD_MODEL_VISION;
  weights = pld_weights_open (path, error);
  return weights != NULL ? pld_weights_kind (weights, error) : PLD_MODEL_UNKNOWN;
}
