/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of pipeloadpublish.
 */
#include "gst/publish/settings.h"

#define DEFAULT_TOPIC "pipeload"
#define DEFAULT_QUEUE_SIZE 1000
#define DEFAULT_DRAIN 2000

GType
gst_pipeload_publish_what_get_type (void)
{
  static const GEnumValue values[]
      = { { GST_PIPELOAD_PUBLISH_EVENTS, "Events: what enters, moves on and leaves", "events" },
          { GST_PIPELOAD_PUBLISH_FRAMES, "What was seen in each frame with a new result", "frames" },
          { GST_PIPELOAD_PUBLISH_BOTH, "Events and frames", "both" },
          { 0, NULL, NULL } };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstPipeloadPublishWhat", values));
  return type;
}

void
gst_pipeload_publish_settings_init (GstPipeloadPublishSettings *settings)
{
  *settings = (GstPipeloadPublishSettings) { .topic = g_strdup (DEFAULT_TOPIC),
                                             .queue_size = DEFAULT_QUEUE_SIZE,
                                             .drain = DEFAULT_DRAIN };
}

void
gst_pipeload_publish_settings_clear (GstPipeloadPublishSettings *settings)
{
  g_clear_pointer (&settings->location, g_free);
  g_clear_pointer (&settings->broker, g_free);
  g_clear_pointer (&settings->ca_file, g_free);
  g_clear_pointer (&settings->topic, g_free);
  g_clear_pointer (&settings->camera, g_free);
}

void
gst_pipeload_publish_settings_copy (GstPipeloadPublishSettings *copy, const GstPipeloadPublishSettings *settings)
{
  *copy = *settings;
  copy->location = g_strdup (settings->location);
  copy->broker = g_strdup (settings->broker);
  copy->ca_file = g_strdup (settings->ca_file);
  copy->topic = g_strdup (settings->topic);
  copy->camera = g_strdup (settings->camera);
}

/* ---- properties ---------------------------------------------------------------------------- */

#define PROP(field) GST_PIPELOAD_PROP (GstPipeloadPublishSettings, field)

static void
install_string (GObjectClass *klass, guint id, const char *name, const char *nick, const char *text, const char *value)
{
  gst_pipeload_settings_install (klass, id, g_param_spec_string (name, nick, text, value, GST_PIPELOAD_READY));
}

static void
install_file (GObjectClass *klass)
{
  install_string (klass, PROP (location), "location", "Location",
                  "A file that messages are appended to, one JSON object a line (unset: none)", NULL);
  gst_pipeload_settings_install (
      klass, PROP (fsync),
      g_param_spec_boolean (
          "fsync", "Sync", "Have each line on the disk before the next is written, so that it survives a power failure",
          FALSE, GST_PIPELOAD_READY));
}

static void
install_broker (GObjectClass *klass)
{
  install_string (klass, PROP (broker), "broker", "Broker",
                  "An MQTT broker, mqtt://[user:password@]host[:port], or mqtts:// for TLS (unset: none)", NULL);
  install_string (klass, PROP (ca_file), "ca-file", "CA file",
                  "Certificates of the authorities that a broker with TLS is checked against (unset: the system's)",
                  NULL);
  install_string (klass, PROP (topic), "topic", "Topic",
                  "What MQTT topics begin with: TOPIC/CAMERA/events, /frames and /available", DEFAULT_TOPIC);
  install_string (klass, PROP (camera), "camera", "Camera",
                  "The camera's name in topics and in the JSON of frames (unset: \"camera\" in topics)", NULL);
  gst_pipeload_settings_install (
      klass, PROP (home_assistant),
      g_param_spec_boolean ("home-assistant", "Home Assistant",
                            "Announce a sensor for each label to Home Assistant (MQTT discovery)", FALSE,
                            GST_PIPELOAD_READY));
}

void
gst_pipeload_publish_settings_install (GObjectClass *klass)
{
  install_file (klass);
  install_broker (klass);
  gst_pipeload_settings_install (klass, PROP (what),
                                 g_param_spec_enum ("what", "What", "What to publish", GST_TYPE_PIPELOAD_PUBLISH_WHAT,
                                                    GST_PIPELOAD_PUBLISH_EVENTS, GST_PIPELOAD_READY));
  gst_pipeload_settings_install (
      klass, PROP (queue_size),
      g_param_spec_uint ("queue-size", "Queue size",
                         "Messages that wait at most while the broker is away, and as many for a file that cannot be "
                         "written; then the oldest is dropped, frames before events",
                         1, 1000000, DEFAULT_QUEUE_SIZE, GST_PIPELOAD_READY));
  gst_pipeload_settings_install (
      klass, PROP (drain),
      g_param_spec_uint ("drain", "Drain",
                         "Milliseconds to wait at most, at the end of the stream, for messages under way", 0, 600000,
                         DEFAULT_DRAIN, GST_PIPELOAD_READY));
  gst_pipeload_settings_install (
      klass, GST_PIPELOAD_PUBLISH_PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
                          "Messages published, acknowledged, waiting and dropped; of the last run once stopped",
                          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}
