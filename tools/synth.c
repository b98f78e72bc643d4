/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/tools.h"

#include <stdio.h>

int
pld_tool_synth (int argc, char **argv)
{
  g_autofree char *type = NULL;
  gint64 seed = 0;
  const GOptionEntry options[]
      = { { "type", 't', 0, G_OPTION_ARG_STRING, &type, "f32 (default), f16 or bf16", "TYPE" },
          { "seed", 's', 0, G_OPTION_ARG_INT64, &seed, "The same seed writes the same bytes", "N" },
          { NULL } };
  g_autoptr (GError) error = NULL;

  if (!pld_tool_parse (&argc, &argv, options, "PRESET FOLDER",
                       "Writes a Hugging Face folder with random weights of true shapes, to measure speed "
                       "and memory with.\n"
                       "Presets: vit-ti16, vit-b16, vit-l16.",
                       2, 2))
    return PLD_EXIT_USAGE;
  if (!pld_model_synth (argv[1], type != NULL ? type : "f32", (guint64) seed, argv[2], pld_tool_progress,
                        NULL, pld_tool_cancellable (), &error))
    return pld_tool_fail (error);
  pld_tool_progress_end ();
  return PLD_EXIT_OK;
}
