/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Earlier prompts and answers: the messages that go in front of the next prompt. One thread at a time.
 */
#pragma once

#include "pipeload/pipeload.h"

G_BEGIN_DECLS

typedef struct
{
  GQueue texts; /* char *, owned: prompt, answer, prompt, answer …, oldest first */
  gsize bytes;
} GstPipeloadLlmHistory;

void gst_pipeload_llm_history_init (GstPipeloadLlmHistory *history);
void gst_pipeload_llm_history_clear (GstPipeloadLlmHistory *history);

/* Keeps the last @n exchanges at most. */
void gst_pipeload_llm_history_limit (GstPipeloadLlmHistory *history, guint n);

void gst_pipeload_llm_history_add (GstPipeloadLlmHistory *history, const char *prompt, const char *answer);

/* @system: (nullable). Returns: (transfer full) (element-type PldMessage): @system, the exchanges, @prompt; its texts
 * stay the callers' and the history's. */
GArray *gst_pipeload_llm_history_messages (const GstPipeloadLlmHistory *history, const char *system,
                                           const char *prompt);

G_END_DECLS
