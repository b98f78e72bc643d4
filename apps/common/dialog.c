/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apps/common/dialog.h"

#include <gst/app/app.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The event that follows each prompt through the pipeline, and the message that it becomes. */
#define ANSWERED "pipeload-answered"

struct _Dialog
{
  DialogAnswered answered;
  gpointer user_data;
  GMainLoop *loop;
  GstElement *pipeline, *source, *llm, *sink;
  gboolean terminal; /* stdout is one */
  int status;
};

/* ---- what comes out: in the streaming thread ----------------------------------------------- */

/* Text from a model, fit for a terminal: control characters, which could steer it, become "?". */
static void
print_clean (const char *text, gsize length)
{
  g_autofree char *valid = g_utf8_make_valid (text, (gssize) length);

  for (const char *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    if (g_unichar_iscntrl (g_utf8_get_char (c)) && *c != '\n' && *c != '\t')
      putchar ('?');
    else
      fwrite (c, 1, (gsize) (g_utf8_next_char (c) - c), stdout);
}

static GstFlowReturn
take_sample (GstAppSink *sink, gpointer user_data)
{
  const Dialog *dialog = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  GstBuffer *buffer = sample != NULL ? gst_sample_get_buffer (sample) : NULL;
  GstMapInfo map;

  if (buffer == NULL || !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_FLOW_OK;
  if (dialog->terminal)
    print_clean ((const char *) map.data, map.size);
  else
    fwrite (map.data, 1, map.size, stdout);
  gst_buffer_unmap (buffer, &map);
  /* Where nobody reads any more, nothing more need be said. */
  return fflush (stdout) == 0 ? GST_FLOW_OK : GST_FLOW_EOS;
}

static GstPadProbeReturn
watch_events (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Dialog *dialog = user_data;

  if (gst_event_has_name (GST_PAD_PROBE_INFO_EVENT (info), ANSWERED))
    {
      putchar ('\n');
      fflush (stdout);
      gst_element_post_message (
          dialog->sink, gst_message_new_application (GST_OBJECT (dialog->sink), gst_structure_new_empty (ANSWERED)));
    }
  return GST_PAD_PROBE_OK;
}

/* ---- making it ----------------------------------------------------------------------------- */

static GstElement *
make (Dialog *dialog, const char *factory, GError **error)
{
  GstElement *element = gst_element_factory_make (factory, NULL);

  if (element != NULL)
    gst_bin_add (GST_BIN (dialog->pipeline), element);
  else
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN, "the element %s is missing; %s", factory,
                 strcmp (factory, "pipeloadllm") == 0 ? "set GST_PLUGIN_PATH to the folder of libgstpipeload.so"
                                                      : "install GStreamer's base plugins");
  return element;
}

Dialog *
dialog_new (DialogAnswered answered, gpointer user_data, GError **error)
{
  Dialog *dialog = g_new0 (Dialog, 1);
  GstAppSinkCallbacks callbacks = { .new_sample = take_sample };
  g_autoptr (GstCaps) caps = gst_caps_new_simple ("text/x-raw", "format", G_TYPE_STRING, "utf8", NULL);
  g_autoptr (GstPad) pad = NULL;

  dialog->answered = answered;
  dialog->user_data = user_data;
  dialog->terminal = isatty (STDOUT_FILENO);
  dialog->loop = g_main_loop_new (NULL, FALSE);
  dialog->pipeline = gst_pipeline_new (NULL);
  dialog->source = make (dialog, "appsrc", error);
  dialog->llm = dialog->source != NULL ? make (dialog, "pipeloadllm", error) : NULL;
  dialog->sink = dialog->llm != NULL ? make (dialog, "appsink", error) : NULL;
  if (dialog->sink == NULL)
    {
      dialog_free (dialog);
      return NULL;
    }
  gst_element_link_many (dialog->source, dialog->llm, dialog->sink, NULL);
  g_object_set (dialog->source, "caps", caps, "format", GST_FORMAT_TIME, "max-bytes", G_GUINT64_CONSTANT (0), NULL);
  g_object_set (dialog->sink, "sync", FALSE, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (dialog->sink), &callbacks, dialog, NULL);
  pad = gst_element_get_static_pad (dialog->sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, watch_events, dialog, NULL);
  return dialog;
}

void
dialog_free (Dialog *dialog)
{
  if (dialog == NULL)
    return;
  gst_element_set_state (dialog->pipeline, GST_STATE_NULL);
  gst_object_unref (dialog->pipeline);
  g_main_loop_unref (dialog->loop);
  g_free (dialog);
}

gboolean
dialog_set (Dialog *dialog, const char *property, const char *value)
{
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (dialog->llm), property);

  if (value == NULL)
    return TRUE;
  if (spec == NULL)
    return FALSE;
  /* Text is what it is; gst_util_set_object_arg() would take quotes and backslashes out of it. */
  if (G_IS_PARAM_SPEC_STRING (spec))
    g_object_set (dialog->llm, property, value, NULL);
  else
    gst_util_set_object_arg (G_OBJECT (dialog->llm), property, value);
  return TRUE;
}

gboolean
dialog_set_all (Dialog *dialog, char **settings, GError **error)
{
  for (guint i = 0; settings != NULL && settings[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (settings[i], "=", 2);

      if (g_strv_length (parts) < 2 || !dialog_set (dialog, parts[0], parts[1]))
        {
          g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                       "--set=%s: no NAME=VALUE of a property; gst-inspect-1.0 pipeloadllm lists them", settings[i]);
          return FALSE;
        }
    }
  return TRUE;
}

/* ---- running it ---------------------------------------------------------------------------- */

void
dialog_ask (Dialog *dialog, const char *prompt)
{
  gst_app_src_push_buffer (GST_APP_SRC (dialog->source), gst_buffer_new_memdup (prompt, strlen (prompt)));
  gst_element_send_event (dialog->source,
                          gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty (ANSWERED)));
}

void
dialog_end (Dialog *dialog)
{
  gst_app_src_end_of_stream (GST_APP_SRC (dialog->source));
}

void
dialog_interrupt (Dialog *dialog)
{
  gst_element_send_event (dialog->source, gst_event_new_flush_start ());
  gst_element_send_event (dialog->source, gst_event_new_flush_stop (FALSE));
}

void
dialog_stop (Dialog *dialog, int status)
{
  dialog->status = status;
  g_main_loop_quit (dialog->loop);
}

static gboolean
take_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Dialog *dialog = user_data;
  g_autoptr (GError) error = NULL;

  switch (GST_MESSAGE_TYPE (message))
    {
    case GST_MESSAGE_APPLICATION:
      if (gst_message_has_name (message, ANSWERED) && dialog->answered != NULL)
        dialog->answered (dialog, dialog->user_data);
      break;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning (message, &error, NULL);
      g_printerr ("%s: warning: %s\n", g_get_prgname (), error->message);
      break;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      /* What stopped because of it says so too: the first one counts. */
      if (dialog->status == 0)
        g_printerr ("%s: %s\n", g_get_prgname (), error->message);
      dialog_stop (dialog, FAILED);
      break;
    case GST_MESSAGE_EOS:
      g_main_loop_quit (dialog->loop);
      break;
    default:
      break;
    }
  return G_SOURCE_CONTINUE;
}

int
dialog_run (Dialog *dialog)
{
  GstBus *bus = gst_element_get_bus (dialog->pipeline);
  guint watch = gst_bus_add_watch (bus, take_message, dialog);

  /* A failure is on the bus. */
  gst_element_set_state (dialog->pipeline, GST_STATE_PLAYING);
  g_main_loop_run (dialog->loop);
  gst_element_set_state (dialog->pipeline, GST_STATE_NULL);
  g_source_remove (watch);
  gst_object_unref (bus);
  return dialog->status;
}
