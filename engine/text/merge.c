/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Byte pair encoding as both SentencePiece and byte-level BPE have it: of all neighbors that can be merged, the best
 * pair (by score or rank, then the leftmost) is, until none can. A heap of pairs; those that have gone stale are
 * skipped when they come up.
 */
#include "engine/text/vocab.h"

/* A word of more bytes is merged in parts, which bounds the memory. */
#define MAX_WORD ((gsize) 1 << 20)

typedef struct
{
  guint64 order; /* score or rank, then the left symbol */
  gint right;
  guint32 id; /* what the two become */
} Pair;

void
pld_merger_init (PldMerger *merger, const PldTokenizer *tokenizer)
{
  merger->tokenizer = tokenizer;
  merger->symbols = g_array_new (FALSE, FALSE, sizeof (PldSymbol));
  merger->queue = g_array_new (FALSE, FALSE, sizeof (Pair));
}

void
pld_merger_clear (PldMerger *merger)
{
  g_clear_pointer (&merger->symbols, g_array_unref);
  g_clear_pointer (&merger->queue, g_array_unref);
}

static void
queue_push (GArray *queue, Pair pair)
{
  Pair *heap;
  guint at = queue->len;

  g_array_append_val (queue, pair);
  heap = (Pair *) (gpointer) queue->data;
  for (; at > 0 && heap[(at - 1) / 2].order > pair.order; at = (at - 1) / 2)
    heap[at] = heap[(at - 1) / 2];
  heap[at] = pair;
}

static Pair
queue_pop (GArray *queue)
{
  Pair *heap = (Pair *) (gpointer) queue->data;
  Pair top = heap[0], last = heap[queue->len - 1];
  guint n = queue->len - 1, at = 0, child;

  for (; (child = 2 * at + 1) < n; at = child)
    {
      if (child + 1 < n && heap[child + 1].order < heap[child].order)
        child++;
      if (heap[child].order >= last.order)
        break;
      heap[at] = heap[child];
    }
  heap[at] = last;
  g_array_set_size (queue, n);
  return top;
}

/* Queues the pair of symbols @left and the one after it, if it makes a token. */
static void
consider (PldMerger *merger, const char *text, gint left)
{
  const PldTokenizer *t = merger->tokenizer;
  const PldSymbol *symbols = (const PldSymbol *) (gpointer) merger->symbols->data;
  const PldSymbol *l = &symbols[left], *r = &symbols[l->next];
  const PldMerge *merge;
  guint64 order;
  gint id;

  if (t->kind == PLD_VOCAB_BPE)
    {
      if (l->id < 0 || r->id < 0 || (merge = pld_vocab_find_merge (t, (guint32) l->id, (guint32) r->id)) == NULL)
        return;
      id = (gint) merge->id;
      order = (guint64) (merge - t->merges);
    }
  else
    {
      if (l->length + r->length > t->max_length
          || (id = pld_vocab_find (t, text + l->start, l->length + r->length, TRUE)) < 0)
        return;
      order = t->orders[id];
    }
  queue_push (merger->queue, (Pair) { order << 32 | (guint32) left, l->next, (guint32) id });
}

static void
split_symbols (PldMerger *merger, const char *text, guint32 n)
{
  const PldTokenizer *t = merger->tokenizer;

  g_array_set_size (merger->symbols, 0);
  for (guint32 at = 0; at < n;)
    {
      gint index = (gint) merger->symbols->len;
      guint32 length = t->kind == PLD_VOCAB_BPE ? 1 : MIN ((guint32) g_utf8_skip[(guint8) text[at]], n - at);
      PldSymbol symbol = { at, length, index - 1, index + 1, -1 };

      if (t->kind == PLD_VOCAB_BPE)
        symbol.id = t->byte_tokens[(guint8) text[at]];
      else
        symbol.id = pld_vocab_find (t, text + at, length, TRUE);
      at += length;
      if (at == n)
        symbol.next = -1;
      g_array_append_val (merger->symbols, symbol);
    }
}

/* Emits a symbol that is not a token: its bytes as tokens, or the unknown token for bytes that have none. */
static void
emit_bytes (const PldTokenizer *t, const char *text, guint32 n, GArray *tokens)
{
  guint old = tokens->len;

  for (guint32 i = 0; i < n; i++)
    {
      gint id = t->byte_tokens[(guint8) text[i]];

      if (id >= 0)
        {
          g_array_append_val (tokens, id);
          continue;
        }
      g_array_set_size (tokens, old);
      if (t->unknown >= 0)
        g_array_append_val (tokens, t->unknown);
      return;
    }
}

static void
merge_part (PldMerger *merger, const char *text, guint32 n, GArray *tokens)
{
  PldSymbol *symbols;

  split_symbols (merger, text, n);
  symbols = (PldSymbol *) (gpointer) merger->symbols->data;
  g_array_set_size (merger->queue, 0);
  for (gint i = 0; symbols[i].next >= 0; i++)
    consider (merger, text, i);
  while (merger->queue->len > 0)
    {
      Pair pair = queue_pop (merger->queue);
      guint32 length = merger->tokenizer->ends[pair.id + 1] - merger->tokenizer->ends[pair.id];
      PldSymbol *left = &symbols[(guint32) pair.order], *right = &symbols[pair.right];

      /* Symbols only grow, so equal lengths mean that both are unchanged. */
      if (left->length == 0 || right->length == 0 || left->length + right->length != length)
        continue;
      left->length = length;
      left->id = (gint) pair.id;
      left->next = right->next;
      right->length = 0;
      if (left->next >= 0)
        {
          symbols[left->next].prev = (gint) (guint32) pair.order;
          consider (merger, text, (gint) (guint32) pair.order);
        }
      if (left->prev >= 0)
        consider (merger, text, left->prev);
    }
  for (gint i = 0; i >= 0; i = symbols[i].next)
    if (symbols[i].id >= 0)
      g_array_append_val (tokens, symbols[i].id);
    else
      emit_bytes (merger->tokenizer, text + symbols[i].start, symbols[i].length, tokens);
}

void
pld_merger_word (PldMerger *merger, const char *text, gsize n, GArray *tokens)
{
  while (n > 0)
    {
      gsize part = MIN (n, MAX_WORD);

      /* not within a character */
      while (part < n && ((guint8) text[part] & 0xc0) == 0x80)
        part--;
      merge_part (merger, text, (guint32) part, tokens);
      text += part;
      n -= part;
    }
}
