/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * engine/text/stop: against a search through the whole text, over every way to cut it and many random ones.
 */
#include "engine/text/stop.h"

#include <string.h>

/* The expected output for @text: everything before the stop string that ends first, of several the longest. */
static char *
expect (const char *text, const char *const *stop, gboolean *found)
{
  for (gsize end = 1; end <= strlen (text); end++)
    {
      gsize longest = 0;

      for (guint i = 0; stop != NULL && stop[i] != NULL; i++)
        {
          gsize n = strlen (stop[i]);

          if (n > longest && n <= end && memcmp (text + end - n, stop[i], n) == 0)
            longest = n;
        }
      if (longest > 0)
        {
          *found = TRUE;
          return g_strndup (text, end - longest);
        }
    }
  *found = FALSE;
  return g_strdup (text);
}

/* How long an end of @text begins a stop string, without being one. */
static gsize
longest_beginning (const char *text, const char *const *stop)
{
  gsize n = strlen (text), longest = 0;

  for (guint i = 0; stop != NULL && stop[i] != NULL; i++)
    for (gsize k = 1; k <= n && k < strlen (stop[i]); k++)
      if (memcmp (text + n - k, stop[i], k) == 0)
        longest = MAX (longest, k);
  return longest;
}

/* Pushes @text in pieces that end where @cuts has a bit. After each piece all but what may begin a stop string must be
 * out. */
static void
check (const char *text, const char *const *stop, guint64 cuts)
{
  PldStop *matcher = pld_stop_new (stop);
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *expected = NULL;
  gboolean expected_found, found = FALSE;
  gsize n = strlen (text), start = 0;

  expected = expect (text, stop, &expected_found);
  for (gsize end = 1; end <= n && !found; end++)
    if (end == n || (cuts >> (end - 1) & 1))
      {
        g_autofree char *so_far = g_strndup (text, end);

        found = pld_stop_push (matcher, text + start, end - start, out);
        start = end;
        if (!found)
          g_assert_cmpuint (out->len, ==, end - longest_beginning (so_far, stop));
      }
  g_assert_cmpint (found, ==, expected_found);
  if (found)
    g_assert_true (pld_stop_push (matcher, "more", 4, out));
  pld_stop_end (matcher, out);
  g_assert_cmpstr (out->str, ==, expected);
  g_clear_pointer (&matcher, pld_stop_free);
  g_assert_null (matcher);
}

static void
test_cuts (void)
{
  static const struct
  {
    const char *text;
    const char *stop[4];
  } cases[] = { { "hello world", { "o w" } },
                { "hello", { "hello" } },
                { "ababac", { "abac" } },
                { "aaab", { "aab", "aaaa" } },
                { "xabcd", { "abcd", "bc" } },
                { "xabc", { "c", "abc", "bc" } },
                { "User: hi", { "\n\n", "User:" } },
                { "no stop", { "stops", "topx" } },
                { "", { "a" } },
                { "empty", { "", "pt" } },
                { "none", { NULL } },
                { "schön é", { "é", "ö…" } },
                { "日本語です", { "語で" } },
                { "日本語", { "本本", "語日" } },
                { "\n\n\n", { "\n\n\n\n" } } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint64 cuts = 0; cuts < (1u << MAX (strlen (cases[i].text), 1) >> 1); cuts++)
      check (cases[i].text, cases[i].stop, cuts);
  check ("anything", NULL, 5);
}

static void
test_random (void)
{
  for (guint round = 0; round < 20000; round++)
    {
      char text[41] = "", needles[3][8] = { "", "", "" };
      const char *stop[4] = { needles[0], needles[1], needles[2], NULL };

      for (gint i = 0, n = g_test_rand_int_range (0, 40); i < n; i++)
        text[i] = (char) ('a' + g_test_rand_int_range (0, 2));
      for (guint k = 0; k < 3; k++)
        for (gint i = 0, n = g_test_rand_int_range (k > 0 ? 0 : 1, 8); i < n; i++)
          needles[k][i] = (char) ('a' + g_test_rand_int_range (0, 2));
      check (text, stop, (guint64) g_test_rand_int () << 32 | (guint32) g_test_rand_int ());
    }
}

/* Pieces of whole characters give pieces of whole characters, although the strings share first bytes with them. */
static void
test_whole_characters (void)
{
  static const char *const stop[] = { "…€", "éé", "日月", NULL }, *const text = "a…b…éà日本…日é";
  PldStop *matcher = pld_stop_new (stop);

  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    {
      g_autoptr (GString) out = g_string_new (NULL);

      g_assert_false (pld_stop_push (matcher, c, g_utf8_next_char (c) - c, out));
      g_assert_true (g_utf8_validate (out->str, out->len, NULL));
    }
  g_clear_pointer (&matcher, pld_stop_free);
}

static void
test_again (void)
{
  static const char *const stop[] = { "abc", NULL };
  PldStop *matcher = pld_stop_new (stop);
  g_autoptr (GString) out = g_string_new (NULL);

  g_assert_false (pld_stop_push (matcher, "xab", 3, out));
  g_assert_cmpstr (out->str, ==, "x");
  pld_stop_end (matcher, out);
  g_assert_cmpstr (out->str, ==, "xab");
  g_assert_false (pld_stop_push (matcher, "c", 1, out));
  g_assert_cmpstr (out->str, ==, "xabc");
  g_assert_true (pld_stop_push (matcher, "abcd", 4, out));
  pld_stop_end (matcher, out);
  g_assert_cmpstr (out->str, ==, "xabc");
  g_assert_false (pld_stop_push (matcher, "d", 1, out));
  g_assert_cmpstr (out->str, ==, "xabcd");
  g_clear_pointer (&matcher, pld_stop_free);
  g_clear_pointer (&matcher, pld_stop_free);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stop/cuts", test_cuts);
  g_test_add_func ("/stop/random", test_random);
  g_test_add_func ("/stop/whole-characters", test_whole_characters);
  g_test_add_func ("/stop/again", test_again);
  return g_test_run ();
}
