/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * General keys of a GGUF file, around those that an architecture writes.
 */
#include "models/files/gguf-keys.h"

#include "models/core/model.h"

void
pld_gguf_keys_add (PldGgufWriter *writer, const PldArch *arch, const PldNet *net, const PldMix *mix, const char *name,
                   char *const *labels)
{
  pld_gguf_writer_add_string (writer, "general.architecture", arch->name);
  pld_gguf_writer_add_string (writer, "general.name", name);
  pld_gguf_writer_add_uint32 (writer, "general.file_type", mix->file_type);
  pld_gguf_writer_add_uint32 (writer, "general.quantization_version", 2);
  arch->write_keys (net, (PldKeys) { writer, arch->name });
  if (arch->kind == PLD_MODEL_VISION)
    {
      g_autofree char *key = g_strconcat (arch->name, PLD_MODEL_LABELS, NULL);

      pld_gguf_writer_add_strings (writer, key, (const char *const *) labels, ((const PldVisionNet *) net)->n_classes);
    }
}

void
pld_gguf_unknown_type (const PldArch *arch, const char *type, const char *path, GError **error)
{
  g_autofree char *types = pld_arch_types (arch);

  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: there is no type \"%s\"; types are %s", path, type, types);
}
