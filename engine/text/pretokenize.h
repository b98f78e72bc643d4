/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How byte-level BPE cuts text into words before it merges: regular expressions, by the name that the file gives
 * (tokenizer.ggml.pre). The expressions are those of the models' published tokenizers.
 */
#pragma once

#include "pipeload/base.h"

typedef struct _PldPretokenizer PldPretokenizer; /* immutable, thread-safe */

/**
 * pld_pretokenizer_new:
 * @name: (nullable): NULL: a file from before there were names
 *
 * UNSUPPORTED: the name is not known; the message says which are. Returns: (transfer full)
 */
PldPretokenizer *pld_pretokenizer_new (const char *name, GError **error);
/* NULL is allowed. */
void pld_pretokenizer_free (PldPretokenizer *pretokenizer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldPretokenizer, pld_pretokenizer_free)

/* Whether a word that is a token is that token, whatever the merges say. */
gboolean pld_pretokenizer_whole_words (const PldPretokenizer *pretokenizer);
/* Whether texts begin with BOS unless the file says otherwise. */
gboolean pld_pretokenizer_adds_bos (const PldPretokenizer *pretokenizer);

typedef void (*PldWordFunc) (const char *text, gsize n, gpointer data);

/* Hands the words of @text, valid UTF-8, to @take in order: together they are all of it. UNSUPPORTED: the expressions'
 * limits are exceeded; then some words may have been taken. */
gboolean pld_pretokenizer_split (const PldPretokenizer *pretokenizer, const char *text, gsize n, PldWordFunc take,
                                 gpointer data, GError **error);
