/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What pipeload-analyse is told.
 */
#pragma once

#include <glib.h>

typedef struct
{
  char **inputs; /* files and folders */
  char *output;  /* folder */
  int jobs;      /* recordings at once */
  gboolean again;

  char *model; /* (nullable) */
  char *memory_limit;
  guint threads;      /* that compute; 0 = all CPUs that it may use */
  int every;          /* look at every Nth frame; 0 = as many as following people needs */
  gboolean keyframes; /* look at no others */
  char *zones;        /* (nullable): as pipeloadevents takes them */
  gboolean annotate, sheets, detections;
} AnalyseOptions;

/* @options: zeroes, but for jobs, which stays if nothing is said of it. Clear them, whatever is returned. Also
 * initialises GStreamer. */
gboolean analyse_options_parse (AnalyseOptions *options, int *argc, char ***argv, GError **error);

/* Returns: (transfer full) (nullable): what of them decides about results, with the state of the files that they name
 */
char *analyse_options_describe (const AnalyseOptions *options, GError **error);

void analyse_options_clear (AnalyseOptions *options);
