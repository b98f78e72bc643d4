/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cuts an answer into output buffers: pieces, sentences or the whole.
 */
#include "gst/llm/text.h"

#include <string.h>

char *
gst_pipeload_llm_text_read (const char *text, gsize length, gboolean *damaged)
{
  *damaged = FALSE;
  if (length == 0) /* @text may be NULL */
    return g_strdup ("");
  *damaged = !g_utf8_validate_len (text, length, NULL);
  return *damaged ? g_utf8_make_valid (text, (gssize) length) : g_strndup (text, length);
}

gboolean
gst_pipeload_llm_text_is_blank (const char *text)
{
  while (*text != '\0' && g_unichar_isspace (g_utf8_get_char (text)))
    text = g_utf8_next_char (text);
  return *text == '\0';
}

char **
gst_pipeload_llm_text_split (const char *text)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GString) word = g_string_new (NULL);

  for (;; text++)
    {
      if (*text == ',' || *text == '\0')
        {
          if (word->len > 0)
            g_strv_builder_add (builder, word->str);
          g_string_truncate (word, 0);
          if (*text == '\0')
            break;
        }
      else if (*text == '\\' && text[1] != '\0')
        {
          static const char letters[] = "nrt", meanings[] = "\n\r\t";
          const char *letter = strchr (letters, *++text);

          g_string_append_c (word, letter != NULL ? meanings[letter - letters] : *text);
        }
      else
        g_string_append_c (word, *text);
    }
  return g_strv_builder_end (builder);
}

/* ---- sentences ----------------------------------------------------------------------------- */

enum
{
  INSIDE,
  STOPPED, /* behind a mark that ends the sentence if white space follows */
  ENDED,   /* behind a mark that ends it whatever follows */
  SPACED,  /* and behind white space after it */
};

static gboolean
closes (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CLOSE_PUNCTUATION:
    case G_UNICODE_FINAL_PUNCTUATION:
      return TRUE;
    default:
      return c == '"' || c == '\'';
    }
}

/* The state that @c leads to. */
static int
step (const GstPipeloadLlmSentences *sentences, gunichar c)
{
  if (c == '\n' && sentences->any)
    return SPACED;
  if (g_unichar_isspace (c))
    return sentences->state == INSIDE ? INSIDE : SPACED;
  if (c == 0x3002 || c == 0xff01 || c == 0xff1f) /* 。！？ */
    return ENDED;
  if (c == '!' || c == '?' || c == 0x2026 || (c == '.' && sentences->words)) /* … */
    return MAX (sentences->state, STOPPED);
  return closes (c) ? sentences->state : INSIDE;
}

gsize
gst_pipeload_llm_sentences_next (GstPipeloadLlmSentences *sentences, const char *text, gsize length)
{
  while (sentences->next < length)
    {
      gunichar c = g_utf8_get_char (text + sentences->next);
      gboolean space = g_unichar_isspace (c);
      int state = step (sentences, c);

      if ((sentences->state == SPACED && !space) || (sentences->state == ENDED && state == INSIDE))
        {
          gsize size = sentences->next - sentences->start;

          *sentences = (GstPipeloadLlmSentences) { .start = sentences->next, .next = sentences->next };
          return size;
        }
      sentences->state = state;
      sentences->any |= !space;
      sentences->words |= g_unichar_isalpha (c);
      sentences->next += (gsize) (g_utf8_next_char (text + sentences->next) - (text + sentences->next));
    }
  return 0;
}
