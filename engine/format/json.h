/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A strict pull parser for JSON from untrusted files (RFC 8259, and Python's NaN and ±Infinity, as strings).
 * json-glib's own parser recurses as deep as its input, takes comments and loses doubled members, so files
 * go through this one. Bounded: depth, and the number of values that one parser turns into nodes. All
 * errors are FORMAT and name the byte.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "pipeload/results.h"

#define PLD_JSON_MAX_DEPTH 64
#define PLD_JSON_MAX_VALUES (1u << 18)

typedef struct
{
  const char *text; /* not owned; need not end in zero */
  gsize size;
  gsize pos;
  guint depth;
  guint64 objects;  /* bit d: the container at depth d is an object, not a list */
  gboolean first;   /* nothing has been read of the innermost container */
  guint n_values;   /* made into nodes so far */
  const char *fact; /* what was wrong at @pos; NULL: nothing was */
} PldJson;

void pld_json_init (PldJson *json, const char *text, gsize size);

/**
 * pld_json_enter:
 * @open: '{' or '['
 *
 * Steps into a container. Then pld_json_next() until *@more is FALSE; each time it is TRUE, read one member
 * (pld_json_key() and a value) or one item.
 */
gboolean pld_json_enter (PldJson *json, char open, GError **error);
gboolean pld_json_next (PldJson *json, gboolean *more, GError **error);
/* @key: (out) (transfer full) */
gboolean pld_json_key (PldJson *json, char **key, GError **error);

/* Values. Strings are valid UTF-8 without a zero character. */
gboolean pld_json_string (PldJson *json, char **string, GError **error);
gboolean pld_json_uint (PldJson *json, guint64 *value, GError **error);
/* Any value. @node: (out) (transfer full) (optional): NULL skips it */
gboolean pld_json_value (PldJson *json, JsonNode **node, GError **error);
/* Nothing but white space remains. */
gboolean pld_json_end (PldJson *json, GError **error);
