/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/tools.h"

#include <json-glib/json-glib.h>
#include <stdio.h>

static void
print_json (const PldPlanInfo *plan)
{
  const struct
  {
    const char *name;
    guint64 value;
  } members[] = { { "memory_limit", plan->memory_limit },
                  { "minimum_limit", plan->minimum_limit },
                  { "resident_limit", plan->resident_limit },
                  { "weight_bytes", plan->weight_bytes },
                  { "pinned_bytes", plan->pinned_bytes },
                  { "ring_bytes", plan->ring_bytes },
                  { "activation_bytes", plan->activation_bytes },
                  { "table_bytes", plan->table_bytes },
                  { "streamed_per_pass", plan->streamed_per_pass },
                  { "tile_bytes", plan->tile_bytes },
                  { "tiles", plan->n_tiles },
                  { "pinned_tiles", plan->n_pinned },
                  { "slots", plan->n_slots },
                  { "loaders", plan->loaders },
                  { "batch", plan->batch } };
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;
  JsonObject *object = json_object_new ();

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    json_object_set_int_member (object, members[i].name, (gint64) members[i].value);
  json_node_take_object (node, object);
  text = json_to_string (node, TRUE);
  puts (text);
}

static void
print_text (const PldPlanInfo *plan, gboolean language)
{
  g_autofree char *tile = pld_size_format (plan->tile_bytes);
  g_autofree char *slots = g_strdup_printf ("%u slots of up to %s", plan->n_slots, tile);
  g_autofree char *pinned = g_strdup_printf ("%u of %u tiles stay", plan->n_pinned, plan->n_tiles);

  if (plan->memory_limit == 0)
    pld_tool_line ("memory limit", "none");
  else
    pld_tool_line_size ("memory limit", plan->memory_limit, NULL);
  pld_tool_line_size ("minimum", plan->minimum_limit, "the smallest limit that works");
  pld_tool_line_size ("resident from", plan->resident_limit, "from here on nothing streams");
  pld_tool_line_size ("weights", plan->weight_bytes, "as stored");
  pld_tool_line_size ("  pinned", plan->pinned_bytes, pinned);
  pld_tool_line_size ("  streamed", plan->streamed_per_pass, "read a pass");
  pld_tool_line_size ("ring", plan->ring_bytes, plan->n_slots > 0 ? slots : "not needed");
  pld_tool_line_size ("activations", plan->activation_bytes, NULL);
  pld_tool_line_size ("tables", plan->table_bytes, NULL);
  pld_tool_line ("loaders", "%u", plan->loaders);
  if (language)
    pld_tool_line ("chunk", "%u tokens of a prompt share a pass", plan->batch);
  else
    pld_tool_line ("batch", "%u", plan->batch);
}

/* Returns the exit status; PLD_EXIT_OK: *@plan is set. */
static int
make_plan (const PldToolModel *model, const char *path, gboolean language, PldPlanInfo *plan)
{
  g_autoptr (GError) error = NULL;
  PldVisionOptions vision;
  PldLlmOptions llm;

  if (language ? !pld_tool_llm (model, path, &llm) : !pld_tool_model (model, path, &vision))
    return PLD_EXIT_USAGE;
  if (language ? !pld_llm_plan (&llm, plan, &error) : !pld_vision_plan (&vision, plan, &error))
    return pld_tool_fail (error);
  return PLD_EXIT_OK;
}

int
pld_tool_plan (int argc, char **argv)
{
  g_auto (PldToolModel) model = { NULL };
  gboolean json = FALSE, language;
  const GOptionEntry options[] = { PLD_TOOL_ENGINE_OPTIONS (model),
                                   PLD_TOOL_VISION_OPTIONS (model),
                                   PLD_TOOL_LLM_OPTIONS (model),
                                   { "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
                                   { NULL } };
  g_autoptr (GError) error = NULL;
  const char *path;
  PldPlanInfo plan;
  int status;

  if (!pld_tool_parse (&argc, &argv, options, "[MODEL]",
                       "Tells how a model would run under a memory limit; loads nothing.\nWithout MODEL: the bundled one "
                       "for pictures.",
                       0, 1))
    return PLD_EXIT_USAGE;
  path = argc > 1 ? argv[1] : NULL;
  if (!pld_model_is_language (path, &language, &error))
    return pld_tool_fail (error);
  status = make_plan (&model, path, language, &plan);
  if (status != PLD_EXIT_OK)
    return status;
  if (json)
    print_json (&plan);
  else
    print_text (&plan, language);
  return PLD_EXIT_OK;
}
