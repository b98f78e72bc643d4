/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/pipeload/tools.h"

int
pld_tool_quantize (int argc, char **argv)
{
  g_autofree char *type = NULL;
  const GOptionEntry options[]
      = { { "type", 't', 0, G_OPTION_ARG_STRING, &type,
            "q8_0 (default), q6_k, q5_k, q5_1, q5_0, q4_k, q4_1, q4_0, f16, bf16, f32", "TYPE" },
          { NULL } };
  g_autoptr (GError) error = NULL;

  if (!pld_tool_parse (&argc, &argv, options, "MODEL OUT",
                       "Writes a vision model with its weights in fewer bits, so that there is less to read.\n"
                       "MODEL: a Hugging Face folder, a .safetensors file in it, or a GGUF file. OUT: a GGUF file.",
                       2, 2))
    return PLD_EXIT_USAGE;
  if (!pld_model_quantize (argv[1], type != NULL ? type : "q8_0", argv[2], pld_tool_progress, NULL,
                           pld_tool_cancellable (), &error))
    return pld_tool_fail (error);
  pld_tool_progress_end ();
  return PLD_EXIT_OK;
}
