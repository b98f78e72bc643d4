/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The address of an MQTT broker: mqtt://[user[:password]@]host[:port], or mqtts:// for TLS (as in
 * https://github.com/mqtt/mqtt.org/wiki/URI-Scheme). Characters of user and password that a URI has no room for are
 * percent-encoded. Knows no GStreamer.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *host;
  guint16 port; /* 1883, or 8883 with TLS, unless it was named */
  gboolean tls;
  char *user, *password; /* NULL = none */
  char *name;            /* host:port, for messages: without the user and the password */
} GstPipeloadBroker;

/* Fails with G_IO_ERROR_INVALID_ARGUMENT; the error repeats nothing of @address, which may hold a password. */
GstPipeloadBroker *gst_pipeload_broker_parse (const char *address, GError **error);
void gst_pipeload_broker_free (GstPipeloadBroker *broker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstPipeloadBroker, gst_pipeload_broker_free)

G_END_DECLS
