/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The options of every verb that runs a model, and their translation for the library.
 */
#include "apps/common/engine.h"
#include "apps/common/terminal.h"
#include "apps/common/verb.h"

#include <stdio.h>
#include <string.h>

PldEngineValues pld_engine;

const GOptionEntry pld_model_options[] = { { "model", 'M', 0, G_OPTION_ARG_FILENAME, &pld_engine.model,
                                             "Model file or folder (the bundled one)", "MODEL" },
                                           { NULL } };

const GOptionEntry pld_limit_options[]
    = { { "memory-limit", 'm', 0, G_OPTION_ARG_STRING, &pld_engine.memory_limit,
          "Most memory the engine may hold; 0 = no limit; auto = what the machine can spare", "64MB" },
        { NULL } };

const GOptionEntry pld_small_limit_options[]
    = { { "memory-limit", 'm', 0, G_OPTION_ARG_STRING, &pld_engine.memory_limit,
          "Most memory the engine may hold; 0 = no limit; auto = what the machine can spare; small = less than the "
          "weights, so that they are streamed",
          "64MB" },
        { NULL } };

const GOptionEntry pld_engine_options[]
    = { { "loaders", 'l', 0, G_OPTION_ARG_INT, &pld_engine.loaders, "Loaders running at once; 0 = planned", "N" },
        { "threads", 't', 0, G_OPTION_ARG_INT, &pld_engine.threads,
          "Compute threads; 0 = one for each CPU that affinity and cgroups allow", "N" },
        { NULL } };

const GOptionEntry pld_vision_options[]
    = { { "batch", 'b', 0, G_OPTION_ARG_INT, &pld_engine.batch, "Pictures per pass; 0 = 1", "N" },
        { "input-size", 's', 0, G_OPTION_ARG_STRING, &pld_engine.input_size,
          "Input in pixels, 512x384, or 384 for both; 0 = the model's own", "SIZE" },
        { NULL } };

const GOptionEntry pld_llm_options[]
    = { { "context-size", 'c', 0, G_OPTION_ARG_INT, &pld_engine.context_size,
          "Tokens of prompt and answer that are remembered; 0 = 2048, or the model's own if that is less", "N" },
        { "cache-type", 0, 0, G_OPTION_ARG_STRING, &pld_engine.cache_type,
          "Type of the cache: f16 (default), q8_0, half the size, or f32", "TYPE" },
        { "lookup", 0, 0, G_OPTION_ARG_INT, &pld_engine.lookup,
          "Most tokens to guess ahead, by what followed the last ones before; 0 = none", "N" },
        { NULL } };

/* The options that models of both kinds have. */
static gboolean
check_engine (const char *path, PldEngineOptions *options)
{
  const struct
  {
    const char *name;
    int value, max;
  } numbers[] = { { "loaders", pld_engine.loaders, 64 },
                  { "threads", pld_engine.threads, 1024 },
                  { "batch", pld_engine.batch, 4096 },
                  { "context-size", pld_engine.context_size, 1 << 24 },
                  { "lookup", pld_engine.lookup, 15 } };
  g_autoptr (GError) error = NULL;

  if (pld_engine.memory_limit != NULL && !pld_limit_parse (pld_engine.memory_limit, &options->memory_limit, &error))
    {
      pld_tool_usage ("--memory-limit: %s", error->message);
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (numbers[i].value < 0 || numbers[i].value > numbers[i].max)
      {
        pld_tool_usage ("--%s must be from 0 to %d", numbers[i].name, numbers[i].max);
        return FALSE;
      }
  options->model = path;
  options->loaders = (guint) pld_engine.loaders;
  options->threads = (guint) pld_engine.threads;
  return TRUE;
}

gboolean
pld_engine_vision (const char *path, PldVisionOptions *options)
{
  g_autoptr (GError) error = NULL;

  pld_vision_options_init (options);
  if (!check_engine (path, &options->engine))
    return FALSE;
  if (pld_engine.context_size > 0 || pld_engine.cache_type != NULL || pld_engine.lookup != 0)
    {
      pld_tool_usage ("--context-size, --cache-type and --lookup are for language models");
      return FALSE;
    }
  options->batch = (guint) pld_engine.batch;
  if (pld_engine.input_size != NULL
      && !pld_input_size_parse (pld_engine.input_size, &options->input_width, &options->input_height, &error))
    {
      pld_tool_usage ("--input-size: %s", error->message);
      return FALSE;
    }
  return TRUE;
}

gboolean
pld_engine_llm (const char *path, PldLlmOptions *options)
{
  static const char *const cache_types[]
      = { [PLD_CACHE_F16] = "f16", [PLD_CACHE_Q8_0] = "q8_0", [PLD_CACHE_F32] = "f32" };
  guint cache_type = PLD_CACHE_F16;

  pld_llm_options_init (options);
  if (!check_engine (path, &options->engine))
    return FALSE;
  if (pld_engine.batch > 0 || pld_engine.input_size != NULL)
    {
      pld_tool_usage ("--batch and --input-size are for vision models");
      return FALSE;
    }
  if (pld_engine.cache_type != NULL)
    for (cache_type = 0; cache_type < G_N_ELEMENTS (cache_types); cache_type++)
      if (strcmp (pld_engine.cache_type, cache_types[cache_type]) == 0)
        break;
  if (cache_type == G_N_ELEMENTS (cache_types))
    {
      pld_tool_usage ("--cache-type must be f16, q8_0 or f32");
      return FALSE;
    }
  options->context_size = (guint) pld_engine.context_size;
  options->cache_type = (PldCacheType) cache_type;
  options->lookup = (guint) pld_engine.lookup;
  return TRUE;
}

void
pld_engine_warn (PldHandle *handle)
{
  const char *const *warnings = pld_handle_get_warnings (handle);

  if (*warnings != NULL)
    pld_tool_progress_end ();
  for (; *warnings != NULL; warnings++)
    {
      g_autofree char *text = pld_tool_clean (*warnings);

      fprintf (stderr, "pipeload: warning: %s\n", text);
    }
}

guint64
pld_limit_small (const char *model, guint users, guint *threads, GError **error)
{
  PldVisionOptions options;
  guint64 least = 0;

  pld_vision_options_init (&options);
  options.engine.model = model;
  options.engine.threads = MIN (g_get_num_processors (), 8);
  options.batch = users;
  for (guint all = options.engine.threads; options.engine.threads > 0; options.engine.threads--)
    {
      g_autoptr (PldPlanInfo) plan = pld_model_plan (&options.engine, error);

      if (plan == NULL)
        return 0;
      if (plan->minimum_limit < plan->weight_bytes)
        {
          *threads = options.engine.threads;
          return (plan->minimum_limit + plan->weight_bytes) / 2;
        }
      if (options.engine.threads == all)
        {
          least = plan->minimum_limit;
          *threads = all;
        }
    }
  return least;
}
