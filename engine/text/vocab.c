/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Hash tables of tokens and merges in one buffer.
 */
#include "engine/text/vocab.h"

#include <string.h>

#define TAG_SHIFT 24
#define ID_MASK ((1u << TAG_SHIFT) - 1)
/* Longer ones are not looked for in text. */
#define MAX_SPECIAL 256

static inline guint64
mix (guint64 x)
{
  x ^= x >> 32;
  x *= G_GUINT64_CONSTANT (0xd6e8feb86659fd93);
  x ^= x >> 32;
  x *= G_GUINT64_CONSTANT (0xd6e8feb86659fd93);
  return x ^ x >> 32;
}

static guint64
text_hash (const PldTokenizer *t, const char *text, gsize n)
{
  guint64 hash = t->seed + n, part;

  for (; n >= 8; text += 8, n -= 8)
    {
      memcpy (&part, text, 8);
      hash = mix (hash ^ part);
    }
  part = 0;
  for (gsize i = 0; i < n; i++)
    part |= (guint64) (guint8) text[i] << (8 * i);
  return mix (hash ^ part);
}

/* A place among @n from the upper half of a hash. */
static inline guint
place (guint64 hash, guint n)
{
  return (guint) ((hash >> 32) * n >> 32);
}

static inline gboolean
is_plain (guint8 type)
{
  return !pld_token_is_steering (type) && (type & PLD_TOKEN_TYPE) != PLD_TOKEN_BYTE && (type & PLD_TOKEN_RAW) == 0;
}

/* The slot of the token, or the empty one where it belongs. */
static guint
text_slot (const PldTokenizer *t, const char *text, gsize n, gboolean plain)
{
  guint64 hash = text_hash (t, text, n);
  guint32 tag = (guint32) hash << TAG_SHIFT, length;
  guint slot = place (hash, t->n_slots);

  for (; t->slots[slot] != 0; slot = slot + 1 == t->n_slots ? 0 : slot + 1)
    if ((t->slots[slot] & ~ID_MASK) == tag)
      {
        guint32 id = (t->slots[slot] & ID_MASK) - 1;
        const char *other = pld_token_text (t, id, &length);

        if (length == n && is_plain (t->types[id]) == plain && memcmp (other, text, n) == 0)
          break;
      }
  return slot;
}

gint
pld_vocab_find (const PldTokenizer *t, const char *text, gsize n, gboolean plain)
{
  guint slot = text_slot (t, text, n, plain);

  return t->slots[slot] == 0 ? -1 : (gint) (t->slots[slot] & ID_MASK) - 1;
}

static void
index_token (PldTokenizer *t, guint32 id)
{
  guint32 length;
  const char *text = pld_token_text (t, id, &length);
  guint slot = text_slot (t, text, length, is_plain (t->types[id]));

  if (t->slots[slot] == 0)
    t->slots[slot] = ((guint32) text_hash (t, text, length) << TAG_SHIFT) | (id + 1);
}

void
pld_vocab_index (PldTokenizer *t)
{
  /* Two tokens of one text: the lower id is the one, and a normal token before a user-defined one, which is looked for
   * by itself anyway. */
  for (guint pass = 0; pass < 2; pass++)
    for (guint32 id = 0; id < t->n_tokens; id++)
      {
        guint32 length = t->ends[id + 1] - t->ends[id];
        gboolean user_defined = (t->types[id] & PLD_TOKEN_TYPE) == PLD_TOKEN_USER_DEFINED;

        if (length == 0 || user_defined != (pass == 1))
          continue;
        index_token (t, id);
        if (is_plain (t->types[id]))
          t->max_length = MAX (t->max_length, length);
      }
}

static guint
merge_slot (const PldTokenizer *t, guint32 left, guint32 right)
{
  guint slot = place (mix (t->seed ^ ((guint64) left << 32 | right)), t->n_merge_slots);

  for (; t->merge_slots[slot] != 0; slot = slot + 1 == t->n_merge_slots ? 0 : slot + 1)
    {
      const PldMerge *merge = &t->merges[t->merge_slots[slot] - 1];

      if (merge->left == left && merge->right == right)
        break;
    }
  return slot;
}

void
pld_vocab_add_merge (PldTokenizer *t, guint rank)
{
  guint slot = merge_slot (t, t->merges[rank].left, t->merges[rank].right);

  if (t->merge_slots[slot] == 0)
    t->merge_slots[slot] = rank + 1;
}

const PldMerge *
pld_vocab_find_merge (const PldTokenizer *t, guint32 left, guint32 right)
{
  guint slot = merge_slot (t, left, right);

  return t->merge_slots[slot] == 0 ? NULL : &t->merges[t->merge_slots[slot] - 1];
}

static int
special_compare (gconstpointer a, gconstpointer b, gpointer data)
{
  const PldTokenizer *t = data;
  guint32 x = *(const guint32 *) a, y = *(const guint32 *) b, n_x, n_y;
  const char *text_x = pld_token_text (t, x, &n_x), *text_y = pld_token_text (t, y, &n_y);
  int order = memcmp (text_x, text_y, MIN (n_x, n_y));

  if (order != 0)
    return order;
  if (n_x != n_y)
    return n_x < n_y ? -1 : 1;
  /* Of one text, the token that is found in any case comes first. */
  if (pld_token_is_steering (t->types[x]) != pld_token_is_steering (t->types[y]))
    return pld_token_is_steering (t->types[y]) ? -1 : 1;
  return x < y ? -1 : 1;
}

static gboolean
same_text (const PldTokenizer *t, guint32 x, guint32 y)
{
  guint32 n_x, n_y;
  const char *text_x = pld_token_text (t, x, &n_x), *text_y = pld_token_text (t, y, &n_y);

  return n_x == n_y && memcmp (text_x, text_y, n_x) == 0;
}

/* How many tokens, and which when @ids is given, are looked for in text. */
static guint
list_specials (const PldTokenizer *t, guint32 *ids)
{
  guint n = 0;

  for (guint32 id = 0; id < t->n_tokens; id++)
    {
      guint32 length = t->ends[id + 1] - t->ends[id];

      if (!pld_token_is_special (t->types[id]) || length == 0 || length > MAX_SPECIAL)
        continue;
      if (ids != NULL)
        ids[n] = id;
      n++;
    }
  return n;
}

gboolean
pld_vocab_sort_specials (PldTokenizer *t, PldBudget *budget, GError **error)
{
  guint n = list_specials (t, NULL), byte = 0;

  if (!pld_buffer_init (&t->special_memory, budget, n * sizeof *t->specials, "the special tokens", error))
    return FALSE;
  t->specials = (guint32 *) (gpointer) t->special_memory.data;
  list_specials (t, t->specials);
  if (n > 0)
    g_qsort_with_data (t->specials, (gint) n, sizeof *t->specials, special_compare, t);
  for (guint i = 0; i < n; i++)
    if (t->n_specials == 0 || !same_text (t, t->specials[i], t->specials[t->n_specials - 1]))
      t->specials[t->n_specials++] = t->specials[i];
  for (guint i = 0; i < t->n_specials; i++)
    for (guint8 first = (guint8) t->texts[t->ends[t->specials[i]]]; byte <= first; byte++)
      t->special_first[byte] = i;
  for (; byte <= 256; byte++)
    t->special_first[byte] = t->n_specials;
  return TRUE;
}

/* The first of specials[@low … @high], which all are longer than @at and alike up to there, whose byte @at is @byte or
 * more. */
static guint
special_bound (const PldTokenizer *t, guint low, guint high, guint at, guint byte)
{
  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if ((guint8) t->texts[t->ends[t->specials[middle]] + at] < byte)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

gint
pld_vocab_match_special (const PldTokenizer *t, const char *text, gsize n, gboolean steering)
{
  guint low = t->special_first[(guint8) text[0]], high = t->special_first[(guint8) text[0] + 1];
  gint best = -1;

  for (guint at = 1; low < high; at++)
    {
      guint32 id = t->specials[low], length = t->ends[id + 1] - t->ends[id];

      /* The shortest of the range comes first. */
      if (length == at)
        {
          if (steering || !pld_token_is_steering (t->types[id]))
            best = (gint) id;
          low++;
        }
      if (at == n)
        break;
      low = special_bound (t, low, high, at, (guint8) text[at]);
      high = special_bound (t, low, high, at, (guint) (guint8) text[at] + 1);
    }
  return best;
}
