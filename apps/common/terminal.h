/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The terminal: text that is safe to print, the progress bar, tables, and Ctrl-C.
 */
#pragma once

#include <gio/gio.h>

/* Text from a file, fit for a terminal: control characters, which could control it, become "?".
 * Returns: (transfer full) */
char *pld_tool_clean (const char *text);
/* The same for @length bytes of UTF-8 that may have several lines: newlines and tabs stay. Returns: (transfer full) */
char *pld_tool_clean_lines (const char *text, gsize length);

/* A PldProgressFunc: a bar on stderr if that is a terminal. */
void pld_tool_progress (const char *step, guint percent, gpointer user_data);
/* The same with @remark (nullable) behind it. */
void pld_tool_progress_draw (const char *step, guint percent, const char *remark);
/* Removes the bar. */
void pld_tool_progress_end (void);
/* Prints a line on stderr in place of the bar. */
void pld_tool_say (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* "name   value" lines of a table. */
void pld_tool_line (const char *name, const char *format, ...) G_GNUC_PRINTF (2, 3);
void pld_tool_line_size (const char *name, guint64 bytes, const char *remark);

/* Returns: (transfer none): cancelled by SIGINT and SIGTERM; a second one ends the process. From the main
 * thread. */
GCancellable *pld_tool_cancellable (void);
/* From now on, until it is called with NULL, the first SIGINT cancels @answer alone. After pld_tool_cancellable(). */
void pld_tool_set_answer (GCancellable *answer);
