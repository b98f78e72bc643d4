/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The synth verb: writes a model of real shapes with random weights.
 */
#include "apps/pipeload/verbs.h"

static char *type, *vocab_from;
static gint64 seed;

static const GOptionEntry options[] = {
  { "type", 't', 0, G_OPTION_ARG_STRING, &type,
    "vit: f32 (default), f16, bf16; llama and others: q4_k_m (default), q5_k_m, f32, f16, bf16; GGUF files of both: "
    "q8_0, q6_k, q5_k, q4_k, q5_1, q5_0, q4_1, q4_0; of llama: q3_k, q2_k, iq4_xs, iq4_nl",
    "TYPE" },
  { "vocab-from", 0, 0, G_OPTION_ARG_FILENAME, &vocab_from,
    "Language models: the GGUF file whose tokenizer to use (a plain one)", "FILE" },
  { "seed", 's', 0, G_OPTION_ARG_INT64, &seed, "The same seed writes the same bytes (0)", "N" },
  { NULL }
};

static int
run (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (!pld_model_synth (argv[1], type, vocab_from, (guint64) seed, argv[2], pld_tool_progress, NULL,
                        pld_tool_cancellable (), &error))
    return pld_tool_fail (error);
  pld_tool_progress_end ();
  return PLD_EXIT_OK;
}

const PldVerb pld_verb_synth = {
  .name = "synth",
  .arguments = "PRESET OUT",
  .min = 2,
  .max = 2,
  .description
  = "Writes a model of real shapes with random weights, to measure speed and memory with.\n"
    "PRESET: vit-ti16, vit-b16, vit-l16, yolos-tiny, yolos-small, yolos-small-dwr, yolos-base; OUT is a GGUF file if "
    "it ends in .gguf, otherwise a Hugging Face folder.\n"
    "Or PRESET: llama-3.1-8b, llama-3.2-1b, llama-3.2-3b, llama-2-7b, tinyllama-1.1b, llama-tiny, mistral-7b, "
    "qwen2-tiny, qwen2.5-0.5b, qwen2.5-7b; OUT is a GGUF file.",
  .options = { options },
  .examples = { { "vit-b16 vit", "a ViT-B/16 as a Hugging Face folder" },
                { "llama-3.1-8b --type=q4_k_m llama.gguf", "an 8B language model" } },
  .run = run,
};
