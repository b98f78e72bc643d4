/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Language models: tokens, logits, answers.
 */
#pragma once

#include "pipeload/model.h"

G_BEGIN_DECLS

/**
 * PldLlm:
 *
 * One sequence of an opened language model: its options, its KV cache. Handles that name the same model share one copy
 * of it: one budget, one set of pinned tiles, one tokenizer, and one pass over the weights for all sequences that wait.
 * Each handle is used by one thread at a time; different handles run in parallel. pld_llm_set_memory_limit() and
 * pld_llm_get_stats() may be called from any thread.
 */
typedef struct _PldLlm PldLlm;

typedef enum
{
  PLD_CACHE_F16,
  PLD_CACHE_Q8_0, /* half of it, and a little less exact; for heads of a multiple of 32 values */
  PLD_CACHE_F32,  /* twice of it, and as exact as the activations */
} PldCacheType;

typedef struct
{
  const char *model;    /* .gguf; NULL: the bundled model */
  guint64 memory_limit; /* bytes; 0 = none; PLD_LIMIT_AUTO. The smallest that any handle of a model sets holds */
  guint loaders;        /* loaders running at once; 0 = planned */
  PldPipelining pipelining;
  guint threads; /* compute threads; 0 = one for each CPU that affinity and cgroup quotas allow, when it is opened */
  guint context_size; /* tokens that the KV cache holds; 0 = 2048, or the model's own if that is less */
  guint chunk;        /* tokens of a prompt that share a pass at most; 0 = planned */
  PldCacheType cache_type;
  guint lookup; /* tokens of an answer that are guessed ahead at most, up to 15, by what followed the last ones before:
                 * the answer is the same, only sooner where it repeats its prompt or itself. Each takes two rows of
                 * logits in memory; 0 = none */
} PldLlmOptions;

typedef struct
{
  const char *path;          /* what was opened */
  const char *architecture;  /* "llama" */
  const char *name;          /* (nullable): general.name */
  const char *chat_template; /* (nullable): the one that the file's own text calls for, e.g. "llama3" */
  guint n_vocab, n_layers;
  guint context_size;    /* of this handle */
  guint trained_context; /* of the model */
  guint64 n_parameters;
  guint64 weight_bytes; /* as stored */
  guint64 cache_bytes;  /* of this handle */
} PldLlmInfo;

/* Opens a model, or joins one that is open. Weights are not read ahead of the first pass. Errors: every code of
 * #PldError. Returns: (transfer full): free with pld_llm_close() */
PLD_API PldLlm *pld_llm_open (const PldLlmOptions *options, PldProgressFunc progress, gpointer user_data,
                              GCancellable *cancellable, GError **error);

/* Closes *llm (NULL is fine) and clears the pointer. No call of this handle may be running. */
PLD_API void pld_llm_close (PldLlm **llm);

PLD_API const PldLlmInfo *pld_llm_get_info (PldLlm *llm);

/* As pld_vision_set_memory_limit(). */
PLD_API gboolean pld_llm_set_memory_limit (PldLlm *llm, guint64 limit, GError **error);

/* frames counts tokens, floor_ns is of a pass. */
PLD_API void pld_llm_get_stats (PldLlm *llm, PldStats *stats);

/* Plans without loading. Thread-safe. batch is the chunk. */
PLD_API gboolean pld_llm_plan (const PldLlmOptions *options, PldPlanInfo *plan, GError **error);

/* As pld_vision_predict(). */
PLD_API gboolean pld_llm_predict (const PldLlmOptions *options, PldPlanInfo *plan, GCancellable *cancellable,
                                  GError **error);

/**
 * pld_llm_tokenize:
 * @text: any bytes; what is no UTF-8 counts as U+FFFD
 * @length: bytes, or −1 if @text ends in a zero
 * @special: names of control tokens in @text stand for these tokens, and the model's begin token comes first if it
 * wants one
 * @tokens: (out) (transfer full): free with g_free()
 */
PLD_API gboolean pld_llm_tokenize (PldLlm *llm, const char *text, gssize length, gboolean special, guint32 **tokens,
                                   gsize *n_tokens, GError **error);

/* Returns: (transfer full): the text of @tokens, control tokens left out unless @special; valid UTF-8, the byte 0 as
 * U+FFFD */
PLD_API char *pld_llm_detokenize (PldLlm *llm, const guint32 *tokens, gsize n_tokens, gboolean special);

/**
 * pld_llm_eval:
 * @tokens: [n_tokens], which follow those that the cache holds
 * @logits: (out) (nullable): float [n_vocab] after the last of them
 *
 * For programs with a sampler of their own. UNSUPPORTED when the context has no room for @n_tokens more, or a token is
 * not in the vocabulary. After an error the cache holds what it did before.
 */
PLD_API gboolean pld_llm_eval (PldLlm *llm, const guint32 *tokens, guint n_tokens, float *logits,
                               GCancellable *cancellable, GError **error);

/* Tokens in the cache. */
PLD_API guint pld_llm_get_position (PldLlm *llm);
/* Forgets all but the first @position tokens. */
PLD_API void pld_llm_rewind (PldLlm *llm, guint position);

typedef struct
{
  const char *role;    /* "system", "user", "assistant" */
  const char *content; /* UTF-8; names of control tokens in it are only text */
} PldMessage;

typedef struct
{
  guint32 token;
  float bias; /* added to its logit; −INFINITY forbids it */
} PldLogitBias;

typedef struct
{
  const char *chat_template; /* NULL: the model's own; "none": contents as they are, names of control tokens parsed; or
                              * a name out of pld_llm_template_names() */
  gint max_tokens;           /* −1: until the answer or the context ends; 0: nothing */
  gboolean trim;             /* a prompt too long for the context loses its oldest part instead of failing */
  float temperature;         /* 0: greedy; below 0: the file's general.sampling.temp, else 0.8 */
  guint top_k;               /* 0: all */
  float top_p;               /* 1: all */
  float min_p;               /* 0: all */
  float repeat_penalty;      /* 1: none */
  float presence_penalty, frequency_penalty; /* 0: none */
  guint penalty_window;                      /* last tokens that penalties look at */
  gint64 seed;                               /* −1: another one each time */
  const char *const *stop;    /* (nullable): NULL-terminated; none of these is put out, the answer ends before it */
  const PldLogitBias *biases; /* (nullable): [n_biases] */
  guint n_biases;
} PldGenerateOptions;

/* Sets the defaults: own template, no limit, temperature −1, top-k 40, top-p 0.95, min-p 0.05, no penalties (window
 * 64), seed −1. */
PLD_API void pld_generate_options_init (PldGenerateOptions *options);

typedef enum
{
  PLD_FINISH_END,     /* the model ended its answer, or a stop string came */
  PLD_FINISH_LENGTH,  /* max_tokens */
  PLD_FINISH_CONTEXT, /* the context is full */
  PLD_FINISH_CALLER,  /* the function said so */
} PldFinish;

typedef struct
{
  PldFinish finish;
  guint prompt_tokens;  /* in all */
  guint cached_tokens;  /* of them, those still in the cache from the call before */
  guint trimmed_tokens; /* left out of the prompt */
  guint generated_tokens;
  guint guessed_tokens; /* of them, those that were guessed ahead: no pass of their own computed them */
  guint64 prompt_ns, generate_ns;
} PldGenerateResult;

/* Told each piece of the answer as soon as it stands: whole UTF-8 characters, not zero-terminated, never empty.
 * Returns FALSE to end the answer. In the calling thread. */
typedef gboolean (*PldTextFunc) (const char *text, gsize length, gpointer user_data);

/**
 * pld_llm_generate:
 * @messages: [n_messages], oldest first; the answer follows
 * @result: (out) (nullable): also set as far as it goes when it fails
 *
 * Renders the messages, computes what of them the cache does not hold yet, and samples the answer. Blocks; a cancelled
 * @cancellable ends it within one tile's time with PLD_ERROR_CANCELLED. UNSUPPORTED: the prompt is longer than the
 * context (the message names both), the template is unknown, or the model has no tokenizer.
 */
PLD_API gboolean pld_llm_generate (PldLlm *llm, const PldMessage *messages, guint n_messages,
                                   const PldGenerateOptions *options, PldTextFunc text, gpointer user_data,
                                   PldGenerateResult *result, GCancellable *cancellable, GError **error);

/* Returns: (transfer none): NULL-terminated names of the chat templates that are known, without "none". */
PLD_API const char *const *pld_llm_template_names (void);

G_END_DECLS
