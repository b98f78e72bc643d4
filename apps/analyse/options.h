/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The options of the analyse verb.
 */
#pragma once

#include <glib.h>

typedef struct
{
  char *output; /* folder */
  int jobs;     /* recordings at once */
  gboolean again;

  char *memory_limit; /* (nullable) */
  guint threads;      /* that compute; 0 = all CPUs that it may use */
  int every;          /* look at every Nth frame; 0 = as many as following people needs */
  gboolean keyframes; /* look at no others */
  char *zones;        /* (nullable): as pipeloadevents takes them */
  gboolean annotate, sheets, detections;
} AnalyseOptions;

extern AnalyseOptions analyse_options;
extern const GOptionEntry analyse_option_entries[];

/* Sets defaults. FALSE: an error was printed. */
gboolean analyse_options_check (void);

/* Returns: (transfer full) (nullable): the options that results depend on, with the state of the files that they name
 */
char *analyse_options_describe (const AnalyseOptions *options, GError **error);
