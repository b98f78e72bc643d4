/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How far it is, on stderr: a bar that is drawn over and over on a terminal, else nothing but lines.
 */
#pragma once

#include <glib.h>

typedef struct
{
  gboolean terminal;
  gboolean drawn; /* a bar stands in the last line */
  gint64 start;   /* microseconds */
  double before;  /* share of the work that was done at the start */
} AnalyseProgress;

/* @before: share of the work that is done already, 0..1 */
void analyse_progress_init (AnalyseProgress *progress, double before);

/* @share: of the work that is done, 0..1 */
void analyse_progress_draw (AnalyseProgress *progress, double share, guint done, guint all);

/* Prints a line above the bar. */
void analyse_progress_say (AnalyseProgress *progress, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Takes the bar away. */
void analyse_progress_clear (AnalyseProgress *progress);
