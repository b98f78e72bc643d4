/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tokens → answer: sampling, the decoder, stop strings.
 */
#include <math.h>
#include <string.h>

#include "engine/text/stop.h"
#include "models/api/llm.h"

void
pld_generate_options_init (PldGenerateOptions *options)
{
  *options = (PldGenerateOptions) {
    .max_tokens = -1,
    .temperature = -1,
    .top_k = 40,
    .top_p = 0.95f,
    .min_p = 0.05f,
    .repeat_penalty = 1,
    .penalty_window = 64,
    .seed = -1,
  };
}

const char *const *
pld_llm_template_names (void)
{
  return pld_template_names ();
}

/* One answer under way. */
typedef struct
{
  PldLlm *llm;
  const PldTokenizer *tokenizer;
  const PldGenerateOptions *options;
  PldSampler *sampler;
  PldDecoder decoder;
  PldStop *stop;
  GString *piece, *out; /* of one token; of it, what may be put out */
  PldTextFunc text;
  gpointer user_data;
  PldGenerateResult result;
} Answer;

/* What a pass of the answer computed. */
typedef struct
{
  guint32 tokens[1 + PLD_GUESS_MAX]; /* [n]: all but the first are guesses */
  guint n;
  guint64 ns; /* 0: it was the prompt's */
} Ahead;

/* Hands @out over. FALSE: the caller wants no more. */
static gboolean
answer_put (Answer *a)
{
  gboolean more = a->out->len == 0 || a->text == NULL || a->text (a->out->str, a->out->len, a->user_data);

  g_string_truncate (a->out, 0);
  return more;
}

/* The text of @token. FALSE: the answer is at its end. */
static gboolean
answer_add (Answer *a, guint32 token)
{
  gboolean stopped;

  g_string_truncate (a->piece, 0);
  pld_decoder_push (&a->decoder, token, a->piece);
  stopped = pld_stop_push (a->stop, a->piece->str, a->piece->len, a->out);
  if (!answer_put (a))
    a->result.finish = PLD_FINISH_CALLER;
  else if (stopped)
    a->result.finish = PLD_FINISH_END;
  else
    return TRUE;
  return FALSE;
}

/* What was held back, unless a stop string or the caller ended the answer. */
static void
answer_end (Answer *a)
{
  g_string_truncate (a->piece, 0);
  pld_decoder_end (&a->decoder, a->piece);
  if (!pld_stop_push (a->stop, a->piece->str, a->piece->len, a->out))
    pld_stop_end (a->stop, a->out);
  answer_put (a);
}

/* The pass after @ahead->tokens[0], which is no guess: that and guesses at those that follow. @room: tokens that the
 * answer may still have. */
static gboolean
answer_compute (Answer *a, Ahead *ahead, guint room, GCancellable *cancellable, GError **error)
{
  PldLlm *llm = a->llm;
  guint32 *ids = (guint32 *) (gpointer) llm->ids.data;
  guint most = MIN (llm->user.guesses, MIN (pld_core_room (llm->core), llm->chunk) - 1);
  gint64 begun;

  most = MIN (most, MIN (room, llm->user.context - llm->position) - 1);
  ids[llm->position] = ahead->tokens[0];
  ahead->n = 1 + pld_guess_make (&llm->guess, ids, llm->position + 1, most, ahead->tokens + 1);
  begun = g_get_monotonic_time ();
  if (!pld_llm_compute (llm, ahead->tokens, ahead->n, ahead->n, cancellable, error))
    return FALSE;
  ahead->ns = (guint64) (g_get_monotonic_time () - begun) * 1000;
  return TRUE;
}

/* The end of an answer at @token, or FALSE. Text is handed over. */
static gboolean
answer_ends (Answer *a, guint32 token, guint max, guint position)
{
  if (pld_tokenizer_is_end (a->tokenizer, token))
    a->result.finish = PLD_FINISH_END;
  else if (!answer_add (a, token))
    return TRUE;
  else if (a->result.generated_tokens >= max)
    a->result.finish = PLD_FINISH_LENGTH;
  else if (position == a->llm->user.context)
    a->result.finish = PLD_FINISH_CONTEXT;
  else
    return FALSE;
  answer_end (a);
  return TRUE;
}

/* Each token is sampled from its own logits, whoever put it into the cache: guesses change nothing but time. */
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
          a->result.generated_tokens++;
          a->result.guessed_tokens += i > 0 ? 1 : 0;
          ended = answer_ends (a, token, max, begin + i + 1);
          right = i + 1 < ahead.n && ahead.tokens[i + 1] == token;
        }
      if (ahead.ns > 0)
        pld_guess_learn (&llm->guess, ahead.n - 1, i - 1, ahead.ns);
      /* The cache forgets wrong guesses. */
      pld_llm_rewind (llm, begin + i);
      if (ended)
        return TRUE;
      ahead.tokens[0] = token;
      if (!answer_compute (a, &ahead, max - a->result.generated_tokens, cancellable, error))
        return FALSE;
    }
}

/* Computes the prompt, but for what the cache holds of it already. */
static gboolean
answer_prompt (Answer *a, GArray *tokens, GCancellable *cancellable, GError **error)
{
  PldLlm *llm = a->llm;
  const guint32 *held = (const guint32 *) (gconstpointer) llm->ids.data,
                *ids = (const guint32 *) (gconstpointer) tokens->data;
  guint same = 0;

  /* The last one always: its logits are needed. */
  while (same + 1 < tokens->len && same < llm->position && held[same] == ids[same])
    same++;
  pld_llm_rewind (llm, same);
  a->result.prompt_tokens = tokens->len;
  a->result.cached_tokens = same;
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

  tokens = pld_prompt_make (llm, messages, n_messages, a->options, llm->user.context, &a->result.trimmed_tokens, &raw,
                            error);
  if (tokens == NULL)
    return FALSE;
  if (tokens->len == 0 || a->options->max_tokens == 0)
    {
      a->result.prompt_tokens = tokens->len;
      a->result.finish = a->options->max_tokens == 0 ? PLD_FINISH_LENGTH : PLD_FINISH_END;
      return TRUE;
    }
  pld_decoder_init (&a->decoder, a->tokenizer, FALSE);
  /* Text that goes on has its spaces, a new message begins without one. */
  a->decoder.start = !raw;
  ok = answer_prompt (a, tokens, cancellable, error);
  answered = g_get_monotonic_time ();
  a->result.prompt_ns = (guint64) (answered - begun) * 1000;
  ok = ok && answer_sample (a, cancellable, error);
  a->result.generate_ns = (guint64) (g_get_monotonic_time () - answered) * 1000;
  return ok;
}

gboolean
pld_llm_generate (PldLlm *llm, const PldMessage *messages, guint n_messages, const PldGenerateOptions *options,
                  PldTextFunc text, gpointer user_data, PldGenerateResult *result, GCancellable *cancellable,
                  GError **error)
{
  const PldModel *model = pld_core_model (llm->core);
  PldGenerateOptions own = *options;
  Answer a = { .llm = llm, .tokenizer = model->tokenizer, .options = &own, .text = text, .user_data = user_data };
  gboolean ok = FALSE;

  if (own.temperature < 0)
    own.temperature = llm->temperature;
  if (model->tokenizer == NULL)
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: has no tokenizer; use a model file that holds one",
                 llm->path);
  else if (pld_sampler_check (&own, llm->info.n_vocab, error))
    a.sampler = pld_sampler_new (&own, llm->info.n_vocab, pld_core_budget (llm->core), error);
  if (a.sampler != NULL)
    {
      a.stop = pld_stop_new (own.stop);
      a.piece = g_string_new (NULL);
      a.out = g_string_new (NULL);
      ok = answer_run (&a, messages, n_messages, cancellable, error);
      g_string_free (a.out, TRUE);
      g_string_free (a.piece, TRUE);
      pld_stop_free (&a.stop);
      pld_sampler_free (&a.sampler);
    }
  if (result != NULL)
    *result = a.result;
  return ok;
}
