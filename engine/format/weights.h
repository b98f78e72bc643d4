/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * bytes → named tensors: the directory of a model, whatever file format holds it. Reads headers only;
 * weights stay on storage. Formats: safetensors (single file, or sharded with
 * model.safetensors.index.json), GGUF v2 and v3.
 *
 * Files are untrusted: each length is checked against what remains, each product for overflow, every tensor
 * lies inside its file and no two of a safetensors file overlap. Immutable after opening, then thread-safe.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "engine/format/dtype.h"
#include "pipeload/base.h"

#define PLD_TENSOR_MAX_DIMS 8

typedef struct
{
  char *name;
  PldDtype dtype;
  guint n_dims;
  guint64 dims[PLD_TENSOR_MAX_DIMS]; /* outermost first (row-major); GGUF stores them innermost first */
  guint file;                        /* index of the file that holds it */
  guint64 offset;                    /* bytes from that file's start */
  guint64 n_values;
  guint64 n_bytes;
} PldTensor;

/* Types of a GGUF value, by their numbers in the file. */
typedef enum
{
  PLD_GGUF_U8,
  PLD_GGUF_I8,
  PLD_GGUF_U16,
  PLD_GGUF_I16,
  PLD_GGUF_U32,
  PLD_GGUF_I32,
  PLD_GGUF_F32,
  PLD_GGUF_BOOL,
  PLD_GGUF_STRING, /* u64 length, then the bytes */
  PLD_GGUF_ARRAY,  /* u32 type, u64 count, then the items */
  PLD_GGUF_U64,
  PLD_GGUF_I64,
  PLD_GGUF_F64,
  PLD_GGUF_N,
} PldGgufType;

/* The place of a GGUF list: its items start at @offset, little-endian, without gaps. */
typedef struct
{
  char *key;
  PldGgufType type; /* of the items */
  guint64 count;
  guint file;     /* index of the file that holds it */
  guint64 offset; /* bytes from that file's start */
  guint64 n_bytes;
} PldArray;

typedef enum
{
  PLD_FORMAT_SAFETENSORS,
  PLD_FORMAT_GGUF,
} PldFormat;

typedef struct
{
  PldFormat format;
  char *path; /* as given */
  guint n_files;
  char **files; /* [n_files + 1], NULL-terminated */
  guint n_tensors;
  PldTensor *tensors;   /* [n_tensors], in file order */
  GHashTable *by_name;  /* name → PldTensor *, for pld_weights_find() */
  JsonObject *metadata; /* GGUF's key/values, arrays over 64 items cut to {"type", "count"}; or safetensors'
                         * __metadata__; never NULL */
  guint n_arrays;
  PldArray *arrays; /* [n_arrays]: GGUF's lists of any length, for pld_weights_array() */
} PldWeights;

/**
 * pld_weights_open:
 * @path: a .safetensors or .gguf file (recognized by content, not by name), or a folder with model.safetensors or
 *        its index
 *
 * Errors: NOT_FOUND, IO, FORMAT, UNSUPPORTED; each names the file, the fact and, where there is one, the
 * remedy. Returns: (transfer full)
 */
PldWeights *pld_weights_open (const char *path, GError **error);
void pld_weights_free (PldWeights *weights);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldWeights, pld_weights_free)

/* Returns: (transfer none) (nullable) */
const PldTensor *pld_weights_find (const PldWeights *weights, const char *name);

/* The list that is the value of @key. Returns: (transfer none) (nullable) */
const PldArray *pld_weights_array (const PldWeights *weights, const char *key);

/**
 * pld_weights_strings:
 * @max: a list that is longer, or has 16 MiB, is a FORMAT error
 * @strings: (out) (transfer full): NULL-terminated, UTF-8; NULL when there is no such key
 *
 * Reads the list of strings that is the value of @key. FORMAT, IO.
 */
gboolean pld_weights_strings (const PldWeights *weights, const char *key, guint max, char ***strings, guint *n,
                              GError **error);

/* "[768, 3072]" Returns: (transfer full) */
char *pld_tensor_shape (const PldTensor *tensor);

/* ---- one function a format; the seams that fuzz targets use -------------------------------- */

/**
 * pld_safetensors_parse:
 * @head: the first bytes of the file: 8 bytes length, then the JSON header
 * @n_head: bytes in @head; a header that does not fit is an error
 * @file_size: of the whole file
 *
 * Appends PldTensor to @tensors (element type PldTensor; names owned by the elements) with file = @file, and
 * merges __metadata__ into @metadata. Errors have no file name; the caller prefixes it.
 */
gboolean pld_safetensors_parse (const guint8 *head, gsize n_head, guint64 file_size, guint file, GArray *tensors,
                                JsonObject *metadata, GError **error);

/* Bytes that pld_safetensors_parse() wants in @head, from the first 8 bytes of the file. */
gboolean pld_safetensors_head_size (const guint8 *head, gsize n_head, guint64 file_size, guint64 *size, GError **error);

/* Returns: (transfer full) (element-type PldArray): frees the keys of its elements */
GArray *pld_gguf_arrays_new (void);

/* The same for GGUF; metadata and @arrays (element type PldArray; keys owned by the elements) as described at
 * PldWeights. */
gboolean pld_gguf_parse (const guint8 *head, gsize n_head, guint64 file_size, guint file, GArray *tensors,
                         JsonObject *metadata, GArray *arrays, GError **error);

/* The same; *@short_head is TRUE if it failed because the directory is longer than @head (but not than the file). */
gboolean pld_gguf_parse_window (const guint8 *head, gsize n_head, guint64 file_size, guint file, GArray *tensors,
                                JsonObject *metadata, GArray *arrays, gboolean *short_head, GError **error);
