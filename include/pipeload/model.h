/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The common part of models of every kind: options, handles, statistics, plans and predictions; and model files:
 * inspecting, quantizing and synthesizing them.
 */
#pragma once

#include <gio/gio.h>

#include "pipeload/base.h"

G_BEGIN_DECLS

/* ---- kinds ---------------------------------------------------------------------------------- */

/**
 * PldModelKind:
 * @PLD_MODEL_UNKNOWN: a file that holds no supported model
 * @PLD_MODEL_VISION: classes of pictures, or objects in them: pld_vision_open()
 * @PLD_MODEL_LANGUAGE: text: pld_llm_open()
 *
 * The purpose of a model, which decides which functions open it.
 */
typedef enum
{
  PLD_MODEL_UNKNOWN,
  PLD_MODEL_VISION,
  PLD_MODEL_LANGUAGE,
} PldModelKind;

/**
 * pld_model_kind:
 * @path: (nullable): a model file or folder; NULL: the bundled vision model
 *
 * Finds out the kind of a model from the architecture that its file or config.json names; reads no weights.
 * Thread-safe. Errors: those of pld_model_inspect(); NOT_FOUND if a safetensors file has no config.json; UNSUPPORTED
 * if the architecture is unknown, which the message names.
 *
 * Returns: the kind, or PLD_MODEL_UNKNOWN with @error set
 */
PLD_API PldModelKind pld_model_kind (const char *path, GError **error);

/* ---- options -------------------------------------------------------------------------------- */

/**
 * PldPipelining:
 * @PLD_PIPELINING_FULL: PIPELOAD: loaders run ahead on a ring, and weights are pinned in the memory that is left
 * @PLD_PIPELINING_PREFETCH: one loader reads the next tile while one is computed; nothing stays in memory
 * @PLD_PIPELINING_NONE: a tile is read, then computed, then the next one is read; nothing stays in memory
 *
 * How loading and computing overlap; all but the first are for comparison. If handles of one model differ, the most
 * elaborate mode wins.
 */
typedef enum
{
  PLD_PIPELINING_FULL,
  PLD_PIPELINING_PREFETCH,
  PLD_PIPELINING_NONE,
} PldPipelining;

/**
 * PldEngineOptions:
 * @size: bytes of the struct that embeds this one
 * @kind: of that struct
 * @pipelining: how loading and computing overlap
 * @model: (nullable): path of the model; NULL or "": the bundled model of this kind
 * @memory_limit: bytes; 0: none; or PLD_LIMIT_AUTO. The smallest limit of all handles of a model is in force
 * @loaders: reads in flight at once; 0: planned
 * @threads: compute threads; 0: one for each CPU that affinity and cgroup quotas allow when the model is opened
 * @reserved_1: 0
 * @reserved_2: 0
 *
 * The options that models of every kind share: first member of #PldVisionOptions and #PldLlmOptions, whose init
 * functions set @size and @kind, and everything else to 0.
 */
typedef struct
{
  gsize size;
  PldModelKind kind;
  PldPipelining pipelining;
  const char *model;
  guint64 memory_limit;
  guint loaders;
  guint threads;
  guint64 reserved_1;
  guint64 reserved_2;
} PldEngineOptions;

/**
 * PldProgressFunc:
 * @step: what is being done
 * @percent: how far, 0..100
 * @user_data: what the caller gave with the function
 *
 * Reports the progress of an opening or of other long work, in the thread of that call. The function may open and close
 * other handles, but not open the model that is being opened, since it would wait for itself.
 */
typedef void (*PldProgressFunc) (const char *step, guint percent, gpointer user_data);

/* ---- handles -------------------------------------------------------------------------------- */

/**
 * PldHandle:
 *
 * The common part of a #PldVision and a #PldLlm: one user's share in an opened model. Handles that name the same model
 * share one copy of it. All functions that take a PldHandle may be called from any thread while the handle is open.
 */
typedef struct _PldHandle PldHandle;

/**
 * PLD_HANDLE:
 * @handle: a PldVision * or a PldLlm *
 *
 * Casts a handle of any kind to a PldHandle *.
 */
#define PLD_HANDLE(handle) ((PldHandle *) (handle))

/**
 * pld_handle_get_path:
 * @handle: an open handle
 *
 * Names the model of a handle.
 *
 * Returns: (transfer none): the path of the model that was opened; valid until the handle is closed
 */
PLD_API const char *pld_handle_get_path (PldHandle *handle);

/**
 * pld_handle_get_warnings:
 * @handle: an open handle
 *
 * Lists what a user should know about the opened model and its options, although both work: values that the files do
 * not have and the defaults that take their place, for example. One sentence each, which names the file.
 *
 * Returns: (transfer none) (array zero-terminated=1): valid until the handle is closed
 */
PLD_API const char *const *pld_handle_get_warnings (PldHandle *handle);

/**
 * pld_handle_set_memory_limit:
 * @handle: an open handle
 * @limit: bytes; 0: none; or PLD_LIMIT_AUTO
 *
 * Sets this handle's limit, in force from the start of the next pass. Fails with PLD_ERROR_LIMIT if the model does not
 * fit; the old limit then stays in force.
 */
PLD_API gboolean pld_handle_set_memory_limit (PldHandle *handle, guint64 limit, GError **error);

/**
 * PldStats:
 * @memory_limit: bytes, in force; 0: none
 * @engine_bytes: bytes held now
 * @engine_peak: most bytes ever held
 * @passes: passes over the weights so far
 * @frames: items computed so far: pictures or tokens
 * @bytes_streamed: bytes read from storage so far
 * @stalls: times that a pass waited for a tile
 * @stall_ns: how long it waited, in all
 * @retries: reads that failed and were tried again
 * @last_pass_ns: time of the last pass
 * @mean_pass_ns: mean time of all passes
 * @floor_ns: max (streamed bytes a pass / read bandwidth, least compute of a pass): no pass can be faster
 * @read_bandwidth: bytes/s, of the pass in which reading was fastest; 0 until a pass has read
 * @streamed_per_pass: bytes that each pass reads
 * @pinned_bytes: weights that stay in memory
 * @ring_bytes: the ring that weights are streamed through
 * @activation_bytes: activations and scratch memory
 * @table_bytes: small tensors, derived tables, the tokenizer
 * @loaders: reads in flight at once
 * @threads: compute threads
 * @batch: items that may share a pass
 * @users: open handles on the model
 * @direct_io: whether reads bypass the page cache
 * @mended: JPEG pictures used although they deviate from the format: they have no end marker, two start markers, or up
 *   to 1 KiB of something else in front
 *
 * State of the model that a handle shares, since it was opened; counts and times are of all its handles together.
 */
typedef struct
{
  guint64 memory_limit;
  guint64 engine_bytes;
  guint64 engine_peak;
  guint64 passes;
  guint64 frames;
  guint64 bytes_streamed;
  guint64 stalls;
  guint64 stall_ns;
  guint64 retries;
  guint64 last_pass_ns;
  guint64 mean_pass_ns;
  guint64 floor_ns;
  guint64 read_bandwidth;
  guint64 streamed_per_pass;
  guint64 pinned_bytes;
  guint64 ring_bytes;
  guint64 activation_bytes;
  guint64 table_bytes;
  guint loaders;
  guint threads;
  guint batch;
  guint users;
  gboolean direct_io;
  guint64 mended;
} PldStats;

/**
 * pld_handle_copy_stats:
 * @handle: an open handle
 * @stats: (out): the first @size bytes of the statistics
 * @size: sizeof (PldStats) in the caller's headers
 *
 * For bindings; C and C++ call pld_handle_get_stats().
 */
PLD_API void pld_handle_copy_stats (PldHandle *handle, PldStats *stats, gsize size);

/**
 * pld_handle_get_stats:
 * @handle: an open handle
 * @stats: (out): set to the statistics of the model
 *
 * Reports counters, times and memory. Thread-safe.
 */
static inline void
pld_handle_get_stats (PldHandle *handle, PldStats *stats)
{
  pld_handle_copy_stats (handle, stats, sizeof *stats);
}

/* ---- plans ---------------------------------------------------------------------------------- */

/**
 * PldPlanChange:
 * @memory_limit: bytes
 * @storage_speed: 1: as it is; 2: twice as fast
 * @q8_0_cache: with a KV cache of Q8_0 instead of F16
 * @streamed_per_pass: bytes that a pass would read
 * @pass_ns: time that a pass would take
 *
 * A change of memory or storage, and the pass that it would lead to.
 */
typedef struct
{
  guint64 memory_limit;
  double storage_speed;
  gboolean q8_0_cache;
  guint64 streamed_per_pass;
  guint64 pass_ns;
} PldPlanChange;

/**
 * PldPlanInfo:
 * @memory_limit: bytes; 0: none
 * @minimum_limit: the smallest limit that works
 * @resident_limit: from this limit on nothing streams
 * @weight_bytes: weights that can stream, as stored
 * @pinned_bytes: weights that stay in memory
 * @ring_bytes: the ring that weights are streamed through
 * @activation_bytes: activations and scratch memory
 * @table_bytes: small tensors, derived tables, the tokenizer
 * @streamed_per_pass: bytes that each pass reads
 * @tile_bytes: size of the largest tile
 * @n_tiles: tiles of the model
 * @n_pinned: tiles that stay in memory
 * @n_slots: tiles that the ring has room for
 * @loaders: reads in flight at once; 0: as the storage is measured to need
 * @batch: pictures that may share a pass; of a language model: tokens of a prompt
 * @read_bandwidth: bytes/s, with @loaders reads of @read_bytes in flight
 * @read_bytes: mean size of a tile that streams
 * @direct_io: FALSE: reads are buffered, so the page cache may have answered some that were measured
 * @best_loaders: the fewest that read within 3 % of the best bandwidth
 * @pass_items: items of the next pass: pictures: @batch; text: 1, the next token
 * @load_ns: time to read what streams
 * @compute_ns: compute time; of a token: after 512 others, or as many as the context holds
 * @pass_ns: time of a pass
 * @floor_ns: max (@load_ns, @compute_ns)
 * @batch_compute_ns: compute time of a pass of @batch items
 * @batch_pass_ns: time of that pass
 * @n_changes: number of @changes; 0 if nothing streams
 * @changes: (array length=n_changes): what would help: more memory, up to where nothing streams; a smaller cache;
 * faster storage
 *
 * How a model would run under a limit. @read_bandwidth and all members after it are predictions from what was measured
 * on this machine; 0 in plans of pld_model_plan().
 */
typedef struct
{
  guint64 memory_limit;
  guint64 minimum_limit;
  guint64 resident_limit;
  guint64 weight_bytes;
  guint64 pinned_bytes;
  guint64 ring_bytes;
  guint64 activation_bytes;
  guint64 table_bytes;
  guint64 streamed_per_pass;
  guint64 tile_bytes;
  guint n_tiles;
  guint n_pinned;
  guint n_slots;
  guint loaders;
  guint batch;
  guint64 read_bandwidth;
  guint64 read_bytes;
  gboolean direct_io;
  guint best_loaders;
  guint pass_items;
  guint64 load_ns;
  guint64 compute_ns;
  guint64 pass_ns;
  guint64 floor_ns;
  guint64 batch_compute_ns;
  guint64 batch_pass_ns;
  guint n_changes;
  PldPlanChange *changes;
} PldPlanInfo;

/**
 * pld_model_plan:
 * @options: first member of initialized options of any kind
 *
 * Plans from the model file's directory alone; loads nothing. Thread-safe. Errors: those of opening the model.
 *
 * Returns: (transfer full): free with pld_plan_info_free()
 */
PLD_API PldPlanInfo *pld_model_plan (const PldEngineOptions *options, GError **error);

/**
 * pld_model_predict:
 * @options: first member of initialized options of any kind
 * @cancellable: (nullable): ends measuring with PLD_ERROR_CANCELLED
 *
 * Plans, and predicts how fast the plan is. Figures that were never measured on this machine are measured under the
 * same limit, for 2 s: reading the model's file, and products of its matrices' shapes with random weights. The results
 * are kept in the user's cache directory, under pipeload/profiles. Most precise while nothing else computes or reads.
 * Thread-safe. Errors: those of opening the model; IO, MEMORY, CANCELLED.
 *
 * Returns: (transfer full): free with pld_plan_info_free()
 */
PLD_API PldPlanInfo *pld_model_predict (const PldEngineOptions *options, GCancellable *cancellable, GError **error);

/**
 * pld_plan_info_free:
 * @info: (nullable): a plan
 *
 * Frees a plan and its changes.
 */
PLD_API void pld_plan_info_free (PldPlanInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldPlanInfo, pld_plan_info_free)

/* ---- model files ---------------------------------------------------------------------------- */

/**
 * pld_model_inspect:
 * @path: a model file or folder
 *
 * Describes a model as JSON text: format, architecture, parameters, bytes, metadata, tensors (name, type, shape, file,
 * offset, bytes). Reads no weights. Thread-safe. Errors: NOT_FOUND, IO, FORMAT, UNSUPPORTED, MEMORY.
 *
 * Returns: (transfer full): JSON text; free with g_free()
 */
PLD_API char *pld_model_inspect (const char *path, GError **error);

/**
 * pld_model_quantize:
 * @path: a vision transformer: a Hugging Face folder, a .safetensors file in it, or a GGUF file
 * @type: "f32", "f16", "bf16", or a block type for its matrices: "q8_0", "q6_k", "q5_k", "q5_1", "q5_0", "q4_k",
 * "q4_1", "q4_0"
 * @out: the GGUF file to write; an existing file is replaced when the new one is complete
 * @progress: (nullable): called from this thread
 * @user_data: for @progress
 * @cancellable: (nullable): ends the call with PLD_ERROR_CANCELLED
 *
 * Writes the model with its matrices in @type and vectors in F32. Patch projection and head are Q8_0 at least. A matrix
 * whose rows are not whole blocks gets blocks of 32 values with about as many bits, or else F16. Takes a few MB of
 * memory. Errors: those of opening a model; UNSUPPORTED for other models and types, and for values that @type cannot
 * hold; IO; CANCELLED.
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
 * @vocab_from: (nullable): a GGUF file whose tokenizer a language model gets, with as many tokens; NULL: a plain
 * SentencePiece vocabulary
 * @seed: seed of the random weights
 * @path: where to write: for a language model a GGUF file; for a vision transformer a GGUF file if it ends in ".gguf",
 * or else a folder, which is made if it does not exist. Existing files are replaced
 * @progress: (nullable): called from this thread
 * @user_data: for @progress
 * @cancellable: (nullable): ends the call with PLD_ERROR_CANCELLED
 *
 * Writes a model with seeded random, well-scaled weights of the true shapes, for speed and memory measurements. The
 * same seed gives the same bytes.
 */
PLD_API gboolean pld_model_synth (const char *preset, const char *type, const char *vocab_from, guint64 seed,
                                  const char *path, PldProgressFunc progress, gpointer user_data,
                                  GCancellable *cancellable, GError **error);

/**
 * pld_bundled_model:
 * @name: name of a bundled model, such as "person-detector"
 *
 * Looks for a bundled model in $PIPELOAD_MODELS, then in the installed data folder. Thread-safe. NOT_FOUND.
 *
 * Returns: (transfer full): its path; free with g_free()
 */
PLD_API char *pld_bundled_model (const char *name, GError **error);

G_END_DECLS
