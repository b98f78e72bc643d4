/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Language models: tokens, logits, answers.
 */
#pragma once

#include "pipeload/model.h"

G_BEGIN_DECLS

/* ---- opening -------------------------------------------------------------------------------- */

/**
 * PldLlm:
 *
 * One sequence of an opened language model: its options and its KV cache. Handles that name the same model share one
 * copy of it: one budget, one set of pinned tiles, one tokenizer, and one pass over the weights for all waiting
 * sequences. Each handle is used by one thread at a time; different handles run in parallel. Functions that take a
 * #PldHandle may be called from any thread.
 */
typedef struct _PldLlm PldLlm;

/**
 * PldCacheType:
 * @PLD_CACHE_F16: half precision
 * @PLD_CACHE_Q8_0: half the size of F16, slightly less precise; for heads of a multiple of 32 values
 * @PLD_CACHE_F32: twice the size of F16, full precision
 *
 * How keys and values are stored.
 */
typedef enum
{
  PLD_CACHE_F16,
  PLD_CACHE_Q8_0,
  PLD_CACHE_F32,
} PldCacheType;

/**
 * PldLlmOptions:
 * @engine: options of every kind; @engine.model is a .gguf file
 * @context_size: tokens that the KV cache holds; 0: 2048, or the model's own context if that is less
 * @chunk: most tokens of a prompt that share a pass; 0: planned
 * @cache_type: how keys and values are stored
 * @lookup: most tokens of an answer that are guessed ahead, up to 15, from what followed the last tokens before; 0:
 * none. The answer is the same, only sooner where it repeats its prompt or itself. Each takes two rows of logits in
 * memory
 *
 * Initialized by pld_llm_options_init().
 */
typedef struct
{
  PldEngineOptions engine;
  guint context_size;
  guint chunk;
  PldCacheType cache_type;
  guint lookup;
} PldLlmOptions;

/**
 * pld_llm_options_init_sized:
 * @options: (out): set to the defaults
 * @size: sizeof (PldLlmOptions) in the caller's headers
 *
 * For bindings; C and C++ call pld_llm_options_init().
 */
PLD_API void pld_llm_options_init_sized (PldLlmOptions *options, gsize size);

/**
 * pld_llm_options_init:
 * @options: (out): set to the defaults
 *
 * Must be called before any member is set.
 */
static inline void
pld_llm_options_init (PldLlmOptions *options)
{
  pld_llm_options_init_sized (options, sizeof *options);
}

/**
 * PldLlmInfo:
 * @path: path of the model that was opened
 * @architecture: such as "llama"
 * @name: (nullable): general.name
 * @chat_template: (nullable): name of the template that the file's own text matches, such as "llama3"
 * @n_vocab: tokens of the vocabulary
 * @n_layers: layers of the model
 * @context_size: tokens that this handle's cache holds
 * @trained_context: tokens of context that the model was trained with
 * @n_parameters: number of parameters
 * @weight_bytes: bytes of the weights, as stored
 * @cache_bytes: bytes of this handle's cache
 *
 * An opened model.
 */
typedef struct
{
  const char *path;
  const char *architecture;
  const char *name;
  const char *chat_template;
  guint n_vocab;
  guint n_layers;
  guint context_size;
  guint trained_context;
  guint64 n_parameters;
  guint64 weight_bytes;
  guint64 cache_bytes;
} PldLlmInfo;

/**
 * pld_llm_open:
 * @options: initialized options; not needed afterwards
 * @progress: (nullable): called from this thread
 * @user_data: for @progress
 * @cancellable: (nullable): ends opening with PLD_ERROR_CANCELLED
 *
 * Opens a model, or joins one that is open. Weights are not read ahead of the first pass. Errors: every code of
 * #PldError.
 *
 * Returns: (transfer full): free with pld_llm_close()
 */
PLD_API PldLlm *pld_llm_open (const PldLlmOptions *options, PldProgressFunc progress, gpointer user_data,
                              GCancellable *cancellable, GError **error);

/**
 * pld_llm_close:
 * @llm: (transfer full) (nullable): a handle
 *
 * Closes a handle, as g_autoptr (PldLlm) does. No call of this handle may be running.
 */
PLD_API void pld_llm_close (PldLlm *llm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldLlm, pld_llm_close)

/**
 * pld_llm_get_info:
 * @llm: an open handle
 *
 * Describes the model and this handle.
 *
 * Returns: (transfer none): the model; valid until the handle is closed
 */
PLD_API const PldLlmInfo *pld_llm_get_info (PldLlm *llm);

/* ---- tokens --------------------------------------------------------------------------------- */

/**
 * pld_llm_tokenize:
 * @llm: an open handle
 * @text: any bytes; invalid UTF-8 is treated as U+FFFD
 * @length: bytes, or −1 if @text ends in a zero
 * @special: whether names of control tokens in @text stand for these tokens, and the model's begin token comes first if
 * the model expects one
 * @tokens: (out) (transfer full) (array length=n_tokens): free with g_free()
 * @n_tokens: (out): number of tokens
 *
 * UNSUPPORTED: the model has no tokenizer.
 */
PLD_API gboolean pld_llm_tokenize (PldLlm *llm, const char *text, gssize length, gboolean special, guint32 **tokens,
                                   gsize *n_tokens, GError **error);

/**
 * pld_llm_detokenize:
 * @llm: an open handle
 * @tokens: (array length=n_tokens): tokens of the vocabulary
 * @n_tokens: number of tokens
 * @special: whether control tokens are written as their names; else they are left out
 *
 * Converts tokens to text.
 *
 * Returns: (transfer full): the text of @tokens; valid UTF-8, with the byte 0 as U+FFFD
 */
PLD_API char *pld_llm_detokenize (PldLlm *llm, const guint32 *tokens, gsize n_tokens, gboolean special);

/**
 * pld_llm_eval:
 * @llm: an open handle
 * @tokens: (array length=n_tokens): tokens that follow those in the cache
 * @n_tokens: number of tokens
 * @logits: (out) (nullable): float [n_vocab]: after the last of @tokens
 * @cancellable: (nullable): ends the call within one tile's time with PLD_ERROR_CANCELLED
 *
 * Computes tokens, for programs with a sampler of their own. UNSUPPORTED: the context has no room for @n_tokens more,
 * or a token is not in the vocabulary. After an error the cache holds what it did before.
 */
PLD_API gboolean pld_llm_eval (PldLlm *llm, const guint32 *tokens, guint n_tokens, float *logits,
                               GCancellable *cancellable, GError **error);

/**
 * pld_llm_get_position:
 * @llm: an open handle
 *
 * Counts the tokens in the cache.
 *
 * Returns: number of tokens in the cache
 */
PLD_API guint pld_llm_get_position (PldLlm *llm);

/**
 * pld_llm_rewind:
 * @llm: an open handle
 * @position: number of tokens to keep
 *
 * Drops all but the first @position tokens from the cache.
 */
PLD_API void pld_llm_rewind (PldLlm *llm, guint position);

/* ---- answers -------------------------------------------------------------------------------- */

/**
 * PldMessage:
 * @role: "system", "user" or "assistant"
 * @content: UTF-8; names of control tokens in it are plain text
 *
 * A message of a conversation.
 */
typedef struct
{
  const char *role;
  const char *content;
} PldMessage;

/**
 * PldLogitBias:
 * @token: token of the vocabulary
 * @bias: added to its logit; −INFINITY forbids it
 *
 * A token that is made more or less likely.
 */
typedef struct
{
  guint32 token;
  float bias;
} PldLogitBias;

/**
 * PldGenerateOptions:
 * @size: bytes of this struct in the caller's headers
 * @chat_template: (nullable): NULL: the model's own; "none": contents as they are, names of control tokens parsed; or
 * one of pld_llm_template_names()
 * @max_tokens: most tokens of the answer; −1: until the answer or the context ends; 0: none
 * @trim: whether a prompt too long for the context loses its oldest part instead of failing
 * @temperature: 0: greedy; below 0: the file's general.sampling.temp, or else 0.8
 * @top_k: samples from this many of the likeliest tokens; 0: all
 * @top_p: samples from the likeliest tokens that reach this probability together; 1: all
 * @min_p: drops tokens less likely than this part of the likeliest one; 0: none
 * @repeat_penalty: divides the logits of recent tokens; 1: none
 * @presence_penalty: subtracted from the logits of recent tokens; 0: none
 * @frequency_penalty: subtracted once for each occurrence; 0: none
 * @penalty_window: number of recent tokens that penalties see
 * @seed: of the random numbers; −1: another one each time
 * @stop: (nullable) (array zero-terminated=1): the answer ends before any of these strings
 * @biases: (nullable) (array length=n_biases): tokens made more or less likely
 * @n_biases: number of @biases
 *
 * How an answer is sampled. Initialized by pld_generate_options_init().
 */
typedef struct
{
  gsize size;
  const char *chat_template;
  gint max_tokens;
  gboolean trim;
  float temperature;
  guint top_k;
  float top_p;
  float min_p;
  float repeat_penalty;
  float presence_penalty;
  float frequency_penalty;
  guint penalty_window;
  gint64 seed;
  const char *const *stop;
  const PldLogitBias *biases;
  guint n_biases;
} PldGenerateOptions;

/**
 * pld_generate_options_init_sized:
 * @options: (out): set to the defaults
 * @size: sizeof (PldGenerateOptions) in the caller's headers
 *
 * For bindings; C and C++ call pld_generate_options_init().
 */
PLD_API void pld_generate_options_init_sized (PldGenerateOptions *options, gsize size);

/**
 * pld_generate_options_init:
 * @options: (out): set to the defaults: the model's own template, no limit, temperature −1, top-k 40, top-p 0.95, min-p
 * 0.05, no penalties (window 64), seed −1
 *
 * Must be called before any member is set.
 */
static inline void
pld_generate_options_init (PldGenerateOptions *options)
{
  pld_generate_options_init_sized (options, sizeof *options);
}

/**
 * PldFinish:
 * @PLD_FINISH_END: the model ended its answer, or reached a stop string
 * @PLD_FINISH_LENGTH: max_tokens
 * @PLD_FINISH_CONTEXT: the context is full
 * @PLD_FINISH_CALLER: the text function returned FALSE
 *
 * Why an answer ended.
 */
typedef enum
{
  PLD_FINISH_END,
  PLD_FINISH_LENGTH,
  PLD_FINISH_CONTEXT,
  PLD_FINISH_CALLER,
} PldFinish;

/**
 * PldGenerateResult:
 * @finish: why the answer ended
 * @prompt_tokens: tokens of the prompt
 * @cached_tokens: of these, tokens that were still in the cache from the previous call
 * @trimmed_tokens: tokens left out of the prompt
 * @generated_tokens: tokens of the answer
 * @guessed_tokens: of these, tokens that were guessed ahead, and so took no pass of their own
 * @prompt_ns: time to compute the prompt
 * @generate_ns: time to compute the answer
 *
 * Counts and times of one call of pld_llm_generate().
 */
typedef struct
{
  PldFinish finish;
  guint prompt_tokens;
  guint cached_tokens;
  guint trimmed_tokens;
  guint generated_tokens;
  guint guessed_tokens;
  guint64 prompt_ns;
  guint64 generate_ns;
} PldGenerateResult;

/**
 * PldTextFunc:
 * @text: a piece of the answer: whole UTF-8 characters, the byte 0 as U+FFFD, not zero-terminated, never empty
 * @length: bytes of @text
 * @user_data: what the caller gave with the function
 *
 * Receives each piece of an answer as soon as it is final, in the thread of pld_llm_generate().
 *
 * Returns: FALSE to end the answer
 */
typedef gboolean (*PldTextFunc) (const char *text, gsize length, gpointer user_data);

/**
 * pld_llm_generate:
 * @llm: an open handle
 * @messages: (array length=n_messages): the conversation, oldest message first; the answer follows
 * @n_messages: number of messages
 * @options: initialized options
 * @text: (nullable): receives the answer
 * @user_data: for @text
 * @cancellable: (nullable): ends the call within one tile's time with PLD_ERROR_CANCELLED
 *
 * Renders the messages, computes the part that is not in the cache yet, and samples the answer. Blocks.
 * pld_llm_get_result() has the counts and times, also after an error. UNSUPPORTED: the prompt is longer than the
 * context (the message names both), the template is unknown, or the model has no tokenizer.
 */
PLD_API gboolean pld_llm_generate (PldLlm *llm, const PldMessage *messages, guint n_messages,
                                   const PldGenerateOptions *options, PldTextFunc text, gpointer user_data,
                                   GCancellable *cancellable, GError **error);

/**
 * pld_llm_get_result:
 * @llm: an open handle
 *
 * Reports how the last answer ended, and its times.
 *
 * Returns: (transfer none): what the last call of pld_llm_generate() computed, as far as it went; valid until the next
 * call or until the handle is closed
 */
PLD_API const PldGenerateResult *pld_llm_get_result (PldLlm *llm);

/**
 * pld_llm_template_names:
 *
 * Lists the chat templates. Thread-safe.
 *
 * Returns: (transfer none) (array zero-terminated=1): names of the known chat templates, without "none"
 */
PLD_API const char *const *pld_llm_template_names (void);

G_END_DECLS
