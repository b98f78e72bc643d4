/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element in a running pipeline: order, the queue, flush, states, end of stream, queries, what downstream and
 * upstream may do.
 */
#include "tests/element/rig-llm.h"

#include <glib/gstdio.h>

#define PROMPT "abcabcabc"

/* ---- order --------------------------------------------------------------------------------- */

/* The output of the source pad, in words. */
typedef struct
{
  GMutex lock;
  GString *text;
} Log;

static GstPadProbeReturn
note (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Log *log = user_data;

  g_mutex_lock (&log->lock);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    g_string_append (log->text, "buffer ");
  else
    g_string_append_printf (log->text, "%s ", GST_EVENT_TYPE_NAME (GST_PAD_PROBE_INFO_EVENT (info)));
  g_mutex_unlock (&log->lock);
  return GST_PAD_PROBE_OK;
}

static void
watch (Rig *rig, Log *log)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (rig->element, "src");

  g_mutex_init (&log->lock);
  log->text = g_string_new (NULL);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, note, log, NULL);
}

/* Waits for the end of stream. The output ends in @words. */
static void
expect (Log *log, const char *words)
{
  gboolean end = FALSE;

  for (; !end; g_usleep (500))
    {
      g_mutex_lock (&log->lock);
      end = g_str_has_suffix (log->text->str, "eos ");
      g_mutex_unlock (&log->lock);
    }
  g_mutex_lock (&log->lock);
  g_test_message ("%s", log->text->str + MAX (log->text->len, 60) - 60);
  g_assert_true (g_str_has_suffix (log->text->str, words));
  g_mutex_unlock (&log->lock);
}

static void
unwatch (Log *log)
{
  g_string_free (log->text, TRUE);
  g_mutex_clear (&log->lock);
}

/* Those that come out say nothing of those that came in. */
static void
assert_plain_caps (Rig *rig)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (rig->element, "src");
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  g_autofree char *text = gst_caps_to_string (caps);

  g_assert_cmpstr (text, ==, "text/x-raw, format=(string)utf8");
}

/* Events keep their place between the answers. */
static void
test_order (void)
{
  Log log;
  Rig rig;

  llm_make (&rig, GREEDY "max-tokens=5 output=full");
  watch (&rig, &log);
  rig_play (&rig);
  gst_harness_set_src_caps_str (rig.harness, "text/x-raw,format=utf8,language=en");
  gst_harness_push (rig.harness, llm_prompt (PROMPT, 0));
  gst_harness_push_event (rig.harness, gst_event_new_gap (GST_SECOND, GST_SECOND));
  gst_harness_push (rig.harness, llm_prompt (PROMPT, 2));
  rig_push_segment (&rig);
  gst_harness_push (rig.harness, llm_prompt (" \n", 3)); /* nothing to answer: a gap */
  gst_harness_push (rig.harness, llm_prompt ("", -1));   /* and no time to name */
  gst_harness_push_event (rig.harness, gst_event_new_tag (gst_tag_list_new_empty ()));
  gst_harness_push_event (rig.harness, gst_event_new_eos ());
  expect (&log, "stream-start caps segment buffer gap buffer segment gap tag eos ");
  g_assert_cmpuint (rig_stat (&rig, "prompts"), ==, 4);
  g_assert_cmpuint (rig_stat (&rig, "empty"), ==, 2);
  g_assert_cmpuint (rig_stat (&rig, "answers"), ==, 2);
  assert_plain_caps (&rig);
  rig_close (&rig);
  unwatch (&log);
}

/* End of stream comes behind the last token. */
static void
test_eos (void)
{
  static const char *const modes[] = { "token", "sentence", "full" };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *properties = g_strdup_printf (GREEDY "max-tokens=100 output=%s", modes[i]);
      Log log;
      Rig rig;

      llm_open (&rig, properties);
      watch (&rig, &log);
      for (guint n = 0; n < 3; n++)
        g_assert_cmpint (gst_harness_push (rig.harness, llm_prompt (PROMPT, n)), ==, GST_FLOW_OK);
      g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_eos ()));
      expect (&log, "buffer eos ");
      g_assert_cmpuint (rig_stat (&rig, "answers"), ==, 3);
      g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ELEMENT), ==, 3);
      /* A stream may follow. */
      g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_stream_start ("next")));
      rig_push_segment (&rig);
      g_free (llm_ask (&rig, PROMPT));
      g_assert_cmpuint (rig_stat (&rig, "answers"), ==, 4);
      rig_close (&rig);
      unwatch (&log);
    }
}

/* No tokens wanted: no text, but time and end of stream pass. */
static void
test_max_tokens_zero (void)
{
  Log log;
  Rig rig;

  llm_open (&rig, GREEDY "max-tokens=0");
  watch (&rig, &log);
  gst_harness_push (rig.harness, llm_prompt (PROMPT, 0));
  gst_harness_push_event (rig.harness, gst_event_new_eos ());
  expect (&log, "gap eos ");
  g_assert_cmpuint (rig_stat (&rig, "tokens"), ==, 0);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING), ==, 0);
  rig_close (&rig);
  unwatch (&log);
}

/* ---- caps and segments --------------------------------------------------------------------- */

static void
test_caps (void)
{
  static const char *const wrong[]
      = { "text/x-raw,format=pango-markup", "text/plain", "video/x-raw,format=RGB,width=8,height=8,framerate=0/1" };
  Rig rig;

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      llm_make (&rig, "");
      rig_play (&rig);
      gst_harness_set_src_caps_str (rig.harness, wrong[i]);
      g_assert_cmpint (gst_harness_push (rig.harness, llm_prompt (PROMPT, 0)), ==, GST_FLOW_NOT_NEGOTIATED);
      rig_close (&rig);
    }
}

/* A file, without caps and in bytes: answers have the element's caps, and a segment of time. */
static void
test_file (void)
{
  g_autofree char *model = llm_model ();
  g_autofree char *folder = g_dir_make_tmp ("pipeload-llm-XXXXXX", NULL);
  g_autofree char *question = g_build_filename (folder, "question.txt", NULL);
  g_autofree char *reply = g_build_filename (folder, "reply.txt", NULL);
  g_autofree char *line = g_strdup_printf ("filesrc location=%s ! pipeloadllm name=llm model=%s " GREEDY
                                           "max-tokens=20 ! identity name=id ! filesink location=%s",
                                           question, model, reply);
  PldGenerateOptions options = llm_greedy (20);
  g_autofree char *want = llm_engine (&options, PROMPT, NULL);
  g_autofree char *text = NULL;
  GstElement *pipeline, *identity;
  GstPad *pad;
  GstEvent *event;
  const GstSegment *segment;
  GstMessage *message;
  GstBus *bus;

  g_assert_true (g_file_set_contents (question, PROMPT, -1, NULL));
  pipeline = gst_parse_launch (line, NULL);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 300 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_message_unref (message);
  identity = gst_bin_get_by_name (GST_BIN (pipeline), "id");
  pad = gst_element_get_static_pad (identity, "sink");
  event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  gst_event_parse_segment (event, &segment);
  g_assert_cmpint (segment->format, ==, GST_FORMAT_TIME);
  gst_event_unref (event);
  gst_object_unref (pad);
  gst_object_unref (identity);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
  g_assert_true (g_file_get_contents (reply, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, want);
  g_assert_cmpint (g_remove (question) | g_remove (reply) | g_rmdir (folder), ==, 0);
}

/* ---- the queue ----------------------------------------------------------------------------- */

typedef struct
{
  Rig *rig;
  gint pushed; /* atomic: prompts that were taken */
  GstFlowReturn flow;
} Push;

static gpointer
push_main (gpointer data)
{
  Push *push = data;

  for (guint i = 0; i < 5; i++)
    {
      push->flow = gst_harness_push (push->rig->harness, llm_prompt (PROMPT, i));
      if (push->flow != GST_FLOW_OK)
        break;
      g_atomic_int_inc (&push->pushed);
    }
  return NULL;
}

/* Pushes prompts until the element takes no more; comes back in the midst of the first answer. */
static GThread *
push_begin (Rig *rig, Push *push)
{
  GThread *thread;

  *push = (Push) { rig, 0, GST_FLOW_CUSTOM_SUCCESS };
  thread = g_thread_new ("push", push_main, push);
  llm_wait (rig, 3);
  while (g_atomic_int_get (&push->pushed) < 2)
    g_usleep (500);
  g_usleep (20000);
  return thread;
}

/* One prompt in work, one waits, the next one blocks, until a flush or a stop. */
static void
test_flush (void)
{
  PldGenerateOptions options = llm_greedy (9);
  g_autofree char *want = llm_engine (&options, PROMPT, NULL);
  g_autofree char *text = NULL;
  GThread *thread;
  guint received;
  Push push;
  Rig rig;

  llm_open (&rig, ENDLESS);
  thread = push_begin (&rig, &push);
  g_assert_cmpint (push.pushed, ==, 2);
  g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_flush_start ()));
  received = gst_harness_buffers_received (rig.harness);
  g_thread_join (thread);
  g_assert_cmpint (push.flow, ==, GST_FLOW_FLUSHING);
  g_assert_cmpint (push.pushed, ==, 2);
  g_usleep (20000);
  g_assert_cmpuint (gst_harness_buffers_received (rig.harness), ==, received);
  g_assert_cmpint (gst_harness_push (rig.harness, llm_prompt (PROMPT, 0)), ==, GST_FLOW_FLUSHING);
  g_assert_cmpuint (rig_stat (&rig, "answers"), ==, 0);
  g_assert_cmpuint (rig_stat (&rig, "prompts"), ==, 1);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING), ==, 0);
  rig_flush_stop (&rig);
  g_free (llm_take (&rig, NULL));
  /* And it works again. */
  g_object_set (rig.element, "max-tokens", 9, NULL);
  text = llm_ask (&rig, PROMPT);
  g_assert_cmpstr (text, ==, want);
  rig_close (&rig);
}

/* Flushed at any moment, many times. */
static void
test_flush_often (void)
{
  PldGenerateOptions options = llm_greedy (9);
  g_autofree char *want = llm_engine (&options, PROMPT, NULL);
  g_autofree char *text = NULL;
  Rig rig;

  llm_open (&rig, ENDLESS);
  for (guint i = 0; i < 50; i++)
    {
      g_assert_cmpint (gst_harness_push (rig.harness, llm_prompt (PROMPT, 0)), ==, GST_FLOW_OK);
      g_usleep (i * 50);
      g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_flush_start ()));
      rig_flush_stop (&rig);
    }
  g_free (llm_take (&rig, NULL));
  g_object_set (rig.element, "max-tokens", 9, NULL);
  text = llm_ask (&rig, PROMPT);
  g_assert_cmpstr (text, ==, want);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING), ==, 0);
  rig_close (&rig);
}

/* READY in mid-answer does not wait for its end, and is not an error; the figures stay, and it starts again. */
static void
test_stop (void)
{
  GThread *thread;
  Push push;
  Rig rig;

  llm_open (&rig, ENDLESS);
  thread = push_begin (&rig, &push);
  g_assert_cmpint (gst_element_set_state (rig.element, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
  g_thread_join (thread);
  g_assert_cmpint (push.flow, ==, GST_FLOW_FLUSHING);
  g_assert_cmpuint (rig_stat (&rig, "answers"), ==, 0);
  g_assert_cmpuint (rig_stat (&rig, "prompts"), ==, 1);
  g_assert_cmpuint (rig_stat (&rig, "engine-peak"), >, 0);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING), ==, 0);
  rig_close (&rig);
}

static void
test_restart (void)
{
  g_autofree char *model = llm_model ();
  g_autofree char *line
      = g_strdup_printf ("fakesrc num-buffers=3 sizetype=fixed sizemax=8 filltype=pattern format=time ! "
                         "pipeloadllm name=llm model=%s " GREEDY "max-tokens=20 ! fakesink",
                         model);
  GstElement *pipeline = gst_parse_launch (line, NULL), *llm;
  GstBus *bus;

#if defined(__SANITIZE_THREAD__)
  g_test_skip ("ThreadSanitizer does not see how GStreamer's own threads hand on buffers and messages");
  gst_object_unref (pipeline);
  return;
#endif
  bus = gst_element_get_bus (pipeline);
  llm = gst_bin_get_by_name (GST_BIN (pipeline), "llm");
  for (guint run = 0; run < 5; run++)
    {
      g_autoptr (GstStructure) stats = NULL;
      GstMessage *message;
      guint64 answers = 0;

      g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
      message = gst_bus_timed_pop_filtered (bus, 300 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
      g_assert_nonnull (message);
      g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
      gst_message_unref (message);
      gst_element_set_state (pipeline, GST_STATE_NULL);
      g_object_get (llm, "stats", &stats, NULL);
      g_assert_true (gst_structure_get_uint64 (stats, "answers", &answers));
      g_assert_cmpuint (answers, ==, 3);
    }
  gst_object_unref (bus);
  gst_object_unref (llm);
  gst_object_unref (pipeline);
}

/* ---- queries and neighbors ---------------------------------------------------------------- */

static void
test_queries (void)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string ("text/x-raw,format=utf8");
  GstQuery *query;
  GstClockTime min, max;
  gboolean live;
  Rig rig;

  llm_open (&rig, GREEDY);
  gst_harness_set_upstream_latency (rig.harness, 40 * GST_MSECOND);
  query = gst_query_new_latency ();
  g_assert_true (gst_pad_peer_query (rig.harness->sinkpad, query));
  gst_query_parse_latency (query, &live, &min, &max);
  g_assert_true (live); /* as the test's source pad says */
  g_assert_cmpuint (min, ==, 40 * GST_MSECOND);
  g_assert_cmpuint (max, ==, GST_CLOCK_TIME_NONE);
  gst_query_unref (query);
  /* Nothing is proposed, and nothing that is asked in order waits for answers. */
  query = gst_query_new_allocation (caps, TRUE);
  g_assert_false (gst_pad_peer_query (rig.harness->srcpad, query));
  gst_query_unref (query);
  rig_close (&rig);
}

static GstPadProbeReturn
refuse_buffers (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (info));
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GPOINTER_TO_INT (user_data);
  return GST_PAD_PROBE_HANDLED;
}

static void
refuse_from (Rig *rig, GstFlowReturn flow)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (rig->element, "src");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, refuse_buffers, GINT_TO_POINTER (flow), NULL);
}

/* Downstream wants no more: the answer ends, upstream hears it, events pass. */
static void
test_downstream_eos (void)
{
  Log log;
  GstFlowReturn flow = GST_FLOW_OK;
  Rig rig;

  llm_open (&rig, ENDLESS);
  watch (&rig, &log);
  refuse_from (&rig, GST_FLOW_EOS);
  while (flow == GST_FLOW_OK)
    {
      flow = gst_harness_push (rig.harness, llm_prompt (PROMPT, 0));
      g_usleep (1000);
    }
  g_assert_cmpint (flow, ==, GST_FLOW_EOS);
  g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_eos ()));
  expect (&log, "eos ");
  g_assert_cmpuint (rig_stat (&rig, "answers"), ==, 0);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR), ==, 0);
  rig_close (&rig);
  unwatch (&log);
}

/* Downstream fails: upstream hears it; if that has nothing more to push, the bus does. */
static void
test_downstream_error (void)
{
  GstFlowReturn flow = GST_FLOW_OK;
  Rig rig;

  llm_open (&rig, ENDLESS);
  refuse_from (&rig, GST_FLOW_NOT_LINKED);
  while (flow == GST_FLOW_OK)
    {
      flow = gst_harness_push (rig.harness, llm_prompt (PROMPT, 0));
      g_usleep (1000);
    }
  g_assert_cmpint (flow, ==, GST_FLOW_NOT_LINKED);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR), ==, 0);
  g_assert_false (gst_harness_push_event (rig.harness, gst_event_new_eos ()));
  rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "");
  rig_close (&rig);

  llm_open (&rig, GREEDY "output=full max-tokens=500 context-size=1024");
  refuse_from (&rig, GST_FLOW_NOT_LINKED);
  gst_harness_push (rig.harness, llm_prompt (PROMPT, 0));
  gst_harness_push_event (rig.harness, gst_event_new_eos ());
  rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "");
  rig_close (&rig);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/llm-stream/order", test_order);
  g_test_add_func ("/llm-stream/eos", test_eos);
  g_test_add_func ("/llm-stream/max-tokens-zero", test_max_tokens_zero);
  g_test_add_func ("/llm-stream/caps", test_caps);
  g_test_add_func ("/llm-stream/file", test_file);
  g_test_add_func ("/llm-stream/flush", test_flush);
  g_test_add_func ("/llm-stream/flush-often", test_flush_often);
  g_test_add_func ("/llm-stream/stop", test_stop);
  g_test_add_func ("/llm-stream/restart", test_restart);
  g_test_add_func ("/llm-stream/queries", test_queries);
  g_test_add_func ("/llm-stream/downstream-eos", test_downstream_eos);
  g_test_add_func ("/llm-stream/downstream-error", test_downstream_error);
  return g_test_run ();
}
