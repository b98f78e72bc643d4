/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Text that goes in and out of pipeloadllm: prompts, sentences, lists of stop strings.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @text: any bytes. @damaged: (out): TRUE if they are no UTF-8 text.
 * Returns: (transfer full): them as a string, each bad byte, zeros too, as U+FFFD */
char *gst_pipeload_llm_text_read (const char *text, gsize length, gboolean *damaged);

/* TRUE if there is nothing but white space in it. */
gboolean gst_pipeload_llm_text_is_blank (const char *text);

/* Returns: (transfer full): the strings between @text's commas, empty ones left out. A backslash takes the next
 * character as it is, but n, r and t are a line's end, a carriage return and a tab. Spaces count. */
char **gst_pipeload_llm_text_split (const char *text);

/* Where a text that still grows has been cut so far; starts as zeros. */
typedef struct
{
  gsize start; /* of the sentence that is not whole yet */
  gsize next;  /* byte to look at next */
  int state;
  gboolean any, words; /* the sentence holds more than space; a letter */
} GstPipeloadLlmSentences;

/**
 * gst_pipeload_llm_sentences_next:
 * @text: whole UTF-8 characters; what was there at earlier calls is still the same
 *
 * A sentence ends behind . ! ? … with the quotes and brackets that close it, if white space follows; behind 。！？
 * whatever follows; and at the end of a line. White space behind it belongs to it, so it is whole once the next one has
 * begun. A full stop behind digits alone ("1. ") ends none.
 *
 * Returns: bytes of the next whole sentence, which begins at the start before this call; 0: there is none yet
 */
gsize gst_pipeload_llm_sentences_next (GstPipeloadLlmSentences *sentences, const char *text, gsize length);

G_END_DECLS
