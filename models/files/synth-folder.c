/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes a synthetic model as a Hugging Face folder: weights, config.json and preprocessor_config.json.
 */
#include "engine/format/safetensors-writer.h"
#include "models/files/synth.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

/* Types of weights in safetensors. */
static const struct
{
  const char *name, *torch_type;
} types[] = { { "f32", "float32" }, { "f16", "float16" }, { "bf16", "bfloat16" } };

static gboolean
write_text (const char *folder, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) failure = NULL;

  if (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0666,
                                &failure))
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_IO, "%s: cannot be written: %s; free space there or choose another folder",
               path, failure->message);
  return FALSE;
}

static gboolean
put (gpointer writer, const void *bytes, gsize n, GError **error)
{
  return pld_writer_write (writer, bytes, n, error);
}

/* @out: the file, complete but for its name */
static gboolean
write_weights (PldSynth *synth, const char *path, PldWriter **out, GError **error)
{
  g_autoptr (GArray) drafts = pld_drafts_new ();
  g_autofree PldTensor *tensors = NULL;
  g_autoptr (JsonObject) metadata = json_object_new ();
  PldWriter *writer;

  synth->family->add_drafts (synth->preset, synth->net, drafts);
  tensors = g_new (PldTensor, drafts->len);
  for (guint i = 0; i < drafts->len; i++)
    {
      PldDraft *draft = &g_array_index (drafts, PldDraft, i);

      draft->tensor.dtype = synth->mix->base;
      tensors[i] = draft->tensor;
      synth->total += draft->tensor.n_values;
    }
  json_object_set_string_member (metadata, "format", "pt");
  writer = pld_safetensors_writer_new (path, tensors, drafts->len, metadata, error);
  if (writer == NULL)
    return FALSE;
  pld_synth_advance (synth, 0);
  for (guint i = 0; i < drafts->len; i++)
    if (!pld_synth_draft (synth, &g_array_index (drafts, PldDraft, i), put, writer, error))
      {
        g_clear_pointer (&writer, pld_writer_free);
        return FALSE;
      }
  *out = writer;
  return TRUE;
}

gboolean
pld_synth_folder (PldSynth *synth, const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL), *config = NULL, *preprocessing = NULL;
  PldWriter *writer = NULL;
  guint t = 0;
  gboolean ok;

  while (t < G_N_ELEMENTS (types) && !g_str_equal (types[t].name, synth->mix->name))
    t++;
  if (t == G_N_ELEMENTS (types))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "%s: %s is a type of GGUF files; name one that ends in .gguf", folder, synth->mix->name);
      return FALSE;
    }
  if (g_mkdir_with_parents (folder, 0777) < 0)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_IO, "%s: cannot be made: %s; choose another folder", folder,
                   g_strerror (errno));
      return FALSE;
    }
  config = synth->family->config (synth->preset, types[t].torch_type);
  preprocessing = synth->family->preprocessing (synth->preset);
  /* The weights are renamed last, so that an interrupted run leaves the model that was there. */
  ok = write_weights (synth, path, &writer, error) && write_text (folder, "config.json", config, error)
       && write_text (folder, "preprocessor_config.json", preprocessing, error) && pld_writer_finish (writer, error);
  g_clear_pointer (&writer, pld_writer_free);
  return ok;
}
