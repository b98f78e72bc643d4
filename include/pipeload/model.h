/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What handles on models of every kind have in common: pipelining, statistics, plans and predictions; and model
 * files: inspecting, quantising and synthesising them.
 */
#pragma once

#include <gio/gio.h>

#include "pipeload/base.h"

G_BEGIN_DECLS

/* ---- running -------------------------------------------------------------------------------- */

/**
 * PldPipelining: how loading and computing go together, for comparison
 * @PLD_PIPELINING_FULL: PIPELOAD: loaders run ahead on a ring, and what memory is left holds weights for good
 * @PLD_PIPELINING_PREFETCH: one loader, which reads the next tile while one is computed; nothing stays in memory
 * @PLD_PIPELINING_NONE: a tile is read, then computed, then the next one read; nothing stays in memory
 *
 * The most elaborate that any handle of a model asks for holds.
 */
typedef enum
{
  PLD_PIPELINING_FULL,
  PLD_PIPELINING_PREFETCH,
  PLD_PIPELINING_NONE,
} PldPipelining;

typedef struct
{
  guint64 memory_limit;   /* in force; 0 = none */
  guint64 engine_bytes;   /* held now */
  guint64 engine_peak;    /* most ever held */
  guint64 passes, frames; /* of the shared model; frames: pictures or tokens */
  guint64 bytes_streamed; /* read from storage so far */
  guint64 stalls;         /* times a pass waited for a tile */
  guint64 stall_ns;       /* and for how long in all */
  guint64 retries;        /* reads that failed and were tried again */
  guint64 last_pass_ns, mean_pass_ns;
  guint64 floor_ns; /* max (streamed bytes a pass / read bandwidth, least compute of a pass): no pass can be faster */
  guint64 read_bandwidth;    /* bytes/s, during the pass in which reading was fastest; 0 until one has read */
  guint64 streamed_per_pass; /* bytes */
  guint64 pinned_bytes, ring_bytes, activation_bytes, table_bytes;
  guint loaders, threads, batch, users;
  gboolean direct_io;
} PldStats;

/* A change of memory or storage, and the pass that it would lead to. */
typedef struct
{
  guint64 memory_limit;
  double storage_speed; /* 1: as it is; 2: twice as fast */
  gboolean q8_0_cache;  /* with a KV cache of Q8_0 instead of F16 */
  guint64 streamed_per_pass;
  guint64 pass_ns;
} PldPlanChange;

/* How a model would run under a limit: made from the file's directory alone, nothing is loaded. */
typedef struct
{
  guint64 memory_limit, minimum_limit, resident_limit; /* resident: from here on nothing streams */
  guint64 weight_bytes;                                /* streamable, as stored */
  guint64 pinned_bytes, ring_bytes, activation_bytes, table_bytes;
  guint64 streamed_per_pass;
  guint64 tile_bytes;
  guint n_tiles, n_pinned, n_slots, loaders, batch;

  /* Predictions, from what was measured on this machine; 0 unless pld_vision_predict() or pld_llm_predict() made the
   * plan. */
  guint64 read_bandwidth; /* bytes/s, with @loaders reads of @read_bytes in flight */
  guint64 read_bytes;     /* of a tile that streams, on the average */
  gboolean direct_io;     /* FALSE: reads are buffered, so some that were measured may have come from the page cache */
  guint best_loaders;     /* the fewest that read within 3 % of the best bandwidth */
  guint pass_items;       /* of the pass that follows: pictures: batch; text: 1, the next token */
  guint64 load_ns;        /* of what streams */
  guint64 compute_ns;     /* of a token: after 512 others, or as many as the context holds */
  guint64 pass_ns;
  guint64 floor_ns;                        /* max (load_ns, compute_ns) */
  guint64 batch_compute_ns, batch_pass_ns; /* of a pass of batch items */
  guint n_changes;                         /* 0 when nothing streams */
  PldPlanChange changes[5]; /* [n_changes]: what would help: more memory, up to where nothing streams; a smaller cache;
                               faster storage */
} PldPlanInfo;

/* Called during an opening and other long work, in the calling thread: what is being done, and how far, 0..100. It may
 * open and close other handles, but not open the model that is being opened, since it would wait for itself. */
typedef void (*PldProgressFunc) (const char *step, guint percent, gpointer user_data);

/* ---- model files ---------------------------------------------------------------------------- */

/* Returns: (transfer full): JSON text that describes the model file or folder: format, architecture,
 * parameters, bytes, metadata, tensors (name, type, shape, file, offset, bytes). Thread-safe. */
PLD_API char *pld_model_inspect (const char *path, GError **error);

/* Whether the model at @path is a language model, for pld_llm_open(), or one for pictures, for pld_vision_open(); told
 * by the file's directory. @path: (nullable): NULL: FALSE. Errors as of pld_model_inspect(). Thread-safe. */
PLD_API gboolean pld_model_is_language (const char *path, gboolean *language, GError **error);

/**
 * pld_model_quantize:
 * @path: a vision transformer: a Hugging Face folder, a .safetensors file in it, or a GGUF file
 * @type: "f32", "f16", "bf16", or a block type for its matrices: "q8_0", "q6_k", "q5_k", "q5_1", "q5_0", "q4_k",
 * "q4_1", "q4_0"
 * @out: the GGUF file; what is there is replaced when the new one is complete
 *
 * Writes the model with its matrices in @type, vectors in F32. Patch projection and head are Q8_0 at least; a matrix
 * whose rows are no whole blocks gets blocks of 32 values with about as many bits, or else F16. Takes a few MB of
 * memory. Errors: those of opening a model; UNSUPPORTED for other models and types, and values that @type cannot hold;
 * IO; CANCELLED.
 */
PLD_API gboolean pld_model_quantize (const char *path, const char *type, const char *out, PldProgressFunc progress,
                                     gpointer user_data, GCancellable *cancellable, GError **error);

/**
 * pld_model_synth:
 * @preset: a vision transformer: "vit-b16", "vit-l16" or "vit-ti16"; or a language model: "llama-3.1-8b",
 * "llama-3.2-1b", "llama-3.2-3b", "llama-2-7b", "tinyllama-1.1b", "llama-tiny", "mistral-7b", "qwen2-tiny",
 * "qwen2.5-0.5b" or "qwen2.5-7b"
 * @type: (nullable): of vision transformers "f32" (default), "f16" or "bf16", and in GGUF files those of
 * pld_model_quantize(); of language models these, a block type ("q8_0", "q4_k", …) for all matrices, or a mix as
 * llama.cpp makes it: "q4_k_m" (default), "q5_k_m"
 * @vocab_from: (nullable): a GGUF file, whose tokenizer's keys a language model gets, and as many tokens; NULL: a plain
 *              SentencePiece vocabulary
 * @path: a GGUF file: of a vision transformer if it ends in ".gguf", of a language model always; or else a folder that
 * is made if it does not exist. What is there is replaced
 *
 * Writes a model with seeded random, well-scaled weights of the true shapes, for speed and memory measurements. Same
 * seed, same bytes.
 */
PLD_API gboolean pld_model_synth (const char *preset, const char *type, const char *vocab_from, guint64 seed,
                                  const char *path, PldProgressFunc progress, gpointer user_data,
                                  GCancellable *cancellable, GError **error);

/* Returns: (transfer full): the path of a bundled model, such as "person-detector": in $PIPELOAD_MODELS, the installed
 * data folder, or the build's source tree, in this order; NULL with PLD_ERROR_NOT_FOUND. */
PLD_API char *pld_bundled_model (const char *name, GError **error);

G_END_DECLS
