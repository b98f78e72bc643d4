/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element's answers: pieces, sentences, times, messages; and that each property reaches the engine.
 */
#include "tests/element/rig-llm.h"

#include "tests/support/options.h"

#include <string.h>

#define PROMPT "abcabcabc"

/* ---- output -------------------------------------------------------------------------------- */

static void
count_piece (GstElement *element, const char *text, gpointer user_data)
{
  GPtrArray *pieces = user_data;

  g_assert_cmpuint (strlen (text), >, 0);
  g_ptr_array_add (pieces, g_strdup (text));
}

/* A piece of the answer @want that begins at *at: its text, times and flags. */
static void
check_piece (GstBuffer *buffer, const char *want, gsize *at, gboolean marks_end)
{
  gsize size = gst_buffer_get_size (buffer);

  g_assert_cmpuint (size, >, 0);
  g_assert_cmpuint (*at + size, <=, strlen (want));
  g_assert_cmpint (gst_buffer_memcmp (buffer, 0, want + *at, size), ==, 0);
  g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, 2 * GST_SECOND);
  g_assert_cmpuint (GST_BUFFER_DURATION (buffer), ==, GST_SECOND / 2);
  g_assert_cmpuint (GST_BUFFER_DTS (buffer), ==, GST_CLOCK_TIME_NONE);
  g_assert_cmpint (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT), ==, *at == 0);
  *at += size;
  g_assert_cmpint (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_MARKER), ==, marks_end && *at == strlen (want));
}

/* Whatever the cut, the same text, which is the engine's. */
static void
test_output (void)
{
  static const char *const modes[] = { "token", "sentence", "full" };
  PldGenerateOptions options = llm_greedy (60);
  g_autofree char *want = llm_engine (&options, PROMPT, NULL);

  g_assert_cmpuint (strlen (want), >, 30);
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *properties = g_strdup_printf (GREEDY "max-tokens=60 output=%s", modes[i]);
      g_autoptr (GPtrArray) pieces = g_ptr_array_new_with_free_func (g_free);
      g_autofree char *emitted = NULL;
      GstBuffer *buffer;
      gsize at = 0;
      guint n = 0;
      Rig rig;

      llm_open (&rig, properties);
      g_signal_connect (rig.element, "token", G_CALLBACK (count_piece), pieces);
      g_assert_cmpint (gst_harness_push (rig.harness, llm_prompt (PROMPT, 2)), ==, GST_FLOW_OK);
      gst_message_unref (rig_wait (&rig, GST_MESSAGE_ELEMENT));
      for (; (buffer = gst_harness_try_pull (rig.harness)) != NULL; n++)
        {
          check_piece (buffer, want, &at, i > 0);
          gst_buffer_unref (buffer);
        }
      g_assert_cmpuint (at, ==, strlen (want));
      /* The signal has the same pieces in every mode. */
      g_assert_cmpuint (pieces->len, >, 10);
      g_assert_cmpuint (n, <=, pieces->len);
      g_assert_true (i == 0 ? n == pieces->len : i == 1 || n == 1);
      g_ptr_array_add (pieces, NULL);
      emitted = g_strjoinv (NULL, (char **) pieces->pdata);
      g_assert_cmpstr (emitted, ==, want);
      rig_close (&rig);
    }
}

/* A model that makes sense, against the text of another program. */
static void
test_story (void)
{
  static const char *const sentences[]
      = { ", there was a little girl named Lily. ", "She loved to play outside in the park. ",
          "One day, she saw a big, red ball. ", "She wanted to play with it, but it was too high." };
  g_autofree char *model = llm_shared ("models/stories260k-f32.gguf");
  Rig rig;

  if (model == NULL)
    return;
  llm_make (&rig, GREEDY "output=sentence max-tokens=200 stop=high.");
  g_object_set (rig.element, "model", model, "stop", " high.", NULL);
  llm_play (&rig);
  gst_harness_push (rig.harness, llm_prompt ("Once upon a time", -1));
  gst_message_unref (rig_wait (&rig, GST_MESSAGE_ELEMENT));
  g_assert_cmpuint (rig_stat (&rig, "answers"), ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (sentences); i++)
    {
      gboolean last = i + 1 == G_N_ELEMENTS (sentences);
      GstBuffer *buffer = gst_harness_pull (rig.harness);
      gsize size = strlen (sentences[i]) - (last ? strlen (" high.") : 0);

      g_assert_nonnull (buffer);
      g_assert_cmpuint (gst_buffer_get_size (buffer), ==, size);
      g_assert_cmpint (gst_buffer_memcmp (buffer, 0, sentences[i], size), ==, 0);
      g_assert_cmpint (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT), ==, i == 0);
      g_assert_cmpint (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_MARKER), ==, last);
      g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, GST_CLOCK_TIME_NONE);
      gst_buffer_unref (buffer);
    }
  rig_close (&rig);
}

static void
test_message (void)
{
  PldGenerateOptions options = llm_greedy (7);
  g_autofree char *want = llm_engine (&options, PROMPT, NULL);
  const GstStructure *structure;
  guint64 prompt, timestamp, stream_time, running_time;
  guint prompt_tokens, cached, trimmed, tokens;
  double prompt_rate, rate;
  GstMessage *message;
  GstSegment segment;
  Rig rig;

  llm_open (&rig, GREEDY "max-tokens=7");
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = GST_SECOND;
  segment.time = 10 * GST_SECOND;
  g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_segment (&segment)));
  for (guint i = 0; i < 2; i++)
    {
      gst_harness_push (rig.harness, llm_prompt (PROMPT, 3));
      message = rig_wait (&rig, GST_MESSAGE_ELEMENT);
      g_assert_nonnull (message);
      structure = gst_message_get_structure (message);
      g_assert_true (gst_structure_has_name (structure, "pipeload-llm"));
      g_assert_cmpstr (gst_structure_get_string (structure, "text"), ==, want);
      g_assert_cmpstr (gst_structure_get_string (structure, "finish"), ==, "length");
      g_assert_true (gst_structure_get (structure, "prompt", G_TYPE_UINT64, &prompt, "timestamp", G_TYPE_UINT64,
                                        &timestamp, "stream-time", G_TYPE_UINT64, &stream_time, "running-time",
                                        G_TYPE_UINT64, &running_time, "prompt-tokens", G_TYPE_UINT, &prompt_tokens,
                                        "cached-tokens", G_TYPE_UINT, &cached, "trimmed-tokens", G_TYPE_UINT, &trimmed,
                                        "tokens", G_TYPE_UINT, &tokens, "prompt-tokens-per-second", G_TYPE_DOUBLE,
                                        &prompt_rate, "tokens-per-second", G_TYPE_DOUBLE, &rate, NULL));
      g_assert_cmpuint (prompt, ==, i);
      g_assert_cmpuint (timestamp, ==, 3 * GST_SECOND);
      g_assert_cmpuint (stream_time, ==, 12 * GST_SECOND);
      g_assert_cmpuint (running_time, ==, 2 * GST_SECOND);
      g_assert_cmpuint (tokens, ==, 7);
      g_assert_cmpuint (cached, ==, i == 0 ? 0 : prompt_tokens - 1);
      g_assert_cmpuint (trimmed, ==, 0);
      g_assert_cmpfloat (prompt_rate, >, 0);
      g_assert_cmpfloat (rate, >, 0);
      gst_message_unref (message);
    }
  g_assert_cmpuint (rig_stat (&rig, "prompts"), ==, 2);
  g_assert_cmpuint (rig_stat (&rig, "answers"), ==, 2);
  g_assert_cmpuint (rig_stat (&rig, "prompt-tokens"), ==, 2 * prompt_tokens);
  g_assert_cmpuint (rig_stat (&rig, "cached-tokens"), ==, prompt_tokens - 1);
  g_assert_cmpuint (rig_stat (&rig, "tokens"), ==, 14);
  g_assert_cmpuint (rig_stat (&rig, "engine-bytes"), >, 0);
  rig_close (&rig);
}

static void
test_no_messages (void)
{
  Rig rig;

  llm_open (&rig, GREEDY "max-tokens=3 messages=none");
  gst_harness_push (rig.harness, llm_prompt (PROMPT, 0));
  gst_harness_push_event (rig.harness, gst_event_new_eos ());
  llm_wait (&rig, 1);
  while (rig_stat (&rig, "answers") == 0)
    g_usleep (1000);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ELEMENT), ==, 0);
  rig_close (&rig);
}

/* Without a model the bundled one answers. */
static void
test_default_model (void)
{
  g_autofree char *model = pld_bundled_model ("report-llama/report-llama.gguf", NULL);
  g_autofree char *text = NULL;
  Rig rig;

  if (model == NULL)
    {
      g_test_skip ("the bundled model is not there");
      return;
    }
  llm_make (&rig, "temperature=0 max-tokens=8");
  g_object_set (rig.element, "model", NULL, NULL);
  llm_play (&rig);
  text = llm_ask (&rig, "What did the camera see?");
  g_assert_cmpstr (text, !=, "");
  rig_close (&rig);
}

/* ---- properties ---------------------------------------------------------------------------- */

typedef struct
{
  const char *properties;
  PldGenerateOptions options;
  gboolean differs; /* from the greedy answer */
} Case;

/* The element answers as the engine does with the same options. */
static void
test_options (void)
{
  enum
  {
    TOKENS = 40
  };
  const PldGenerateOptions greedy = llm_greedy (TOKENS);
  g_autofree char *plain = llm_engine (&greedy, PROMPT, NULL);
  const char *stop[] = { NULL, NULL };
  g_autofree char *word = g_utf8_substring (plain, 5, 7);
  Case cases[] = { { "temperature=0", greedy, FALSE },
                   { "temperature=5 top-k=0 top-p=1 min-p=0 seed=1", greedy, TRUE },
                   { "temperature=5 top-k=0 top-p=1 min-p=0 seed=2", greedy, TRUE },
                   { "temperature=5 top-k=1 seed=1", greedy, FALSE },
                   { "temperature=5 top-k=3 top-p=1 min-p=0 seed=1", greedy, TRUE },
                   { "temperature=5 top-k=0 top-p=0.0001 seed=1", greedy, FALSE },
                   { "temperature=5 top-k=0 top-p=1 min-p=1 seed=1", greedy, FALSE },
                   { "temperature=0 repeat-penalty=100", greedy, TRUE },
                   { "temperature=0 presence-penalty=100", greedy, TRUE },
                   { "temperature=0 frequency-penalty=100", greedy, TRUE },
                   { "temperature=0 max-tokens=3", greedy, TRUE },
                   { "temperature=0 template=chatml", greedy, TRUE },
                   { "temperature=0 stop=\"never there\"", greedy, FALSE } };

  for (guint i = 1; i <= 6; i++)
    cases[i].options.temperature = 5;
  cases[1].options.top_k = cases[2].options.top_k = cases[5].options.top_k = cases[6].options.top_k = 0;
  cases[1].options.top_p = cases[2].options.top_p = cases[4].options.top_p = cases[6].options.top_p = 1;
  cases[1].options.min_p = cases[2].options.min_p = cases[4].options.min_p = 0;
  for (guint i = 1; i <= 6; i++)
    cases[i].options.seed = 1;
  cases[2].options.seed = 2;
  cases[3].options.top_k = 1;
  cases[4].options.top_k = 3;
  cases[5].options.top_p = 0.0001f;
  cases[6].options.min_p = 1;
  cases[7].options.repeat_penalty = 100;
  cases[8].options.presence_penalty = 100;
  cases[9].options.frequency_penalty = 100;
  cases[10].options.max_tokens = 3;
  cases[11].options.chat_template = "chatml";
  stop[0] = word;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *want = llm_engine (&cases[i].options, PROMPT, NULL);
      g_autofree char *properties = g_strdup_printf ("template=none max-tokens=%d %s", TOKENS, cases[i].properties);
      g_autofree char *text = NULL;
      Rig rig;

      g_test_message ("%s", properties);
      llm_open (&rig, properties);
      text = llm_ask (&rig, PROMPT);
      g_assert_cmpstr (text, ==, want);
      g_assert_cmpint (strcmp (text, plain) != 0, ==, cases[i].differs);
      /* And while it plays: the last of these holds from the next prompt on. */
      if (i == 0)
        {
          PldGenerateOptions stopped = greedy;
          g_autofree char *until = NULL;
          g_autofree char *escaped = g_strdup_printf ("\\,,%s", word);
          g_autofree char *second = NULL;

          stopped.stop = stop;
          until = llm_engine (&stopped, PROMPT, NULL);
          g_object_set (rig.element, "stop", escaped, NULL);
          second = llm_ask (&rig, PROMPT);
          g_assert_cmpuint (strlen (until), <, strlen (plain));
          g_assert_null (strchr (until, ','));
          g_assert_cmpstr (second, ==, until);
        }
      rig_close (&rig);
    }
}

/* The defaults are the engine's, but for max-tokens. */
static void
test_defaults (void)
{
  PldGenerateOptions options;
  double temperature, top_p, min_p, repeat, presence, frequency;
  guint top_k, history;
  gint64 seed;
  gboolean trim;
  Rig rig;

  pld_generate_options_init (&options);
  llm_make (&rig, "");
  g_object_get (rig.element, "temperature", &temperature, "top-k", &top_k, "top-p", &top_p, "min-p", &min_p,
                "repeat-penalty", &repeat, "presence-penalty", &presence, "frequency-penalty", &frequency, "seed",
                &seed, "trim", &trim, "history", &history, NULL);
  g_assert_true ((float) temperature == options.temperature && top_k == options.top_k && (float) top_p == options.top_p
                 && (float) min_p == options.min_p);
  g_assert_true ((float) repeat == options.repeat_penalty && (float) presence == options.presence_penalty
                 && (float) frequency == options.frequency_penalty);
  g_assert_true (seed == options.seed && trim == options.trim && history == 0);
  rig_close (&rig);
}

/* No seed: another answer each time. */
static void
test_no_seed (void)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  Rig rig;

  llm_open (&rig, "template=none temperature=5 top-k=0 top-p=1 min-p=0 max-tokens=40");
  first = llm_ask (&rig, PROMPT);
  second = llm_ask (&rig, PROMPT);
  g_assert_cmpstr (first, !=, second);
  rig_close (&rig);
}

static guint
stat_uint (Rig *rig, const char *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint value = 0;

  g_object_get (rig->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint (stats, name, &value));
  return value;
}

/* The engine's answer with the same options. */
static PldLlmInfo
engine_info (guint context_size, PldCacheType type)
{
  g_autofree char *model = llm_model ();
  PldLlmOptions options = LLM_OPTIONS (.engine.model = model, .context_size = context_size, .cache_type = type);
  PldLlm *llm = pld_llm_open (&options, NULL, NULL, NULL, NULL);
  PldLlmInfo info;

  g_assert_nonnull (llm);
  info = *pld_llm_get_info (llm);
  g_clear_pointer (&llm, pld_llm_close);
  return info;
}

/* Returns: what the engine holds with a context that large */
static guint64
cache_cost (const char *type)
{
  g_autofree char *properties = g_strdup_printf ("context-size=65536 cache-type=%s", type);
  guint64 bytes;
  Rig rig;

  llm_open (&rig, properties);
  g_assert_cmpuint (stat_uint (&rig, "context-size"), ==, 65536);
  bytes = rig_stat (&rig, "engine-bytes");
  rig_close (&rig);
  return bytes;
}

static void
test_model_options (void)
{
  const double f16 = (double) engine_info (65536, PLD_CACHE_F16).cache_bytes;
  const guint context_size = engine_info (0, PLD_CACHE_F16).context_size;
  Rig rig;

  llm_open (&rig, "threads=1 memory-limit=1GB");
  g_assert_cmpuint (stat_uint (&rig, "context-size"), ==, context_size);
  g_assert_cmpuint (stat_uint (&rig, "threads"), ==, 1);
  g_assert_cmpuint (stat_uint (&rig, "users"), ==, 1);
  g_assert_cmpuint (rig_stat (&rig, "memory-limit"), ==, 1000000000);
  rig_close (&rig);
  g_assert_cmpfloat ((double) cache_cost ("f32") - (double) cache_cost ("f16"), >, f16 * 0.9);
  g_assert_cmpfloat ((double) cache_cost ("f16") - (double) cache_cost ("q8-0"), >, f16 * 0.4);
}

/* Guesses reach the engine, take memory, and change nothing of the answer. */
static void
test_lookup (void)
{
  g_autofree char *plain = NULL, *guessed = NULL;
  guint64 without;
  Rig rig;

  llm_open (&rig, GREEDY "max-tokens=60");
  plain = llm_ask (&rig, PROMPT);
  without = rig_stat (&rig, "engine-bytes"); /* all weights are there */
  g_assert_cmpuint (rig_stat (&rig, "guessed-tokens"), ==, 0);
  rig_close (&rig);
  llm_open (&rig, GREEDY "max-tokens=60 lookup=15");
  guessed = llm_ask (&rig, PROMPT);
  g_assert_cmpuint (rig_stat (&rig, "engine-bytes"), >, without);
  g_assert_cmpstr (guessed, ==, plain);
  g_assert_cmpuint (rig_stat (&rig, "guessed-tokens"), >, 0);
  g_assert_cmpuint (rig_stat (&rig, "guessed-tokens"), <, rig_stat (&rig, "tokens"));
  rig_close (&rig);
}

static void
test_memory_limit (void)
{
  g_autofree char *limit = llm_smallest_limit ();
  g_autofree char *now = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  guint64 bytes;
  Rig rig;

  g_assert_true (pld_size_parse (limit, &bytes, NULL));
  llm_open (&rig, GREEDY "max-tokens=30 loaders=1");
  before = llm_ask (&rig, PROMPT);
  g_assert_cmpuint (rig_stat (&rig, "memory-limit"), ==, 0);
  g_assert_cmpuint (stat_uint (&rig, "loaders"), ==, 0);
  g_object_set (rig.element, "memory-limit", limit, NULL);
  after = llm_ask (&rig, PROMPT);
  g_assert_cmpstr (after, ==, before); /* streamed as resident */
  g_assert_cmpuint (rig_stat (&rig, "memory-limit"), ==, bytes);
  g_assert_cmpuint (rig_stat (&rig, "engine-bytes"), <=, bytes);
  g_assert_cmpuint (rig_stat (&rig, "streamed-per-pass"), >, 0);
  g_assert_cmpuint (stat_uint (&rig, "loaders"), ==, 1);
  g_object_set (rig.element, "memory-limit", "10kB", NULL);
  rig_assert_message (&rig, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "smallest");
  g_object_set (rig.element, "memory-limit", "much", NULL);
  rig_assert_message (&rig, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "much");
  g_object_get (rig.element, "memory-limit", &now, NULL);
  g_assert_cmpstr (now, ==, limit);
  rig_close (&rig);
}

/* ---- conversation -------------------------------------------------------------------------- */

#define CHAT "template=chatml temperature=0 max-tokens=8 "

static void
test_history (void)
{
  PldGenerateOptions options = llm_greedy (8);
  g_autofree char *one = NULL;
  g_autofree char *two = NULL;
  g_autofree char *three = NULL;
  g_autofree char *want_one = NULL;
  g_autofree char *want_two = NULL;
  g_autofree char *want_three = NULL;
  g_autofree char *alone = NULL;
  g_autofree char *again = NULL;
  Rig rig;

  options.chat_template = "chatml";
  llm_open (&rig, CHAT "history=1");
  want_one = llm_engine (&options, "abc", NULL);
  one = llm_ask (&rig, "abc");
  g_assert_cmpstr (one, ==, want_one);
  want_two = llm_engine (&options, "abc", one, "def", NULL);
  two = llm_ask (&rig, "def");
  g_assert_cmpstr (two, ==, want_two);
  alone = llm_engine (&options, "def", NULL);
  g_assert_cmpstr (two, !=, alone);
  /* The first exchange is forgotten. */
  want_three = llm_engine (&options, "def", two, "ghi", NULL);
  three = llm_ask (&rig, "ghi");
  g_assert_cmpstr (three, ==, want_three);
  /* A flush forgets the rest. */
  g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_flush_start ()));
  rig_flush_stop (&rig);
  again = llm_ask (&rig, "def");
  g_assert_cmpstr (again, ==, alone);
  rig_close (&rig);
}

static void
test_system_prompt (void)
{
  static const PldMessage messages[] = { { "system", "xyz" }, { "user", "abc" } };
  PldGenerateOptions options = llm_greedy (8);
  g_autofree char *with = NULL;
  g_autofree char *without = NULL;
  g_autofree char *want = NULL;
  Rig rig;

  options.chat_template = "chatml";
  want = llm_engine (&options, "abc", NULL);
  llm_open (&rig, CHAT "system-prompt=xyz");
  with = llm_ask (&rig, messages[1].content);
  g_object_set (rig.element, "system-prompt", NULL, NULL);
  without = llm_ask (&rig, messages[1].content);
  g_assert_cmpstr (without, ==, want);
  g_assert_cmpstr (with, !=, want);
  rig_close (&rig);
}

static gpointer
ask_main (gpointer data)
{
  return llm_ask (data, PROMPT);
}

/* Two elements, one copy of the model, each its own context; at the same time. */
static void
test_sharing (void)
{
  PldGenerateOptions options = llm_greedy (40);
  g_autofree char *want = llm_engine (&options, PROMPT, NULL);
  guint64 alone, together;
  GThread *threads[2];
  Rig rigs[2];

  llm_open (&rigs[0], GREEDY "max-tokens=40 context-size=64");
  g_free (llm_ask (&rigs[0], PROMPT));
  alone = rig_stat (&rigs[0], "engine-bytes");
  llm_open (&rigs[1], GREEDY "max-tokens=40 context-size=64 memory-limit=500MB");
  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("ask", ask_main, &rigs[i]);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *text = g_thread_join (threads[i]);

      g_assert_cmpstr (text, ==, want);
      g_assert_cmpuint (stat_uint (&rigs[i], "users"), ==, 2);
      g_assert_cmpuint (rig_stat (&rigs[i], "memory-limit"), ==, 500000000);
    }
  together = rig_stat (&rigs[0], "engine-bytes");
  g_test_message ("alone %" G_GUINT64_FORMAT ", together %" G_GUINT64_FORMAT, alone, together);
  g_assert_cmpuint (together, ==, rig_stat (&rigs[1], "engine-bytes"));
  g_assert_cmpuint (together, >, alone);
  g_assert_cmpuint (together, <, 2 * alone);
  rig_close (&rigs[1]);
  g_assert_cmpuint (stat_uint (&rigs[0], "users"), ==, 1);
  rig_close (&rigs[0]);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/llm/output", test_output);
  g_test_add_func ("/llm/story", test_story);
  g_test_add_func ("/llm/default-model", test_default_model);
  g_test_add_func ("/llm/message", test_message);
  g_test_add_func ("/llm/no-messages", test_no_messages);
  g_test_add_func ("/llm/options", test_options);
  g_test_add_func ("/llm/defaults", test_defaults);
  g_test_add_func ("/llm/no-seed", test_no_seed);
  g_test_add_func ("/llm/model-options", test_model_options);
  g_test_add_func ("/llm/lookup", test_lookup);
  g_test_add_func ("/llm/memory-limit", test_memory_limit);
  g_test_add_func ("/llm/history", test_history);
  g_test_add_func ("/llm/system-prompt", test_system_prompt);
  g_test_add_func ("/llm/sharing", test_sharing);
  return g_test_run ();
}
