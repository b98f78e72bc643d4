/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * In place of mqtt.c, in a build without libmosquitto.
 */
#include "gst/publish/mqtt.h"

#include <gio/gio.h>

gboolean
gst_pipeload_mqtt_start (GstPipeloadOutbox *outbox, const char *address, const char *ca_file, const char *topic,
                         const char *camera, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               "property broker: this build has no MQTT; build it where libmosquitto is installed, or set "
               "location alone");
  return FALSE;
}
