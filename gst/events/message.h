/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An event of pipeloadevents as it goes to the bus and downstream. docs/events.md has its fields and its JSON.
 */
#pragma once

#include "analytics/visits.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* Data about the stream. */
typedef struct
{
  const char *camera;  /* (nullable) */
  guint width, height; /* pixels; 0 = not known */
  gint64 system_time;  /* of the event, microseconds since 1970, UTC; G_MININT64 = not known */
} GstPipeloadEventsPlace;

/* Returns: (transfer full): @zones: (nullable): that the event's box is in, NULL-terminated */
GstStructure *gst_pipeload_event_to_structure (const PldVisitEvent *event, const GstPipeloadEventsPlace *place,
                                               const char *const *zones);

G_END_DECLS
