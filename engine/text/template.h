/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Chat templates: how messages become the one text that a model was trained to answer. Each family is a row of a table;
 * a file's own template (Jinja, the key tokenizer.chat_template) is not run; it only decides which row applies. The
 * rows give what the published template gives for messages of the roles system, user and assistant.
 *
 * No row writes the begin token at the very start: the tokenizer adds it if the file says so
 * (tokenizer.ggml.add_bos_token).
 */
#pragma once

#include "pipeload/llm.h"

typedef struct _PldTemplate PldTemplate; /* static, constant */

/* @jinja: (nullable): any bytes. Returns: NULL when it is none of the known ones */
const PldTemplate *pld_template_detect (const char *jinja);
/* Returns: NULL when there is none of this name */
const PldTemplate *pld_template_find (const char *name);
const char *pld_template_name (const PldTemplate *template);
/* Returns: (transfer none): NULL-terminated; thread-safe, as all functions here */
const char *const *pld_template_names (void);

/* Told the rendered text in order, never an empty piece. @special: written by the template; names of control tokens in
 * it stand for these tokens. Else a part of a message's content, which is only text. @text is not zero-terminated. */
typedef void (*PldTemplateFunc) (const char *text, gsize length, gboolean special, gpointer user_data);

/**
 * pld_template_render:
 * @messages: [n], in any order of roles
 * @add_generation_prompt: the answer's beginning follows
 *
 * Fails with UNSUPPORTED on a role other than system, user and assistant; then @func was not called.
 */
gboolean pld_template_render (const PldTemplate *template, const PldMessage *messages, guint n,
                              gboolean add_generation_prompt, PldTemplateFunc func, gpointer user_data, GError **error);
