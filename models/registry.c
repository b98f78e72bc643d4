/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "models/arch.h"

static const PldVisionArch *const archs[] = {
  &pld_arch_vit,
};

const PldVisionArch *
pld_vision_arch_find (const char *model_type)
{
  for (guint i = 0; i < G_N_ELEMENTS (archs); i++)
    if (g_strcmp0 (archs[i]->model_type, model_type) == 0)
      return archs[i];
  return NULL;
}

char *
pld_vision_arch_names (void)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (archs); i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", archs[i]->model_type);
  return g_string_free (names, FALSE);
}
