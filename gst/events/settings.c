/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of pipeloadevents.
 */
#include "gst/events/settings.h"

/* The bundled detector reports people from 0.42 on, most above 0.6: of three results, two must be sure. */
#define DEFAULT_THRESHOLD 0.5
#define DEFAULT_MEDIAN 3
#define DEFAULT_INERTIA 3
#define DEFAULT_LEAVE_AFTER 3.0
#define MAX_SECONDS 3600.0

#define PROP(field) GST_PIPELOAD_PROP (GstPipeloadEventsSettings, field)

void
gst_pipeload_events_settings_init (GstPipeloadEventsSettings *settings)
{
  *settings = (GstPipeloadEventsSettings) { .threshold = DEFAULT_THRESHOLD,
                                            .leave_after = DEFAULT_LEAVE_AFTER,
                                            .median = DEFAULT_MEDIAN,
                                            .inertia = DEFAULT_INERTIA };
}

void
gst_pipeload_events_settings_clear (GstPipeloadEventsSettings *settings)
{
  g_clear_pointer (&settings->zones, g_free);
  g_clear_pointer (&settings->camera, g_free);
  g_clear_pointer (&settings->start_time, g_free);
}

PldVisitsSettings
gst_pipeload_events_settings_visits (const GstPipeloadEventsSettings *settings)
{
  return (PldVisitsSettings) {
    .threshold = settings->threshold,
    .median = settings->median,
    .inertia = settings->inertia,
    .min_area = settings->min_area,
    .min_height = settings->min_height,
    .update_interval = (guint64) (settings->update_interval * GST_SECOND + 0.5),
    .leave_after = (guint64) (settings->leave_after * GST_SECOND + 0.5),
  };
}

static void
install_strings (GObjectClass *klass)
{
  gst_pipeload_settings_install (
      klass, PROP (zones),
      g_param_spec_string (
          "zones", "Zones",
          "Zones, masks and lines: JSON if it begins with \"{\", else a file with it (unset: the whole "
          "picture is one zone, named \"\")",
          NULL, GST_PIPELOAD_READY));
  gst_pipeload_settings_install (
      klass, PROP (camera),
      g_param_spec_string ("camera", "Camera", "The camera's name in the events' JSON", NULL, GST_PIPELOAD_READY));
  gst_pipeload_settings_install (
      klass, PROP (start_time),
      g_param_spec_string ("start-time", "Start time",
                           "When stream time 0 was, in RFC 3339 with its zone; events then say when they happened "
                           "(unset: live streams go by the system's clock, others do not say)",
                           NULL, GST_PIPELOAD_READY));
}

static void
install_debounce (GObjectClass *klass)
{
  gst_pipeload_settings_install (
      klass, PROP (threshold),
      g_param_spec_double ("threshold", "Threshold",
                           "An object counts once the median of its last confidences is at least this", 0, 1,
                           DEFAULT_THRESHOLD, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (klass, PROP (median),
                                 g_param_spec_uint ("median", "Median",
                                                    "Results that the median confidence is taken of", 1,
                                                    PLD_VISITS_MAX_MEDIAN, DEFAULT_MEDIAN, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (inertia),
      g_param_spec_uint (
          "inertia", "Inertia",
          "An object is in a zone, or has crossed a line, once this many consecutive results have shown it there", 1,
          1000, DEFAULT_INERTIA, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (klass, PROP (min_area),
                                 g_param_spec_double ("min-area", "Least area",
                                                      "Boxes smaller than this share of the picture are ignored", 0, 1,
                                                      0, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (klass, PROP (min_height),
                                 g_param_spec_double ("min-height", "Least height",
                                                      "Boxes lower than this share of the picture's height are ignored",
                                                      0, 1, 0, GST_PIPELOAD_PLAYING));
}

static void
install_times (GObjectClass *klass)
{
  gst_pipeload_settings_install (
      klass, PROP (update_interval),
      g_param_spec_double ("update-interval", "Update interval",
                           "Seconds between updates on an object inside; one comes too when it is seen clearly better "
                           "(0: no updates)",
                           0, MAX_SECONDS, 0, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (leave_after),
      g_param_spec_double ("leave-after", "Leave after",
                           "An object has left a zone when it was not inside for this many seconds", 0, MAX_SECONDS,
                           DEFAULT_LEAVE_AFTER, GST_PIPELOAD_PLAYING));
}

void
gst_pipeload_events_settings_install (GObjectClass *klass)
{
  install_strings (klass);
  install_debounce (klass);
  install_times (klass);
}
