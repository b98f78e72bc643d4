/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes a synthetic model: finds the preset in the architectures' tables, and makes a GGUF file of it.
 */
#include "models/files/synth.h"

#include "models/files/gguf-keys.h"

/* ---- the preset ---------------------------------------------------------------------------- */

/* Adds "a, b and c". */
static void
list_presets (GString *text, const PldPresets *family)
{
  const PldPreset *preset;

  for (guint i = 0; (preset = family->nth (i)) != NULL; i++)
    g_string_append_printf (text, "%s%s", i == 0 ? "" : family->nth (i + 1) != NULL ? ", " : " and ", preset->name);
}

static gboolean
find_preset (PldSynth *synth, const char *name, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);

  for (guint i = 0; (synth->family = pld_presets_nth (i)) != NULL; i++)
    {
      for (guint j = 0; (synth->preset = synth->family->nth (j)) != NULL; j++)
        if (g_str_equal (synth->preset->name, name))
          return TRUE;
      g_string_append (known, i > 0 ? "; or " : "");
      list_presets (known, synth->family);
    }
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "there is no preset \"%s\"; presets are %s", name, known->str);
  return FALSE;
}

static gboolean
find_type (PldSynth *synth, const char *type, GError **error)
{
  const PldArch *arch = synth->preset->arch;

  if (type == NULL)
    type = synth->family->default_type;
  synth->mix = pld_arch_mix (arch, type);
  if (synth->mix == NULL)
    pld_gguf_unknown_type (arch, type, synth->preset->name, error);
  return synth->mix != NULL;
}

/* ---- the GGUF file ------------------------------------------------------------------------- */

static gboolean
put (gpointer writer, const void *bytes, gsize n, GError **error)
{
  return pld_gguf_writer_write (writer, bytes, n, error);
}

static gboolean
add_keys (PldSynth *synth, PldGgufWriter *writer, GError **error)
{
  const PldArch *arch = synth->preset->arch;
  const guint n_labels = arch->kind == PLD_MODEL_VISION ? ((const PldVisionNet *) synth->net)->n_classes : 0;
  g_autofree char *name = g_strdup_printf ("%s (random weights)", synth->preset->name);
  g_auto (GStrv) labels = g_new0 (char *, n_labels + 1);

  for (guint i = 0; i < n_labels; i++)
    labels[i] = g_strdup_printf ("LABEL_%u", i);
  pld_gguf_keys_add (writer, arch, synth->net, synth->mix, name, labels);
  if (arch->kind != PLD_MODEL_LANGUAGE)
    return TRUE;
  if (!pld_synth_vocabulary (synth, writer, &synth->net->n_outputs, error))
    return FALSE;
  pld_keys_add_uint32 ((PldKeys) { writer, arch->name }, "vocab_size", synth->net->n_outputs);
  return TRUE;
}

/* Gives @draft GGUF's name, and the type and shape of the mix. */
static void
draft_to_gguf (const PldSynth *synth, PldDraft *draft)
{
  const PldArch *arch = synth->preset->arch;
  g_autofree char *name = g_steal_pointer (&draft->tensor.name);

  draft->tensor.name = g_malloc (PLD_NAME_SIZE);
  pld_names_to_gguf (arch->names, draft->tensor.name, name);
  arch->mix (synth->net, synth->mix, &draft->tensor, draft->n_cols);
}

static gboolean
write_gguf (PldSynth *synth, PldGgufWriter *writer, const char *path, GError **error)
{
  g_autoptr (GArray) drafts = pld_drafts_new ();

  if (!add_keys (synth, writer, error))
    return FALSE;
  synth->family->add_drafts (synth->preset, synth->net, drafts);
  for (guint i = 0; i < drafts->len; i++)
    {
      PldDraft *draft = &g_array_index (drafts, PldDraft, i);

      draft_to_gguf (synth, draft);
      pld_gguf_writer_add_tensor (writer, &draft->tensor);
      synth->total += draft->tensor.n_values;
    }
  if (!pld_gguf_writer_begin (writer, path, error))
    return FALSE;
  pld_synth_advance (synth, 0);
  for (guint i = 0; i < drafts->len; i++)
    if (!pld_synth_draft (synth, &g_array_index (drafts, PldDraft, i), put, writer, error))
      return FALSE;
  return pld_gguf_writer_finish (writer, error);
}

/* ---- either -------------------------------------------------------------------------------- */

static gboolean
write_model (PldSynth *synth, const char *path, GError **error)
{
  PldGgufWriter *writer;
  gboolean ok;

  if (synth->vocab_from != NULL && synth->preset->arch->kind != PLD_MODEL_LANGUAGE)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "%s: is not a language model and has no vocabulary; leave it out", synth->preset->name);
      return FALSE;
    }
  if (synth->family->config != NULL && !g_str_has_suffix (path, ".gguf"))
    return pld_synth_folder (synth, path, error);
  writer = pld_gguf_writer_new ();
  ok = write_gguf (synth, writer, path, error);
  g_clear_pointer (&writer, pld_gguf_writer_free);
  return ok;
}

gboolean
pld_model_synth (const char *preset, const char *type, const char *vocab_from, guint64 seed, const char *path,
                 PldProgressFunc progress, gpointer user_data, GCancellable *cancellable, GError **error)
{
  PldSynth synth = {
    .seed = seed, .vocab_from = vocab_from, .progress = progress, .user_data = user_data, .cancellable = cancellable
  };
  gboolean ok;

  g_return_val_if_fail (preset != NULL && path != NULL, FALSE);
  if (!find_preset (&synth, preset, error) || !find_type (&synth, type, error))
    return FALSE;
  synth.net = synth.family->make (synth.preset);
  ok = write_model (&synth, path, error);
  g_free (synth.net);
  return ok;
}
