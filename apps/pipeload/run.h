/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared by the files of the run and report verbs.
 */
#pragma once

#include "apps/pipeload/verbs.h"

typedef struct
{
  PldLlm *llm;
  PldGenerateOptions options;
  const char *system; /* (nullable) UTF-8 */
  int history;        /* earlier prompts that are remembered, with their answers; −1: all */
  gboolean json;
  gboolean clean; /* the answer goes to a terminal, which its control characters must not control */
  GCancellable *cancellable;
  PldGenerateResult total; /* of all answers: the counts and times */
} PldRun;

/* ---- one answer (run-answer.c) ------------------------------------------------------------- */

/**
 * pld_run_answer:
 * @messages: [n]
 * @answer: (nullable): the text is appended, as far as it was generated
 *
 * Prints the answer to @messages as it is generated, then a newline; or one line of JSON when it is complete.
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

/* Each line of stdin is a prompt. One that cannot be answered is reported on stderr. Returns the exit status. */
int pld_run_lines (PldRun *run);
