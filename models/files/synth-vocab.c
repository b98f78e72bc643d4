/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vocabulary of a synthetic language model: a plain one, or another file's.
 */
#include "models/files/synth.h"

#include "engine/format/source.h"

#include <string.h>

#define TOKENS_KEY "tokenizer.ggml.tokens"
#define N_SPECIAL 3 /* unknown, begin, end */
#define N_BYTES 256
#define MAX_LIST (256u << 20) /* bytes of one list; the longest known have some 10 MB */

/* ---- a plain one --------------------------------------------------------------------------- */

/* SentencePiece's types of tokens. */
enum
{
  NORMAL = 1,
  UNKNOWN = 2,
  CONTROL = 3,
  BYTE = 6,
};

/* Special tokens, the bytes, so that every text has tokens, the space as SentencePiece writes it, and "<t260>" … up to
 * the size. */
static void
add_plain (PldGgufWriter *writer, guint n)
{
  static const char *const special[N_SPECIAL] = { "<unk>", "<s>", "</s>" };
  g_auto (GStrv) tokens = g_new0 (char *, n + 1);
  g_autofree gint32 *types = g_new (gint32, n);
  g_autofree float *scores = g_new (float, n);

  for (guint i = 0; i < n; i++)
    {
      tokens[i] = i < N_SPECIAL              ? g_strdup (special[i])
                  : i < N_SPECIAL + N_BYTES  ? g_strdup_printf ("<0x%02X>", i - N_SPECIAL)
                  : i == N_SPECIAL + N_BYTES ? g_strdup ("▁")
                                             : g_strdup_printf ("<t%u>", i);
      types[i] = i == 0 ? UNKNOWN : i < N_SPECIAL ? CONTROL : i < N_SPECIAL + N_BYTES ? BYTE : NORMAL;
      scores[i] = types[i] == NORMAL ? -(float) i : 0;
    }
  pld_gguf_writer_add_string (writer, "tokenizer.ggml.model", "llama");
  pld_gguf_writer_add_strings (writer, TOKENS_KEY, (const char *const *) tokens, n);
  pld_gguf_writer_add_floats (writer, "tokenizer.ggml.scores", scores, n);
  pld_gguf_writer_add_int32s (writer, "tokenizer.ggml.token_type", types, n);
  pld_gguf_writer_add_uint32 (writer, "tokenizer.ggml.bos_token_id", 1);
  pld_gguf_writer_add_uint32 (writer, "tokenizer.ggml.eos_token_id", 2);
  pld_gguf_writer_add_uint32 (writer, "tokenizer.ggml.unknown_token_id", 0);
}

/* ---- another file's ------------------------------------------------------------------------ */

static gboolean
vocab_fail (const char *path, const char *key, const char *fact, GError **error)
{
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "%s: %s %s; use the vocabulary of another file", path, key, fact);
  return FALSE;
}

static gboolean
copy_list (PldSource *source, const PldArray *list, PldGgufWriter *writer, GError **error)
{
  g_autofree guint8 *bytes = NULL;

  if (list->n_bytes > MAX_LIST)
    return vocab_fail (source->path, list->key, "is too long", error);
  bytes = g_malloc (MAX (list->n_bytes, 1));
  if (!pld_source_read (source, list->offset, list->n_bytes, bytes, error))
    return FALSE;
  pld_gguf_writer_add_stored (writer, list->key, list->type, list->count, bytes, list->n_bytes);
  return TRUE;
}

/* GGUF's readers want token numbers unsigned; only the type of −1, "none", is another. */
static gboolean
copy_scalar (const char *path, const char *key, JsonNode *node, PldGgufWriter *writer, GError **error)
{
  GType type = json_node_get_value_type (node);
  gint64 number;

  if (type == G_TYPE_STRING)
    pld_gguf_writer_add_string (writer, key, json_node_get_string (node));
  else if (type == G_TYPE_BOOLEAN)
    pld_gguf_writer_add_bool (writer, key, json_node_get_boolean (node));
  else if (type == G_TYPE_DOUBLE)
    pld_gguf_writer_add_float (writer, key, (float) json_node_get_double (node));
  else if (type == G_TYPE_INT64)
    {
      number = json_node_get_int (node);
      if (number < G_MININT32 || number > G_MAXUINT32)
        return vocab_fail (path, key, "is too large a number", error);
      if (number < 0)
        pld_gguf_writer_add_int32 (writer, key, (gint32) number);
      else
        pld_gguf_writer_add_uint32 (writer, key, (guint32) number);
    }
  return TRUE;
}

static gboolean
copy_keys (PldSource *source, const PldWeights *weights, PldGgufWriter *writer, GError **error)
{
  JsonObjectIter iter;
  const char *key;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, weights->metadata);
  while (json_object_iter_next_ordered (&iter, &key, &node))
    {
      const PldArray *list = pld_weights_array (weights, key);

      if (!g_str_has_prefix (key, "tokenizer."))
        continue;
      if (list != NULL ? !copy_list (source, list, writer, error)
                       : !copy_scalar (source->path, key, node, writer, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
pld_synth_vocabulary (PldSynth *synth, PldGgufWriter *writer, guint *n_vocab, GError **error)
{
  g_autoptr (PldWeights) weights = NULL;
  g_auto (PldSource) source = PLD_SOURCE_INIT;
  const PldArray *tokens;

  if (synth->vocab_from == NULL)
    {
      add_plain (writer, *n_vocab);
      return TRUE;
    }
  weights = pld_weights_open (synth->vocab_from, error);
  if (weights == NULL)
    return FALSE;
  tokens = pld_weights_array (weights, TOKENS_KEY);
  if (tokens == NULL || tokens->type != PLD_GGUF_STRING || tokens->count == 0 || tokens->count > G_MAXINT32)
    return vocab_fail (synth->vocab_from, TOKENS_KEY, "is not a list of tokens", error);
  if (!pld_source_open (&source, synth->vocab_from, error) || !copy_keys (&source, weights, writer, error))
    return FALSE;
  *n_vocab = (guint) tokens->count;
  return TRUE;
}
