/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tokenizer's public face: opening, special tokens, and the dispatch to its kind.
 */
#include "engine/text/items.h"
#include "engine/text/vocab.h"

#include <string.h>

#define MAX_LENGTH ((gsize) 1 << 30)

static const char *const models[PLD_VOCAB_N] = { "llama", "gpt2", "bert" };

/* ---- what the file says besides the lists ------------------------------------------------------- */

static const char *
get_string (const PldWeights *weights, const char *key)
{
  JsonNode *node = json_object_get_member (weights->metadata, key);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static gboolean
get_boolean (const PldWeights *weights, const char *key, gboolean fallback)
{
  JsonNode *node = json_object_get_member (weights->metadata, key);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_BOOLEAN
             ? json_node_get_boolean (node)
             : fallback;
}

/* *id stays as it is when the key is missing; 2^32 − 1 means "none" in some files. */
static gboolean
get_id (const PldTokenizer *t, const PldWeights *weights, const char *key, gint *id, GError **error)
{
  JsonNode *node = json_object_get_member (weights->metadata, key);
  gint64 value;

  if (node == NULL)
    return TRUE;
  value = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node)
                                                                                          : G_MAXINT64;
  if (value == -1 || value == G_MAXUINT32)
    value = -1;
  else if (value < 0 || value >= t->n_tokens)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "damaged: %s is not a number below the %u tokens; download it again", key, t->n_tokens);
      return FALSE;
    }
  *id = (gint) value;
  return TRUE;
}

static gboolean
is_none (const char *model)
{
  return model == NULL || strcmp (model, "no_vocab") == 0 || strcmp (model, "none") == 0;
}

static PldVocabKind
find_kind (const char *model)
{
  PldVocabKind kind = 0;

  while (kind < PLD_VOCAB_N && strcmp (models[kind], model) != 0)
    kind++;
  return kind;
}

/* ---- special tokens ----------------------------------------------------------------------------- */

static void
mark_end (PldTokenizer *t, gint id)
{
  if (id >= 0)
    t->types[id] |= PLD_TOKEN_END;
}

static gint
find_ending (const PldTokenizer *t, const char *text)
{
  gint id = pld_vocab_find (t, text, strlen (text), FALSE);

  return id >= 0 && (t->types[id] & PLD_TOKEN_END) != 0 ? id : -1;
}

/* Vocabularies in which such a name ends less than an answer: of OpenAI's harmony and Solar Open, where "<|end|>" ends
 * a part of one; and Gemma 4, where "</s>" is a word like any other. llama.cpp knows them in the same way. */
static void
unmark_endings (PldTokenizer *t)
{
  const gint end = find_ending (t, "<|end|>"), s = find_ending (t, "</s>");
  const gboolean call = find_ending (t, "<|call|>") >= 0, calls = find_ending (t, "<|calls|>") >= 0;

  if (end >= 0
      && ((find_ending (t, "<|return|>") >= 0 && (call || calls))
          || (find_ending (t, "<|flush|>") >= 0 && (call || calls))))
    t->types[end] &= (guint8) ~PLD_TOKEN_END;
  if (s >= 0 && find_ending (t, "<|tool_response>") >= 0)
    t->types[s] &= (guint8) ~PLD_TOKEN_END;
}

static gboolean
read_ids (PldTokenizer *t, const PldWeights *weights, GError **error)
{
  static const char *const end_keys[]
      = { "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id", "tokenizer.ggml.fim_pad_token_id",
          "tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id" };
  gint ends[G_N_ELEMENTS (end_keys)];

  t->bos = t->eos = t->unknown = -1;
  if (t->kind == PLD_VOCAB_SPM)
    {
      t->unknown = 0;
      t->bos = t->n_tokens > 1 ? 1 : -1;
      t->eos = t->n_tokens > 2 ? 2 : -1;
    }
  else if (t->kind == PLD_VOCAB_WORDPIECE)
    {
      t->unknown = pld_tokenizer_find (t, "[UNK]");
      t->bos = pld_tokenizer_find (t, "[CLS]");
      t->eos = pld_tokenizer_find (t, "[SEP]");
    }
  if (!get_id (t, weights, "tokenizer.ggml.bos_token_id", &t->bos, error)
      || !get_id (t, weights, "tokenizer.ggml.eos_token_id", &t->eos, error)
      || !get_id (t, weights, "tokenizer.ggml.unknown_token_id", &t->unknown, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (end_keys); i++)
    {
      ends[i] = -1;
      if (!get_id (t, weights, end_keys[i], &ends[i], error))
        return FALSE;
    }
  /* "seperator" is how the format spells it. */
  if (t->kind == PLD_VOCAB_WORDPIECE
      && (!get_id (t, weights, "tokenizer.ggml.cls_token_id", &t->bos, error)
          || !get_id (t, weights, "tokenizer.ggml.seperator_token_id", &t->eos, error)))
    return FALSE;
  unmark_endings (t);
  mark_end (t, t->eos);
  for (guint i = 0; i < G_N_ELEMENTS (end_keys); i++)
    mark_end (t, ends[i]);
  return TRUE;
}

/* Phi-3's tokenizer takes the white space after most of its special tokens with them; no key of the file says so. */
static void
mark_stripping (PldTokenizer *t, const PldWeights *weights)
{
  static const char *const bare[] = { "<unk>", "<s>", "<|endoftext|>" };
  const char *name = get_string (weights, "general.name");
  g_autofree char *lower = g_ascii_strdown (name != NULL ? name : "", -1);

  if (t->kind != PLD_VOCAB_SPM || (strstr (lower, "phi-3") == NULL && strstr (lower, "phi3") == NULL))
    return;
  for (guint i = 0; i < t->n_specials; i++)
    t->types[t->specials[i]] |= PLD_TOKEN_STRIPS;
  for (guint i = 0; i < G_N_ELEMENTS (bare); i++)
    {
      gint id = pld_vocab_find (t, bare[i], strlen (bare[i]), FALSE);

      if (id >= 0)
        t->types[id] &= (guint8) ~PLD_TOKEN_STRIPS;
    }
}

/* A vocabulary without capitals was made of lower-cased text. */
static gboolean
has_no_capitals (const PldTokenizer *t)
{
  guint32 length;

  for (guint32 id = 0; id < t->n_tokens; id++)
    {
      const char *text = pld_token_text (t, id, &length);

      for (guint32 i = 0; t->types[id] == PLD_TOKEN_NORMAL && i < length; i++)
        if (g_ascii_isupper (text[i]))
          return FALSE;
    }
  return TRUE;
}

static gboolean
read_settings (PldTokenizer *t, const PldWeights *weights, GError **error)
{
  gboolean wordpiece = t->kind == PLD_VOCAB_WORDPIECE;

  if (!read_ids (t, weights, error))
    return FALSE;
  t->add_bos = t->kind == PLD_VOCAB_SPM || wordpiece || pld_pretokenizer_adds_bos (t->words);
  t->add_eos = wordpiece;
  if (!wordpiece)
    {
      t->add_bos = get_boolean (weights, "tokenizer.ggml.add_bos_token", t->add_bos);
      t->add_eos = get_boolean (weights, "tokenizer.ggml.add_eos_token", t->add_eos);
    }
  t->space_prefix = t->kind == PLD_VOCAB_SPM && get_boolean (weights, "tokenizer.ggml.add_space_prefix", TRUE);
  t->lower_case = wordpiece && has_no_capitals (t);
  mark_stripping (t, weights);
  return TRUE;
}

/* ---- the tokenizer ------------------------------------------------------------------------------ */

guint64
pld_tokenizer_bytes (const PldWeights *weights)
{
  const char *model = get_string (weights, "tokenizer.ggml.model");
  const PldArray *tokens = pld_weights_array (weights, "tokenizer.ggml.tokens");
  guint64 tables;

  if (is_none (model) || find_kind (model) == PLD_VOCAB_N || (tables = pld_vocab_table_bytes (weights)) == 0)
    return 0;
  /* At worst every token is special. */
  return tables + MAX (pld_buffer_cost (PLD_ITEMS_WINDOW), pld_buffer_cost (4 * tokens->count));
}

static PldTokenizer *
make (const PldWeights *weights, const char *model, PldBudget *budget, GError **error)
{
  PldTokenizer *t = g_new0 (PldTokenizer, 1);

  t->kind = find_kind (model);
  if (t->kind == PLD_VOCAB_N)
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                 "has a tokenizer of the kind \"%.64s\" (tokenizer.ggml.model), which is not known; known are llama, "
                 "gpt2 and bert",
                 model);
  else if (t->kind != PLD_VOCAB_BPE
           || (t->words = pld_pretokenizer_new (get_string (weights, "tokenizer.ggml.pre"), error)) != NULL)
    {
      t->whole_words = t->words != NULL && pld_pretokenizer_whole_words (t->words);
      if (pld_vocab_load (t, weights, budget, error) && read_settings (t, weights, error))
        return t;
    }
  g_clear_pointer (&t, pld_tokenizer_free);
  return NULL;
}

PldTokenizer *
pld_tokenizer_new (const PldWeights *weights, PldBudget *budget, GError **error)
{
  const char *model = get_string (weights, "tokenizer.ggml.model");
  g_autoptr (GError) failure = NULL;
  PldTokenizer *t = NULL;

  if (is_none (model))
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                 "%s: has no tokenizer (tokenizer.ggml.model); give a GGUF of a language model", weights->path);
  else if ((t = make (weights, model, budget, &failure)) == NULL)
    {
      /* Errors of opening and reading name the file already. */
      if (g_str_has_prefix (failure->message, weights->path))
        g_propagate_error (error, g_steal_pointer (&failure));
      else
        g_propagate_prefixed_error (error, g_steal_pointer (&failure), "%s: ", weights->path);
    }
  return t;
}

void
pld_tokenizer_free (PldTokenizer *t)
{
  if (t == NULL)
    return;
  pld_buffer_clear (&t->tables);
  pld_buffer_clear (&t->special_memory);
  g_clear_pointer (&t->words, pld_pretokenizer_free);
  g_free (t);
}

guint
pld_tokenizer_size (const PldTokenizer *t)
{
  return t->n_tokens;
}

gint
pld_tokenizer_bos (const PldTokenizer *t)
{
  return t->bos;
}

gint
pld_tokenizer_eos (const PldTokenizer *t)
{
  return t->eos;
}

gboolean
pld_tokenizer_is_end (const PldTokenizer *t, guint32 token)
{
  return token < t->n_tokens && (t->types[token] & PLD_TOKEN_END) != 0;
}

gboolean
pld_tokenizer_is_control (const PldTokenizer *t, guint32 token)
{
  return token < t->n_tokens && pld_token_is_steering (t->types[token]);
}

gint
pld_tokenizer_find (const PldTokenizer *t, const char *text)
{
  gint id = pld_vocab_find (t, text, strlen (text), FALSE);

  return id >= 0 ? id : pld_vocab_find (t, text, strlen (text), TRUE);
}

/* ---- encoding ----------------------------------------------------------------------------------- */

typedef struct
{
  const PldTokenizer *tokenizer;
  PldMerger merger;
  GArray *tokens;
} Encoding;

static gboolean
encode_plain (Encoding *e, const char *text, gsize n, gboolean after_special, GError **error)
{
  const PldTokenizer *t = e->tokenizer;

  if (n == 0)
    return TRUE;
  if (t->kind == PLD_VOCAB_BPE)
    return pld_bpe_encode (&e->merger, text, n, e->tokens, error);
  if (t->kind == PLD_VOCAB_SPM)
    pld_spm_encode (&e->merger, text, n, after_special && t->space_prefix, e->tokens);
  else
    pld_wordpiece_encode (t, text, n, e->tokens);
  return TRUE;
}

/* Special tokens first, the longest at each place; what lies between them is plain. */
static gboolean
encode_text (Encoding *e, const char *text, gsize n, gboolean steering, GError **error)
{
  const PldTokenizer *t = e->tokenizer;
  gboolean after_special = TRUE;
  gsize plain = 0, at = 0;

  while (at < n)
    {
      gint id = t->n_specials > 0 ? pld_vocab_match_special (t, text + at, n - at, steering) : -1;

      if (id < 0)
        {
          at++;
          continue;
        }
      if (!encode_plain (e, text + plain, at - plain, after_special, error))
        return FALSE;
      g_array_append_val (e->tokens, id);
      after_special = TRUE;
      at += t->ends[id + 1] - t->ends[id];
      while ((t->types[id] & PLD_TOKEN_STRIPS) != 0 && at < n && (g_ascii_isspace (text[at]) || text[at] == '\v'))
        at++;
      plain = at;
    }
  return encode_plain (e, text + plain, n - plain, after_special, error);
}

gboolean
pld_tokenizer_encode (const PldTokenizer *t, const char *text, gsize length, PldEncodeFlags flags, GArray *tokens,
                      GError **error)
{
  Encoding e = { .tokenizer = t, .tokens = tokens };
  GString *repaired;
  guint old = tokens->len;
  gboolean ok;

  if (length > MAX_LENGTH)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "the text has %" G_GSIZE_FORMAT " bytes, more than 1 GiB; give it in parts", length);
      return FALSE;
    }
  repaired = length > 0 ? pld_utf8_repair (text, length) : NULL;
  pld_merger_init (&e.merger, t);
  if ((flags & PLD_ENCODE_ADD_SPECIAL) != 0 && t->add_bos && t->bos >= 0)
    g_array_append_val (tokens, t->bos);
  ok = encode_text (&e, repaired != NULL ? repaired->str : text, repaired != NULL ? repaired->len : length,
                    (flags & PLD_ENCODE_PARSE_SPECIAL) != 0, error);
  if (ok && (flags & PLD_ENCODE_ADD_SPECIAL) != 0 && t->add_eos && t->eos >= 0)
    g_array_append_val (tokens, t->eos);
  if (!ok)
    g_array_set_size (tokens, old);
  pld_merger_clear (&e.merger);
  if (repaired != NULL)
    g_string_free (repaired, TRUE);
  return ok;
}
