/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-pipeloadllm
 * @title: pipeloadllm
 *
 * Answers text with a language model whose weights are streamed from storage, so that memory stays under a limit
 * that may be smaller than the model. Each input buffer is one prompt; its answer is pushed while it is generated. At
 * the end of each answer an element message named "pipeload-llm" is posted on the bus.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 -q filesrc location=log.jsonl blocksize=1000000 ! pipeloadllm ! fdsink
 * ]| Writes the bundled model's report of a camera's log.
 * |[
 * gst-launch-1.0 -q filesrc location=question.txt blocksize=1000000 ! pipeloadllm
 * model=/models/llama-3.1-8b-q4_k_m.gguf memory-limit=2.1GB ! fdsink
 * ]| Runs a model of 4.9 GB in 2.1 GB.
 * |[
 * gst-launch-1.0 filesrc location=film.srt ! subparse ! pipeloadllm model=/models/qwen2.gguf
 *     system-prompt="Translate into French." output=full ! filesink location=film.txt
 * ]| Subtitles one by one; the answers have the times of the prompts.
 *
 * Since: 0.1
 */

#include "gst/llm/gstpipeloadllm-private.h"

#include "gst/common/util.h"

GST_DEBUG_CATEGORY (gst_pipeload_llm_debug);
#define GST_CAT_DEFAULT gst_pipeload_llm_debug

#define CAPS "text/x-raw, format=(string)utf8"

/* Larger than any context; such a buffer is not a prompt. */
#define MAX_PROMPT_BYTES (16 << 20)

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

enum
{
  SIGNAL_TOKEN,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (GstPipeloadLlm, gst_pipeload_llm, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (pipeloadllm, "pipeloadllm", GST_RANK_NONE, GST_TYPE_PIPELOAD_LLM,
                                       GST_DEBUG_CATEGORY_INIT (gst_pipeload_llm_debug, "pipeloadllm", 0,
                                                                "language model"))

/* ---- object -------------------------------------------------------------------------------- */

static void
gst_pipeload_llm_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  gst_pipeload_model_set (&GST_PIPELOAD_LLM (object)->model, id, value);
}

static void
gst_pipeload_llm_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstPipeloadLlm *self = GST_PIPELOAD_LLM (object);

  if (id == GST_PIPELOAD_PROP_STATS)
    g_value_take_boxed (value, gst_pipeload_llm_get_stats (self));
  else
    gst_pipeload_model_get (&self->model, id, value);
}

static void
gst_pipeload_llm_finalize (GObject *object)
{
  GstPipeloadLlm *self = GST_PIPELOAD_LLM (object);

  gst_pipeload_llm_settings_clear (&self->settings);
  gst_pipeload_model_clear (&self->model);
  gst_pipeload_llm_queue_clear (&self->queue);
  gst_pipeload_llm_history_clear (&self->history);
  g_clear_object (&self->cancellable);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (gst_pipeload_llm_parent_class)->finalize (object);
}

/* GstPipeloadLlmPieceFunc */
static void
emit_token (GstPipeloadLlm *self, const char *text)
{
  g_signal_emit (self, signals[SIGNAL_TOKEN], 0, text);
}

/* ---- start and stop ------------------------------------------------------------------------ */

/* FLUSH_START, and the way down: nobody waits, no answer goes on. */
static void
interrupt (GstPipeloadLlm *self)
{
  gst_pipeload_llm_queue_close (&self->queue, GST_FLOW_FLUSHING);
  g_mutex_lock (&self->lock);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_mutex_unlock (&self->lock);
}

/* A new stretch of stream: nothing said before it counts. The generating thread does not run. */
static void
restart (GstPipeloadLlm *self)
{
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  gst_pipeload_llm_history_clear (&self->history);
  g_mutex_lock (&self->lock);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  g_mutex_unlock (&self->lock);
  g_atomic_int_set (&self->model.failed, FALSE);
  gst_pipeload_llm_queue_open (&self->queue);
}

static GstStateChangeReturn
gst_pipeload_llm_change_state (GstElement *element, GstStateChange transition)
{
  GstPipeloadLlm *self = GST_PIPELOAD_LLM (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !gst_pipeload_llm_open (self))
    return GST_STATE_CHANGE_FAILURE;
  /* Pads wait for their threads when they are deactivated: these must not wait for an answer then. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    interrupt (self);
  result = GST_ELEMENT_CLASS (gst_pipeload_llm_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    gst_pipeload_llm_close (self);
  return result;
}

/* ---- source pad: the generating thread ----------------------------------------------------- */

/* No other element has reported this to the bus, and no upstream element will ask. */
static void
report_flow (GstPipeloadLlm *self, GstFlowReturn flow)
{
  if (gst_pipeload_model_first_error (&self->model) && (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS))
    GST_ELEMENT_FLOW_ERROR (self, flow);
}

static void
generate (gpointer user_data)
{
  GstPipeloadLlm *self = user_data;
  GstMiniObject *item = gst_pipeload_llm_queue_pop (&self->queue);
  GstFlowReturn flow = GST_FLOW_OK;

  if (item == NULL)
    flow = GST_FLOW_FLUSHING;
  else if (GST_IS_EVENT (item))
    {
      if (GST_EVENT_TYPE (item) == GST_EVENT_SEGMENT)
        gst_event_copy_segment (GST_EVENT_CAST (item), &self->segment);
      gst_pad_push_event (self->src, GST_EVENT_CAST (item));
    }
  else
    {
      flow = gst_pipeload_llm_answer (self, GST_BUFFER_CAST (item), emit_token);
      gst_mini_object_unref (item);
    }
  if (flow == GST_FLOW_OK)
    return;
  GST_DEBUG_OBJECT (self, "generating thread: %s", gst_flow_get_name (flow));
  if (flow == GST_FLOW_EOS)
    {
      gst_pipeload_llm_queue_end_segment (&self->queue);
      return;
    }
  if (gst_pipeload_llm_queue_close (&self->queue, flow))
    report_flow (self, flow);
  gst_pad_pause_task (self->src);
}

static gboolean
gst_pipeload_llm_src_activate_mode (GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstPipeloadLlm *self = GST_PIPELOAD_LLM (parent);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (active)
    {
      restart (self);
      return gst_pad_start_task (pad, generate, self, NULL);
    }
  interrupt (self);
  return gst_pad_stop_task (pad);
}

/* Answers come when they come: nothing is added, and there is no end to how long data may be held. */
static gboolean
gst_pipeload_llm_src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstPipeloadLlm *self = GST_PIPELOAD_LLM (parent);
  GstClockTime min;
  gboolean live;

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  if (!gst_pad_peer_query (self->sink, query))
    return FALSE;
  gst_query_parse_latency (query, &live, &min, NULL);
  gst_query_set_latency (query, live, min, GST_CLOCK_TIME_NONE);
  return TRUE;
}

/* ---- sink pad ------------------------------------------------------------------------------ */

static GstFlowReturn
gst_pipeload_llm_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstPipeloadLlm *self = GST_PIPELOAD_LLM (parent);
  gsize size = gst_buffer_get_size (buffer);
  g_autoptr (GError) error = NULL;
  g_autofree char *came = NULL;

  if (size <= MAX_PROMPT_BYTES)
    return gst_pipeload_llm_queue_push (&self->queue, buffer);
  gst_buffer_unref (buffer);
  came = pld_size_format (size);
  error = g_error_new (GST_PIPELOAD_SETTINGS_ERROR, 0,
                       "a prompt of %s came; a buffer may hold %d MiB at most, send smaller ones", came,
                       MAX_PROMPT_BYTES >> 20);
  gst_pipeload_model_post_error (&self->model, error);
  return GST_FLOW_ERROR;
}

static gboolean
queue_event (GstPipeloadLlm *self, GstEvent *event)
{
  gboolean eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
  GstFlowReturn flow = gst_pipeload_llm_queue_push (&self->queue, event);

  if (eos && flow != GST_FLOW_OK && flow != GST_FLOW_FLUSHING)
    report_flow (self, flow);
  return flow == GST_FLOW_OK;
}

/* Caps come right behind, whatever those of the sink pad are, if it has any. */
static gboolean
begin_stream (GstPipeloadLlm *self, GstEvent *event)
{
  g_autoptr (GstCaps) caps = gst_pad_get_pad_template_caps (self->src);

  return queue_event (self, event) && queue_event (self, gst_event_new_caps (caps));
}

/* Bytes of a file of prompts say nothing about answers: these have a segment of time. */
static gboolean
begin_segment (GstPipeloadLlm *self, GstEvent *event)
{
  const GstSegment *segment;
  GstSegment time;
  GstEvent *other;

  gst_event_parse_segment (event, &segment);
  if (segment->format == GST_FORMAT_TIME)
    return queue_event (self, event);
  gst_segment_init (&time, GST_FORMAT_TIME);
  other = gst_event_new_segment (&time);
  gst_event_set_seqnum (other, gst_event_get_seqnum (event));
  gst_event_unref (event);
  return queue_event (self, other);
}

static gboolean
gst_pipeload_llm_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstPipeloadLlm *self = GST_PIPELOAD_LLM (parent);
  gboolean ok;

  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_FLUSH_START:
      interrupt (self);
      ok = gst_pad_push_event (self->src, event);
      gst_pad_pause_task (self->src);
      return ok;
    case GST_EVENT_FLUSH_STOP:
      ok = gst_pad_push_event (self->src, event);
      restart (self);
      return gst_pad_start_task (self->src, generate, self, NULL) && ok;
    case GST_EVENT_STREAM_START:
      return begin_stream (self, event);
    case GST_EVENT_CAPS:
      gst_event_unref (event);
      return TRUE;
    case GST_EVENT_SEGMENT:
      return begin_segment (self, event);
    default:
      return GST_EVENT_IS_SERIALIZED (event) ? queue_event (self, event) : gst_pad_event_default (pad, parent, event);
    }
}

/* Serialized queries would have to wait for answers. */
static gboolean
gst_pipeload_llm_sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  return !GST_QUERY_IS_SERIALIZED (query) && gst_pad_query_default (pad, parent, query);
}

/* ---- class --------------------------------------------------------------------------------- */

static void
gst_pipeload_llm_class_init (GstPipeloadLlmClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_pipeload_llm_set_property;
  object_class->get_property = gst_pipeload_llm_get_property;
  object_class->finalize = gst_pipeload_llm_finalize;
  gst_pipeload_llm_settings_install (object_class);

  /**
   * GstPipeloadLlm::token:
   * @text: a piece of an answer, UTF-8
   *
   * Emitted from the generating thread for each piece as it is generated, whatever #GstPipeloadLlm:output is.
   *
   * Since: 0.1
   */
  signals[SIGNAL_TOKEN] = g_signal_new ("token", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                        G_TYPE_NONE, 1, G_TYPE_STRING);

  gst_element_class_set_static_metadata (element_class, "Language model in a memory limit", "Filter/Effect/Text",
                                         "Answers text with a language model, its weights streamed from storage",
                                         "The pipeload authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_pipeload_llm_change_state);
}

static void
gst_pipeload_llm_init (GstPipeloadLlm *self)
{
  gst_pipeload_llm_settings_init (&self->settings);
  gst_pipeload_model_init (&self->model, GST_ELEMENT (self), &self->settings);
  gst_pipeload_llm_history_init (&self->history);
  g_mutex_init (&self->lock);

  self->sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink, GST_DEBUG_FUNCPTR (gst_pipeload_llm_chain));
  gst_pad_set_event_function (self->sink, GST_DEBUG_FUNCPTR (gst_pipeload_llm_sink_event));
  gst_pad_set_query_function (self->sink, GST_DEBUG_FUNCPTR (gst_pipeload_llm_sink_query));
  gst_element_add_pad (GST_ELEMENT (self), self->sink);

  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_activatemode_function (self->src, GST_DEBUG_FUNCPTR (gst_pipeload_llm_src_activate_mode));
  gst_pad_set_query_function (self->src, GST_DEBUG_FUNCPTR (gst_pipeload_llm_src_query));
  gst_pad_use_fixed_caps (self->src);
  gst_element_add_pad (GST_ELEMENT (self), self->src);
  gst_pipeload_llm_queue_init (&self->queue, self->src);
}
