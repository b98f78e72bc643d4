/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guesses at the next tokens: places by hand and against a search that is written otherwise; what they cost in made-up
 * times; and that answers with them are those without, byte for byte.
 */
#include <string.h>

#include "pipeload/pipeload.h"
#include "engine/text/lookup.h"
#include "models/api/guess.h"
#include "tests/support/options.h"

/* ---- where it stood before ----------------------------------------------------------------- */

/* Tokens are letters. */
static char *
look (const char *text, guint most)
{
  const guint n = (guint) strlen (text);
  guint32 tokens[64], guess[16];
  GString *found = g_string_new (NULL);
  guint n_guess;

  for (guint i = 0; i < n; i++)
    tokens[i] = (guint32) text[i];
  n_guess = pld_lookup (tokens, n, guess, most);
  for (guint i = 0; i < n_guess; i++)
    g_string_append_c (found, (char) guess[i]);
  return g_string_free (found, FALSE);
}

static void
test_places (void)
{
  const struct
  {
    const char *text;
    guint most;
    const char *guess;
  } cases[] = {
    { "", 3, "" },
    { "a", 3, "" },
    { "ab", 3, "" },
    { "abcdb", 3, "" }, /* one token alone */
    { "abcdab", 2, "cd" },
    { "abcdab", 0, "" },
    { "abcxabdyab", 3, "dya" },   /* the latest */
    { "zabcxabdyzab", 3, "cxa" }, /* more of it, though earlier */
    { "abcdab", 9, "cdabcdabc" }, /* through the end, again and again */
    { "aaa", 4, "aaaa" },
    { "xyxy", 3, "xyx" },
    { "123456789a.9123456789", 1, "a" },
    { "123456789a.x23456789b.123456789", 1, "b" }, /* eight are enough: the latest */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *guess = look (cases[i].text, cases[i].most);

      g_assert_cmpstr (guess, ==, cases[i].guess);
    }
}

/* Lengths from the longest on, places from the latest on. */
static void
test_search (void)
{
  for (guint round = 0; round < 3000; round++)
    {
      const guint n = (guint) g_test_rand_int_range (2, 40), letters = (guint) g_test_rand_int_range (2, 5);
      guint32 tokens[40], guess[3];
      guint want = 0, got;

      for (guint i = 0; i < n; i++)
        tokens[i] = (guint32) g_test_rand_int_range (0, (gint32) letters);
      for (guint length = 8; length >= 2 && want == 0; length--)
        for (guint at = n - 1; at >= length && want == 0; at--)
          if (n >= length && memcmp (tokens + at - length, tokens + n - length, length * sizeof *tokens) == 0)
            want = at;
      got = pld_lookup (tokens, n, guess, 3);
      g_assert_cmpuint (got, ==, want > 0 ? 3 : 0);
      for (guint i = 0; i < got; i++)
        g_assert_cmpuint (guess[i], ==, tokens[want + i % (n - want)]);
    }
}

/* ---- whether it pays ----------------------------------------------------------------------- */

static const guint32 repeating[] = { 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2 };

/* Passes until @n with guesses were made, of which @right each are; returns those without. A pass takes 100 ns and
 * @more for each guess. */
static guint
run (PldGuess *state, guint n, guint right, guint more)
{
  guint32 guess[PLD_GUESS_MAX];
  guint plain = 0, made;

  while (n > 0)
    {
      made = pld_guess_make (state, repeating, G_N_ELEMENTS (repeating), 8, guess);
      g_assert_cmpuint (made, <=, 8);
      pld_guess_learn (state, made, MIN (right, made), 100 + made * more);
      plain += made == 0 ? 1 : 0;
      n -= made > 0 ? 1 : 0;
    }
  return plain;
}

static void
test_pays (void)
{
  PldGuess free_of_cost = { 0 }, dear = { 0 }, equal = { 0 }, worth = { 0 };
  guint first, second;

  /* Where guesses cost nothing they are always made, but in the first pass, though all are wrong. */
  g_assert_cmpuint (run (&free_of_cost, 100, 0, 0), ==, 1);
  /* Where they cost something and none is right, fewer and fewer. */
  first = run (&dear, 12, 0, 10);
  g_assert_cmpuint (first, >, 12);
  second = run (&dear, 12, 0, 10);
  g_assert_cmpuint (second, >, 2 * first);
  /* One that is right is worth one pass. */
  g_assert_cmpuint (run (&equal, 100, 8, 100), ==, 1);
  g_assert_cmpuint (run (&worth, 100, 1, 30), ==, 1);
}

/* A guess that was right to its end is followed by a longer one; one that was not, by about what was right. */
static void
test_width (void)
{
  PldGuess state = { .plain_ns = 100 };
  guint32 guess[PLD_GUESS_MAX];
  const guint right[] = { 2, 4, 8, 3, 0, 0, 1 }, made[] = { 2, 4, 8, 8, 4, 1, 1 };

  for (guint i = 0; i < G_N_ELEMENTS (made); i++)
    {
      g_assert_cmpuint (pld_guess_make (&state, repeating, G_N_ELEMENTS (repeating), 8, guess), ==, made[i]);
      pld_guess_learn (&state, made[i], right[i], 100);
    }
  g_assert_cmpuint (pld_guess_make (&state, repeating, G_N_ELEMENTS (repeating), 8, guess), ==, 2);
  g_assert_cmpuint (pld_guess_make (&state, repeating, G_N_ELEMENTS (repeating), 0, guess), ==, 0);
}

/* ---- answers ------------------------------------------------------------------------------- */

typedef struct
{
  char *text;
  PldGenerateResult result;
  guint position, cached; /* after it; of the same prompt once more */
} Outcome;

static PldLlm *
open_llm (const char *name, guint lookup, guint64 limit, guint context, guint chunk)
{
  g_autofree char *path = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "golden", "llm", "data", name, NULL);
  g_autoptr (GError) error = NULL;
  const PldLlmOptions options = LLM_OPTIONS (.engine.model = path, .engine.memory_limit = limit, .engine.threads = 2,
                                             .context_size = context, .chunk = chunk, .lookup = lookup);
  g_autoptr (PldPlanInfo) plan = NULL;
  PldLlm *llm;

  /* 1: the smallest. */
  if (limit == 1)
    {
      PldLlmOptions any = options;

      any.engine.memory_limit = 0;
      g_assert_true ((plan = pld_model_plan (&any.engine, &error)) != NULL);
      return open_llm (name, lookup, plan->minimum_limit, context, chunk);
    }
  llm = pld_llm_open (&options, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return llm;
}

static gboolean
take (const char *text, gsize length, gpointer user_data)
{
  GString *all = user_data;

  g_string_append_len (all, text, (gssize) length);
  return all->len < 50;
}

static Outcome
generate (PldLlm *llm, const char *prompt, const PldGenerateOptions *options)
{
  const PldMessage message = { "user", prompt };
  GString *text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  Outcome outcome = { 0 };

  g_assert_true (pld_llm_generate (llm, &message, 1, options, take, text, NULL, &error));
  outcome.result = *pld_llm_get_result (llm);
  g_assert_no_error (error);
  outcome.position = pld_llm_get_position (llm);
  outcome.text = g_string_free (text, FALSE);
  text = g_string_new (NULL);
  g_assert_true (pld_llm_generate (llm, &message, 1, options, take, text, NULL, &error));
  outcome.cached = pld_llm_get_result (llm)->cached_tokens;
  g_assert_cmpstr (text->str, ==, outcome.text);
  g_string_free (text, TRUE);
  return outcome;
}

/* Ways to sample and to end. */
static PldGenerateOptions
ways (guint i)
{
  static const char *const stop[] = { "aa", "bc", NULL };
  PldGenerateOptions options;

  pld_generate_options_init (&options);
  options.chat_template = "none";
  options.temperature = i % 2 == 0 ? 0 : 0.7f;
  options.seed = 11 + i;
  options.max_tokens = i % 3 == 0 ? -1 : (gint) (9 + i);
  options.repeat_penalty = i % 5 == 4 ? 1.1f : 1;
  options.stop = i % 4 == 3 ? stop : NULL;
  return options;
}

#define WAYS 12

static void
test_answers (void)
{
  static const char *const names[] = { "mha-tied-f32.gguf", "type-q5_k.gguf", "mixtral-f32.gguf", "qwen3-f32.gguf" };
  const struct
  {
    guint lookup;
    guint64 limit;
    guint chunk;
  } cases[] = { { 1, 0, 0 }, { 7, 0, 0 }, { 15, 0, 0 }, { 7, 1, 0 }, { 7, 0, 1 }, { 7, 0, 3 } };
  const char *prompt = "abc abd abc abd abc";
  guint guessed = 0;

  for (guint m = 0; m < G_N_ELEMENTS (names); m++)
    {
      Outcome want[WAYS];
      PldLlm *plain = open_llm (names[m], 0, 0, 80, 0);

      for (guint i = 0; i < WAYS; i++)
        {
          const PldGenerateOptions options = ways (i);

          want[i] = generate (plain, prompt, &options);
          g_assert_cmpuint (want[i].result.guessed_tokens, ==, 0);
        }
      g_clear_pointer (&plain, pld_llm_close);
      for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
        {
          PldLlm *llm = open_llm (names[m], cases[c].lookup, cases[c].limit, 80, cases[c].chunk);

          for (guint i = 0; i < WAYS; i++)
            {
              const PldGenerateOptions options = ways (i);
              Outcome got = generate (llm, prompt, &options);

              g_assert_cmpstr (got.text, ==, want[i].text);
              g_assert_cmpuint (got.position, ==, want[i].position);
              g_assert_cmpuint (got.cached, ==, want[i].cached);
              g_assert_cmpint (got.result.finish, ==, want[i].result.finish);
              g_assert_cmpuint (got.result.generated_tokens, ==, want[i].result.generated_tokens);
              g_assert_cmpuint (got.result.guessed_tokens, <=, got.result.generated_tokens);
              g_assert_true (cases[c].chunk != 1 || got.result.guessed_tokens == 0);
              guessed += got.result.guessed_tokens;
              g_free (got.text);
            }
          g_clear_pointer (&llm, pld_llm_close);
        }
      for (guint i = 0; i < WAYS; i++)
        g_free (want[i].text);
    }
  /* Or nothing of this was tested. */
  g_assert_cmpuint (guessed, >, 100);
}

typedef struct
{
  PldLlm *llm;
  const Outcome *want;
} Talker;

static gpointer
talk (gpointer data)
{
  const Talker *talker = data;

  for (guint i = 0; i < WAYS; i++)
    {
      const PldGenerateOptions options = ways (i);
      Outcome got = generate (talker->llm, "abc abd abc abd abc", &options);

      g_assert_cmpstr (got.text, ==, talker->want[i].text);
      g_free (got.text);
    }
  return NULL;
}

/* Several whose passes are shared, some with guesses. */
static void
test_shared (void)
{
  Outcome want[WAYS];
  Talker talkers[3];
  GThread *threads[3];
  PldLlm *plain = open_llm ("type-q5_k.gguf", 0, 0, 80, 0);

  for (guint i = 0; i < WAYS; i++)
    {
      const PldGenerateOptions options = ways (i);

      want[i] = generate (plain, "abc abd abc abd abc", &options);
    }
  g_clear_pointer (&plain, pld_llm_close);
  for (guint i = 0; i < G_N_ELEMENTS (talkers); i++)
    talkers[i] = (Talker) { open_llm ("type-q5_k.gguf", 5 * i, 0, 80, 0), want };
  for (guint i = 0; i < G_N_ELEMENTS (talkers); i++)
    threads[i] = g_thread_new ("talk", talk, &talkers[i]);
  for (guint i = 0; i < G_N_ELEMENTS (talkers); i++)
    {
      g_thread_join (threads[i]);
      g_clear_pointer (&talkers[i].llm, pld_llm_close);
    }
  for (guint i = 0; i < WAYS; i++)
    g_free (want[i].text);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/guess/places", test_places);
  g_test_add_func ("/guess/search", test_search);
  g_test_add_func ("/guess/pays", test_pays);
  g_test_add_func ("/guess/width", test_width);
  g_test_add_func ("/guess/answers", test_answers);
  g_test_add_func ("/guess/shared", test_shared);
  return g_test_run ();
}
