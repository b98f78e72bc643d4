/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pipeload command: one file a verb. A verb gets its own name as argv[0] and returns the exit status:
 * 0 done, 1 bad usage, 2 it failed, 130 stopped by Ctrl-C.
 */
#pragma once

#include "pipeload/pipeload.h"

enum
{
  PLD_EXIT_OK = 0,
  PLD_EXIT_USAGE = 1,
  PLD_EXIT_FAILED = 2,
  PLD_EXIT_STOPPED = 130,
};

int pld_tool_bench (int argc, char **argv);
int pld_tool_detect (int argc, char **argv);
int pld_tool_inspect (int argc, char **argv);
int pld_tool_plan (int argc, char **argv);
int pld_tool_quantize (int argc, char **argv);
int pld_tool_run (int argc, char **argv);
int pld_tool_synth (int argc, char **argv);

/* ---- what verbs share ---------------------------------------------------------------------- */

/**
 * pld_tool_parse:
 * @arguments: what follows the options, for the help text, e.g. "FILE"
 * @min, @max: how many of them there must be; they are left in argv[1] … argv[*argc − 1]
 *
 * --help prints and exits. FALSE: an error was printed, return PLD_EXIT_USAGE.
 */
gboolean pld_tool_parse (int *argc, char ***argv, const GOptionEntry *options, const char *arguments,
                         const char *summary, int min, int max);

/* Options that say how a model runs; zeroed, then filled by the entries below. */
typedef struct
{
  char *memory_limit, *cache_type, *input_size;
  int loaders, threads, batch, context_size, lookup;
} PldToolModel;

/* clang-format off */
#define PLD_TOOL_ENGINE_OPTIONS(m) \
  { "memory-limit", 'm', 0, G_OPTION_ARG_STRING, &(m).memory_limit, \
    "Most memory the engine may hold; 0 = no limit; auto = what the machine can spare", "64MB" }, \
  { "loaders", 'l', 0, G_OPTION_ARG_INT, &(m).loaders, "Loaders running at once; 0 = planned", "N" }, \
  { "threads", 't', 0, G_OPTION_ARG_INT, &(m).threads, "Compute threads; 0 = one for each CPU that affinity and cgroups allow", "N" }
#define PLD_TOOL_VISION_OPTIONS(m) \
  { "batch", 'b', 0, G_OPTION_ARG_INT, &(m).batch, "Pictures a pass; 0 = 1", "N" }, \
  { "input-size", 's', 0, G_OPTION_ARG_STRING, &(m).input_size, "Input in pixels, 512x384, or 384 for both; 0 = the model's own", "SIZE" }
#define PLD_TOOL_LLM_OPTIONS(m) \
  { "context-size", 'c', 0, G_OPTION_ARG_INT, &(m).context_size, \
    "Tokens of prompt and answer that are remembered; 0 = 2048, or the model's own if that is less", "N" }, \
  { "cache-type", 0, 0, G_OPTION_ARG_STRING, &(m).cache_type, "How they are kept: f16 (default), q8_0, half as large, or f32", "TYPE" }, \
  { "lookup", 0, 0, G_OPTION_ARG_INT, &(m).lookup, "Tokens guessed ahead at most, by what followed the last ones before; 0 = none", "N" }
/* clang-format on */

/* FALSE: an error was printed, return PLD_EXIT_USAGE. Options of the other kind of model are such an error. */
gboolean pld_tool_model (const PldToolModel *model, const char *path, PldVisionOptions *options);
gboolean pld_tool_llm (const PldToolModel *model, const char *path, PldLlmOptions *options);
void pld_tool_model_clear (PldToolModel *model);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PldToolModel, pld_tool_model_clear)

/* Text from a file, fit for a terminal: control characters, which could steer it, become "?".
 * Returns: (transfer full) */
char *pld_tool_clean (const char *text);
/* The same for @length bytes of UTF-8 that may have several lines: newlines and tabs stay. Returns: (transfer full) */
char *pld_tool_clean_lines (const char *text, gsize length);

/* Prints "pipeload: message" and returns the exit status that suits @error. */
int pld_tool_fail (const GError *error);
int pld_tool_usage (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Returns: (transfer none): cancelled by SIGINT and SIGTERM; a second one ends the process. From the main
 * thread. */
GCancellable *pld_tool_cancellable (void);
/* From now on, until it is called with NULL, the first SIGINT cancels @answer alone. After pld_tool_cancellable(). */
void pld_tool_set_answer (GCancellable *answer);

/* A PldProgressFunc: a bar on stderr if that is a terminal. */
void pld_tool_progress (const char *step, guint percent, gpointer user_data);
/* Takes the bar away. */
void pld_tool_progress_end (void);

/* "name   value" lines of a table. */
void pld_tool_line (const char *name, const char *format, ...) G_GNUC_PRINTF (2, 3);
void pld_tool_line_size (const char *name, guint64 bytes, const char *remark);
