/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The keys of an architecture in a GGUF file: "<architecture>.<name>".
 */
#pragma once

#include "engine/format/gguf-writer.h"

typedef struct
{
  PldGgufWriter *writer; /* not owned */
  const char *prefix;    /* the architecture's name */
} PldKeys;

void pld_keys_add_bool (PldKeys keys, const char *name, gboolean value);
void pld_keys_add_uint32 (PldKeys keys, const char *name, guint32 value);
void pld_keys_add_float (PldKeys keys, const char *name, float value);
void pld_keys_add_floats (PldKeys keys, const char *name, const float *values, guint n);
void pld_keys_add_string (PldKeys keys, const char *name, const char *value);
void pld_keys_add_strings (PldKeys keys, const char *name, const char *const *values, guint n);
/* One number for a square, or else [height, width]. */
void pld_keys_add_size (PldKeys keys, const char *name, guint width, guint height);
