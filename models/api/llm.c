/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The facade for language models: handles, and the computing of tokens. A handle is one sequence and owns its cache;
 * passes belong to the shared core.
 */
#include "models/api/llm.h"

#include <string.h>

#define CONTEXT_DEFAULT 2048
#define CONTEXT_MAX (1u << 24)
#define TEMPERATURE_DEFAULT 0.8

/* ---- opening ------------------------------------------------------------------------------- */

static gboolean
shape_cache (PldCache *cache, const PldModel *model, guint context, PldCacheType type, GError **error)
{
  const PldTextNet *net = (const PldTextNet *) model->net;

  if (!pld_cache_init (cache, net->n_layers, net->n_kv_heads, net->d_head, context, type, error))
    {
      g_prefix_error (error, "%s: ", model->path);
      return FALSE;
    }
  if (context <= CONTEXT_MAX && pld_cache_bytes (cache) < G_MAXINT64 / 2)
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
               "%s: a context of %u tokens is more than any machine holds; the model's own is %u", model->path, context,
               net->context);
  return FALSE;
}

static guint64
logits_bytes (const PldModel *model)
{
  return (guint64) model->net->n_outputs * sizeof (float);
}

static gboolean
measure (const PldModel *model, PldDemand *user, gpointer data, GError **error)
{
  const PldLlmOptions *options = data;
  const PldTextNet *net = (const PldTextNet *) model->net;
  PldCache cache, small;

  user->context = options->context_size;
  if (user->context == 0)
    user->context = MIN (CONTEXT_DEFAULT, net->context);
  if (!shape_cache (&cache, model, user->context, options->cache_type, error))
    return FALSE;
  if (options->cache_type == PLD_CACHE_F16
      && pld_cache_init (&small, net->n_layers, net->n_kv_heads, net->d_head, user->context, PLD_CACHE_Q8_0, NULL))
    user->q8_0_saves = pld_cache_bytes (&cache) - pld_cache_bytes (&small);
  user->cache_type = options->cache_type;
  user->guesses = MIN (options->lookup, PLD_GUESS_MAX);
  user->results = 1 + user->guesses;
  user->batch = MIN (options->chunk > 0 ? options->chunk : PLD_BATCH_MAX, PLD_BATCH_MAX);
  user->batch = MIN (user->batch, user->context);
  user->bytes = pld_cache_bytes (&cache) + pld_buffer_cost ((guint64) user->context * sizeof (guint32))
                + pld_buffer_cost ((guint64) user->batch * sizeof (PldItem))
                + pld_buffer_cost (user->results * logits_bytes (model)) + pld_sampler_bytes (model->net->n_outputs);
  return TRUE;
}

const PldHandleType pld_handle_llm = {
  .kind = PLD_MODEL_LANGUAGE,
  .bundled = "report-llama/report-llama.gguf",
  .options_size = sizeof (PldLlmOptions),
  .measure = measure,
};

void
pld_llm_options_init_sized (PldLlmOptions *options, gsize size)
{
  pld_handle_options_init (&pld_handle_llm, &options->engine, size);
}

static gboolean
handle_allocate (PldLlm *llm, const PldLlmOptions *options, GError **error)
{
  const PldModel *model = pld_core_model (llm->handle.core);
  PldBudget *budget = pld_core_budget (llm->handle.core);

  llm->chunk = llm->handle.user.batch;
  return shape_cache (&llm->cache, model, llm->handle.user.context, options->cache_type, error)
         && pld_cache_allocate (&llm->cache, budget, error)
         && pld_buffer_init (&llm->ids, budget, (guint64) llm->handle.user.context * sizeof (guint32),
                             "the tokens of the context", error)
         && pld_buffer_init (&llm->items, budget, (guint64) llm->chunk * sizeof (PldItem), "the tokens of a pass",
                             error)
         && pld_buffer_init (&llm->logits, budget, llm->handle.user.results * logits_bytes (model), "the logits",
                             error);
}

/* Reads what the file says about its use. */
static gboolean
handle_describe (PldLlm *llm, GError **error)
{
  const PldModel *model = pld_core_model (llm->handle.core);
  const PldTextNet *net = (const PldTextNet *) model->net;
  const char *name, *jinja;
  double temperature;

  if (!pld_config_string (model->config, "general.name", NULL, &name, error)
      || !pld_config_string (model->config, "tokenizer.chat_template", NULL, &jinja, error)
      || !pld_config_double (model->config, "general.sampling.temp", TEMPERATURE_DEFAULT, &temperature, error))
    return FALSE;
  llm->name = g_strdup (name);
  llm->temperature = (float) CLAMP (temperature, 0, 100);
  llm->chat_template = pld_template_detect (jinja);
  llm->unknown_template = jinja != NULL && llm->chat_template == NULL;
  llm->info = (PldLlmInfo) {
    .path = llm->handle.path,
    .architecture = model->arch->name,
    .name = llm->name,
    .chat_template = llm->chat_template != NULL ? pld_template_name (llm->chat_template) : NULL,
    .n_vocab = net->base.n_outputs,
    .n_layers = net->n_layers,
    .context_size = llm->handle.user.context,
    .trained_context = net->context,
    .n_parameters = model->n_parameters,
    .weight_bytes = model->weight_bytes,
    .cache_bytes = pld_cache_bytes (&llm->cache),
  };
  return TRUE;
}

static void
handle_free (gpointer data)
{
  PldLlm *llm = data;

  pld_cache_clear (&llm->cache);
  pld_buffer_clear (&llm->ids);
  pld_buffer_clear (&llm->items);
  pld_buffer_clear (&llm->logits);
  pld_handle_clear (&llm->handle);
  g_free (llm->name);
  g_free (llm);
}

PldLlm *
pld_llm_open (const PldLlmOptions *options, PldProgressFunc progress, gpointer user_data, GCancellable *cancellable,
              GError **error)
{
  g_autofree PldEngineOptions *own = pld_handle_options (&pld_handle_llm, &options->engine);
  PldLlm *llm;

  if (own == NULL)
    return NULL;
  llm = g_new0 (PldLlm, 1);
  if (!pld_handle_join (&llm->handle, &pld_handle_llm, own, progress, user_data, cancellable, error)
      || !handle_allocate (llm, (const PldLlmOptions *) own, error) || !handle_describe (llm, error))
    g_clear_pointer (&llm, pld_llm_close);
  return llm;
}

void
pld_llm_close (PldLlm *llm)
{
  if (llm != NULL)
    pld_handle_leave (&llm->handle, handle_free);
}

const PldLlmInfo *
pld_llm_get_info (PldLlm *llm)
{
  return &llm->info;
}

/* ---- text ---------------------------------------------------------------------------------- */

static const PldTokenizer *
handle_tokenizer (PldLlm *llm, GError **error)
{
  const PldTokenizer *tokenizer = pld_core_model (llm->handle.core)->tokenizer;

  if (tokenizer == NULL)
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: has no tokenizer; use a model file that holds one",
                 llm->handle.path);
  return tokenizer;
}

gboolean
pld_llm_tokenize (PldLlm *llm, const char *text, gssize length, gboolean special, guint32 **tokens, gsize *n_tokens,
                  GError **error)
{
  const PldTokenizer *tokenizer = handle_tokenizer (llm, error);
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (guint32));

  if (tokenizer == NULL
      || !pld_tokenizer_encode (tokenizer, text, length < 0 ? strlen (text) : (gsize) length,
                                special ? PLD_ENCODE_ADD_SPECIAL | PLD_ENCODE_PARSE_SPECIAL : 0, found, error))
    return FALSE;
  *n_tokens = found->len;
  *tokens = (guint32 *) (gpointer) g_array_free (g_steal_pointer (&found), FALSE);
  return TRUE;
}

char *
pld_llm_detokenize (PldLlm *llm, const guint32 *tokens, gsize n_tokens, gboolean special)
{
  const PldTokenizer *tokenizer = handle_tokenizer (llm, NULL);
  g_autoptr (GString) text = g_string_new (NULL);
  PldDecoder decoder;

  if (tokenizer != NULL)
    {
      pld_decoder_init (&decoder, tokenizer, special);
      for (gsize i = 0; i < n_tokens; i++)
        pld_decoder_push (&decoder, tokens[i], text);
      pld_decoder_end (&decoder, text);
    }
  /* A vocabulary may hold the byte 0, which would end the string: GLib takes it for a bad byte. */
  return g_utf8_make_valid (text->str, (gssize) text->len);
}

/* ---- evaluation ---------------------------------------------------------------------------- */

static gboolean
check_tokens (PldLlm *llm, const guint32 *tokens, guint n_tokens, GError **error)
{
  if (n_tokens > llm->handle.user.context - llm->position)
    {
      g_set_error (
          error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
          "%s: the context of %u tokens holds %u already and has no room for %u more; set a larger context size",
          llm->handle.path, llm->handle.user.context, llm->position, n_tokens);
      return FALSE;
    }
  for (guint i = 0; i < n_tokens; i++)
    if (tokens[i] >= llm->info.n_vocab)
      {
        g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: there is no token %u in its vocabulary of %u",
                     llm->handle.path, tokens[i], llm->info.n_vocab);
        return FALSE;
      }
  return TRUE;
}

gboolean
pld_llm_compute (PldLlm *llm, const guint32 *tokens, guint n_tokens, guint wanted, GCancellable *cancellable,
                 GError **error)
{
  PldItem *items = (PldItem *) (gpointer) llm->items.data;
  float *results = (float *) (gpointer) llm->logits.data;
  guint32 *ids = (guint32 *) (gpointer) llm->ids.data;

  if (!check_tokens (llm, tokens, n_tokens, error))
    return FALSE;
  for (guint done = 0, n; done < n_tokens; done += n)
    {
      PldRequest request = { .items = items, .results = results, .cancellable = cancellable };

      n = request.n = MIN (llm->chunk, n_tokens - done);
      for (guint i = 0; i < n; i++)
        items[i] = (PldItem) { .wanted = done + i + wanted >= n_tokens,
                               .token = { &llm->cache, tokens[done + i], llm->position + done + i } };
      if (!pld_core_run (llm->handle.core, &request, error))
        return FALSE;
      results += (gsize) request.delivered * llm->info.n_vocab;
    }
  memcpy (ids + llm->position, tokens, n_tokens * sizeof (guint32));
  llm->position += n_tokens;
  return TRUE;
}

gboolean
pld_llm_eval (PldLlm *llm, const guint32 *tokens, guint n_tokens, float *logits, GCancellable *cancellable,
              GError **error)
{
  g_return_val_if_fail (n_tokens > 0 || logits == NULL, FALSE);
  if (!pld_llm_compute (llm, tokens, n_tokens, logits != NULL ? 1 : 0, cancellable, error))
    return FALSE;
  if (logits != NULL)
    memcpy (logits, llm->logits.data, logits_bytes (pld_core_model (llm->handle.core)));
  return TRUE;
}

guint
pld_llm_get_position (PldLlm *llm)
{
  return llm->position;
}

void
pld_llm_rewind (PldLlm *llm, guint position)
{
  llm->position = MIN (llm->position, position);
}
