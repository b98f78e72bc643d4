/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-pipeloadpublish
 * @title: pipeloadpublish
 *
 * Publishes events and results as JSON: to a file, one object a line, and to an MQTT broker. Buffers of any kind pass
 * untouched and never wait: messages are queued while a disk is full or a broker is unreachable.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=video.mp4 ! decodebin ! pipeloadvit ! pipeloadtrack ! pipeloadevents
 *     ! pipeloadpublish location=events.jsonl ! fakesink
 * ]| Writes events to events.jsonl.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! pipeloadvit interval=6 ! pipeloadtrack ! pipeloadevents
 *     ! pipeloadpublish broker=mqtt://homeassistant.local camera=driveway ! fakesink
 * ]| Publishes it under pipeload/driveway/events.
 *
 * Since: 0.1
 */

#include "gst/publish/gstpipeloadpublish.h"

#include "gst/common/meta.h"
#include "gst/publish/home.h"
#include "gst/publish/lines.h"
#include "gst/publish/mqtt.h"
#include "gst/publish/settings.h"

#include <gio/gio.h>

GST_DEBUG_CATEGORY_STATIC (gst_pipeload_publish_debug);
#define GST_CAT_DEFAULT gst_pipeload_publish_debug

/* Extra shutdown time for a sender after draining; a slower one is left to finish on its own. */
#define FAREWELL (3 * G_USEC_PER_SEC / 2)

typedef enum
{
  LINES,
  MQTT,
  N_RECEIVERS,
} Receiver;

struct _GstPipeloadPublish
{
  GstBaseTransform parent;

  GstPipeloadPublishSettings settings;      /* OBJECT_LOCK */
  GstPipeloadOutbox *outboxes[N_RECEIVERS]; /* OBJECT_LOCK to change them; NULL = not wanted. Closed once stopped */

  /* From start() to stop(). */
  char *camera;
  gboolean events, frames;
  gint64 drain;

  /* Streaming thread. */
  GstPipeloadVideo video;
  GstPipeloadResultCursor cursor;
  GstPipeloadHome *home; /* NULL = not requested */
  gboolean drained;      /* no message came since the wait at the end of the stream */
};

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

G_DEFINE_FINAL_TYPE (GstPipeloadPublish, gst_pipeload_publish, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (pipeloadpublish, "pipeloadpublish", GST_RANK_NONE, GST_TYPE_PIPELOAD_PUBLISH,
                                       GST_DEBUG_CATEGORY_INIT (gst_pipeload_publish_debug, "pipeloadpublish", 0,
                                                                "results to files and brokers"))

/* ---- what senders complain of -------------------------------------------------------------- */

static int
resource_code (const GError *error, int otherwise)
{
  switch (error->code)
    {
    case G_IO_ERROR_INVALID_ARGUMENT:
    case G_IO_ERROR_NOT_SUPPORTED:
      return GST_RESOURCE_ERROR_SETTINGS;
    case G_IO_ERROR_NOT_FOUND:
      return GST_RESOURCE_ERROR_NOT_FOUND;
    case G_IO_ERROR_PERMISSION_DENIED:
      return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
    case G_IO_ERROR_NO_SPACE:
      return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
    default:
      return otherwise;
    }
}

/* In a sender's thread. The element may be gone. */
static void
report (const GError *error, gpointer user_data)
{
  g_autoptr (GstElement) self = g_weak_ref_get (user_data);

  if (self == NULL)
    return;
  gst_element_message_full (self, GST_MESSAGE_WARNING, GST_RESOURCE_ERROR,
                            resource_code (error, GST_RESOURCE_ERROR_WRITE),
                            g_strdup_printf ("%s; messages wait, and it is tried again", error->message), NULL,
                            __FILE__, G_STRFUNC, __LINE__);
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

/* ---- object -------------------------------------------------------------------------------- */

static void
gst_pipeload_publish_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GST_OBJECT_LOCK (object);
  gst_pipeload_settings_set (&GST_PIPELOAD_PUBLISH (object)->settings, id, value);
  GST_OBJECT_UNLOCK (object);
}

static GstStructure *
get_stats (GstPipeloadPublish *self)
{
  GstPipeloadCounts counts[N_RECEIVERS] = { 0 };

  GST_OBJECT_LOCK (self);
  for (guint i = 0; i < N_RECEIVERS; i++)
    if (self->outboxes[i] != NULL)
      gst_pipeload_outbox_count (self->outboxes[i], &counts[i]);
  GST_OBJECT_UNLOCK (self);
  return gst_structure_new (
      "application/x-pipeload-stats", "published", G_TYPE_UINT64, counts[MQTT].accepted, "acknowledged", G_TYPE_UINT64,
      counts[MQTT].done, "queued", G_TYPE_UINT64, counts[MQTT].waiting, "dropped", G_TYPE_UINT64, counts[MQTT].dropped,
      "connected", G_TYPE_BOOLEAN, counts[MQTT].works, "connection-failures", G_TYPE_UINT64, counts[MQTT].failures,
      "lines", G_TYPE_UINT64, counts[LINES].done, "lines-queued", G_TYPE_UINT64, counts[LINES].waiting, "lines-dropped",
      G_TYPE_UINT64, counts[LINES].dropped, "write-failures", G_TYPE_UINT64, counts[LINES].failures, NULL);
}

static void
gst_pipeload_publish_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstPipeloadPublish *self = GST_PIPELOAD_PUBLISH (object);

  if (id == GST_PIPELOAD_PUBLISH_PROP_STATS)
    {
      g_value_take_boxed (value, get_stats (self));
      return;
    }
  GST_OBJECT_LOCK (self);
  gst_pipeload_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
}

static void
set_outbox (GstPipeloadPublish *self, Receiver receiver, GstPipeloadOutbox *outbox)
{
  GstPipeloadOutbox *old;

  GST_OBJECT_LOCK (self);
  old = self->outboxes[receiver];
  self->outboxes[receiver] = outbox;
  GST_OBJECT_UNLOCK (self);
  if (old != NULL)
    gst_pipeload_outbox_unref (old);
}

static void
gst_pipeload_publish_finalize (GObject *object)
{
  GstPipeloadPublish *self = GST_PIPELOAD_PUBLISH (object);

  for (guint i = 0; i < N_RECEIVERS; i++)
    set_outbox (self, i, NULL);
  g_free (self->camera);
  gst_pipeload_publish_settings_clear (&self->settings);
  G_OBJECT_CLASS (gst_pipeload_publish_parent_class)->finalize (object);
}

/* ---- states -------------------------------------------------------------------------------- */

static const char *
camera_in_topics (const GstPipeloadPublishSettings *settings)
{
  return settings->camera != NULL ? settings->camera : "camera";
}

static GstPipeloadOutbox *
open_receiver (GstPipeloadPublish *self, Receiver receiver, const GstPipeloadPublishSettings *settings, GError **error)
{
  GWeakRef *element = g_new0 (GWeakRef, 1);
  g_autoptr (GstPipeloadOutbox) outbox = NULL;
  gboolean started;

  g_weak_ref_init (element, self);
  outbox = gst_pipeload_outbox_new (settings->queue_size, report, element, weak_ref_free, error);
  if (outbox == NULL)
    return NULL;
  if (receiver == LINES)
    started = gst_pipeload_lines_start (outbox, settings->location, settings->fsync, error);
  else
    started
        = gst_pipeload_mqtt_start (outbox, settings->broker, settings->ca_file,
                                   settings->topic != NULL ? settings->topic : "", camera_in_topics (settings), error);
  return started ? g_steal_pointer (&outbox) : NULL;
}

static void
close_receivers (GstPipeloadPublish *self)
{
  gint64 until = g_get_monotonic_time () + FAREWELL;

  for (guint i = 0; i < N_RECEIVERS; i++)
    if (self->outboxes[i] != NULL)
      gst_pipeload_outbox_close (self->outboxes[i], until);
}

static gboolean
open_receivers (GstPipeloadPublish *self, const GstPipeloadPublishSettings *settings, GError **error)
{
  const char *wanted[N_RECEIVERS] = { settings->location, settings->broker };
  gboolean opened = TRUE;

  if (settings->location == NULL && settings->broker == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "nowhere to publish; set location (a file), broker (mqtt://host) or both");
      return FALSE;
    }
  for (guint i = 0; opened && i < N_RECEIVERS; i++)
    {
      GstPipeloadOutbox *outbox = wanted[i] != NULL ? open_receiver (self, i, settings, error) : NULL;

      opened = outbox != NULL || wanted[i] == NULL;
      set_outbox (self, i, outbox);
    }
  if (!opened)
    close_receivers (self);
  return opened;
}

static gboolean
gst_pipeload_publish_start (GstBaseTransform *trans)
{
  GstPipeloadPublish *self = GST_PIPELOAD_PUBLISH (trans);
  GstPipeloadPublishSettings settings;
  g_autoptr (GError) error = NULL;
  gboolean opened;

  GST_OBJECT_LOCK (self);
  gst_pipeload_publish_settings_copy (&settings, &self->settings);
  GST_OBJECT_UNLOCK (self);
  g_free (self->camera);
  self->camera = g_strdup (settings.camera);
  self->events = settings.what != GST_PIPELOAD_PUBLISH_FRAMES;
  self->frames = settings.what != GST_PIPELOAD_PUBLISH_EVENTS;
  self->drain = (gint64) settings.drain * 1000;
  self->video = (GstPipeloadVideo) { 0 };
  self->cursor = (GstPipeloadResultCursor) { 0 };
  self->drained = FALSE;
  opened = open_receivers (self, &settings, &error);
  if (opened && settings.broker != NULL && settings.home_assistant)
    self->home = gst_pipeload_home_new (self->outboxes[MQTT], settings.topic, camera_in_topics (&settings));
  gst_pipeload_publish_settings_clear (&settings);
  if (!opened)
    gst_element_message_full (GST_ELEMENT (self), GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
                              resource_code (error, GST_RESOURCE_ERROR_OPEN_WRITE), g_strdup (error->message), NULL,
                              __FILE__, G_STRFUNC, __LINE__);
  return opened;
}

static void
interrupt (GstPipeloadPublish *self, gboolean interrupted)
{
  for (guint i = 0; i < N_RECEIVERS; i++)
    if (self->outboxes[i] != NULL)
      gst_pipeload_outbox_interrupt (self->outboxes[i], interrupted);
}

/* Waits for what is under way, or an interruption. */
static void
drain (GstPipeloadPublish *self)
{
  gint64 until = g_get_monotonic_time () + self->drain;
  gboolean empty = TRUE;

  if (self->drained)
    return;
  for (guint i = 0; i < N_RECEIVERS; i++)
    if (self->outboxes[i] != NULL && !gst_pipeload_outbox_drain (self->outboxes[i], until))
      empty = FALSE;
  self->drained = empty || g_get_monotonic_time () >= until;
}

static void
warn_of_lost (GstPipeloadPublish *self, Receiver receiver)
{
  GstPipeloadCounts counts;

  if (self->outboxes[receiver] == NULL)
    return;
  gst_pipeload_outbox_count (self->outboxes[receiver], &counts);
  if (counts.waiting > 0)
    GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
                         ("%" G_GUINT64_FORMAT " messages are lost: %s before the end", counts.waiting,
                          receiver == MQTT ? "the broker has not acknowledged them" : "the file could not be written"),
                         (NULL));
}

static void
leave_home (GstPipeloadPublish *self)
{
  if (self->home != NULL)
    gst_pipeload_home_clear (self->home);
}

static gboolean
gst_pipeload_publish_stop (GstBaseTransform *trans)
{
  GstPipeloadPublish *self = GST_PIPELOAD_PUBLISH (trans);

  interrupt (self, FALSE);
  drain (self);
  for (guint i = 0; i < N_RECEIVERS; i++)
    warn_of_lost (self, i);
  leave_home (self);
  close_receivers (self);
  g_clear_pointer (&self->home, gst_pipeload_home_free);
  return TRUE;
}

static GstStateChangeReturn
gst_pipeload_publish_change_state (GstElement *element, GstStateChange transition)
{
  /* Pads wait for the streaming thread when they are deactivated, which may be draining; stop() does the rest. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    interrupt (GST_PIPELOAD_PUBLISH (element), TRUE);
  return GST_ELEMENT_CLASS (gst_pipeload_publish_parent_class)->change_state (element, transition);
}

/* ---- stream -------------------------------------------------------------------------------- */

static void
publish (GstPipeloadPublish *self, GstPipeloadKind kind, const char *json)
{
  g_autofree char *line = g_strdup (json);

  g_strdelimit (line, "\r\n", ' '); /* between JSON's words they are spaces, and inside of them not allowed */
  for (guint i = 0; i < N_RECEIVERS; i++)
    if (self->outboxes[i] != NULL)
      gst_pipeload_outbox_push (self->outboxes[i], kind, line);
  self->drained = FALSE;
}

static void
update_home (GstPipeloadPublish *self, const GstStructure *structure)
{
  const char *event = gst_structure_get_string (structure, "event");
  const char *label = gst_structure_get_string (structure, "label");
  const char *zone = gst_structure_get_string (structure, "zone");
  guint64 id;

  if (event != NULL && label != NULL && gst_structure_get_uint64 (structure, "id", &id))
    gst_pipeload_home_event (self->home, event, id, label, zone != NULL ? zone : "");
}

static void
publish_event (GstPipeloadPublish *self, const GstStructure *structure)
{
  const char *json;

  if (structure == NULL || !gst_structure_has_name (structure, GST_PIPELOAD_EVENT_MESSAGE))
    return;
  if (self->home != NULL)
    update_home (self, structure);
  if (!self->events)
    return;
  json = gst_structure_get_string (structure, "json");
  if (json != NULL && *json != '\0')
    publish (self, GST_PIPELOAD_EVENT, json);
  else
    GST_WARNING_OBJECT (self, "an event without JSON: %" GST_PTR_FORMAT, structure);
}

static gboolean
gst_pipeload_publish_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstPipeloadPublish *self = GST_PIPELOAD_PUBLISH (trans);
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      publish_event (self, gst_event_get_structure (event));
      break;
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      self->video = gst_pipeload_video_from_caps (caps);
      break;
    case GST_EVENT_FLUSH_START:
      interrupt (self, TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
      interrupt (self, FALSE);
      leave_home (self);
      break;
    case GST_EVENT_EOS:
      leave_home (self);
      drain (self);
      break;
    default:
      break;
    }
  return GST_BASE_TRANSFORM_CLASS (gst_pipeload_publish_parent_class)->sink_event (trans, event);
}

static GstFlowReturn
gst_pipeload_publish_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstPipeloadPublish *self = GST_PIPELOAD_PUBLISH (trans);
  g_autoptr (GstPipeloadFrame) frame = NULL;
  g_autofree char *json = NULL;

  if (!self->frames || gst_pipeload_result_next (&self->cursor, buffer) != GST_PIPELOAD_RESULT_NEW)
    return GST_FLOW_OK;
  frame = gst_pipeload_frame_from_buffer (buffer, self->video.width, self->video.height);
  json = gst_pipeload_frame_to_json (frame, self->camera);
  publish (self, GST_PIPELOAD_FRAME, json);
  return GST_FLOW_OK;
}

/* ---- class --------------------------------------------------------------------------------- */

static void
gst_pipeload_publish_class_init (GstPipeloadPublishClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = gst_pipeload_publish_set_property;
  object_class->get_property = gst_pipeload_publish_get_property;
  object_class->finalize = gst_pipeload_publish_finalize;
  gst_pipeload_publish_settings_install (object_class);

  gst_element_class_set_static_metadata (element_class, "Publisher of what is seen", "Filter/Analyzer",
                                         "Publishes events and results as JSON, to a file and an MQTT broker",
                                         "The pipeload authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_pipeload_publish_change_state);

  trans_class->start = GST_DEBUG_FUNCPTR (gst_pipeload_publish_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_pipeload_publish_stop);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_pipeload_publish_sink_event);
  trans_class->transform_ip = GST_DEBUG_FUNCPTR (gst_pipeload_publish_transform_ip);
  trans_class->passthrough_on_same_caps = TRUE;
}

static void
gst_pipeload_publish_init (GstPipeloadPublish *self)
{
  gst_pipeload_publish_settings_init (&self->settings);
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), TRUE);
  gst_base_transform_set_qos_enabled (GST_BASE_TRANSFORM (self), FALSE);
}
