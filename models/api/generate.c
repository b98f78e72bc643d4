/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tokens → answer: sampling, the decoder, stop strings.
 */
#include "engine/text/stop.h"
#include "models/api/llm.h"

#include <string.h>

/* ---- options ------------------------------------------------------------------------------- */

static const PldGenerateOptions defaults = {
  .size = sizeof (PldGenerateOptions),
  .max_tokens = -1,
  .temperature = -1,
  .top_k = 40,
  .top_p = 0.95f,
  .min_p = 0.05f,
  .repeat_penalty = 1,
  .penalty_window = 64,
  .seed = -1,
};

void
pld_generate_options_init_sized (PldGenerateOptions *options, gsize size)
{
  g_return_if_fail (size >= sizeof options->size);
  memset (options, 0, size);
  memcpy (options, &defaults, MIN (size, sizeof defaults));
  options->size = size;
}

/* Options of a caller whose headers may be older: what it does not know has its default. */
static PldGenerateOptions
complete_options (const PldGenerateOptions *options)
{
  PldGenerateOptions own = defaults;

  memcpy (&own, options, MIN (options->size, sizeof own));
  return own;
}

const char *const *
pld_llm_template_names (void)
{
  return pld_template_names ();
}

/* ---- answers ------------------------------------------------------------------------------- */

/* An answer in progress. */
typedef struct
{
  PldLlm *llm;
  const PldTokenizer *tokenizer;
  const PldGenerateOptions *options;
  PldSampler *sampler;
  PldDecoder decoder;
  PldStop *stop;
  GString *piece; /* text of one token */
  GString *out;   /* text that is final */
  PldTextFunc text;
  gpointer user_data;
  PldGenerateResult *result; /* the handle's */
} Answer;

/* The tokens of one pass. */
typedef struct
{
  guint32 tokens[1 + PLD_GUESS_MAX]; /* [n]: all but the first are guesses */
  guint n;
  guint64 ns; /* 0: the pass was the prompt's */
} Ahead;

/* Users take the answer for a string, which the byte 0 would end: it becomes U+FFFD, as in pld_llm_detokenize (). */
static void
replace_zeros (GString *text)
{
  for (gsize i = 0; i < text->len; i++)
    if (text->str[i] == '\0')
      {
        g_string_erase (text, (gssize) i, 1);
        g_string_insert (text, (gssize) i, "\xef\xbf\xbd");
      }
}

/* Hands the final text to the caller. Returns: FALSE if the caller ends the answer */
static gboolean
answer_put (Answer *a)
{
  gboolean more;

  replace_zeros (a->out);
  more = a->out->len == 0 || a->text == NULL || a->text (a->out->str, a->out->len, a->user_data);
  g_string_truncate (a->out, 0);
  return more;
}

/* Adds the text of @token. Returns: FALSE at the end of the answer */
static gboolean
answer_add (Answer *a, guint32 token)
{
  gboolean stopped;

  g_string_truncate (a->piece, 0);
  pld_decoder_push (&a->decoder, token, a->piece);
  stopped = pld_stop_push (a->stop, a->piece->str, a->piece->len, a->out);
  if (!answer_put (a))
    a->result->finish = PLD_FINISH_CALLER;
  else if (stopped)
    a->result->finish = PLD_FINISH_END;
  else
    return TRUE;
  return FALSE;
}

/* Hands over the text that was held back, up to a stop string. */
static void
answer_end (Answer *a)
{
  g_string_truncate (a->piece, 0);
  pld_decoder_end (&a->decoder, a->piece);
  if (!pld_stop_push (a->stop, a->piece->str, a->piece->len, a->out))
    pld_stop_end (a->stop, a->out);
  answer_put (a);
}

/* Computes @ahead->tokens[0], which is not a guess, and guesses of the tokens after it. @room: tokens that the answer
 * may still have. */
static gboolean
answer_compute (Answer *a, Ahead *ahead, guint room, GCancellable *cancellable, GError **error)
{
  PldLlm *llm = a->llm;
  guint32 *ids = (guint32 *) (gpointer) llm->ids.data;
  guint most = MIN (llm->handle.user.guesses, MIN (pld_core_room (llm->handle.core), llm->chunk) - 1);
  gint64 begun;

  most = MIN (most, MIN (room, llm->handle.user.context - llm->position) - 1);
  ids[llm->position] = ahead->tokens[0];
  ahead->n = 1 + pld_guess_make (&llm->guess, ids, llm->position + 1, most, ahead->tokens + 1);
  begun = g_get_monotonic_time ();
  if (!pld_llm_compute (llm, ahead->tokens, ahead->n, ahead->n, cancellable, error))
    return FALSE;
  ahead->ns = (guint64) (g_get_monotonic_time () - begun) * 1000;
  return TRUE;
}

/* Hands over the text of @token. Returns: whether the answer ends there */
static gboolean
answer_ends (Answer *a, guint32 token, guint max, guint position)
{
  if (pld_tokenizer_is_end (a->tokenizer, token))
    a->result->finish = PLD_FINISH_END;
  else if (!answer_add (a, token))
    return TRUE;
  else if (a->result->generated_tokens >= max)
    a->result->finish = PLD_FINISH_LENGTH;
  else if (position == a->llm->handle.user.context)
    a->result->finish = PLD_FINISH_CONTEXT;
  else
    return FALSE;
  answer_end (a);
  return TRUE;
}

/* Samples each token from its own logits, whether it was guessed or not: guesses change nothing but time. */
static gboolean
answer_sample (Answer *a, GCancellable *cancellable, GError **error)
{
  PldLlm *llm = a->llm;
  float *logits = (float *) (gpointer) llm->logits.data;
  const guint max = a->options->max_tokens < 0 ? G_MAXUINT : (guint) a->options->max_tokens;
  Ahead ahead = { .n = 1 };

  for (;;)
    {
      const guint begin = llm->position - ahead.n; /* of the last pass */
      gboolean ended = FALSE, right = TRUE;
      guint32 token = 0;
      guint i;

      for (i = 0; right && !ended; i++)
        {
          token = pld_sampler_sample (a->sampler, logits + (gsize) i * llm->info.n_vocab);
          pld_sampler_accept (a->sampler, token);
          a->result->generated_tokens++;
          a->result->guessed_tokens += i > 0 ? 1 : 0;
          ended = answer_ends (a, token, max, begin + i + 1);
          right = i + 1 < ahead.n && ahead.tokens[i + 1] == token;
        }
      if (ahead.ns > 0)
        pld_guess_learn (&llm->guess, ahead.n - 1, i - 1, ahead.ns);
      /* Drops wrong guesses from the cache. */
      pld_llm_rewind (llm, begin + i);
      if (ended)
        return TRUE;
      ahead.tokens[0] = token;
      if (!answer_compute (a, &ahead, max - a->result->generated_tokens, cancellable, error))
        return FALSE;
    }
}

/* Computes the part of the prompt that is not in the cache. */
static gboolean
answer_prompt (Answer *a, GArray *tokens, GCancellable *cancellable, GError **error)
{
  PldLlm *llm = a->llm;
  const guint32 *held = (const guint32 *) (gconstpointer) llm->ids.data,
                *ids = (const guint32 *) (gconstpointer) tokens->data;
  guint same = 0;

  /* The last token is always computed: its logits are needed. */
  while (same + 1 < tokens->len && same < llm->position && held[same] == ids[same])
    same++;
  pld_llm_rewind (llm, same);
  a->result->prompt_tokens = tokens->len;
  a->result->cached_tokens = same;
  for (guint i = 0; i < tokens->len; i++)
    pld_sampler_accept (a->sampler, ids[i]);
  return pld_llm_compute (llm, ids + same, tokens->len - same, 1, cancellable, error);
}

static gboolean
answer_run (Answer *a, const PldMessage *messages, guint n_messages, GCancellable *cancellable, GError **error)
{
  PldLlm *llm = a->llm;
  gint64 begun = g_get_monotonic_time (), answered;
  g_autoptr (GArray) tokens = NULL;
  gboolean raw, ok;

  tokens = pld_prompt_make (llm, messages, n_messages, a->options, llm->handle.user.context, &a->result->trimmed_tokens,
                            &raw, error);
  if (tokens == NULL)
    return FALSE;
  if (tokens->len == 0 || a->options->max_tokens == 0)
    {
      a->result->prompt_tokens = tokens->len;
      a->result->finish = a->options->max_tokens == 0 ? PLD_FINISH_LENGTH : PLD_FINISH_END;
      return TRUE;
    }
  pld_decoder_init (&a->decoder, a->tokenizer, FALSE);
  /* A continued text keeps its first space; a new message begins without one. */
  a->decoder.start = !raw;
  ok = answer_prompt (a, tokens, cancellable, error);
  answered = g_get_monotonic_time ();
  a->result->prompt_ns = (guint64) (answered - begun) * 1000;
  ok = ok && answer_sample (a, cancellable, error);
  a->result->generate_ns = (guint64) (g_get_monotonic_time () - answered) * 1000;
  return ok;
}

gboolean
pld_llm_generate (PldLlm *llm, const PldMessage *messages, guint n_messages, const PldGenerateOptions *options,
                  PldTextFunc text, gpointer user_data, GCancellable *cancellable, GError **error)
{
  const PldModel *model = pld_core_model (llm->handle.core);
  PldGenerateOptions own;
  Answer a = { .llm = llm, .tokenizer = model->tokenizer, .options = &own, .text = text, .user_data = user_data };
  gboolean ok = FALSE;

  g_return_val_if_fail (options != NULL && options->size > 0, FALSE);
  own = complete_options (options);
  if (own.temperature < 0)
    own.temperature = llm->temperature;
  a.result = &llm->result;
  llm->result = (PldGenerateResult) { 0 };
  if (model->tokenizer == NULL)
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: has no tokenizer; use a model file that holds one",
                 llm->handle.path);
  else if (pld_sampler_check (&own, llm->info.n_vocab, error))
    a.sampler = pld_sampler_new (&own, llm->info.n_vocab, pld_core_budget (llm->handle.core), error);
  if (a.sampler != NULL)
    {
      a.stop = pld_stop_new (own.stop);
      a.piece = g_string_new (NULL);
      a.out = g_string_new (NULL);
      ok = answer_run (&a, messages, n_messages, cancellable, error);
      g_string_free (a.out, TRUE);
      g_string_free (a.piece, TRUE);
      g_clear_pointer (&a.stop, pld_stop_free);
      g_clear_pointer (&a.sampler, pld_sampler_free);
    }
  return ok;
}

const PldGenerateResult *
pld_llm_get_result (PldLlm *llm)
{
  return &llm->result;
}
