/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The values of pipeloadevents' properties: their defaults and texts.
 */
#pragma once

#include "analytics/visits.h"
#include "gst/common/settings.h"

G_BEGIN_DECLS

typedef struct
{
  char *zones, *camera, *start_time; /* NULL = not set */
  double threshold, min_area, min_height;
  double update_interval, leave_after; /* seconds */
  guint median, inertia;
} GstPipeloadEventsSettings;

void gst_pipeload_events_settings_init (GstPipeloadEventsSettings *settings);
void gst_pipeload_events_settings_clear (GstPipeloadEventsSettings *settings);

/* Those of one frame. */
PldVisitsSettings gst_pipeload_events_settings_visits (const GstPipeloadEventsSettings *settings);

void gst_pipeload_events_settings_install (GObjectClass *klass);

G_END_DECLS
