/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The quantize verb: writes a vision model with its weights in fewer bits.
 */
#include "apps/pipeload/verbs.h"

static char *type;

static const GOptionEntry options[]
    = { { "type", 't', 0, G_OPTION_ARG_STRING, &type,
          "q8_0 (default), q6_k, q5_k, q5_1, q5_0, q4_k, q4_1, q4_0, f16, bf16, f32", "TYPE" },
        { NULL } };

static int
run (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (!pld_model_quantize (argv[1], type != NULL ? type : "q8_0", argv[2], pld_tool_progress, NULL,
                           pld_tool_cancellable (), &error))
    return pld_tool_fail (error);
  pld_tool_progress_end ();
  return PLD_EXIT_OK;
}

const PldVerb pld_verb_quantize = {
  .name = "quantize",
  .arguments = "MODEL OUT",
  .min = 2,
  .max = 2,
  .description = "Writes a vision model with its weights in fewer bits, so that there is less to read.\n"
                 "MODEL: a Hugging Face folder, a .safetensors file in it, or a GGUF file. OUT: a GGUF file.",
  .options = { options },
  .examples
  = { { "vit-base vit-base.gguf", "8 bits per weight" }, { "--type=q4_0 vit-base small.gguf", "4 bits per weight" } },
  .run = run,
};
