/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parses the address of an MQTT broker.
 */
#include "gst/publish/broker.h"

#include <gio/gio.h>

#define PORT 1883
#define PORT_TLS 8883

void
gst_pipeload_broker_free (GstPipeloadBroker *broker)
{
  if (broker == NULL)
    return;
  g_free (broker->host);
  g_free (broker->user);
  g_free (broker->password);
  g_free (broker->name);
  g_free (broker);
}

static gboolean
is_empty (const char *text)
{
  return text == NULL || *text == '\0';
}

GstPipeloadBroker *
gst_pipeload_broker_parse (const char *address, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (address, G_URI_FLAGS_HAS_PASSWORD, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";
  gboolean tls = g_str_equal (scheme, "mqtts");
  GstPipeloadBroker *broker;
  const char *path;
  int port;

  path = uri != NULL ? g_uri_get_path (uri) : NULL;
  port = uri != NULL ? g_uri_get_port (uri) : 0;
  if ((!tls && !g_str_equal (scheme, "mqtt")) || is_empty (g_uri_get_host (uri)) || port == 0
      || !(is_empty (path) || g_str_equal (path, "/")) || g_uri_get_query (uri) != NULL
      || g_uri_get_fragment (uri) != NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "property broker: no address of a broker; it is like mqtt://host, mqtt://user:password@host:1883 "
                   "or mqtts://host, where a character other than a letter, a digit, - . _ or ~ in user and "
                   "password is written as %%xx");
      return NULL;
    }
  broker = g_new0 (GstPipeloadBroker, 1);
  broker->tls = tls;
  broker->host = g_strdup (g_uri_get_host (uri));
  broker->port = (guint16) (port > 0 ? port : tls ? PORT_TLS : PORT);
  broker->user = g_strdup (g_uri_get_user (uri));
  broker->password = g_strdup (g_uri_get_password (uri));
  broker->name = g_strdup_printf ("%s:%u", broker->host, broker->port);
  return broker;
}
