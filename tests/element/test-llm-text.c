/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sentences, lists of stop strings, prompts that are not text.
 */
#include "gst/llm/text.h"

#include <string.h>

/* @cut: @text's sentences with | between them. It comes in pieces of @step characters. */
static void
assert_cut (const char *cut, glong step)
{
  g_auto (GStrv) want = g_strsplit (cut, "|", -1);
  g_autofree char *text = g_strjoinv (NULL, want);
  GstPipeloadLlmSentences sentences = { 0 };
  guint found = 0;
  gsize size;

  for (const char *end = text; *end != '\0';)
    {
      for (glong i = 0; i < step && *end != '\0'; i++)
        end = g_utf8_next_char (end);
      while ((size = gst_pipeload_llm_sentences_next (&sentences, text, (gsize) (end - text))) > 0)
        {
          g_autofree char *sentence = g_strndup (text + sentences.start - size, size);

          g_assert_cmpstr (sentence, ==, want[found++]);
        }
    }
  /* The last one is whole only when its text is. */
  g_assert_cmpstr (text + sentences.start, ==, want[found]);
  g_assert_cmpuint (found + 1, ==, g_strv_length (want));
}

static void
test_sentences (void)
{
  static const char *const cuts[] = {
    "One",
    "One. |Two. ",
    "He came at 22:14 with 3.5 kg. |Then he left.",
    "A dog! |Two dogs?! |Three…  |End",
    "He said \"Go.\" |She went (at last.) |\"Then?\"",
    "1. One car.\n|2. Two cars.\n",
    "Title\n\n|Line two\n|- item\n",
    "\n\n Hello. |You",
    "pipeload.h and v1.2.3 are. |names",
    "門前有人。|他走了！|「誰？」|沒有。",
    "Camera 2. |Nobody.\t|That's 12. |All",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cuts); i++)
    for (glong step = 1; step < 40; step += 3)
      assert_cut (cuts[i], step);
}

static void
assert_list (const char *text, const char *const *want)
{
  g_auto (GStrv) list = gst_pipeload_llm_text_split (text);

  g_assert_cmpstrv (list, want);
}

static void
test_lists (void)
{
  assert_list ("", (const char *const[]) { NULL });
  assert_list (",,", (const char *const[]) { NULL });
  assert_list ("a", (const char *const[]) { "a", NULL });
  assert_list ("User:, \n", (const char *const[]) { "User:", " \n", NULL });
  assert_list ("\\n\\n,\\,,\\\\,\\t\\r,x\\", (const char *const[]) { "\n\n", ",", "\\", "\t\r", "x\\", NULL });
  assert_list ("</s>,。", (const char *const[]) { "</s>", "。", NULL });
}

static void
assert_read (const char *bytes, gsize size, const char *want, gboolean want_damaged)
{
  gboolean damaged = !want_damaged;
  g_autofree char *text = gst_pipeload_llm_text_read (bytes, size, &damaged);

  g_assert_cmpstr (text, ==, want);
  g_assert_cmpint (damaged, ==, want_damaged);
}

static void
test_prompts (void)
{
  assert_read (NULL, 0, "", FALSE);
  assert_read ("abc", 2, "ab", FALSE);
  assert_read ("é门", 5, "é门", FALSE);
  assert_read ("a\xff"
               "b\xc3",
               4,
               "a\xef\xbf\xbd"
               "b\xef\xbf\xbd",
               TRUE);
  assert_read ("a\0b", 3,
               "a\xef\xbf\xbd"
               "b",
               TRUE);
  assert_read ("\xe9\x97", 2, "\xef\xbf\xbd\xef\xbf\xbd", TRUE); /* half a character */
  g_assert_true (gst_pipeload_llm_text_is_blank (""));
  g_assert_true (gst_pipeload_llm_text_is_blank (" \t\r\n　"));
  g_assert_false (gst_pipeload_llm_text_is_blank (" \n."));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/llm-text/sentences", test_sentences);
  g_test_add_func ("/llm-text/lists", test_lists);
  g_test_add_func ("/llm-text/prompts", test_prompts);
  return g_test_run ();
}
