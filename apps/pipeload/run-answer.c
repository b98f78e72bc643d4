/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generates and prints one answer, and the timings.
 */
#include "apps/pipeload/run.h"

#include <json-glib/json-glib.h>
#include <stdio.h>

typedef struct
{
  const PldRun *run;
  GString *text; /* (nullable) */
} Sink;

static gboolean
on_text (const char *text, gsize length, gpointer user_data)
{
  const Sink *sink = user_data;

  if (sink->text != NULL)
    g_string_append_len (sink->text, text, (gssize) length);
  if (sink->run->json)
    return TRUE;
  if (sink->run->clean)
    {
      g_autofree char *clean = pld_tool_clean_lines (text, length);

      fputs (clean, stdout);
    }
  else
    fwrite (text, 1, length, stdout);
  /* Stops when nobody reads any more. */
  return fflush (stdout) == 0;
}

static const char *
finish_name (PldFinish finish)
{
  switch (finish)
    {
    case PLD_FINISH_END:
      return "end";
    case PLD_FINISH_LENGTH:
      return "length";
    case PLD_FINISH_CONTEXT:
      return "context";
    default:
      return "stopped";
    }
}

static void
print_json (const PldRun *run, const char *text, const PldGenerateResult *result)
{
  PldStats stats;
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *json = NULL;
  JsonObject *object = json_object_new ();

  pld_handle_get_stats (PLD_HANDLE (run->llm), &stats);
  json_object_set_string_member (object, "text", text);
  json_object_set_string_member (object, "finish", finish_name (result->finish));
  json_object_set_int_member (object, "prompt_tokens", result->prompt_tokens);
  json_object_set_int_member (object, "cached_tokens", result->cached_tokens);
  json_object_set_int_member (object, "trimmed_tokens", result->trimmed_tokens);
  json_object_set_int_member (object, "generated_tokens", result->generated_tokens);
  json_object_set_int_member (object, "guessed_tokens", result->guessed_tokens);
  json_object_set_double_member (object, "prompt_ms", (double) result->prompt_ns / 1e6);
  json_object_set_double_member (object, "generate_ms", (double) result->generate_ns / 1e6);
  json_object_set_int_member (object, "memory_limit", (gint64) stats.memory_limit);
  json_object_set_int_member (object, "engine_peak", (gint64) stats.engine_peak);
  json_object_set_int_member (object, "bytes_streamed", (gint64) stats.bytes_streamed);
  json_node_take_object (node, object);
  json = json_to_string (node, FALSE);
  puts (json);
  fflush (stdout);
}

static void
add_result (PldGenerateResult *total, const PldGenerateResult *result)
{
  total->prompt_tokens += result->prompt_tokens;
  total->cached_tokens += result->cached_tokens;
  total->trimmed_tokens += result->trimmed_tokens;
  total->generated_tokens += result->generated_tokens;
  total->guessed_tokens += result->guessed_tokens;
  total->prompt_ns += result->prompt_ns;
  total->generate_ns += result->generate_ns;
}

gboolean
pld_run_answer (PldRun *run, const PldMessage *messages, guint n, GString *answer, GCancellable *cancellable,
                GError **error)
{
  g_autoptr (GString) own = answer == NULL && run->json ? g_string_new (NULL) : NULL;
  Sink sink = { run, answer != NULL ? answer : own };
  const PldGenerateResult *result;
  gboolean ok;

  ok = pld_llm_generate (run->llm, messages, n, &run->options, on_text, &sink, cancellable, error);
  result = pld_llm_get_result (run->llm);
  add_result (&run->total, result);
  if (!run->json)
    {
      if (ok || result->generated_tokens > 0)
        putchar ('\n');
      fflush (stdout);
    }
  else if (ok)
    print_json (run, sink.text->str, result);
  return ok;
}

gboolean
pld_run_single (PldRun *run, const char *prompt, GError **error)
{
  const PldMessage messages[] = { { "system", run->system }, { "user", prompt } };
  guint first = run->system != NULL ? 0 : 1;

  return pld_run_answer (run, messages + first, 2 - first, NULL, run->cancellable, error);
}

static double
rate (guint tokens, guint64 ns)
{
  return ns > 0 ? 1e9 * tokens / (double) ns : 0;
}

void
pld_run_print_timings (const PldRun *run)
{
  const PldGenerateResult *total = &run->total;
  guint computed = total->prompt_tokens - MIN (total->cached_tokens, total->prompt_tokens);
  g_autofree char *peak = NULL;
  g_autofree char *streamed = NULL;
  PldStats stats;

  pld_handle_get_stats (PLD_HANDLE (run->llm), &stats);
  peak = pld_size_format (stats.engine_peak);
  streamed = pld_size_format (stats.bytes_streamed);
  fprintf (stderr, "prompt    %u tokens, %.2f tokens/s", computed, rate (computed, total->prompt_ns));
  if (total->cached_tokens > 0)
    fprintf (stderr, "; %u more were remembered", total->cached_tokens);
  if (total->trimmed_tokens > 0)
    fprintf (stderr, "; %u left out", total->trimmed_tokens);
  fprintf (stderr, "\nanswer    %u tokens, %.2f tokens/s", total->generated_tokens,
           rate (total->generated_tokens, total->generate_ns));
  if (total->guessed_tokens > 0)
    fprintf (stderr, "; %u were guessed ahead", total->guessed_tokens);
  fprintf (stderr, "\nengine    %s at most\nstreamed  %s\n", peak, streamed);
}
