/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Builds a tokenizer's tables from a GGUF file.
 */
#include "engine/base/size.h"
#include "engine/text/items.h"
#include "engine/text/vocab.h"

#include <math.h>
#include <string.h>

#define MAX_ITEMS ((1u << 24) - 2) /* tokens, merges: what slots have bits for */

#define TOKENS "tokenizer.ggml.tokens"
#define TYPES "tokenizer.ggml.token_type"
#define SCORES "tokenizer.ggml.scores"
#define MERGES "tokenizer.ggml.merges"

/* Control tokens that end an answer, whatever the file's ids say; those of llama.cpp. */
static const char *const endings[] = {
  "<|eot_id|>",
  "<|eom_id|>",
  "<|im_end|>",
  "<|end|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "<|end_of_text|>",
  "<EOT>",
  "_<EOT>",
  "[EOT]",
  "[EOS]",
  "<eos>",
  "</s>",
  "<|END_OF_TURN_TOKEN|>",
  "<end_of_utterance>",
  "<|return|>",
  "<|call|>",
  "<|calls|>",
  "<|flush|>",
  "<turn|>",
  "<|tool_response>",
  "<｜end▁of▁sentence｜>",
  /* Padding and file marks of models that fill in code. */
  "<|fim_pad|>",
  "<fim-pad>",
  "<fim_pad>",
  "<|fim_repo|>",
  "<fim-repo>",
  "<|repo_name|>",
  "<reponame>",
  "<|file_sep|>",
};

/* ---- room ------------------------------------------------------------------------------------- */

/* Where each table begins in the buffer. */
typedef struct
{
  guint64 ends, orders, slots, merges, merge_slots, types, texts, total;
  guint64 n_slots, n_merge_slots;
} Layout;

static guint64
reserve (guint64 *total, guint64 count, guint64 size)
{
  guint64 start = *total;

  *total = pld_size_round_up (start + count * size, 8);
  return start;
}

/* FALSE: no such lists, or longer than anything that could be one: MAX_ITEMS bounds all sums. */
static gboolean
lay_out (const PldWeights *weights, Layout *l)
{
  const PldArray *tokens = pld_weights_array (weights, TOKENS), *merges = pld_weights_array (weights, MERGES);
  guint64 n = tokens != NULL ? tokens->count : 0, n_merges = merges != NULL ? merges->count : 0;

  *l = (Layout) { 0 };
  if (n == 0 || n > MAX_ITEMS || n_merges > MAX_ITEMS || tokens->type != PLD_GGUF_STRING
      || tokens->n_bytes - 8 * n > G_MAXUINT32)
    return FALSE;
  l->n_slots = n + n / 2 + 1;
  l->n_merge_slots = n_merges > 0 ? n_merges + n_merges / 2 + 1 : 1;
  l->ends = reserve (&l->total, n + 1, 4);
  l->orders = reserve (&l->total, pld_weights_array (weights, SCORES) != NULL ? n : 0, 4);
  l->slots = reserve (&l->total, l->n_slots, 4);
  l->merges = reserve (&l->total, n_merges, sizeof (PldMerge));
  l->merge_slots = reserve (&l->total, l->n_merge_slots, 4);
  l->types = reserve (&l->total, n, 1);
  l->texts = reserve (&l->total, tokens->n_bytes - 8 * n, 1);
  return TRUE;
}

guint64
pld_vocab_table_bytes (const PldWeights *weights)
{
  Layout layout;

  return lay_out (weights, &layout) ? pld_buffer_cost (layout.total) : 0;
}

static gboolean
make_tables (PldTokenizer *t, const PldWeights *weights, PldBudget *budget, GError **error)
{
  guint8 *base;
  Layout l;

  if (!lay_out (weights, &l))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "damaged: " TOKENS " and " MERGES " are not lists of 1 to %u texts; download it again", MAX_ITEMS);
      return FALSE;
    }
  if (!pld_buffer_init (&t->tables, budget, l.total, "the vocabulary", error))
    return FALSE;
  base = t->tables.data;
  t->n_tokens = (guint) pld_weights_array (weights, TOKENS)->count;
  t->ends = (guint32 *) (gpointer) (base + l.ends);
  t->orders = (guint32 *) (gpointer) (base + l.orders);
  t->slots = (guint32 *) (gpointer) (base + l.slots);
  t->n_slots = (guint) l.n_slots;
  t->merges = (PldMerge *) (gpointer) (base + l.merges);
  t->merge_slots = (guint32 *) (gpointer) (base + l.merge_slots);
  t->n_merge_slots = (guint) l.n_merge_slots;
  t->types = base + l.types;
  t->texts = (char *) base + l.texts;
  t->seed = (guint64) g_random_int () << 32 | g_random_int ();
  return TRUE;
}

/* ---- tokens ----------------------------------------------------------------------------------- */

static gboolean
load_types (PldTokenizer *t, PldItems *items, const PldArray *array, GError **error)
{
  guint32 type;

  memset (t->types, PLD_TOKEN_NORMAL, t->n_tokens);
  if (array == NULL)
    return TRUE;
  pld_items_start (items, array);
  if (array->count != t->n_tokens || (array->type != PLD_GGUF_I32 && array->type != PLD_GGUF_U32))
    return pld_items_fail (items, "is not a list with a 32-bit number for each token", error);
  for (guint i = 0; i < t->n_tokens; i++)
    {
      if (!pld_items_u32 (items, &type, error))
        return FALSE;
      /* 0 and what later formats add: as in llama.cpp, a token without a text of its own */
      t->types[i] = type >= PLD_TOKEN_NORMAL && type <= PLD_TOKEN_BYTE ? (guint8) type : PLD_TOKEN_UNUSED;
    }
  return TRUE;
}

static gsize
plain_spaces (const char *text, gsize n, char *out)
{
  gsize length = 0;

  for (gsize i = 0; i < n;)
    if (n - i >= 3 && memcmp (text + i, "\xe2\x96\x81", 3) == 0)
      {
        out[length++] = ' ';
        i += 3;
      }
    else
      out[length++] = text[i++];
  return length;
}

/* Byte-level BPE writes each byte as a printable character: the printable ones of Latin-1 as themselves, the others in
 * order from U+0100 on. Returns: the number of bytes, or −1 when @text has another character. */
static gssize
plain_bytes (const char *text, gsize n, char *out)
{
  gsize length = 0;

  for (gsize i = 0; i < n;)
    {
      gint size = pld_utf8_length ((const guint8 *) text + i, n - i);
      guint c = size == 1   ? (guint8) text[i]
                : size == 2 ? ((guint) (guint8) text[i] & 31) << 6 | ((guint8) text[i + 1] & 63)
                            : 0;

      if ((c >= 0x21 && c <= 0x7e) || (c >= 0xa1 && c <= 0xff && c != 0xad))
        out[length++] = (char) c;
      else if (c >= 0x100 && c <= 0x120)
        out[length++] = (char) (c - 0x100);
      else if (c >= 0x121 && c <= 0x142)
        out[length++] = (char) (c - 0x121 + 0x7f);
      else if (c == 0x143)
        out[length++] = (char) 0xad;
      else
        return -1;
      i += (gsize) size;
    }
  return (gssize) length;
}

static gboolean
is_byte_text (const char *text, gsize n)
{
  return n == 6 && memcmp (text, "<0x", 3) == 0 && text[5] == '>' && g_ascii_isxdigit (text[3])
         && g_ascii_isxdigit (text[4]);
}

/* Writes token @id, @text in the file, to where the last one ended. */
static gboolean
store_token (PldTokenizer *t, PldItems *items, guint id, const char *text, gsize n, GError **error)
{
  char *out = t->texts + t->ends[id];
  gssize length = -1;

  for (guint i = 0; t->kind != PLD_VOCAB_WORDPIECE && i < G_N_ELEMENTS (endings); i++)
    if (strlen (endings[i]) == n && memcmp (endings[i], text, n) == 0)
      t->types[id] = PLD_TOKEN_CONTROL | PLD_TOKEN_END;
  if (t->kind == PLD_VOCAB_SPM && t->types[id] == PLD_TOKEN_NORMAL && is_byte_text (text, n))
    t->types[id] = PLD_TOKEN_BYTE;
  if (t->kind == PLD_VOCAB_SPM && t->types[id] == PLD_TOKEN_BYTE)
    {
      if (!is_byte_text (text, n))
        return pld_items_fail (items, "has a token for a byte that is not written as one", error);
      *out = (char) (g_ascii_xdigit_value (text[3]) << 4 | g_ascii_xdigit_value (text[4]));
      length = 1;
      t->byte_tokens[(guint8) *out] = (gint) id;
    }
  else if (pld_token_is_steering (t->types[id]))
    length = -1;
  else if (t->kind != PLD_VOCAB_BPE)
    {
      if (t->types[id] != PLD_TOKEN_USER_DEFINED && memchr (text, ' ', n) != NULL)
        t->types[id] |= PLD_TOKEN_RAW;
      length = (gssize) plain_spaces (text, n, out);
    }
  else if (t->types[id] != PLD_TOKEN_USER_DEFINED && (length = plain_bytes (text, n, out)) < 0)
    t->types[id] |= PLD_TOKEN_RAW;
  if (length < 0)
    memcpy (out, text, n);
  t->ends[id + 1] = t->ends[id] + (guint32) (length < 0 ? (gssize) n : length);
  return TRUE;
}

static gboolean
has_inner_space (const char *text, gsize n)
{
  for (gsize i = 1; i < n; i++)
    if (text[i] == ' ' && text[i - 1] != ' ')
      return TRUE;
  return FALSE;
}

static gboolean
load_tokens (PldTokenizer *t, PldItems *items, const PldArray *array, GError **error)
{
  const char *text;
  guint32 length;
  gsize n;

  pld_items_start (items, array);
  for (guint i = 0; i < t->n_tokens; i++)
    {
      if (!pld_items_string (items, &text, &n, error))
        return FALSE;
      /* The span of the list bounds the sum, unless the file has changed since it was opened. */
      if (n > array->n_bytes - 8 * array->count - t->ends[i])
        return pld_items_fail (items, "is longer than it was", error);
      if (!store_token (t, items, i, text, n, error))
        return FALSE;
      text = pld_token_text (t, i, &length);
      if (t->kind == PLD_VOCAB_SPM && (t->types[i] == PLD_TOKEN_NORMAL || t->types[i] == PLD_TOKEN_UNUSED))
        t->spans_spaces |= has_inner_space (text, length);
      if (t->kind == PLD_VOCAB_BPE && length == 1 && t->types[i] == PLD_TOKEN_NORMAL
          && t->byte_tokens[(guint8) *text] < 0)
        t->byte_tokens[(guint8) *text] = (gint) i;
    }
  return TRUE;
}

/* As numbers that sort the best score first. */
static gboolean
load_scores (PldTokenizer *t, PldItems *items, const PldArray *array, GError **error)
{
  guint32 bits;
  float score;

  if (array == NULL)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "damaged: " SCORES " is missing; download it again");
      return FALSE;
    }
  pld_items_start (items, array);
  if (array->count != t->n_tokens || array->type != PLD_GGUF_F32)
    return pld_items_fail (items, "is not a list with a float for each token", error);
  for (guint i = 0; i < t->n_tokens; i++)
    {
      if (!pld_items_u32 (items, &bits, error))
        return FALSE;
      memcpy (&score, &bits, 4);
      if (isnan (score))
        return pld_items_fail (items, "has a score that is not a number", error);
      score += 0.0f; /* no negative zero */
      memcpy (&bits, &score, 4);
      t->orders[i] = bits >> 31 ? bits : ~(bits | 1u << 31);
    }
  return TRUE;
}

/* ---- merges ----------------------------------------------------------------------------------- */

/* "left right", each in the byte alphabet. A merge of strings that are not tokens can never apply and is left out, as
 * other programs do; if all are such, the list belongs to another vocabulary. */
static gboolean
load_merges (PldTokenizer *t, PldItems *items, const PldArray *array, GError **error)
{
  const char *text, *space;
  char both[2 * PLD_ITEM_MAX];
  gsize n;

  if (array == NULL)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "damaged: " MERGES " is missing; download it again");
      return FALSE;
    }
  pld_items_start (items, array);
  if (array->type != PLD_GGUF_STRING)
    return pld_items_fail (items, "is not a list of texts", error);
  for (guint64 i = 0; i < array->count; i++)
    {
      gssize left, right;
      gint ids[3];

      if (!pld_items_string (items, &text, &n, error))
        return FALSE;
      space = n > 1 ? memchr (text + 1, ' ', n - 1) : NULL;
      if (space == NULL || space + 1 == text + n)
        return pld_items_fail (items, "has an item that is not a pair", error);
      left = plain_bytes (text, (gsize) (space - text), both);
      right = left < 0 ? -1 : plain_bytes (space + 1, (gsize) (text + n - space - 1), both + left);
      if (right < 0)
        continue;
      ids[0] = pld_vocab_find (t, both, (gsize) left, TRUE);
      ids[1] = pld_vocab_find (t, both + left, (gsize) right, TRUE);
      ids[2] = pld_vocab_find (t, both, (gsize) (left + right), TRUE);
      if (ids[0] < 0 || ids[1] < 0 || ids[2] < 0)
        continue;
      t->merges[t->n_merges] = (PldMerge) { (guint32) ids[0], (guint32) ids[1], (guint32) ids[2] };
      pld_vocab_add_merge (t, t->n_merges++);
    }
  return t->n_merges > 0 || array->count == 0 || pld_items_fail (items, "names no pair of tokens", error);
}

static gboolean
load_lists (PldTokenizer *t, const PldWeights *weights, PldItems *items, GError **error)
{
  if (!load_types (t, items, pld_weights_array (weights, TYPES), error)
      || !load_tokens (t, items, pld_weights_array (weights, TOKENS), error))
    return FALSE;
  pld_vocab_index (t);
  if (t->kind == PLD_VOCAB_SPM)
    return load_scores (t, items, pld_weights_array (weights, SCORES), error);
  return t->kind != PLD_VOCAB_BPE || load_merges (t, items, pld_weights_array (weights, MERGES), error);
}

gboolean
pld_vocab_load (PldTokenizer *t, const PldWeights *weights, PldBudget *budget, GError **error)
{
  PldItems items = PLD_ITEMS_INIT;
  gboolean ok;

  for (guint i = 0; i < 256; i++)
    t->byte_tokens[i] = -1;
  ok = make_tables (t, weights, budget, error)
       && pld_items_open (&items, weights->files[pld_weights_array (weights, TOKENS)->file], budget, error)
       && load_lists (t, weights, &items, error);
  pld_items_close (&items);
  return ok && pld_vocab_sort_specials (t, budget, error);
}
