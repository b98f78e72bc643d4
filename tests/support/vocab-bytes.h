/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Small vocabularies as GGUF files, for tests of tokenizers.
 */
#pragma once

#include "engine/text/tokenizer.h"

/* token_type's numbers, as SentencePiece has them */
enum
{
  NORMAL = 1,
  UNKNOWN,
  CONTROL,
  USER_DEFINED,
  UNUSED,
  BYTE
};

typedef struct
{
  const char *model, *pre; /* NULL: no such key */
  GPtrArray *texts;        /* char *, as the file writes them */
  GArray *scores;          /* float */
  GArray *types;           /* gint32 */
  GPtrArray *merges;       /* char *; none: no such key */
  GByteArray *more;        /* further keys */
  guint n_more;
  gboolean no_scores, no_types;
} Vocab;

Vocab *vocab_new (const char *model, const char *pre);
void vocab_free (Vocab *vocab);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Vocab, vocab_free)
/* Returns: the new token's id */
guint32 vocab_add (Vocab *vocab, const char *text, float score, gint32 type);
void vocab_merge (Vocab *vocab, const char *pair);
void vocab_set_bool (Vocab *vocab, const char *key, gboolean value);
void vocab_set_u32 (Vocab *vocab, const char *key, guint32 value);
void vocab_set_string (Vocab *vocab, const char *key, const char *value);
/* Byte-level BPE's character for @byte. Returns: (transfer full) */
char *vocab_byte (guint8 byte);

/* Returns: (transfer full): the file's bytes */
GByteArray *vocab_bytes (const Vocab *vocab);
/* The tokenizer of a file of those bytes. */
PldTokenizer *bytes_tokenizer (GByteArray *bytes, PldBudget *budget, GError **error);

#define M "\xe2\x96\x81" /* SentencePiece's space */
#define G "\xc4\xa0"     /* U+0120, the space of the byte alphabet */

/* 3 special tokens, 256 for bytes if @bytes, [A] [AB] {u}, and pieces of a, b, c. */
Vocab *spm_vocab (gboolean bytes);
/* 256 bytes; 256 ll, he, el, hell, Gw, 261 hello, GG, <|endoftext|> (called normal), 264 <|x|>, three spaces; merges.
 */
Vocab *bpe_vocab (const char *pre);

/* A tokenizer and what it is charged to. */
typedef struct
{
  PldBudget *budget;
  PldTokenizer *tokenizer;
} Subject;

Subject subject_new (const Vocab *vocab);
/* Asserts that nothing is left charged. */
void subject_clear (Subject *s);
/* @n: −1: @text ends with a zero */
GArray *encode (const Subject *s, const char *text, gssize n, PldEncodeFlags flags);
GString *decode (const Subject *s, const GArray *tokens, gboolean special);
/* @wanted: the tokens' texts as the file writes them, separated by "|" */
void check (const Vocab *vocab, const Subject *s, const char *text, PldEncodeFlags flags, const char *wanted);
void check_round_trip (const Subject *s, const char *text, gsize n);
