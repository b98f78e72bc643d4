/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tables of a tokenizer; private to engine/text. All are in one buffer, whose size follows from the lengths of the
 * file's lists.
 *
 * Texts are kept as the bytes that they stand for: byte-level BPE's alphabet and SentencePiece's U+2581 are undone when
 * the vocabulary is read, so that encoding and decoding compare and copy bytes.
 */
#pragma once

#include "engine/base/buffer.h"
#include "engine/text/pretokenize.h"
#include "engine/text/tokenizer.h"

typedef enum
{
  PLD_VOCAB_SPM,
  PLD_VOCAB_BPE,
  PLD_VOCAB_WORDPIECE,
  PLD_VOCAB_N,
} PldVocabKind;

/* tokenizer.ggml.token_type, as SentencePiece numbers them, and what is known besides */
typedef enum
{
  PLD_TOKEN_NORMAL = 1,
  PLD_TOKEN_UNKNOWN = 2,
  PLD_TOKEN_CONTROL = 3,
  PLD_TOKEN_USER_DEFINED = 4,
  PLD_TOKEN_UNUSED = 5,
  PLD_TOKEN_BYTE = 6,
  PLD_TOKEN_TYPE = 15,   /* mask of the above */
  PLD_TOKEN_END = 16,    /* a text ends with it */
  PLD_TOKEN_STRIPS = 32, /* white space after its text belongs to it */
  PLD_TOKEN_RAW = 64,    /* its text has a character that the kind writes in another way: text never becomes it */
} PldTokenBits;

typedef struct
{
  guint32 left, right, id; /* tokens; id: the token that left and right become */
} PldMerge;

struct _PldTokenizer
{
  PldVocabKind kind;
  guint n_tokens;
  guint max_length; /* bytes of the longest token that text can become */

  PldBuffer tables;
  guint32 *ends;   /* [n_tokens + 1]: token i is texts[ends[i]] … texts[ends[i + 1]] */
  guint32 *orders; /* SPM: [n_tokens]: by score, best first */
  guint32 *slots;  /* [n_slots]: hash of the texts: tag and id + 1; 0: empty */
  guint n_slots;
  PldMerge *merges; /* BPE: [n_merges]: by rank */
  guint n_merges;
  guint32 *merge_slots; /* BPE: [n_merge_slots]: hash of the pairs: rank + 1; 0: empty */
  guint n_merge_slots;
  guint8 *types; /* [n_tokens]: PldTokenBits */
  char *texts;
  guint64 seed; /* of both hashes: no file can choose its collisions */

  PldBuffer special_memory;
  guint32 *specials; /* [n_specials]: control, unknown and user-defined tokens by their texts' bytes, each text once */
  guint n_specials;
  guint special_first[257]; /* specials that begin with byte b: special_first[b] … special_first[b + 1] */

  gint byte_tokens[256]; /* −1: none */
  gint bos, eos, unknown;
  gboolean add_bos, add_eos;
  gboolean space_prefix;  /* SPM: a space before the first word */
  gboolean spans_spaces;  /* SPM: some piece has a space after another character, so words are not merged each alone */
  gboolean whole_words;   /* BPE: a word that is a token is that token, whatever the merges say */
  gboolean lower_case;    /* WordPiece: lower case without accents */
  PldPretokenizer *words; /* BPE */
};

static inline const char *
pld_token_text (const PldTokenizer *t, guint32 id, guint32 *length)
{
  *length = t->ends[id + 1] - t->ends[id];
  return t->texts + t->ends[id];
}

/* Whether text never becomes @type by itself: it is written out only on demand. */
static inline gboolean
pld_token_is_steering (guint8 type)
{
  return (type & PLD_TOKEN_TYPE) == PLD_TOKEN_CONTROL || (type & PLD_TOKEN_TYPE) == PLD_TOKEN_UNKNOWN;
}

/* Whether encoding finds the token by its text before words are looked at. */
static inline gboolean
pld_token_is_special (guint8 type)
{
  return pld_token_is_steering (type) || (type & PLD_TOKEN_TYPE) == PLD_TOKEN_USER_DEFINED;
}

/* ---- vocab.c: the tables -------------------------------------------------------------------- */

/* Fills slots from texts and types, max_length with it. */
void pld_vocab_index (PldTokenizer *tokenizer);
/* @plain: a token that words are made of; else a control, unknown or byte token. Returns: −1: none */
gint pld_vocab_find (const PldTokenizer *tokenizer, const char *text, gsize n, gboolean plain);
/* Adds merges[@rank] to merge_slots, unless an earlier one joins the same pair. */
void pld_vocab_add_merge (PldTokenizer *tokenizer, guint rank);
/* Returns: (nullable): the merge of @left and @right, its rank being its place in merges */
const PldMerge *pld_vocab_find_merge (const PldTokenizer *tokenizer, guint32 left, guint32 right);
/* Fills specials. LIMIT, MEMORY */
gboolean pld_vocab_sort_specials (PldTokenizer *tokenizer, PldBudget *budget, GError **error);
/* The longest special token that @text begins with, or −1. @steering: control and unknown tokens too */
gint pld_vocab_match_special (const PldTokenizer *tokenizer, const char *text, gsize n, gboolean steering);

/* ---- load.c: from the file ------------------------------------------------------------------ */

/* Bytes of tables, or 0 when the lists of @weights make no vocabulary. */
guint64 pld_vocab_table_bytes (const PldWeights *weights);
/* Reads the lists into the tables of an empty @tokenizer of a known kind. */
gboolean pld_vocab_load (PldTokenizer *tokenizer, const PldWeights *weights, PldBudget *budget, GError **error);

/* ---- merge.c, spm.c, bpe.c, wordpiece.c: @text, valid UTF-8 without special tokens, into tokens ----- */

typedef struct
{
  guint32 start, length; /* bytes; length 0: merged into the symbol before it */
  gint prev, next;       /* symbols, −1: none */
  gint id;               /* −1: no token */
} PldSymbol;

typedef struct
{
  const PldTokenizer *tokenizer;
  GArray *symbols; /* PldSymbol */
  GArray *queue;   /* pairs that could be merged, a heap */
} PldMerger;

void pld_merger_init (PldMerger *merger, const PldTokenizer *tokenizer);
void pld_merger_clear (PldMerger *merger);
/* Merges the @n bytes of one word (BPE: from bytes, SPM: from characters) and appends its tokens. */
void pld_merger_word (PldMerger *merger, const char *text, gsize n, GArray *tokens);

/* @prefix: a space goes before the text */
void pld_spm_encode (PldMerger *merger, const char *text, gsize n, gboolean prefix, GArray *tokens);
gboolean pld_bpe_encode (PldMerger *merger, const char *text, gsize n, GArray *tokens, GError **error);
void pld_wordpiece_encode (const PldTokenizer *tokenizer, const char *text, gsize n, GArray *tokens);

/* ---- utf8.c --------------------------------------------------------------------------------- */

/* The character that @bytes begin with: its length; 0: @n bytes are the beginning of one; −k: the first k bytes are
 * none (the longest such beginning of a character, Unicode 15, table 3-7). @n is not 0. */
gint pld_utf8_length (const guint8 *bytes, gsize n);
/* Returns: (transfer full) (nullable): @text with U+FFFD for what is not UTF-8, NULL when it is all right. Zero bytes
 * are. */
GString *pld_utf8_repair (const char *text, gsize n);
