/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The bench verb: measures how fast a model runs.
 */
#include "apps/pipeload/bench.h"

#include <string.h>

typedef struct
{
  int frames, warmup, prompt, tokens, rounds;
  char *mode;
  PldPipelining pipelining;
  gboolean json;
} Counts;

static Counts counts = { .frames = 20, .warmup = 2, .prompt = 128, .tokens = 32, .rounds = 3 };

static int
bench_vision (const char *path)
{
  PldVisionOptions options;

  if (!pld_engine_vision (path, &options))
    return PLD_EXIT_USAGE;
  options.engine.pipelining = counts.pipelining;
  return pld_bench_vision (&options, (guint) counts.frames, (guint) counts.warmup, counts.json);
}

static int
bench_llm (const char *path)
{
  PldLlmOptions options;

  if (!pld_engine_llm (path, &options))
    return PLD_EXIT_USAGE;
  options.engine.pipelining = counts.pipelining;
  if (options.context_size == 0)
    options.context_size = (guint) (counts.prompt + counts.tokens);
  return pld_bench_llm (&options, (guint) counts.prompt, (guint) counts.tokens, (guint) counts.rounds, counts.json);
}

static gboolean
check_counts (void)
{
  const struct
  {
    const char *name;
    int value, min;
  } numbers[] = { { "frames", counts.frames, 1 },
                  { "warmup", counts.warmup, 0 },
                  { "prompt", counts.prompt, 1 },
                  { "tokens", counts.tokens, 1 },
                  { "rounds", counts.rounds, 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (numbers[i].value < numbers[i].min || numbers[i].value > 1000000)
      {
        pld_tool_usage ("--%s must be from %d to 1000000", numbers[i].name, numbers[i].min);
        return FALSE;
      }
  return TRUE;
}

static gboolean
parse_mode (void)
{
  static const char *const modes[] = {
    [PLD_PIPELINING_FULL] = "full", [PLD_PIPELINING_PREFETCH] = "prefetch", [PLD_PIPELINING_NONE] = "sequential"
  };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    if (counts.mode == NULL || strcmp (counts.mode, modes[i]) == 0)
      {
        counts.pipelining = (PldPipelining) i;
        return TRUE;
      }
  pld_tool_usage ("--mode must be full, prefetch or sequential");
  return FALSE;
}

static const GOptionEntry options[]
    = { { "frames", 'n', 0, G_OPTION_ARG_INT, &counts.frames, "Vision models: pictures to measure (20)", "N" },
        { "warmup", 'w', 0, G_OPTION_ARG_INT, &counts.warmup, "Vision models: passes before that (2)", "N" },
        { "prompt", 0, 0, G_OPTION_ARG_INT, &counts.prompt, "Language models: tokens of the prompt (128)", "N" },
        { "tokens", 0, 0, G_OPTION_ARG_INT, &counts.tokens, "Language models: tokens after it, one by one (32)", "N" },
        { "rounds", 0, 0, G_OPTION_ARG_INT, &counts.rounds, "Language models: measurements of the prompt (3)", "N" },
        { "mode", 0, 0, G_OPTION_ARG_STRING, &counts.mode,
          "full (default); for comparison prefetch: one loader, nothing stays in memory; or sequential: read, compute, "
          "read …",
          "MODE" },
        { "json", 'j', 0, G_OPTION_ARG_NONE, &counts.json, "Print JSON", NULL },
        { NULL } };

static int
run (int argc, char **argv)
{
  const char *path = argc > 1 ? argv[1] : NULL;
  g_autoptr (GError) error = NULL;
  PldModelKind kind;

  if (!check_counts () || !parse_mode ())
    return PLD_EXIT_USAGE;
  kind = pld_model_kind (path, &error);
  if (kind == PLD_MODEL_UNKNOWN)
    return pld_tool_fail (error);
  return kind == PLD_MODEL_LANGUAGE ? bench_llm (path) : bench_vision (path);
}

const PldVerb pld_verb_bench = {
  .name = "bench",
  .arguments = "[MODEL]",
  .max = 1,
  .description = "Measures how fast a model runs on this machine, on random pictures or random tokens.\n"
                 "Without MODEL: the bundled vision model.",
  .options = { pld_limit_options, pld_engine_options, pld_vision_options, pld_llm_options, options },
  .examples = { { "--memory-limit=64MB", "the bundled vision model with 64 MB" },
                { "--json llama.gguf", "a language model; figures as JSON" } },
  .run = run,
};
