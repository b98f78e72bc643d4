/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contact sheets: a PNG for each visit, with up to eight pictures of whom it was, evenly spread over it, and their
 * times. One thread at a time.
 */
#pragma once

#include "gst/common/meta.h"

typedef struct _AnalyseSheets AnalyseSheets;

/* Sheets are written to @folder as visit-0001.png …, in the order of the visits' beginnings. @name: the recording's. */
AnalyseSheets *analyse_sheets_new (const char *folder, const char *name);
void analyse_sheets_free (AnalyseSheets *sheets);

/* A visit, as the fields of the event "pipeload-event" have it. @id: 0 = objects are not tracked */
void analyse_sheets_enter (AnalyseSheets *sheets, guint64 id, const char *label, const char *zone);
/* ns. Returns: (transfer full) (nullable): the sheet's name in the folder */
char *analyse_sheets_leave (AnalyseSheets *sheets, guint64 id, const char *label, const char *zone, GstClockTime start,
                            GstClockTime end, GError **error);

/* A frame that was looked at, raw or JPEG. */
void analyse_sheets_look (AnalyseSheets *sheets, GstBuffer *buffer, GstCaps *caps, const GstPipeloadFrame *frame);

/* Returns: (transfer full): such as 0:05:12.3 */
char *analyse_time_text (GstClockTime time);
