/* pipeload — layer-streaming inference under a hard memory limit
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public C API. Everything that elements, tools and applications use is declared here;
 * the mechanism is PIPELOAD of the Hermes paper (arXiv 2409.04249).
 *
 * Conventions: functions that can fail take a GError ** last, return FALSE or NULL on failure and
 * leave their outputs untouched. Sizes are bytes, times nanoseconds. Strings are UTF-8.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#if defined (__GNUC__)
#define PLD_API __attribute__ ((visibility ("default")))
#else
#define PLD_API
#endif

/* ---- errors -------------------------------------------------------------------------------- */

#define PLD_ERROR (pld_error_quark ())

/**
 * PldError:
 * @PLD_ERROR_NOT_FOUND: a named file does not exist
 * @PLD_ERROR_IO: reading or writing failed, or a file changed while it was in use
 * @PLD_ERROR_FORMAT: a file is damaged: its content contradicts itself or its format
 * @PLD_ERROR_UNSUPPORTED: a well-formed file that this version cannot run
 * @PLD_ERROR_MEMORY: the system had no memory to give
 * @PLD_ERROR_LIMIT: the memory limit is too small; the message names the smallest that works
 * @PLD_ERROR_CANCELLED: the caller's GCancellable was cancelled
 */
typedef enum
{
  PLD_ERROR_NOT_FOUND,
  PLD_ERROR_IO,
  PLD_ERROR_FORMAT,
  PLD_ERROR_UNSUPPORTED,
  PLD_ERROR_MEMORY,
  PLD_ERROR_LIMIT,
  PLD_ERROR_CANCELLED,
} PldError;

PLD_API GQuark pld_error_quark (void);

/* ---- sizes --------------------------------------------------------------------------------- */

/**
 * pld_size_parse:
 * @text: "64MB", "2.1GB", "512MiB", "4096" or "0"; decimal units are powers of 1000, "i" units of 1024
 * @bytes: (out): the size
 *
 * Thread-safe. Fails with PLD_ERROR_FORMAT on anything else, negative and overflowing sizes included.
 */
PLD_API gboolean pld_size_parse (const char *text, guint64 *bytes, GError **error);

/* Returns: (transfer full): @bytes for people, e.g. "64.0 MB". Thread-safe. */
PLD_API char *pld_size_format (guint64 bytes);

/* ---- memory -------------------------------------------------------------------------------- */

/* As a memory limit: what the machine, and each memory cgroup that the process is in, can spare; looked at again while running. */
#define PLD_LIMIT_AUTO G_MAXUINT64

/**
 * pld_limit_parse:
 * @text: as for pld_size_parse(), or "auto" for PLD_LIMIT_AUTO
 *
 * Thread-safe. FORMAT.
 */
PLD_API gboolean pld_limit_parse (const char *text, guint64 *limit, GError **error);

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

/* ---- pictures ------------------------------------------------------------------------------ */

/**
 * PldImageKind:
 * @PLD_IMAGE_RGB: components R, G, B
 * @PLD_IMAGE_YUV: components Y, Cb, Cr, the two last possibly subsampled
 * @PLD_IMAGE_GRAY: one component
 * @PLD_IMAGE_JPEG: a JPEG file in memory: @data and @size; the rest is ignored
 */
typedef enum
{
  PLD_IMAGE_RGB,
  PLD_IMAGE_YUV,
  PLD_IMAGE_GRAY,
  PLD_IMAGE_JPEG,
} PldImageKind;

typedef enum
{
  PLD_YUV_BT601,
  PLD_YUV_BT709,
  PLD_YUV_BT2020,
} PldYuvMatrix;

/* One colour component, 8 bits a sample: sample (x, y) lies at data[y * stride + x * pixel_stride]. */
typedef struct
{
  const guint8 *data;
  gssize stride;      /* bytes from row to row; negative for bottom-up pictures */
  guint pixel_stride; /* bytes from sample to sample */
  guint width;        /* samples a row, of this component */
  guint height;       /* rows, of this component */
} PldPlane;

/* A picture that the caller owns; only read, and only during the call it is given to. */
typedef struct
{
  PldImageKind kind;
  guint width, height; /* pixels */
  PldPlane plane[3];
  PldYuvMatrix matrix; /* YUV only */
  gboolean full_range; /* YUV and GRAY: 0..255 instead of 16..235 */
  const guint8 *data;  /* JPEG only */
  gsize size;          /* JPEG only */
} PldImage;

/* ---- vision -------------------------------------------------------------------------------- */

/**
 * pld_input_size_parse:
 * @text: "512x384", width first; "384": both; "0": 0 × 0, the model's own
 *
 * Thread-safe. FORMAT.
 */
PLD_API gboolean pld_input_size_parse (const char *text, guint *width, guint *height, GError **error);

/**
 * PldVision:
 *
 * One user's handle on an opened vision model. Handles that name the same model (same file, same
 * input size) share one copy of it: one budget, one set of pinned tiles, one pass for all pictures
 * that wait. Each handle is used by one thread at a time; different handles run in parallel.
 * pld_vision_set_memory_limit() and pld_vision_get_stats() may be called from any thread.
 */
typedef struct _PldVision PldVision;

typedef struct
{
  const char *model;    /* .safetensors, .gguf or Hugging Face folder; NULL: the bundled model */
  guint64 memory_limit; /* bytes; 0 = none; PLD_LIMIT_AUTO. The smallest that any handle of a model sets holds */
  guint loaders;        /* loaders running at once; 0 = planned */
  PldPipelining pipelining;
  guint threads;        /* compute threads; 0 = one for each CPU that affinity and cgroup quotas allow, when it is opened */
  guint batch;          /* pictures this handle submits at once at most; 0 = 1 */
  guint input_width, input_height; /* pixels that pictures are scaled to; 0 × 0 = the model's own */
} PldVisionOptions;

typedef struct
{
  const char *path;         /* what was opened */
  const char *architecture; /* "vit" */
  gboolean detector;        /* tells where things are; else it tells what the whole picture is */
  guint input_width, input_height;
  guint n_values;           /* that the model's head gives for a picture */
  guint max_objects;        /* of a picture */
  float threshold;          /* confidence from which on an object counts, as far as the model says */
  guint n_classes;
  const char *const *labels; /* [n_classes] */
  guint64 n_parameters;
  guint64 weight_bytes; /* as stored */
} PldVisionInfo;

/* One thing seen. A classifier gives one full-picture object a class; a detector one for each thing, with the box about it. */
typedef struct
{
  guint label_id;
  const char *label;                 /* owned by the handle */
  float confidence;                  /* 0..1 */
  float x_min, y_min, x_max, y_max;  /* 0..1 of the picture */
} PldObject;

typedef struct
{
  guint64 memory_limit;       /* in force; 0 = none */
  guint64 engine_bytes;       /* held now */
  guint64 engine_peak;        /* most ever held */
  guint64 passes, frames;     /* of the shared model; frames: pictures or tokens */
  guint64 bytes_streamed;     /* read from storage so far */
  guint64 stalls;             /* times a pass waited for a tile */
  guint64 stall_ns;           /* and for how long in all */
  guint64 retries;            /* reads that failed and were tried again */
  guint64 last_pass_ns, mean_pass_ns;
  guint64 floor_ns;           /* max (streamed bytes a pass / read bandwidth, least compute of a pass): no pass can be faster */
  guint64 read_bandwidth;     /* bytes/s, during the pass in which reading was fastest; 0 until one has read */
  guint64 streamed_per_pass;  /* bytes */
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

  /* Predictions, from what was measured on this machine; 0 unless pld_vision_predict() or pld_llm_predict() made the plan. */
  guint64 read_bandwidth; /* bytes/s, with @loaders reads of @read_bytes in flight */
  guint64 read_bytes;     /* of a tile that streams, on the average */
  gboolean direct_io;     /* FALSE: reads are buffered, so some that were measured may have come from the page cache */
  guint best_loaders;     /* the fewest that read within 3 % of the best bandwidth */
  guint pass_items;       /* of the pass that follows: pictures: batch; text: 1, the next token */
  guint64 load_ns;        /* of what streams */
  guint64 compute_ns;     /* of a token: after 512 others, or as many as the context holds */
  guint64 pass_ns;
  guint64 floor_ns;       /* max (load_ns, compute_ns) */
  guint64 batch_compute_ns, batch_pass_ns; /* of a pass of batch items */
  guint n_changes;        /* 0 when nothing streams */
  PldPlanChange changes[5]; /* [n_changes]: what would help: more memory, up to where nothing streams; a smaller cache; faster storage */
} PldPlanInfo;

/* Told during pld_vision_open(), in the calling thread: what is being done, and how far, 0..100. */
typedef void (*PldProgressFunc) (const char *step, guint percent, gpointer user_data);

/**
 * pld_vision_open:
 *
 * Opens a model, or joins one that is open. Weights are not read ahead of the first pass.
 * Errors: every code of #PldError.
 *
 * Returns: (transfer full): free with pld_vision_close()
 */
PLD_API PldVision *pld_vision_open (const PldVisionOptions *options, PldProgressFunc progress,
                                    gpointer user_data, GCancellable *cancellable, GError **error);

/* Closes *vision (NULL is fine) and clears the pointer. No call of this handle may be running. */
PLD_API void pld_vision_close (PldVision **vision);

PLD_API const PldVisionInfo *pld_vision_get_info (PldVision *vision);

/* Sets this handle's limit; takes effect at the start of the next pass. PLD_ERROR_LIMIT if too small
 * (the old limit then stays). */
PLD_API gboolean pld_vision_set_memory_limit (PldVision *vision, guint64 limit, GError **error);

/**
 * pld_vision_load_image:
 * @slot: 0 … batch − 1
 *
 * Scales @image to the model's input (antialiased, as preprocessor_config.json says) and keeps it in
 * @slot; @image is not needed afterwards. Fails with PLD_ERROR_FORMAT on a damaged or empty picture.
 */
PLD_API gboolean pld_vision_load_image (PldVision *vision, guint slot, const PldImage *image,
                                        GError **error);

/* The same for values that are already normalised: @pixels is float [3, input_height, input_width]. */
PLD_API gboolean pld_vision_load_pixels (PldVision *vision, guint slot, const float *pixels,
                                         GError **error);

/**
 * pld_vision_change:
 *
 * How much the picture in @slot differs from the one this was last asked for and kept: the largest
 * mean absolute difference of any block of 16 × 16 input pixels, 0..1. 1 if none was kept. With @keep
 * the picture becomes the one that later ones are held against.
 */
PLD_API float pld_vision_change (PldVision *vision, guint slot, gboolean keep);

/**
 * pld_vision_run:
 * @n: slots 0 … n − 1 hold the pictures
 * @values: (out) (nullable): float [n, n_values], a classifier's logits
 * @objects: (out) (nullable): [n, max_objects], each row sorted by falling confidence, whatever that is
 * @n_objects: (out) (nullable): [n], how many there are; goes with @objects
 *
 * One pass. Pictures of other handles that wait go through the same pass. Blocks; a cancelled
 * @cancellable ends the wait within one tile's time with PLD_ERROR_CANCELLED.
 */
PLD_API gboolean pld_vision_run (PldVision *vision, guint n, float *values, PldObject *objects, guint *n_objects,
                                 GCancellable *cancellable, GError **error);

PLD_API void pld_vision_get_stats (PldVision *vision, PldStats *stats);

/* Plans without loading. Thread-safe. @options as for pld_vision_open(). */
PLD_API gboolean pld_vision_plan (const PldVisionOptions *options, PldPlanInfo *plan, GError **error);

/* The same with predictions. What was never measured on this machine is measured, under the same limit, for 2 s: reading the model's file, and
 * products of its matrices' shapes with random weights. The results are kept in the user's cache directory, under pipeload/profiles. Best
 * while nothing else computes or reads. Errors: also IO, MEMORY, CANCELLED. */
PLD_API gboolean pld_vision_predict (const PldVisionOptions *options, PldPlanInfo *plan, GCancellable *cancellable, GError **error);

/* ---- text ---------------------------------------------------------------------------------- */

/**
 * PldLlm:
 *
 * One sequence of an opened language model: its options, its KV cache. Handles that name the same model share one copy of
 * it: one budget, one set of pinned tiles, one tokenizer, and one pass over the weights for all sequences that wait. Each handle is
 * used by one thread at a time; different handles run in parallel. pld_llm_set_memory_limit() and pld_llm_get_stats() may be
 * called from any thread.
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
  guint threads;        /* compute threads; 0 = one for each CPU that affinity and cgroup quotas allow, when it is opened */
  guint context_size;   /* tokens that the KV cache holds; 0 = 2048, or the model's own if that is less */
  guint chunk;          /* tokens of a prompt that share a pass at most; 0 = planned */
  PldCacheType cache_type;
  guint lookup;         /* tokens of an answer that are guessed ahead at most, up to 15, by what followed the last ones before: the answer is the same, only sooner
                         * where it repeats its prompt or itself. Each takes two rows of logits in memory; 0 = none */
} PldLlmOptions;

typedef struct
{
  const char *path;          /* what was opened */
  const char *architecture;  /* "llama" */
  const char *name;          /* (nullable): general.name */
  const char *chat_template; /* (nullable): the one that the file's own text calls for, e.g. "llama3" */
  guint n_vocab, n_layers;
  guint context_size;        /* of this handle */
  guint trained_context;     /* of the model */
  guint64 n_parameters;
  guint64 weight_bytes;      /* as stored */
  guint64 cache_bytes;       /* of this handle */
} PldLlmInfo;

/* Opens a model, or joins one that is open. Weights are not read ahead of the first pass. Errors: every code of #PldError.
 * Returns: (transfer full): free with pld_llm_close() */
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
PLD_API gboolean pld_llm_predict (const PldLlmOptions *options, PldPlanInfo *plan, GCancellable *cancellable, GError **error);

/**
 * pld_llm_tokenize:
 * @text: any bytes; what is no UTF-8 counts as U+FFFD
 * @length: bytes, or −1 if @text ends in a zero
 * @special: names of control tokens in @text stand for these tokens, and the model's begin token comes first if it wants one
 * @tokens: (out) (transfer full): free with g_free()
 */
PLD_API gboolean pld_llm_tokenize (PldLlm *llm, const char *text, gssize length, gboolean special, guint32 **tokens,
                                   gsize *n_tokens, GError **error);

/* Returns: (transfer full): the text of @tokens, control tokens left out unless @special; valid UTF-8, the byte 0 as U+FFFD */
PLD_API char *pld_llm_detokenize (PldLlm *llm, const guint32 *tokens, gsize n_tokens, gboolean special);

/**
 * pld_llm_eval:
 * @tokens: [n_tokens], which follow those that the cache holds
 * @logits: (out) (nullable): float [n_vocab] after the last of them
 *
 * For programs with a sampler of their own. UNSUPPORTED when the context has no room for @n_tokens more, or a token is
 * not in the vocabulary. After an error the cache holds what it did before.
 */
PLD_API gboolean pld_llm_eval (PldLlm *llm, const guint32 *tokens, guint n_tokens, float *logits, GCancellable *cancellable,
                               GError **error);

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
  const char *chat_template; /* NULL: the model's own; "none": contents as they are, names of control tokens parsed; or a name out
                              * of pld_llm_template_names() */
  gint max_tokens;           /* −1: until the answer or the context ends; 0: nothing */
  gboolean trim;             /* a prompt too long for the context loses its oldest part instead of failing */
  float temperature;         /* 0: greedy; below 0: the file's general.sampling.temp, else 0.8 */
  guint top_k;               /* 0: all */
  float top_p;               /* 1: all */
  float min_p;               /* 0: all */
  float repeat_penalty;      /* 1: none */
  float presence_penalty, frequency_penalty; /* 0: none */
  guint penalty_window;      /* last tokens that penalties look at */
  gint64 seed;               /* −1: another one each time */
  const char *const *stop;   /* (nullable): NULL-terminated; none of these is put out, the answer ends before it */
  const PldLogitBias *biases; /* (nullable): [n_biases] */
  guint n_biases;
} PldGenerateOptions;

/* Sets the defaults: own template, no limit, temperature −1, top-k 40, top-p 0.95, min-p 0.05, no penalties (window 64), seed −1. */
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
  guint prompt_tokens;    /* in all */
  guint cached_tokens;    /* of them, those still in the cache from the call before */
  guint trimmed_tokens;   /* left out of the prompt */
  guint generated_tokens;
  guint guessed_tokens;   /* of them, those that were guessed ahead: no pass of their own computed them */
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
 * @cancellable ends it within one tile's time with PLD_ERROR_CANCELLED. UNSUPPORTED: the prompt is longer than the context (the message
 * names both), the template is unknown, or the model has no tokenizer.
 */
PLD_API gboolean pld_llm_generate (PldLlm *llm, const PldMessage *messages, guint n_messages, const PldGenerateOptions *options,
                                   PldTextFunc text, gpointer user_data, PldGenerateResult *result, GCancellable *cancellable,
                                   GError **error);

/* Returns: (transfer none): NULL-terminated names of the chat templates that are known, without "none". */
PLD_API const char *const *pld_llm_template_names (void);

/* ---- results as JSON ----------------------------------------------------------------------- */

/* What happened to an object, where and when. */
typedef struct
{
  const char *event;           /* "enter", "update", "leave", "cross" */
  const char *zone;            /* or line; "": the whole picture */
  guint64 id;                  /* of the track; 0: not tracked */
  const char *label;
  const char *direction;       /* NULL: left out */
  guint64 start, end;          /* ns in the stream; end is G_MAXUINT64: left out, and the duration with it */
  double confidence;           /* of the last results together, 0..1 */
  double best_confidence;      /* of one result */
} PldEvent;

/* The frame that objects were seen in, or that an event happened in. */
typedef struct
{
  guint64 timestamp;     /* ns in the stream; G_MAXUINT64: none */
  gint64 system_time;    /* microseconds since 1970, UTC; G_MININT64: left out */
  const char *camera;    /* (nullable) */
  const char *source;    /* file or URI; NULL: left out */
  gint64 number;         /* of the frame in its source; −1: left out */
  guint width, height;   /* pixels */
  const PldEvent *event; /* NULL: none */
} PldFrame;

/* What is known of an object beside its box. */
typedef struct
{
  guint64 id;               /* of the track; 0: not tracked */
  const char *const *zones; /* NULL-terminated; NULL: none */
} PldIdentity;

/* @identities: (nullable): [n]; NULL: all 0. Returns: (transfer full): one line of JSON without its newline: of an event first event,
 * zone, id, label, direction; then timestamp, system_timestamp (RFC 3339); of an event start, end, duration, confidence,
 * best_confidence; then camera, source, frame, resolution, objects [id, label, confidence, box (0..1), x, y, w, h (pixels), zones].
 * Thread-safe. */
PLD_API char *pld_frame_to_json (const PldFrame *frame, const PldObject *objects, const PldIdentity *identities, guint n);

/* Whether @text is one JSON value (RFC 8259, and Python's NaN and ±Infinity), without doubled members, no deeper than 64: only then may parsers have it
 * that take more than JSON, go down without end or leak what they refuse, as json-glib's does. FORMAT, "line 3 is not JSON: …". Thread-safe. */
PLD_API gboolean pld_json_check (const char *text, gsize size, GError **error);

/* ---- model files --------------------------------------------------------------------------- */

/* Returns: (transfer full): JSON text that describes the model file or folder: format, architecture,
 * parameters, bytes, metadata, tensors (name, type, shape, file, offset, bytes). Thread-safe. */
PLD_API char *pld_model_inspect (const char *path, GError **error);

/* Whether the model at @path is a language model, for pld_llm_open(), or one for pictures, for pld_vision_open(); told by the file's
 * directory. @path: (nullable): NULL: FALSE. Errors as of pld_model_inspect(). Thread-safe. */
PLD_API gboolean pld_model_is_language (const char *path, gboolean *language, GError **error);

/**
 * pld_model_quantize:
 * @path: a vision transformer: a Hugging Face folder, a .safetensors file in it, or a GGUF file
 * @type: "f32", "f16", "bf16", or a block type for its matrices: "q8_0", "q6_k", "q5_k", "q5_1", "q5_0", "q4_k", "q4_1", "q4_0"
 * @out: the GGUF file; what is there is replaced when the new one is complete
 *
 * Writes the model with its matrices in @type, vectors in F32. Patch projection and head are Q8_0 at least; a matrix whose rows are no whole
 * blocks gets blocks of 32 values with about as many bits, or else F16. Takes a few MB of memory. Errors: those of opening a model;
 * UNSUPPORTED for other models and types, and values that @type cannot hold; IO; CANCELLED.
 */
PLD_API gboolean pld_model_quantize (const char *path, const char *type, const char *out, PldProgressFunc progress,
                                     gpointer user_data, GCancellable *cancellable, GError **error);

/**
 * pld_model_synth:
 * @preset: a vision transformer: "vit-b16", "vit-l16" or "vit-ti16"; or a language model: "llama-3.1-8b", "llama-3.2-1b",
 *          "llama-3.2-3b", "llama-2-7b", "tinyllama-1.1b", "llama-tiny", "mistral-7b", "qwen2-tiny", "qwen2.5-0.5b" or
 *          "qwen2.5-7b"
 * @type: (nullable): of vision transformers "f32" (default), "f16" or "bf16", and in GGUF files those of pld_model_quantize(); of language
 *        models these, a block type ("q8_0", "q4_k", …) for all matrices, or a mix as llama.cpp makes it: "q4_k_m" (default), "q5_k_m"
 * @vocab_from: (nullable): a GGUF file, whose tokenizer's keys a language model gets, and as many tokens; NULL: a plain
 *              SentencePiece vocabulary
 * @path: a GGUF file: of a vision transformer if it ends in ".gguf", of a language model always; or else a folder that is made if it does not
 *        exist. What is there is replaced
 *
 * Writes a model with seeded random, well-scaled weights of the true shapes, for speed and memory measurements. Same seed, same
 * bytes.
 */
PLD_API gboolean pld_model_synth (const char *preset, const char *type, const char *vocab_from, guint64 seed, const char *path,
                                  PldProgressFunc progress, gpointer user_data, GCancellable *cancellable, GError **error);

/* Returns: (transfer full): the path of a bundled model, such as "person-detector": in $PIPELOAD_MODELS, the installed
 * data folder, or the build's source tree, in this order; NULL with PLD_ERROR_NOT_FOUND. */
PLD_API char *pld_bundled_model (const char *name, GError **error);

G_END_DECLS
