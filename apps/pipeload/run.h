/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the run verb share.
 */
#pragma once

#include "apps/pipeload/tools.h"

typedef struct
{
  PldLlm *llm;
  PldGenerateOptions options;
  const char *system; /* (nullable) UTF-8 */
  gboolean json;
  gboolean clean; /* the answer goes to a terminal, which its control characters must not steer */
  GCancellable *cancellable;
  PldGenerateResult total; /* of all answers: the counts and times */
} PldRun;

/* ---- one answer (run-answer.c) ------------------------------------------------------------- */

/**
 * pld_run_answer:
 * @messages: [n]
 * @answer: (nullable): the text is appended, as far as it came
 *
 * Prints the answer to @messages as it comes, then a newline; or one line of JSON when it stands.
 */
gboolean pld_run_answer (PldRun *run, const PldMessage *messages, guint n, GString *answer, GCancellable *cancellable,
                         GError **error);

/* The answer to @prompt alone, after the system prompt. */
gboolean pld_run_single (PldRun *run, const char *prompt, GError **error);

/* Speed and memory, on stderr. */
void pld_run_print_timings (const PldRun *run);

/* ---- prompts one after the other (run-chat.c) ---------------------------------------------- */

/* A conversation typed at a terminal. Returns the exit status. */
int pld_run_chat (PldRun *run);

/* Each line of stdin is a prompt of its own. A prompt that cannot be answered is told on stderr. Returns the exit
 * status. */
int pld_run_lines (PldRun *run);
