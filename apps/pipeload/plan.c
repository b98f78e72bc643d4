/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The plan verb: shows how a model would run under a memory limit, and predicts how fast.
 */
#include "apps/pipeload/verbs.h"

#include <json-glib/json-glib.h>
#include <stdio.h>

static JsonArray *
changes_json (const PldPlanInfo *plan)
{
  JsonArray *changes = json_array_new ();

  for (guint i = 0; i < plan->n_changes; i++)
    {
      const PldPlanChange *change = &plan->changes[i];
      JsonObject *object = json_object_new ();

      json_object_set_int_member (object, "memory_limit", (gint64) change->memory_limit);
      json_object_set_double_member (object, "storage_speed", change->storage_speed);
      json_object_set_boolean_member (object, "q8_0_cache", change->q8_0_cache);
      json_object_set_int_member (object, "streamed_per_pass", (gint64) change->streamed_per_pass);
      json_object_set_int_member (object, "pass_ns", (gint64) change->pass_ns);
      json_array_add_object_element (changes, object);
    }
  return changes;
}

typedef struct
{
  const char *name;
  guint64 value;
} Member;

static void
add_members (JsonObject *object, const Member *members, guint n)
{
  for (guint i = 0; i < n; i++)
    json_object_set_int_member (object, members[i].name, (gint64) members[i].value);
}

static void
print_json (const PldPlanInfo *plan, gboolean predicted)
{
  const Member members[] = { { "memory_limit", plan->memory_limit },
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
                             { "batch", plan->batch } },
               predictions[] = { { "read_bandwidth", plan->read_bandwidth },
                                 { "read_bytes", plan->read_bytes },
                                 { "best_loaders", plan->best_loaders },
                                 { "pass_items", plan->pass_items },
                                 { "load_ns", plan->load_ns },
                                 { "compute_ns", plan->compute_ns },
                                 { "pass_ns", plan->pass_ns },
                                 { "floor_ns", plan->floor_ns },
                                 { "batch_compute_ns", plan->batch_compute_ns },
                                 { "batch_pass_ns", plan->batch_pass_ns } };
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;
  JsonObject *object = json_object_new ();

  add_members (object, members, G_N_ELEMENTS (members));
  if (predicted)
    {
      add_members (object, predictions, G_N_ELEMENTS (predictions));
      json_object_set_boolean_member (object, "direct_io", plan->direct_io);
      json_object_set_array_member (object, "changes", changes_json (plan));
    }
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

/* ---- predictions --------------------------------------------------------------------------- */

/* Returns: (transfer full): "2.44 s", "31.2 ms" */
static char *
format_time (guint64 ns)
{
  if (ns >= 1000000000)
    return g_strdup_printf ("%.2f s", (double) ns / 1e9);
  return g_strdup_printf ("%.*f ms", ns >= 10000000 ? 1 : 2, (double) ns / 1e6);
}

/* Returns: (transfer full): "0.41 tokens/s", of passes of @n items */
static char *
format_rate (guint64 ns, guint n, gboolean language)
{
  const double rate = 1e9 * n / (double) MAX (ns, 1);

  return g_strdup_printf ("%.*f %s/s", rate >= 100 ? 0 : rate >= 10 ? 1 : 2, rate, language ? "tokens" : "frames");
}

static void
print_pass (const char *name, guint64 load_ns, guint64 compute_ns, guint64 pass_ns, guint n, gboolean language)
{
  g_autofree char *load = format_time (load_ns), *compute = format_time (compute_ns), *pass = format_time (pass_ns);
  g_autofree char *rate = format_rate (pass_ns, n, language);

  pld_tool_line (name, "load %s, compute %s: %s, %s", load, compute, pass, rate);
}

static void
print_changes (const PldPlanInfo *plan, gboolean language)
{
  puts ("\nWhat would help");
  for (guint i = 0; i < plan->n_changes; i++)
    {
      const PldPlanChange *change = &plan->changes[i];
      g_autofree char *limit = pld_size_format (change->memory_limit), *pass = format_time (change->pass_ns);
      g_autofree char *rate = format_rate (change->pass_ns, plan->pass_items, language);
      const gboolean faster = change->storage_speed > 1, cache = change->q8_0_cache;

      pld_tool_line (faster   ? "  storage"
                     : cache  ? "  cache type"
                     : i == 0 ? "  memory limit"
                              : "",
                     "%-12s %10s  %s%s",
                     faster  ? "twice as fast"
                     : cache ? "q8_0"
                             : limit,
                     pass, rate, change->streamed_per_pass == 0 ? ", nothing streams" : "");
    }
}

static void
print_predictions (const PldPlanInfo *plan, gboolean language)
{
  g_autofree char *bandwidth = pld_size_format (plan->read_bandwidth), *read = pld_size_format (plan->read_bytes);
  g_autofree char *floor = format_time (plan->floor_ns);
  const guint loaders = plan->loaders > 0 ? plan->loaders : plan->best_loaders;

  puts ("\nPredicted");
  pld_tool_line ("storage", "%s/s (%u %s of %s, %s%s)", bandwidth, loaders, loaders == 1 ? "read" : "reads", read,
                 plan->direct_io ? "direct" : "buffered", plan->direct_io ? "" : ": some of it may be the page cache");
  print_pass (language ? "a token" : "a pass", plan->load_ns, plan->compute_ns, plan->pass_ns, plan->pass_items,
              language);
  if (language && plan->batch > 1)
    print_pass ("a chunk of prompt", plan->load_ns, plan->batch_compute_ns, plan->batch_pass_ns, plan->batch, language);
  pld_tool_line ("floor", "%s", floor);
  if (plan->n_changes > 0)
    print_changes (plan, language);
}

/* Returns: the exit status; PLD_EXIT_OK: *plan is set */
static int
make_plan (const char *path, gboolean language, gboolean predict, PldPlanInfo **plan)
{
  g_autoptr (GError) error = NULL;
  PldVisionOptions vision;
  PldLlmOptions llm;
  const PldEngineOptions *engine = language ? &llm.engine : &vision.engine;

  if (language ? !pld_engine_llm (path, &llm) : !pld_engine_vision (path, &vision))
    return PLD_EXIT_USAGE;
  *plan = predict ? pld_model_predict (engine, pld_tool_cancellable (), &error) : pld_model_plan (engine, &error);
  return *plan != NULL ? PLD_EXIT_OK : pld_tool_fail (error);
}

/* ---- the verb ------------------------------------------------------------------------------ */

static gboolean json, no_profile;

static const GOptionEntry options[]
    = { { "no-profile", 0, 0, G_OPTION_ARG_NONE, &no_profile, "Measure and predict nothing", NULL },
        { "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
        { NULL } };

static int
run (int argc, char **argv)
{
  const char *path = argc > 1 ? argv[1] : NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PldPlanInfo) plan = NULL;
  PldModelKind kind;
  gboolean language;
  int status;

  kind = pld_model_kind (path, &error);
  if (kind == PLD_MODEL_UNKNOWN)
    return pld_tool_fail (error);
  language = kind == PLD_MODEL_LANGUAGE;
  status = make_plan (path, language, !no_profile, &plan);
  if (status != PLD_EXIT_OK)
    return status;
  if (json)
    print_json (plan, !no_profile);
  else
    {
      print_text (plan, language);
      if (!no_profile)
        print_predictions (plan, language);
    }
  return PLD_EXIT_OK;
}

const PldVerb pld_verb_plan = {
  .name = "plan",
  .arguments = "[MODEL]",
  .max = 1,
  .description
  = "Shows how a model would run under a memory limit, and predicts how fast. The speed of storage and CPU "
    "is measured once, for 2 s.\nWithout MODEL: the bundled vision model.",
  .options = { pld_limit_options, pld_engine_options, pld_vision_options, pld_llm_options, options },
  .examples = { { "--memory-limit=2GB llama.gguf", "tokens per second to expect with 2 GB" },
                { "--json", "the plan of the bundled vision model without a limit" } },
  .run = run,
};
