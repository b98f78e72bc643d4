/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element's state, for its own files: gstpipeloadevents.c (object and base class), process.c (frames, and
 * reports about them).
 */
#pragma once

#include "gst/common/meta.h"
#include "gst/events/gstpipeloadevents.h"
#include "gst/events/settings.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_pipeload_events_debug);

struct _GstPipeloadEvents
{
  GstBaseTransform parent;

  GstPipeloadEventsSettings settings; /* OBJECT_LOCK */

  /* From start() to stop(); streaming thread. */
  PldZones *zones;
  PldVisits *visits;
  gboolean configured; /* the property zones is set */
  char *camera;        /* NULL = not set */
  GDateTime *epoch;    /* of stream time 0; NULL = unknown */
  GstPipeloadVideo video;
  GstClockTime next; /* time of a frame that has none */
  GstPipeloadResultCursor cursor;
  gboolean asked, live;       /* whether the stream is */
  gboolean announced, warned; /* zones, and about lines */
};

/* process.c; streaming thread, or none running */

/* Processes a frame: reports its events, and writes on it the zones of its objects. @buffer must be writable. */
void gst_pipeload_events_process (GstPipeloadEvents *self, GstBuffer *buffer);

/* Ends all visits: the next frame is unrelated to the previous ones. @downstream: whether events also go downstream */
void gst_pipeload_events_finish (GstPipeloadEvents *self, gboolean downstream);

G_END_DECLS
