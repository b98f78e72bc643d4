/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A verb of the pipeload command: its description, its options and its function. Help, man page and shell completion
 * come from this one table. A process runs one verb, so the values of its options are variables of its file.
 */
#pragma once

#include "pipeload/pipeload.h"

/* The exit statuses of every verb: name, number, meaning. */
#define PLD_EXITS(EXIT)                                                                                                \
  EXIT (OK, 0, "done")                                                                                                 \
  EXIT (USAGE, 1, "the command line is wrong")                                                                         \
  EXIT (FAILED, 2, "something failed; a message says what")                                                            \
  EXIT (UNAVAILABLE, 3, "the verb is not part of this build or installation")                                          \
  EXIT (STOPPED, 130, "stopped by SIGINT or SIGTERM")

#define PLD_EXIT_MEMBER(name, number, meaning) PLD_EXIT_##name = number,
enum
{
  PLD_EXITS (PLD_EXIT_MEMBER)
};
#undef PLD_EXIT_MEMBER

/* Every verb, in the order of the help: INSIDE is part of the pipeload program; PROGRAM is a program of its own in
 * libexec, so that the libraries it needs are loaded by it alone. */
#define PLD_VERBS(INSIDE, PROGRAM)                                                                                     \
  PROGRAM (detect, "detect objects in pictures, videos and camera streams")                                            \
  INSIDE (run, "answer prompts with a language model; chat")                                                           \
  PROGRAM (analyse, "find who is in recordings, and when")                                                             \
  PROGRAM (guard, "report who enters and leaves a camera's view")                                                      \
  INSIDE (report, "write a report of what cameras saw")                                                                \
  INSIDE (plan, "show how a model would run under a memory limit")                                                     \
  INSIDE (inspect, "show the contents of a model file or folder")                                                      \
  INSIDE (bench, "measure how fast a model runs on this machine")                                                      \
  INSIDE (quantize, "write a vision model with its weights in fewer bits")                                             \
  INSIDE (synth, "write a model of real shapes with random weights")

typedef struct
{
  const char *command; /* without "pipeload VERB" */
  const char *purpose;
} PldExample;

typedef struct
{
  const char *name;                   /* as in PLD_VERBS */
  const char *arguments;              /* that follow the options, such as "INPUT…" */
  int min, max;                       /* their number */
  const char *description;            /* sentences, in lines of any length */
  const GOptionEntry *options[6];     /* NULL-terminated list of tables */
  PldExample examples[4];             /* up to one without a command */
  GOptionGroup *(*libraries) (void);  /* (nullable): options of a library, such as GStreamer's */
  int (*run) (int argc, char **argv); /* argv[1] … are the arguments. Returns the exit status */
} PldVerb;

/* @argv: the verb's name, or its program's, then the options and arguments. Parses them, handles --help and --version,
 * and runs @verb. Returns: the exit status; FAILED too if stdout could not be written */
int pld_verb_main (const PldVerb *verb, int argc, char **argv);

/* Returns: (transfer none) (nullable): the purpose from PLD_VERBS */
const char *pld_verb_purpose (const char *name);

/* Prints "pipeload: message" and a hint to --help on stderr. Returns: PLD_EXIT_USAGE */
int pld_tool_usage (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* Prints "pipeload: message" on stderr. Returns: the exit status that suits @error */
int pld_tool_fail (const GError *error);
/* @status, or FAILED with a message if what was printed on stdout did not reach its file. */
int pld_tool_finish (int status);

/* ---- what is generated from the tables (verb-text.c) --------------------------------------- */

/* Prints @verb as @format: "man": the man page; "bash", "zsh": its part of the completion. FALSE: unknown format. */
gboolean pld_verb_generate (const PldVerb *verb, const char *format);

/* The examples and exit statuses, for --help. Returns: (transfer full) */
char *pld_verb_epilogue (const PldVerb *verb);
/* The exit statuses, a line each. */
void pld_exits_append (GString *text);
/* Prints a string with what roff would interpret escaped. */
void pld_roff_print (const char *text);
