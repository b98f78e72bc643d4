/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Messages → tokens. Only a template's own text may name control tokens; messages are plain text, even if they contain
 * the name of one.
 */
#include "models/api/llm.h"

#include <string.h>

/* Templates are searched for names of control tokens up to this length. */
#define NAME_MAX_BYTES 48

typedef struct
{
  const PldTokenizer *tokenizer;
  GString *text; /* since the last control token */
  GArray *tokens;
  GError *error; /* the first */
} Prompt;

static void
prompt_flush (Prompt *p)
{
  if (p->error == NULL && p->text->len > 0)
    pld_tokenizer_encode (p->tokenizer, p->text->str, p->text->len, 0, p->tokens, &p->error);
  g_string_truncate (p->text, 0);
}

/* Returns: the control token whose name @text begins with, or −1; *length is the length of its name */
static gint
control_token (const PldTokenizer *tokenizer, const char *text, gsize n, gsize *length)
{
  char name[NAME_MAX_BYTES + 1];

  if (text[0] != '<' && text[0] != '[')
    return -1;
  for (gsize i = 1; i < MIN (n, NAME_MAX_BYTES); i++)
    if (text[i] == '>' || text[i] == ']')
      {
        gint token;

        memcpy (name, text, i + 1);
        name[i + 1] = '\0';
        token = pld_tokenizer_find (tokenizer, name);
        if (token >= 0 && pld_tokenizer_is_control (tokenizer, (guint32) token))
          {
            *length = i + 1;
            return token;
          }
      }
  return -1;
}

static void
prompt_add (const char *text, gsize n, gboolean special, gpointer user_data)
{
  Prompt *p = user_data;

  for (gsize i = 0, length = 1; i < n; i += length)
    {
      gint token = special ? control_token (p->tokenizer, text + i, n - i, &length) : -1;

      if (token >= 0)
        {
          guint32 id = (guint32) token;

          prompt_flush (p);
          g_array_append_val (p->tokens, id);
        }
      else
        {
          length = special ? 1 : n;
          g_string_append_len (p->text, text + i, (gssize) length);
        }
    }
}

/* Adds the token that every text of the model begins with, if there is one. */
static void
prompt_begin (Prompt *p)
{
  g_autoptr (GArray) added = g_array_new (FALSE, FALSE, sizeof (guint32));
  const gint bos = pld_tokenizer_bos (p->tokenizer);

  if (pld_tokenizer_encode (p->tokenizer, "", 0, PLD_ENCODE_ADD_SPECIAL, added, &p->error) && added->len > 0 && bos >= 0
      && g_array_index (added, guint32, 0) == (guint32) bos)
    g_array_append_val (p->tokens, g_array_index (added, guint32, 0));
}

static void
prompt_raw (Prompt *p, const PldMessage *messages, guint n)
{
  for (guint i = 0; i < n; i++)
    g_string_append (p->text, messages[i].content);
  if (p->error == NULL)
    pld_tokenizer_encode (p->tokenizer, p->text->str, p->text->len, PLD_ENCODE_PARSE_SPECIAL, p->tokens, &p->error);
}

/* @chat_template: (nullable): NULL: contents as they are. Returns: (transfer full) */
static GArray *
prompt_encode (const PldTokenizer *tokenizer, const PldTemplate *chat_template, const PldMessage *messages, guint n,
               GError **error)
{
  Prompt p = { tokenizer, g_string_new (NULL), g_array_new (FALSE, FALSE, sizeof (guint32)), NULL };

  prompt_begin (&p);
  if (chat_template == NULL)
    prompt_raw (&p, messages, n);
  else if (p.error == NULL && pld_template_render (chat_template, messages, n, TRUE, prompt_add, &p, &p.error))
    prompt_flush (&p);
  g_string_free (p.text, TRUE);
  if (p.error != NULL)
    {
      g_propagate_error (error, p.error);
      g_clear_pointer (&p.tokens, g_array_unref);
    }
  return p.tokens;
}

/* Which template @options call for; FALSE: none that is known. */
static gboolean
find_template (PldLlm *llm, const PldGenerateOptions *options, const PldTemplate **chat_template, GError **error)
{
  const char *name = options->chat_template;
  g_autofree char *known = g_strjoinv (", ", (char **) pld_template_names ());

  *chat_template = name == NULL ? llm->chat_template : pld_template_find (name);
  if (*chat_template != NULL || g_strcmp0 (name, "none") == 0 || (name == NULL && !llm->unknown_template))
    return TRUE;
  if (name == NULL)
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                 "%s: the chat template is unknown; name the one to use: none, %s", llm->handle.path, known);
  else
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "unknown chat template \"%s\"; known: none, %s", name, known);
  return FALSE;
}

/* Returns: the oldest message that may be dropped: system messages stay */
static guint
oldest (const PldMessage *messages, guint n)
{
  for (guint i = 0; i + 1 < n; i++)
    if (!g_str_equal (messages[i].role, "system"))
      return i;
  return n - 1;
}

/* Drops the oldest messages, then the beginning of the last, until @room tokens suffice. */
static GArray *
prompt_trim (const PldTokenizer *tokenizer, const PldTemplate *chat_template, const PldMessage *all, guint n,
             guint room, GError **error)
{
  g_autofree PldMessage *messages = g_memdup2 (all, n * sizeof *all);
  g_autofree char *valid = NULL;
  GArray *tokens = prompt_encode (tokenizer, chat_template, messages, n, error);

  while (tokens != NULL && tokens->len > room)
    {
      const guint first = oldest (messages, n);
      gsize length = strlen (messages[first].content), cut;

      if (first + 1 < n)
        memmove (messages + first, messages + first + 1, (--n - first) * sizeof *messages);
      else if (length == 0)
        break;
      else
        {
          /* Cut in proportion to the excess tokens, at least one byte each time. */
          if (valid == NULL)
            messages[first].content = valid = g_utf8_make_valid (messages[first].content, -1);
          length = strlen (messages[first].content);
          cut = MAX (1, (gsize) ((double) length * (tokens->len - room) / tokens->len));
          while (cut < length && (messages[first].content[cut] & 0xc0) == 0x80)
            cut++;
          messages[first].content += MIN (cut, length);
        }
      g_array_unref (tokens);
      tokens = prompt_encode (tokenizer, chat_template, messages, n, error);
    }
  return tokens;
}

GArray *
pld_prompt_make (PldLlm *llm, const PldMessage *messages, guint n_messages, const PldGenerateOptions *options,
                 guint room, guint *trimmed, gboolean *raw, GError **error)
{
  const PldTokenizer *tokenizer = pld_core_model (llm->handle.core)->tokenizer;
  const PldTemplate *chat_template;
  GArray *tokens;
  guint n;

  if (!find_template (llm, options, &chat_template, error))
    return NULL;
  *raw = chat_template == NULL;
  *trimmed = 0;
  tokens = prompt_encode (tokenizer, chat_template, messages, n_messages, error);
  if (tokens == NULL || tokens->len <= room)
    return tokens;
  n = tokens->len;
  g_clear_pointer (&tokens, g_array_unref);
  if (options->trim && n_messages > 0)
    tokens = prompt_trim (tokenizer, chat_template, messages, n_messages,
                          MAX (1, room - MIN (room, llm->handle.user.context / 4)), error);
  if (tokens != NULL && tokens->len > room)
    g_clear_pointer (&tokens, g_array_unref);
  if (tokens != NULL)
    *trimmed = n - MIN (n, tokens->len);
  else if (error != NULL && *error == NULL)
    g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                 "%s: the prompt has %u tokens, more than the %u that fit a context of %u; shorten it, let it be "
                 "trimmed, or set a "
                 "larger context size",
                 llm->handle.path, n, room, llm->handle.user.context);
  return tokens;
}
