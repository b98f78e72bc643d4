/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Restarts a camera that went away, while the rest of the pipeline keeps its model.
 */
#include "apps/guard/source.h"

#include "apps/common/source.h"

#define LONGEST_PAUSE 30    /* seconds */
#define ENDED "guard-ended" /* of an element message: the stream of a camera ended */

struct _GuardSource
{
  GstBin *pipeline;
  GstElement *sink;
  char *input;
  guint timeout;
  GuardNotice notice;
  gpointer user_data;

  GstElement *bin; /* NULL: waiting for the next try */
  PldSource *source;
  int frames;        /* atomic: since the last tick */
  gboolean away;     /* and that was reported */
  guint pause;       /* seconds before the next try */
  guint silent;      /* seconds without a frame */
  guint retry, tick; /* main loop's sources; 0 = none */
};

static GstPadProbeReturn
watch_stream (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GuardSource *source = user_data;
  GstElement *queue = GST_ELEMENT (GST_OBJECT_PARENT (pad));

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    g_atomic_int_inc (&source->frames);
  else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS)
    {
      /* The elements behind it go on. */
      gst_element_post_message (queue, gst_message_new_element (GST_OBJECT (queue), gst_structure_new_empty (ENDED)));
      return GST_PAD_PROBE_DROP;
    }
  return GST_PAD_PROBE_OK;
}

static void
stop (GuardSource *source)
{
  if (source->bin == NULL)
    return;
  gst_element_set_state (source->bin, GST_STATE_NULL);
  gst_bin_remove (source->pipeline, source->bin);
  source->bin = NULL;
  g_clear_pointer (&source->source, pld_source_free);
  g_atomic_int_set (&source->frames, 0);
}

/* FALSE with the bin in place, to be stopped, if its elements refuse. */
static gboolean
start (GuardSource *source, GError **error)
{
  GstElement *queue = gst_element_factory_make ("queue", NULL);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (queue, "src");

  source->bin = gst_bin_new (NULL);
  g_object_set (source->bin, "async-handling", TRUE, NULL); /* the pipeline does not wait for the camera */
  gst_util_set_object_arg (G_OBJECT (queue), "leaky", "downstream");
  g_object_set (queue, "max-size-buffers", 2u, NULL);
  gst_bin_add (GST_BIN (source->bin), queue);
  gst_element_add_pad (source->bin, gst_ghost_pad_new ("src", pad));
  gst_bin_add (source->pipeline, source->bin);
  gst_element_link (source->bin, source->sink); /* first: the queue accepts @sink's formats */
  source->source = pld_source_new (GST_BIN (source->bin), queue, source->input, error);
  if (source->source == NULL)
    return FALSE;
  if (pld_source_is_live (source->source))
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, watch_stream, source,
                       NULL);
  else
    g_object_set (queue, "leaky", 0, NULL);
  return TRUE;
}

static void go_away (GuardSource *source, const char *why);

static gboolean
try_again (gpointer user_data)
{
  GuardSource *source = user_data;
  g_autoptr (GError) error = NULL;

  source->retry = 0;
  source->silent = 0;
  if (start (source, &error))
    gst_element_set_state (source->bin, GST_STATE_PLAYING);
  else
    go_away (source, error->message);
  return G_SOURCE_REMOVE;
}

/* An outage is reported once. */
static void
go_away (GuardSource *source, const char *why)
{
  g_autofree char *text = g_strdup_printf ("the camera is away: %s; trying again until it is back", why);

  stop (source);
  if (!source->away)
    source->notice (text, FALSE, source->user_data);
  source->away = TRUE;
  source->retry = g_timeout_add_seconds (source->pause, try_again, source);
  source->pause = MIN (source->pause * 2, LONGEST_PAUSE);
}

/* Once a second. */
static gboolean
on_tick (gpointer user_data)
{
  GuardSource *source = user_data;

  if (source->bin == NULL || !pld_source_is_live (source->source))
    return G_SOURCE_CONTINUE;
  if (g_atomic_int_and ((guint *) &source->frames, 0) > 0)
    {
      if (source->away)
        source->notice ("the camera is back", FALSE, source->user_data);
      source->away = FALSE;
      source->pause = 1;
      source->silent = 0;
    }
  else if (++source->silent >= source->timeout)
    go_away (source, "it sends no frames");
  return G_SOURCE_CONTINUE;
}

GuardSource *
guard_source_new (GstBin *pipeline, GstElement *sink, const char *input, guint timeout, GuardNotice notice,
                  gpointer user_data, GError **error)
{
  GuardSource *source = g_new0 (GuardSource, 1);

  source->pipeline = pipeline;
  source->sink = sink;
  source->input = g_strdup (input);
  source->timeout = timeout;
  source->notice = notice;
  source->user_data = user_data;
  source->pause = 1;
  source->tick = g_timeout_add_seconds (1, on_tick, source);
  if (start (source, error))
    return source;
  guard_source_free (source);
  return NULL;
}

void
guard_source_free (GuardSource *source)
{
  if (source == NULL)
    return;
  if (source->retry != 0)
    g_source_remove (source->retry);
  g_source_remove (source->tick);
  stop (source);
  g_free (source->input);
  g_free (source);
}

gboolean
guard_source_handle (GuardSource *source, GstMessage *message)
{
  g_autoptr (GError) error = NULL;
  const gboolean ended = GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT && gst_message_has_name (message, ENDED);

  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR && GST_MESSAGE_TYPE (message) != GST_MESSAGE_WARNING && !ended)
    return FALSE;
  /* A camera that was removed already is not part of the pipeline any more. */
  if (!gst_object_has_as_ancestor (GST_MESSAGE_SRC (message), GST_OBJECT (source->pipeline)))
    return GST_MESSAGE_SRC (message) != GST_OBJECT (source->pipeline);
  if (source->bin == NULL || !gst_object_has_as_ancestor (GST_MESSAGE_SRC (message), GST_OBJECT (source->bin)))
    return FALSE;
  if (ended)
    go_away (source, "its stream ended");
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    {
      gst_message_parse_error (message, &error, NULL);
      if (!pld_source_is_live (source->source))
        source->notice (error->message, TRUE, source->user_data);
      else
        go_away (source, error->message);
    }
  return TRUE;
}
