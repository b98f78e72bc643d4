/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Home Assistant's MQTT discovery (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery): a binary sensor
 * for each label of a camera, on while anything of that label is in the picture or in one of its zones. Knows no
 * GStreamer.
 *
 * Retained, under PREFIX/CAMERA: LABEL/state, "ON" or "OFF"; and
 * homeassistant/binary_sensor/PREFIX_CAMERA/LABEL/config. In topics and identifiers of its own, bytes other than ASCII
 * letters, digits, - and _ are "_x" and two hexadecimal digits, so that no two cameras or labels share one.
 */
#pragma once

#include "gst/publish/outbox.h"

G_BEGIN_DECLS

typedef struct _GstPipeloadHome GstPipeloadHome;

/* Announces the sensor of persons, which is off; others come with their first event. The caller locks, and keeps
 * @outbox. */
GstPipeloadHome *gst_pipeload_home_new (GstPipeloadOutbox *outbox, const char *topic, const char *camera);
void gst_pipeload_home_free (GstPipeloadHome *home);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadHome, gst_pipeload_home_free)

/* @event: what happened, of which "enter" and "leave" count; @id: of the track; @zone: "" is the whole picture */
void gst_pipeload_home_event (GstPipeloadHome *home, const char *event, guint64 id, const char *label,
                              const char *zone);

/* Nothing is there any more. */
void gst_pipeload_home_clear (GstPipeloadHome *home);

G_END_DECLS
