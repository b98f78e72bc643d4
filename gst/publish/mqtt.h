/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A sender that publishes the messages of an outbox to an MQTT broker (MQTT 3.1.1, through libmosquitto). Knows no
 * GStreamer.
 *
 * Topics: PREFIX/CAMERA/events and PREFIX/CAMERA/frames, QoS 1, and PREFIX/CAMERA/available, retained: "online" while
 * it is connected, "offline" after its end, which is its last will too. Other messages that the outbox retains are
 * published under its own topic.
 *
 * A message leaves the outbox when the broker has acknowledged it. Each connection is a session of its own: after it
 * breaks, whatever was not acknowledged is sent again, in order, so that the broker gets each message at
 * least once, and twice only where an acknowledgement was under way when the connection broke. libmosquitto never holds
 * more than a window of them.
 *
 * A broker that is away, or refuses, is tried again after 1 s, then 2 s and so on to 30 s, for ever. The thread is the
 * only one that calls the client, blocks in looking up names and connecting alone, and never holds the stream up.
 */
#pragma once

#include "gst/publish/broker.h"
#include "gst/publish/outbox.h"

G_BEGIN_DECLS

/* @ca_file: PEM certificates of the authorities to trust, or NULL: the system's. @topic, @camera: the parts of the
 * topics' names. Starts the sender; does not wait for a connection. Fails with G_IO_ERROR: G_IO_ERROR_NOT_SUPPORTED in
 * a build without libmosquitto. */
gboolean gst_pipeload_mqtt_start (GstPipeloadOutbox *outbox, const char *address, const char *ca_file,
                                  const char *topic, const char *camera, GError **error);

G_END_DECLS
