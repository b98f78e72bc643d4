/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The architectures and the families of presets that exist, and lookups in their tables.
 */
#include "models/architectures/presets.h"

#include <string.h>

static const PldArch *const archs[] = {
  &pld_arch_vit, &pld_arch_patch_detector, &pld_arch_yolos, &pld_arch_llama, &pld_arch_qwen2, &pld_arch_qwen3,
};

static const PldPresets *const presets[] = { &pld_vit_presets, &pld_llama_presets };

const PldPresets *
pld_presets_nth (guint i)
{
  return i < G_N_ELEMENTS (presets) ? presets[i] : NULL;
}

const PldArch *
pld_arch_find (PldModelKind kind, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (archs); i++)
    if (archs[i]->kind == kind && g_strcmp0 (archs[i]->name, name) == 0)
      return archs[i];
  return NULL;
}

char *
pld_arch_names (PldModelKind kind)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (archs); i++)
    if (archs[i]->kind == kind)
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", archs[i]->name);
  return g_string_free (names, FALSE);
}

const PldMix *
pld_arch_mix (const PldArch *arch, const char *name)
{
  const PldMix *mix = arch->mixes;

  while (mix->name != NULL && strcmp (mix->name, name) != 0)
    mix++;
  return mix->name != NULL ? mix : NULL;
}

char *
pld_arch_types (const PldArch *arch)
{
  GString *types = g_string_new (arch->mixes[0].name);

  for (const PldMix *mix = arch->mixes + 1; mix->name != NULL; mix++)
    g_string_append_printf (types, "%s%s", mix[1].name != NULL ? ", " : " and ", mix->name);
  return g_string_free (types, FALSE);
}

gboolean
pld_blocks_clip (PldBlocks *blocks, guint n_blocks, const char *path, GError **error)
{
  blocks->end = MIN (blocks->end, n_blocks);
  if (blocks->first < blocks->end)
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
               "%s: blocks %u to %u are not in the model, which has %u; ask for blocks from 0 to %u", path,
               blocks->first, blocks->end, n_blocks, n_blocks);
  return FALSE;
}
