/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The elements that analyse a recording as fast as they can:
 *
 *   decoder ! [videoconvert !] pipeloadvit ! pipeloadtrack ! pipeloadevents ! fakesink, or what writes an annotated
 * copy
 */
#pragma once

#include "apps/analyse/input.h"
#include "apps/analyse/options.h"
#include "apps/common/source.h"

#include <gst/gst.h>

typedef struct
{
  GstElement *pipeline;
  GstElement *head; /* that frames come to */
  GstElement *vit, *events;
  PldSource *source;
  GstClockTime last_key, widest; /* keyframes' times and distances; streaming thread */
} AnalysePipeline;

/* Fills @self, which must stay where it is until it is cleared, also after FALSE: an element is missing. @folder: for
 * annotated.mkv */
gboolean analyse_pipeline_make (AnalysePipeline *self, const AnalyseOptions *options, const AnalyseInput *input,
                                const char *folder, GError **error);
void analyse_pipeline_clear (AnalysePipeline *self);
