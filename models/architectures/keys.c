/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Adds keys under an architecture's name to a GGUF file.
 */
#include "models/architectures/keys.h"

/* Returns: (transfer full) */
static char *
full_name (PldKeys keys, const char *name)
{
  return g_strconcat (keys.prefix, ".", name, NULL);
}

void
pld_keys_add_bool (PldKeys keys, const char *name, gboolean value)
{
  g_autofree char *key = full_name (keys, name);

  pld_gguf_writer_add_bool (keys.writer, key, value);
}

void
pld_keys_add_uint32 (PldKeys keys, const char *name, guint32 value)
{
  g_autofree char *key = full_name (keys, name);

  pld_gguf_writer_add_uint32 (keys.writer, key, value);
}

void
pld_keys_add_float (PldKeys keys, const char *name, float value)
{
  g_autofree char *key = full_name (keys, name);

  pld_gguf_writer_add_float (keys.writer, key, value);
}

void
pld_keys_add_floats (PldKeys keys, const char *name, const float *values, guint n)
{
  g_autofree char *key = full_name (keys, name);

  pld_gguf_writer_add_floats (keys.writer, key, values, n);
}

void
pld_keys_add_string (PldKeys keys, const char *name, const char *value)
{
  g_autofree char *key = full_name (keys, name);

  pld_gguf_writer_add_string (keys.writer, key, value);
}

void
pld_keys_add_strings (PldKeys keys, const char *name, const char *const *values, guint n)
{
  g_autofree char *key = full_name (keys, name);

  pld_gguf_writer_add_strings (keys.writer, key, values, n);
}

void
pld_keys_add_size (PldKeys keys, const char *name, guint width, guint height)
{
  g_autofree char *key = full_name (keys, name);
  const gint32 size[] = { (gint32) height, (gint32) width };

  if (width == height)
    pld_gguf_writer_add_uint32 (keys.writer, key, width);
  else
    pld_gguf_writer_add_int32s (keys.writer, key, size, 2);
}
