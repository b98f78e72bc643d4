/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keeps the last prompts and answers.
 */
#include "gst/llm/history.h"

#include <string.h>

/* Whatever the number of exchanges; no context holds more. */
#define MAX_BYTES (16 << 20)

void
gst_pipeload_llm_history_init (GstPipeloadLlmHistory *history)
{
  g_queue_init (&history->texts);
  history->bytes = 0;
}

void
gst_pipeload_llm_history_clear (GstPipeloadLlmHistory *history)
{
  g_queue_clear_full (&history->texts, g_free);
  history->bytes = 0;
}

static void
drop_text (GstPipeloadLlmHistory *history)
{
  g_autofree char *text = g_queue_pop_head (&history->texts);

  history->bytes -= strlen (text);
}

void
gst_pipeload_llm_history_limit (GstPipeloadLlmHistory *history, guint n)
{
  while (history->texts.length / 2 > n || history->bytes > MAX_BYTES)
    {
      drop_text (history);
      drop_text (history);
    }
}

void
gst_pipeload_llm_history_add (GstPipeloadLlmHistory *history, const char *prompt, const char *answer)
{
  g_queue_push_tail (&history->texts, g_strdup (prompt));
  g_queue_push_tail (&history->texts, g_strdup (answer));
  history->bytes += strlen (prompt) + strlen (answer);
}

static void
add_message (GArray *messages, const char *role, const char *content)
{
  PldMessage message = { role, content };

  g_array_append_val (messages, message);
}

GArray *
gst_pipeload_llm_history_messages (const GstPipeloadLlmHistory *history, const char *system, const char *prompt)
{
  GArray *messages = g_array_new (FALSE, FALSE, sizeof (PldMessage));
  gboolean answer = FALSE;

  if (system != NULL)
    add_message (messages, "system", system);
  for (const GList *link = history->texts.head; link != NULL; link = link->next, answer = !answer)
    add_message (messages, answer ? "assistant" : "user", link->data);
  add_message (messages, "user", prompt);
  return messages;
}
