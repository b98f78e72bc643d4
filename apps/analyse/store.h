/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The folder of results. A recording's results are a folder of their own, which is made under a name that begins with a
 * dot, and renamed once it is whole and on the disk: whatever ends the program, a result is there in full or not at
 * all. Its name has a digest of the recording's path, size and time of change and of the options, so what has changed
 * is not taken for done.
 *
 *   OUTPUT/events.jsonl, summary.csv          of all recordings of the last run that came to its end
 *   OUTPUT/files/NAME-DIGEST/                 events.jsonl, row.csv, input.txt, and what else the analysis writes
 *
 * One process at a time works in a folder; the main thread.
 */
#pragma once

#include "apps/analyse/input.h"

typedef struct _AnalyseStore AnalyseStore;

/* Makes @folder, locks it, and clears what a run left unfinished. @options: what of them decides about results, as
 * text. */
AnalyseStore *analyse_store_open (const char *folder, const char *options, GError **error);
void analyse_store_close (AnalyseStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AnalyseStore, analyse_store_close)

/* Whether there are results of @input, made with these options, and without an error. */
gboolean analyse_store_has (const AnalyseStore *store, const AnalyseInput *input);

/* Returns: (transfer full) (nullable): the folder to write @input's results into */
char *analyse_store_begin (AnalyseStore *store, const AnalyseInput *input, GError **error);

/* Makes what is in @folder @input's results, instead of all earlier ones. @row: of summary.csv, with its newline;
 * @failed: the recording could not be read to its end, so that it will be tried again. */
gboolean analyse_store_commit (AnalyseStore *store, const AnalyseInput *input, const char *folder, const char *row,
                               gboolean failed, GError **error);

/* Throws @folder away. */
void analyse_store_discard (const char *folder);

/* Returns: (transfer full): where @input's results are */
char *analyse_store_path (const AnalyseStore *store, const AnalyseInput *input);

/* Writes @name in the output folder: @header, then each input's file @part, in the order of @inputs, all at once or not
 * at all. Inputs without that file add nothing. */
gboolean analyse_store_join (const AnalyseStore *store, const GPtrArray *inputs, const char *name, const char *header,
                             const char *part, GError **error);
