/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The analysis of one recording: a pipeline that runs as fast as it can, and what it writes into a folder:
 * events.jsonl, visits.csv, and on request the visits' contact sheets, detections.jsonl and annotated.mkv.
 */
#pragma once

#include "apps/analyse/input.h"
#include "apps/analyse/options.h"

#include <gst/gst.h>

typedef enum
{
  ANALYSE_RUNS,
  ANALYSE_DONE,
  ANALYSE_DAMAGED, /* the recording cannot be read, or not to its end: nothing that other recordings would meet */
  ANALYSE_FAILED,
} AnalyseState;

typedef struct _AnalyseJob AnalyseJob;

/* @folder: (transfer full): to write into. @place: what visits.csv calls it. @options and @input must outlive it. NULL:
 * an element is missing, or the folder cannot be written to. */
AnalyseJob *analyse_job_new (const AnalyseOptions *options, const AnalyseInput *input, char *folder, const char *place,
                             GError **error);
void analyse_job_free (AnalyseJob *job);

/* Main thread: plays; failures come by the bus. */
void analyse_job_start (AnalyseJob *job);
/* Returns: (transfer full) */
GstBus *analyse_job_get_bus (AnalyseJob *job);
/* Handles a message of the bus. @error: of ANALYSE_DAMAGED and ANALYSE_FAILED. */
AnalyseState analyse_job_handle (AnalyseJob *job, GstMessage *message, GError **error);
/* 0..1 of the recording */
double analyse_job_progress (AnalyseJob *job);

/* Once it is done or damaged: ends it, and returns its figures. @error: (nullable): what ANALYSE_DAMAGED came with.
 * @row: (out) (transfer full): of summary.csv. @stats: (out) (transfer full): pipeloadvit's. FALSE: the results could
 * not be written. */
gboolean analyse_job_finish (AnalyseJob *job, const GError *damage, char **row, GstStructure **stats, GError **error);

const AnalyseInput *analyse_job_input (const AnalyseJob *job);
const char *analyse_job_folder (const AnalyseJob *job);
/* Once finished. */
guint analyse_job_visits (const AnalyseJob *job);
guint64 analyse_job_frames (const AnalyseJob *job);
