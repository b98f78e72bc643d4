/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/pipeload/bench.h"

#include <string.h>

typedef struct
{
  int frames, warmup, prompt, tokens, rounds;
  char *mode;
  PldPipelining pipelining;
  gboolean json;
} Counts;

static int
bench_vision (const PldToolModel *model, const char *path, const Counts *counts)
{
  PldVisionOptions options;

  if (!pld_tool_model (model, path, &options))
    return PLD_EXIT_USAGE;
  options.pipelining = counts->pipelining;
  return pld_bench_vision (&options, (guint) counts->frames, (guint) counts->warmup, counts->json);
}

static int
bench_llm (const PldToolModel *model, const char *path, const Counts *counts)
{
  PldLlmOptions options;

  if (!pld_tool_llm (model, path, &options))
    return PLD_EXIT_USAGE;
  options.pipelining = counts->pipelining;
  if (options.context_size == 0)
    options.context_size = (guint) (counts->prompt + counts->tokens);
  return pld_bench_llm (&options, (guint) counts->prompt, (guint) counts->tokens, (guint) counts->rounds, counts->json);
}

static gboolean
check_counts (const Counts *counts)
{
  const struct
  {
    const char *name;
    int value, min;
  } numbers[] = { { "frames", counts->frames, 1 },
                  { "warmup", counts->warmup, 0 },
                  { "prompt", counts->prompt, 1 },
                  { "tokens", counts->tokens, 1 },
                  { "rounds", counts->rounds, 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (numbers[i].value < numbers[i].min || numbers[i].value > 1000000)
      {
        pld_tool_usage ("--%s must be from %d to 1000000", numbers[i].name, numbers[i].min);
        return FALSE;
      }
  return TRUE;
}

static gboolean
parse_mode (Counts *counts)
{
  static const char *const modes[] = {
    [PLD_PIPELINING_FULL] = "full", [PLD_PIPELINING_PREFETCH] = "prefetch", [PLD_PIPELINING_NONE] = "sequential"
  };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    if (counts->mode == NULL || strcmp (counts->mode, modes[i]) == 0)
      {
        counts->pipelining = (PldPipelining) i;
        return TRUE;
      }
  pld_tool_usage ("--mode must be full, prefetch or sequential");
  return FALSE;
}

int
pld_tool_bench (int argc, char **argv)
{
  g_auto (PldToolModel) model = { NULL };
  Counts counts = { .frames = 20, .warmup = 2, .prompt = 128, .tokens = 32, .rounds = 3 };
  const GOptionEntry options[]
      = { PLD_TOOL_ENGINE_OPTIONS (model),
          PLD_TOOL_VISION_OPTIONS (model),
          { "frames", 'n', 0, G_OPTION_ARG_INT, &counts.frames, "Pictures to measure (20)", "N" },
          { "warmup", 'w', 0, G_OPTION_ARG_INT, &counts.warmup, "Passes before that (2)", "N" },
          PLD_TOOL_LLM_OPTIONS (model),
          { "prompt", 0, 0, G_OPTION_ARG_INT, &counts.prompt, "Language models: tokens of the prompt (128)", "N" },
          { "tokens", 0, 0, G_OPTION_ARG_INT, &counts.tokens, "and tokens after it, one by one (32)", "N" },
          { "rounds", 0, 0, G_OPTION_ARG_INT, &counts.rounds, "How often the prompt is measured (3)", "N" },
          { "mode", 0, 0, G_OPTION_ARG_STRING, &counts.mode,
            "full (default); for comparison prefetch: one loader, nothing stays in memory; or sequential: read, "
            "compute, read …",
            "MODE" },
          { "json", 'j', 0, G_OPTION_ARG_NONE, &counts.json, "Print JSON", NULL },
          { NULL } };
  g_autoptr (GError) error = NULL;
  const char *path;
  gboolean language, usable;

  usable
      = pld_tool_parse (
            &argc, &argv, options, "[MODEL]",
            "Measures how fast a model runs: on random pictures, or on random tokens.\nWithout MODEL: the bundled one "
            "for pictures.",
            0, 1)
        && check_counts (&counts) && parse_mode (&counts);
  g_free (counts.mode);
  if (!usable)
    return PLD_EXIT_USAGE;
  path = argc > 1 ? argv[1] : NULL;
  if (!pld_model_is_language (path, &language, &error))
    return pld_tool_fail (error);
  return language ? bench_llm (&model, path, &counts) : bench_vision (&model, path, &counts);
}
