/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pipeloadllm between two test pads, with a bus. Its small random model, of tests/golden, makes no sense but always
 * the same: what it must say is asked of the engine, through the public API.
 */
#pragma once

#include "pipeload/pipeload.h"
#include "tests/element/rig.h"

/* Answers of the likeliest tokens, no template. */
#define GREEDY "template=none temperature=0 "

/* An answer that goes on for seconds. */
#define ENDLESS GREEDY "max-tokens=-1 context-size=65536 "

/* Returns: (transfer full) */
char *llm_model (void);

/* Returns: (transfer full) (nullable): a file of the shared data; NULL, and the test is skipped, if there is none */
char *llm_shared (const char *name);

/* @properties as in a launch line; the model is set before them. Does not change state. */
void llm_make (Rig *rig, const char *properties);
/* Brings the element to PLAYING, with caps and a segment of time. */
void llm_play (Rig *rig);
void llm_open (Rig *rig, const char *properties);

/* Returns: (transfer full): @text without its zero; no timestamp if @seconds is negative, else that and a duration of
 * 0.5 s */
GstBuffer *llm_prompt (const char *text, double seconds);

/* Returns: (transfer full): the text of the buffers that have come out, joined; @n: (out) (nullable): how many */
char *llm_take (Rig *rig, guint *n);

/* Pushes a prompt, waits for the end of its answer. Returns: (transfer full): its text */
char *llm_ask (Rig *rig, const char *text);

/* Returns: (transfer full): what the engine says to the messages, alternately of the user and the assistant */
char *llm_engine (const PldGenerateOptions *options, const char *first, ...) G_GNUC_NULL_TERMINATED;

/* Returns: (transfer full): the smallest limit that @error's text names */
char *llm_named_limit (const GError *error);
/* Returns: (transfer full): the smallest limit that the model works with */
char *llm_smallest_limit (void);

/* Those of GREEDY, and max-tokens. */
PldGenerateOptions llm_greedy (int max_tokens);

/* Waits until @n buffers have come out. */
void llm_wait (Rig *rig, guint n);
