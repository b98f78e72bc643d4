/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * config.json and preprocessor_config.json of a Hugging Face folder, or GGUF's keys, read with typed, range-checked
 * getters. Immutable, so thread-safe.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "pipeload/base.h"

typedef struct
{
  char *path;   /* for messages */
  char *prefix; /* of every key in @root, "" or "vit." */
  JsonObject *root;
} PldConfig;

/**
 * pld_config_open:
 * @model: a model folder, or a file in it
 * @name: "config.json"
 *
 * NOT_FOUND when the file is not there, FORMAT when it is not a JSON object (UTF-8, at most 16 MiB).
 * Returns: (transfer full)
 */
PldConfig *pld_config_open (const char *model, const char *name, GError **error);
void pld_config_free (PldConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PldConfig, pld_config_free)

/* Parses @text in place of a file; @path is only for messages. */
PldConfig *pld_config_parse (const char *text, gssize length, const char *path, GError **error);

/* Reads @root in place of a file, e.g. GGUF's keys; @path is only for messages. @prefix: comes before every key that
 * the getters are asked for: "vit." for what that architecture's keys say, or "". Returns: (transfer full) */
PldConfig *pld_config_wrap (JsonObject *root, const char *prefix, const char *path);

gboolean pld_config_has (const PldConfig *config, const char *key);

/* A member that must be there and be an integer in [@min, @max]; FORMAT otherwise, naming file, key, value
 * and range. */
gboolean pld_config_uint (const PldConfig *config, const char *key, guint64 min, guint64 max, guint64 *value,
                          GError **error);
/* These take @fallback when the member is absent or null; FORMAT when it has the wrong type. */
gboolean pld_config_double (const PldConfig *config, const char *key, double fallback, double *value, GError **error);
gboolean pld_config_bool (const PldConfig *config, const char *key, gboolean fallback, gboolean *value, GError **error);
/* @value: (transfer none): lives as long as @config; @fallback may be NULL */
gboolean pld_config_string (const PldConfig *config, const char *key, const char *fallback, const char **value,
                            GError **error);
/* Exactly @n numbers, or @fallback for each if the member is absent. A single number applies to all. */
gboolean pld_config_doubles (const PldConfig *config, const char *key, guint n, const double *fallback, double *values,
                             GError **error);
/* Width and height from 224, [h, w], {"height", "width"} or {"shortest_edge"} (square); each in 1 … 65536;
 * absent: FORMAT. */
gboolean pld_config_size (const PldConfig *config, const char *key, guint *width, guint *height, GError **error);
/* id2label as a NULL-terminated array of exactly n classes: ids must be 0 … n − 1, each once. Absent: NULL and
 * TRUE.
 * @labels: (out) (transfer full) */
gboolean pld_config_labels (const PldConfig *config, char ***labels, guint *n, GError **error);
