/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A sender that publishes to an MQTT broker through libmosquitto, and reconnects with a growing delay.
 */
#include "gst/publish/mqtt.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <mosquitto.h>
#include <poll.h>
#include <string.h>

#define KEEPALIVE 15 /* seconds after which a silent broker is asked for a sign, and after as many more given up */
#define HANDSHAKE (10 * G_USEC_PER_SEC) /* for TLS and the broker's answer to CONNECT */
#define FAREWELL (G_USEC_PER_SEC)
#define HELD (10 * G_USEC_PER_SEC) /* a connection that lasted this long resets the retry delay */
#define MIN_DELAY (G_USEC_PER_SEC)
#define MAX_DELAY (30 * G_USEC_PER_SEC)
#define TICK_MS 500
#define WINDOW 20 /* messages that wait for acknowledgement at once */
#define QOS 1

typedef struct
{
  GstPipeloadOutbox *outbox;
  GstPipeloadBroker *broker;
  char *ca_file;
  char *id;
  char *topics[2]; /* by kind of message */
  char *available;

  /* Of one connection. */
  struct mosquitto *client;
  GHashTable *handles; /* id of a packet that waits for acknowledgement → handle in the outbox */
  gboolean accepted;
  int refusal;     /* the broker's, in CONNACK; 0 = none */
  char *complaint; /* the library's last */
  int farewell;    /* id of the packet that says "offline"; 0 = none was sent, or it was acknowledged */

  int handle; /* the last one given */
} Mqtt;

static void
mqtt_free (gpointer data)
{
  Mqtt *mqtt = data;

  g_clear_pointer (&mqtt->broker, gst_pipeload_broker_free);
  g_free (mqtt->ca_file);
  g_free (mqtt->id);
  g_free (mqtt->topics[GST_PIPELOAD_EVENT]);
  g_free (mqtt->topics[GST_PIPELOAD_FRAME]);
  g_free (mqtt->available);
  g_hash_table_unref (mqtt->handles);
  g_free (mqtt);
}

/* ---- callbacks of the library, in our thread ----------------------------------------------- */

static void
on_connect (struct mosquitto *client, void *data, int code)
{
  Mqtt *mqtt = data;

  mqtt->accepted = code == 0;
  mqtt->refusal = code;
  if (mqtt->accepted)
    gst_pipeload_outbox_works (mqtt->outbox);
}

static void
on_publish (struct mosquitto *client, void *data, int packet)
{
  Mqtt *mqtt = data;
  gpointer handle;

  if (g_hash_table_steal_extended (mqtt->handles, GINT_TO_POINTER (packet), NULL, &handle))
    gst_pipeload_outbox_done (mqtt->outbox, GPOINTER_TO_INT (handle), FALSE);
  else if (packet == mqtt->farewell)
    mqtt->farewell = 0;
}

static void
on_log (struct mosquitto *client, void *data, int level, const char *text)
{
  Mqtt *mqtt = data;

  if (level != MOSQ_LOG_ERR)
    return;
  g_free (mqtt->complaint);
  mqtt->complaint = g_strdup (text);
}

/* ---- one connection ------------------------------------------------------------------------ */

static const char *
reason (int code, int why)
{
  if (code == MOSQ_ERR_ERRNO && why != 0)
    return g_strerror (why);
  return code == MOSQ_ERR_KEEPALIVE ? "it does not answer any more" : mosquitto_strerror (code);
}

/* @code is the library's; @why is errno after it. */
static gboolean
fail (const Mqtt *mqtt, int code, int why, GError **error)
{
  const char *name = mqtt->broker->name;

  if (mqtt->refusal == 4 || mqtt->refusal == 5) /* MQTT 3.1.1, table 3.1 */
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                 "the broker %s refuses the connection: not authorized; check user and password in property broker",
                 name);
  else if (mqtt->refusal != 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "the broker %s refuses the connection: %s", name,
                 mosquitto_connack_string (mqtt->refusal));
  else if (code == MOSQ_ERR_TLS)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no TLS connection to the broker %s: %s", name,
                 mqtt->complaint != NULL ? mqtt->complaint : mosquitto_strerror (code));
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE, "%s the broker %s: %s",
                 mqtt->accepted ? "lost the connection to" : "cannot connect to", name, reason (code, why));
  return FALSE;
}

static int
make_client (Mqtt *mqtt)
{
  const GstPipeloadBroker *broker = mqtt->broker;
  int code;

  mqtt->client = mosquitto_new (mqtt->id, TRUE, mqtt);
  if (mqtt->client == NULL)
    return MOSQ_ERR_NOMEM;
  mosquitto_connect_callback_set (mqtt->client, on_connect);
  mosquitto_publish_callback_set (mqtt->client, on_publish);
  mosquitto_log_callback_set (mqtt->client, on_log);
  code = mosquitto_will_set (mqtt->client, mqtt->available, strlen ("offline"), "offline", QOS, TRUE);
  if (code == MOSQ_ERR_SUCCESS && broker->user != NULL)
    code = mosquitto_username_pw_set (mqtt->client, broker->user, broker->password);
  if (code == MOSQ_ERR_SUCCESS && broker->tls && mqtt->ca_file != NULL)
    code = mosquitto_tls_set (mqtt->client, mqtt->ca_file, NULL, NULL, NULL, NULL);
  else if (code == MOSQ_ERR_SUCCESS && broker->tls)
    code = mosquitto_int_option (mqtt->client, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
  return code;
}

static void
drop_client (Mqtt *mqtt)
{
  g_clear_pointer (&mqtt->client, mosquitto_destroy);
  g_hash_table_remove_all (mqtt->handles);
  g_clear_pointer (&mqtt->complaint, g_free);
  mqtt->accepted = FALSE;
  mqtt->refusal = mqtt->farewell = 0;
  gst_pipeload_outbox_again (mqtt->outbox);
}

static int
send_retained (Mqtt *mqtt)
{
  int code = MOSQ_ERR_SUCCESS;

  while (code == MOSQ_ERR_SUCCESS)
    {
      g_autofree char *topic = NULL;
      g_autofree char *text = gst_pipeload_outbox_next_retained (mqtt->outbox, &topic);

      if (text == NULL)
        break;
      code = mosquitto_publish (mqtt->client, NULL, topic, (int) strlen (text), text, QOS, TRUE);
    }
  return code;
}

static int
send_waiting (Mqtt *mqtt)
{
  int code = MOSQ_ERR_SUCCESS;

  while (code == MOSQ_ERR_SUCCESS && g_hash_table_size (mqtt->handles) < WINDOW)
    {
      int handle = mqtt->handle < G_MAXINT ? mqtt->handle + 1 : 1, packet;
      GstPipeloadKind kind;
      g_autofree char *text = gst_pipeload_outbox_next (mqtt->outbox, handle, &kind);

      if (text == NULL)
        break;
      mqtt->handle = handle;
      code = mosquitto_publish (mqtt->client, &packet, mqtt->topics[kind], (int) strlen (text), text, QOS, FALSE);
      if (code == MOSQ_ERR_SUCCESS)
        g_hash_table_insert (mqtt->handles, GINT_TO_POINTER (packet), GINT_TO_POINTER (handle));
    }
  return code;
}

/* Waits for the broker or for a message, and runs the client once. */
static int
run_loop_once (Mqtt *mqtt)
{
  struct pollfd fds[2] = { { .fd = mosquitto_socket (mqtt->client), .events = POLLIN },
                           { .fd = gst_pipeload_outbox_fd (mqtt->outbox), .events = POLLIN } };
  int code = MOSQ_ERR_SUCCESS;

  if (fds[0].fd < 0)
    return MOSQ_ERR_CONN_LOST;
  if (mosquitto_want_write (mqtt->client))
    fds[0].events |= POLLOUT;
  if (poll (fds, G_N_ELEMENTS (fds), TICK_MS) < 0)
    return errno == EINTR ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ERRNO;
  gst_pipeload_outbox_clear_fd (mqtt->outbox);
  if (fds[0].revents & (POLLIN | POLLERR | POLLHUP))
    code = mosquitto_loop_read (mqtt->client, 1);
  if (code == MOSQ_ERR_SUCCESS && mosquitto_want_write (mqtt->client))
    code = mosquitto_loop_write (mqtt->client, 1);
  return code == MOSQ_ERR_SUCCESS ? mosquitto_loop_misc (mqtt->client) : code;
}

/* Publishes "offline", because the broker does not publish the will after a proper disconnect. */
static void
disconnect (Mqtt *mqtt)
{
  gint64 until = g_get_monotonic_time () + FAREWELL;
  int code = send_retained (mqtt);

  if (code == MOSQ_ERR_SUCCESS)
    code = mosquitto_publish (mqtt->client, &mqtt->farewell, mqtt->available, strlen ("offline"), "offline", QOS, TRUE);
  while (code == MOSQ_ERR_SUCCESS && mqtt->farewell != 0 && g_get_monotonic_time () < until)
    code = run_loop_once (mqtt);
  if (code == MOSQ_ERR_SUCCESS)
    mosquitto_disconnect (mqtt->client);
}

/* Until the outbox is closed or the connection breaks, which is an error. */
static gboolean
serve (Mqtt *mqtt, GError **error)
{
  gint64 until = g_get_monotonic_time () + HANDSHAKE;
  int code = MOSQ_ERR_SUCCESS;

  while (code == MOSQ_ERR_SUCCESS && !gst_pipeload_outbox_is_closed (mqtt->outbox))
    {
      errno = 0;
      if (mqtt->accepted)
        code = send_retained (mqtt);
      if (code == MOSQ_ERR_SUCCESS && mqtt->accepted)
        code = send_waiting (mqtt);
      if (code == MOSQ_ERR_SUCCESS)
        code = run_loop_once (mqtt);
      if (code == MOSQ_ERR_SUCCESS && !mqtt->accepted && g_get_monotonic_time () > until)
        {
          code = MOSQ_ERR_ERRNO;
          errno = ETIMEDOUT;
        }
    }
  if (code != MOSQ_ERR_SUCCESS)
    return fail (mqtt, code, errno, error);
  if (mqtt->accepted)
    disconnect (mqtt);
  return TRUE;
}

static gboolean
connect_and_serve (Mqtt *mqtt, GError **error)
{
  int code = make_client (mqtt);
  gboolean served;

  errno = 0;
  if (code == MOSQ_ERR_SUCCESS)
    code = mosquitto_connect (mqtt->client, mqtt->broker->host, mqtt->broker->port, KEEPALIVE);
  served = code == MOSQ_ERR_SUCCESS ? serve (mqtt, error) : fail (mqtt, code, errno, error);
  drop_client (mqtt);
  return served;
}

static void
mqtt_main (gpointer data)
{
  Mqtt *mqtt = data;
  gint64 delay = MIN_DELAY;

  while (!gst_pipeload_outbox_is_closed (mqtt->outbox))
    {
      gint64 started = g_get_monotonic_time (), now;
      g_autoptr (GError) error = NULL;

      if (connect_and_serve (mqtt, &error))
        break;
      gst_pipeload_outbox_failed (mqtt->outbox, error);
      now = g_get_monotonic_time ();
      if (now - started >= HELD)
        delay = MIN_DELAY;
      /* Cameras that lost one broker do not all come back in the same moment. */
      gst_pipeload_outbox_wait_closed (mqtt->outbox, now + delay + g_random_int_range (0, (gint32) (delay / 4)));
      delay = MIN (2 * delay, MAX_DELAY);
    }
}

/* ---- start --------------------------------------------------------------------------------- */

static gboolean
check_topic (const char *topic, const char *camera, GError **error)
{
  const char *wrong = NULL;

  if (*topic == '\0' || mosquitto_pub_topic_check (topic) != MOSQ_ERR_SUCCESS || !g_utf8_validate (topic, -1, NULL))
    wrong = "topic";
  else if (strchr (camera, '/') != NULL || mosquitto_pub_topic_check (camera) != MOSQ_ERR_SUCCESS
           || !g_utf8_validate (camera, -1, NULL))
    wrong = "camera";
  if (wrong != NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 "property %s: no name for MQTT: it must not be empty, and be UTF-8 without the wildcards + and #%s",
                 wrong, wrong[0] == 'c' ? ", and without /" : "");
  return wrong == NULL;
}

static gboolean
check_ca_file (const char *ca_file, gboolean tls, GError **error)
{
  int why;

  if (ca_file == NULL)
    return TRUE;
  if (!tls)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "property ca-file: of no use without TLS; property broker begins with mqtts:// then");
      return FALSE;
    }
  if (g_access (ca_file, R_OK) == 0)
    return TRUE;
  why = errno;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (why), "property ca-file: %s: %s", ca_file, g_strerror (why));
  return FALSE;
}

/* The library counts its users without a lock. */
static void
init_library (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      mosquitto_lib_init ();
      g_once_init_leave (&once, 1);
    }
}

gboolean
gst_pipeload_mqtt_start (GstPipeloadOutbox *outbox, const char *address, const char *ca_file, const char *topic,
                         const char *camera, GError **error)
{
  g_autoptr (GstPipeloadBroker) broker = gst_pipeload_broker_parse (address, error);
  Mqtt *mqtt;

  if (broker == NULL || !check_topic (topic, camera, error) || !check_ca_file (ca_file, broker->tls, error))
    return FALSE;
  init_library ();
  mqtt = g_new0 (Mqtt, 1);
  mqtt->outbox = outbox; /* which holds itself while its sender runs */
  mqtt->broker = g_steal_pointer (&broker);
  mqtt->ca_file = g_strdup (ca_file);
  /* At most 23 letters and digits, so that every broker takes it (MQTT 3.1.1, 3.1.3.1). */
  mqtt->id = g_strdup_printf ("pipeload%08x%07x", g_random_int (), g_random_int () >> 4);
  mqtt->topics[GST_PIPELOAD_EVENT] = g_strdup_printf ("%s/%s/events", topic, camera);
  mqtt->topics[GST_PIPELOAD_FRAME] = g_strdup_printf ("%s/%s/frames", topic, camera);
  mqtt->available = g_strdup_printf ("%s/%s/available", topic, camera);
  mqtt->handles = g_hash_table_new (NULL, NULL);
  gst_pipeload_outbox_retain (outbox, mqtt->available, "online");
  return gst_pipeload_outbox_start (outbox, "pipeload-mqtt", mqtt_main, mqtt, mqtt_free, error);
}
