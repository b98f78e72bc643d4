/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model files assembled byte by byte, so that tests of parsers do not lean on our own writer.
 */
#pragma once

#include "engine/format/weights.h"

/* Little-endian. */
void bytes_u8 (GByteArray *bytes, guint8 value);
void bytes_u16 (GByteArray *bytes, guint16 value);
void bytes_u32 (GByteArray *bytes, guint32 value);
void bytes_u64 (GByteArray *bytes, guint64 value);
/* GGUF's string: u64 length, then the bytes. */
void bytes_string (GByteArray *bytes, const char *string);
void bytes_zero (GByteArray *bytes, gsize n);

/* The length of @header, @header, @n_data bytes of data. Returns: (transfer full) */
GByteArray *bytes_safetensors (const char *header, gsize n_data);

/* "GGUF", @version, the counts. Returns: (transfer full) */
GByteArray *bytes_gguf (guint32 version, guint64 n_tensors, guint64 n_keys);
void bytes_gguf_tensor (GByteArray *bytes, const char *name, guint n_dims, const guint64 *dims, guint32 type,
                        guint64 offset);

/* Writes @bytes to @folder/@name. Returns: (transfer full): the path */
char *bytes_save (GByteArray *bytes, const char *folder, const char *name);
char *text_save (const char *text, const char *folder, const char *name);

/* Asserts that @error is of our domain, has @code and has @part in its text; then clears it. */
void assert_pld_error (GError **error, PldError code, const char *part);

/* Removes @folder and what is in it. */
void remove_folder (const char *folder);
guint count_files (const char *folder);

/* A folder of its own, and the path of a file in it that is not there yet: a fixture of tests. */
typedef struct
{
  char *folder, *path;
} Scratch;

void scratch_make (Scratch *scratch, const char *name);
void scratch_remove (Scratch *scratch, gconstpointer data);

/* The outputs of a parser of one file. */
typedef struct
{
  GArray *tensors;
  JsonObject *metadata;
  GArray *arrays;
} Parsed;

void parsed_init (Parsed *parsed);
void parsed_clear (Parsed *parsed);
