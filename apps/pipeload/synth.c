/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/pipeload/tools.h"

#include <stdio.h>

int
pld_tool_synth (int argc, char **argv)
{
  g_autofree char *type = NULL;
  g_autofree char *vocab_from = NULL;
  gint64 seed = 0;
  const GOptionEntry options[]
      = { { "type", 't', 0, G_OPTION_ARG_STRING, &type,
            "vit: f32 (default), f16, bf16; llama and others: q4_k_m (default), q5_k_m, f32, f16, bf16; GGUF files of "
            "both: q8_0, "
            "q6_k, q5_k, q4_k, q5_1, q5_0, q4_1, q4_0; of llama: q3_k, q2_k, iq4_xs, iq4_nl",
            "TYPE" },
          { "vocab-from", 0, 0, G_OPTION_ARG_FILENAME, &vocab_from,
            "Language models: the GGUF whose tokenizer to take; else a plain one", "FILE" },
          { "seed", 's', 0, G_OPTION_ARG_INT64, &seed, "The same seed writes the same bytes", "N" },
          { NULL } };
  g_autoptr (GError) error = NULL;

  if (!pld_tool_parse (
          &argc, &argv, options, "PRESET OUT",
          "Writes a model of true shapes with random weights, to measure speed and memory with.\n"
          "PRESET: vit-ti16, vit-b16, vit-l16, yolos-tiny, yolos-small, yolos-small-dwr, yolos-base,\n"
          "and OUT is a GGUF file if it ends in .gguf, or else a Hugging Face folder;\n"
          "or llama-3.1-8b, llama-3.2-1b, llama-3.2-3b, llama-2-7b, tinyllama-1.1b, llama-tiny, mistral-7b,\n"
          "qwen2-tiny, qwen2.5-0.5b, qwen2.5-7b, and OUT is a GGUF file.",
          2, 2))
    return PLD_EXIT_USAGE;
  if (!pld_model_synth (argv[1], type, vocab_from, (guint64) seed, argv[2], pld_tool_progress, NULL,
                        pld_tool_cancellable (), &error))
    return pld_tool_fail (error);
  pld_tool_progress_end ();
  return PLD_EXIT_OK;
}
