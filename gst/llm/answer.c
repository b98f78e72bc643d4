/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One prompt and its answer, in the generating thread.
 */
#include "gst/llm/gstpipeloadllm-private.h"

#include "gst/common/util.h"
#include "gst/llm/text.h"

#include <string.h>

#define GST_CAT_DEFAULT gst_pipeload_llm_debug

typedef struct
{
  GstPipeloadLlm *self;
  GstPipeloadLlmPieceFunc on_piece;
  GstPipeloadLlmSettings settings; /* as they were when the prompt came to be answered */
  GstBuffer *prompt;
  guint64 number;
  gint64 begun;                      /* microseconds, monotonic */
  GString *text;                     /* the answer so far */
  GstPipeloadLlmSentences sentences; /* of @text */
  gboolean pushed;                   /* a piece of it */
  GstFlowReturn flow;
  PldGenerateResult result;
} Answer;

/* ---- out ----------------------------------------------------------------------------------- */

static void
push_piece (Answer *answer, const char *text, gsize length, gboolean last)
{
  GstBuffer *buffer = gst_buffer_new_memdup (text, length);

  GST_BUFFER_PTS (buffer) = GST_BUFFER_PTS (answer->prompt);
  GST_BUFFER_DURATION (buffer) = GST_BUFFER_DURATION (answer->prompt);
  if (!answer->pushed)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  if (last)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_MARKER);
  answer->pushed = TRUE;
  answer->flow = gst_pad_push (answer->self->src, buffer);
}

static void
note_first_piece (Answer *answer)
{
  GstPipeloadLlm *self = answer->self;

  g_mutex_lock (&self->lock);
  gst_pipeload_llm_stats_first (&self->stats, (GstClockTime) (g_get_monotonic_time () - answer->begun) * GST_USECOND);
  g_mutex_unlock (&self->lock);
}

/* PldTextFunc */
static gboolean
handle_piece (const char *text, gsize length, gpointer user_data)
{
  Answer *answer = user_data;
  gboolean damaged;
  /* A model may say a zero byte, which no string holds. */
  g_autofree char *piece = gst_pipeload_llm_text_read (text, length, &damaged);
  gsize size;

  if (answer->text->len == 0)
    note_first_piece (answer);
  g_string_append (answer->text, piece);
  answer->on_piece (answer->self, piece);
  if (answer->settings.output == GST_PIPELOAD_LLM_OUTPUT_TOKEN)
    push_piece (answer, piece, strlen (piece), FALSE);
  else if (answer->settings.output == GST_PIPELOAD_LLM_OUTPUT_SENTENCE)
    while (answer->flow == GST_FLOW_OK
           && (size = gst_pipeload_llm_sentences_next (&answer->sentences, answer->text->str, answer->text->len)) > 0)
      push_piece (answer, answer->text->str + answer->sentences.start - size, size, FALSE);
  return answer->flow == GST_FLOW_OK;
}

/* Pushes the rest of the answer. For an empty answer, a GAP event lets time continue. */
static void
push_rest (Answer *answer)
{
  gsize start = answer->sentences.start;
  GstBuffer *prompt = answer->prompt;

  if (answer->flow != GST_FLOW_OK)
    return;
  if (answer->text->len == 0 && GST_BUFFER_PTS_IS_VALID (prompt))
    gst_pad_push_event (answer->self->src, gst_event_new_gap (GST_BUFFER_PTS (prompt), GST_BUFFER_DURATION (prompt)));
  else if (answer->settings.output != GST_PIPELOAD_LLM_OUTPUT_TOKEN && answer->text->len > start)
    push_piece (answer, answer->text->str + start, answer->text->len - start, TRUE);
}

static void
post_answer (Answer *answer)
{
  static const char *const reasons[]
      = { [PLD_FINISH_END] = "end", [PLD_FINISH_LENGTH] = "length", [PLD_FINISH_CONTEXT] = "context" };
  GstClockTime timestamp = GST_BUFFER_PTS (answer->prompt);
  const PldGenerateResult *result = &answer->result;
  GstSegment *segment = &answer->self->segment;
  GstStructure *structure;

  if (answer->settings.messages == GST_PIPELOAD_LLM_MESSAGES_NONE)
    return;
  structure = gst_structure_new (
      "pipeload-llm", "prompt", G_TYPE_UINT64, answer->number, "timestamp", G_TYPE_UINT64, timestamp, "stream-time",
      G_TYPE_UINT64, gst_segment_to_stream_time (segment, GST_FORMAT_TIME, timestamp), "running-time", G_TYPE_UINT64,
      gst_segment_to_running_time (segment, GST_FORMAT_TIME, timestamp), "text", G_TYPE_STRING, answer->text->str,
      "finish", G_TYPE_STRING, reasons[result->finish], "prompt-tokens", G_TYPE_UINT, result->prompt_tokens,
      "cached-tokens", G_TYPE_UINT, result->cached_tokens, "trimmed-tokens", G_TYPE_UINT, result->trimmed_tokens,
      "tokens", G_TYPE_UINT, result->generated_tokens, "guessed-tokens", G_TYPE_UINT, result->guessed_tokens,
      "prompt-tokens-per-second", G_TYPE_DOUBLE, gst_pipeload_llm_prompt_rate (result), "tokens-per-second",
      G_TYPE_DOUBLE, gst_pipeload_llm_rate (result), NULL);
  gst_element_post_message (GST_ELEMENT (answer->self), gst_message_new_element (GST_OBJECT (answer->self), structure));
}

/* ---- errors -------------------------------------------------------------------------------- */

/* A flood of bad prompts must not flood the bus. */
static void
warn_damaged (Answer *answer)
{
  GstPipeloadLlm *self = answer->self;
  guint64 count;

  g_mutex_lock (&self->lock);
  count = ++self->stats.damaged;
  g_mutex_unlock (&self->lock);
  if ((count & (count - 1)) != 0)
    return;
  GST_ELEMENT_WARNING (self, STREAM, DECODE,
                       ("Prompt %" G_GUINT64_FORMAT
                        " is no UTF-8 text; each bad byte of it counts as U+FFFD. %" G_GUINT64_FORMAT
                        " such prompts so far",
                        answer->number, count),
                       (NULL));
}

/* ---- one answer ---------------------------------------------------------------------------- */

/* Returns: (transfer full) (nullable): NULL if the prompt cannot be read, and the error is posted */
static char *
read_prompt (Answer *answer)
{
  gboolean damaged;
  GstMapInfo map;
  char *text;

  if (!gst_buffer_map (answer->prompt, &map, GST_MAP_READ))
    {
      g_autoptr (GError) error = g_error_new (
          PLD_ERROR, PLD_ERROR_IO, "the memory of prompt %" G_GUINT64_FORMAT " cannot be read", answer->number);

      gst_pipeload_model_post_error (&answer->self->model, error);
      return NULL;
    }
  text = gst_pipeload_llm_text_read ((const char *) map.data, map.size, &damaged);
  gst_buffer_unmap (answer->prompt, &map);
  if (damaged)
    warn_damaged (answer);
  return text;
}

static gboolean
generate (Answer *answer, const char *text, GError **error)
{
  GstPipeloadLlm *self = answer->self;
  g_auto (GStrv) stop = gst_pipeload_llm_text_split (answer->settings.stop != NULL ? answer->settings.stop : "");
  g_autoptr (GCancellable) cancellable = NULL;
  g_autoptr (GArray) messages = NULL;
  PldGenerateOptions options;
  gboolean ok;

  if (!gst_pipeload_llm_settings_options (&answer->settings, stop, &options, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  cancellable = g_object_ref (self->cancellable);
  g_mutex_unlock (&self->lock);
  gst_pipeload_llm_history_limit (&self->history, answer->settings.history);
  messages = gst_pipeload_llm_history_messages (&self->history, answer->settings.system_prompt, text);
  ok = pld_llm_generate (self->llm, (const PldMessage *) (gconstpointer) messages->data, messages->len, &options,
                         handle_piece, answer, cancellable, error);
  answer->result = *pld_llm_get_result (self->llm);
  g_mutex_lock (&self->lock);
  gst_pipeload_llm_stats_add (&self->stats, &answer->result);
  g_mutex_unlock (&self->lock);
  return ok;
}

static void
handle_failure (Answer *answer, GError *error)
{
  if (g_error_matches (error, PLD_ERROR, PLD_ERROR_CANCELLED))
    {
      GST_DEBUG_OBJECT (answer->self, "answer to prompt %" G_GUINT64_FORMAT " cancelled", answer->number);
      answer->flow = GST_FLOW_FLUSHING;
      return;
    }
  if (g_error_matches (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED))
    {
      /* The model was tried when it was opened: the prompt does not fit the properties. */
      g_autoptr (GError) settings = g_error_new (GST_PIPELOAD_SETTINGS_ERROR, 0,
                                                 "prompt %" G_GUINT64_FORMAT ": %s (properties trim, context-size)",
                                                 answer->number, error->message);

      gst_pipeload_model_post_error (&answer->self->model, settings);
    }
  else
    gst_pipeload_model_post_error (&answer->self->model, error);
  answer->flow = GST_FLOW_ERROR;
}

static void
answer_text (Answer *answer, const char *text)
{
  GstPipeloadLlm *self = answer->self;
  g_autoptr (GError) error = NULL;

  if (!generate (answer, text, &error))
    {
      handle_failure (answer, error);
      return;
    }
  push_rest (answer);
  if (answer->flow != GST_FLOW_OK)
    return;
  g_mutex_lock (&self->lock);
  self->stats.answers++;
  g_mutex_unlock (&self->lock);
  if (answer->settings.history > 0)
    gst_pipeload_llm_history_add (&self->history, text, answer->text->str);
  post_answer (answer);
}

GstFlowReturn
gst_pipeload_llm_answer (GstPipeloadLlm *self, GstBuffer *prompt, GstPipeloadLlmPieceFunc on_piece)
{
  Answer answer = {
    .self = self, .on_piece = on_piece, .prompt = prompt, .begun = g_get_monotonic_time (), .text = g_string_new (NULL)
  };
  g_autofree char *text = NULL;
  gboolean blank;

  GST_OBJECT_LOCK (self);
  gst_pipeload_llm_settings_copy (&answer.settings, &self->settings);
  GST_OBJECT_UNLOCK (self);
  g_mutex_lock (&self->lock);
  answer.number = self->stats.prompts++;
  g_mutex_unlock (&self->lock);
  text = read_prompt (&answer);
  blank = text != NULL && gst_pipeload_llm_text_is_blank (text);
  if (text == NULL)
    answer.flow = GST_FLOW_ERROR;
  else if (!blank)
    answer_text (&answer, text);
  else
    {
      g_mutex_lock (&self->lock);
      self->stats.empty++;
      g_mutex_unlock (&self->lock);
      push_rest (&answer);
    }
  g_string_free (answer.text, TRUE);
  gst_pipeload_llm_settings_clear (&answer.settings);
  return answer.flow;
}
