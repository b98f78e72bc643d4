/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * text ↔ tokens, by the vocabulary that a GGUF file carries (keys tokenizer.ggml.*):
 *   "llama"  SentencePiece BPE (Kudo, Richardson, arXiv 1808.06226): merges by score, byte fallback
 *   "gpt2"   byte-level BPE (Sennrich et al., arXiv 1508.07909; Radford et al. 2019): pre-tokens by regular
 * expressions, then merges by rank "bert"   WordPiece (Devlin et al., arXiv 1810.04805): longest match from the left
 *
 * The file is untrusted: ids, counts, lengths, scores and merges are checked when it is read. A tokenizer is immutable
 * after pld_tokenizer_new(), then thread-safe; all its tables are charged to the budget.
 */
#pragma once

#include "engine/base/budget.h"
#include "engine/format/weights.h"

typedef struct _PldTokenizer PldTokenizer;

/* Bytes that pld_tokenizer_new() charges, the moments of reading included: an upper bound. 0: the file has no
 * tokenizer. */
guint64 pld_tokenizer_bytes (const PldWeights *weights);

/**
 * pld_tokenizer_new:
 * @weights: of a GGUF file; not needed afterwards
 * @budget: outlives the tokenizer
 *
 * Reads the vocabulary from the file. Errors: UNSUPPORTED (no tokenizer, or one that is not known: the message says
 * which are), FORMAT (damaged), NOT_FOUND, IO, LIMIT, MEMORY. Returns: (transfer full)
 */
PldTokenizer *pld_tokenizer_new (const PldWeights *weights, PldBudget *budget, GError **error);
/* NULL is allowed. */
void pld_tokenizer_free (PldTokenizer *tokenizer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldTokenizer, pld_tokenizer_free)

/* Tokens; ids are 0 … size − 1. */
guint pld_tokenizer_size (const PldTokenizer *tokenizer);

/* −1: none */
gint pld_tokenizer_bos (const PldTokenizer *tokenizer);
gint pld_tokenizer_eos (const PldTokenizer *tokenizer);

/* Whether a text ends with @token: end of sequence, of turn, of message. FALSE for an id out of range. */
gboolean pld_tokenizer_is_end (const PldTokenizer *tokenizer, guint32 token);
/* Whether @token is a control token, which has no text of its own. FALSE for an id out of range. */
gboolean pld_tokenizer_is_control (const PldTokenizer *tokenizer, guint32 token);
/* The token that is exactly @text (a space is a space, whatever the file writes for it), or −1. */
gint pld_tokenizer_find (const PldTokenizer *tokenizer, const char *text);

/**
 * PldEncodeFlags:
 * @PLD_ENCODE_ADD_SPECIAL: BOS before and EOS after (WordPiece: CLS and SEP), those that the file asks for
 * @PLD_ENCODE_PARSE_SPECIAL: the texts of control tokens stand for the tokens; without it they are plain text, and no
 * input can make a control token. User-defined tokens are found in either case.
 */
typedef enum
{
  PLD_ENCODE_ADD_SPECIAL = 1,
  PLD_ENCODE_PARSE_SPECIAL = 2,
} PldEncodeFlags;

/**
 * pld_tokenizer_encode:
 * @text: @length bytes, any; what is not UTF-8 counts as U+FFFD
 * @tokens: (element-type guint32): appended to; untouched on failure
 *
 * Takes n log n time. Besides the tokens, takes memory of about 60 bytes for each byte of the longest stretch that is
 * merged as one: a word, or all of the text for a SentencePiece vocabulary with pieces across spaces; at most 1 MiB
 * (longer ones are merged in parts). Thread-safe. UNSUPPORTED: @length is over 1 GiB, or a run of millions of blanks or
 * letters exceeds the limits of regular expressions.
 */
gboolean pld_tokenizer_encode (const PldTokenizer *tokenizer, const char *text, gsize length, PldEncodeFlags flags,
                               GArray *tokens, GError **error);

/* ---- tokens → text, as they come ------------------------------------------------------------ */

/**
 * PldDecoder:
 * @start: the next token begins a text, so the space that encoding put before its first word is left out; set it to
 * FALSE after pld_decoder_init() for tokens that go on from a prompt
 *
 * Used from one thread. Whole UTF-8 characters only: bytes that the next tokens may complete are held; what cannot
 * become one is U+FFFD.
 */
typedef struct
{
  const PldTokenizer *tokenizer; /* not owned */
  gboolean special;              /* control tokens are written too */
  gboolean start;
  guint n_held;
  char held[4];
} PldDecoder;

void pld_decoder_init (PldDecoder *decoder, const PldTokenizer *tokenizer, gboolean special);
/* Appends to @out what @token completes; an id out of range is nothing. */
void pld_decoder_push (PldDecoder *decoder, guint32 token, GString *out);
/* Appends U+FFFD for bytes that are still held. */
void pld_decoder_end (PldDecoder *decoder, GString *out);
