/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "models/files/synth.h"

gboolean
pld_model_synth (const char *preset, const char *type, const char *vocab_from, guint64 seed, const char *path,
                 PldProgressFunc progress, gpointer user_data, GCancellable *cancellable, GError **error)
{
  const PldSynthFamily *const families[] = { &pld_synth_vit, &pld_synth_llama };
  PldSynth synth = {
    .seed = seed, .vocab_from = vocab_from, .progress = progress, .user_data = user_data, .cancellable = cancellable
  };

  g_return_val_if_fail (preset != NULL && path != NULL, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    {
      const PldSynthFamily *family = families[i];

      if (!family->has_preset (preset))
        continue;
      if (type == NULL)
        type = family->default_type;
      if (family->has_type (type))
        return family->write (&synth, preset, type, path, error);
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: there is no type \"%s\"; types are %s", preset, type,
                   family->types);
      return FALSE;
    }
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "there is no preset \"%s\"; presets are %s; or %s", preset,
               families[0]->presets, families[1]->presets);
  return FALSE;
}
