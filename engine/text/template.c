/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Recognizes a chat template by its signs and renders messages by its row.
 */
#include "engine/text/families.h"

#include <string.h>

#define THOUGHTS_END "</think>"

/* ---- which one ------------------------------------------------------------------------------ */

static gboolean
has_signs (const PldTemplate *template, const char *jinja)
{
  for (guint i = 0; i < G_N_ELEMENTS (template->signs) && template->signs[i] != NULL; i++)
    if (strstr (jinja, template->signs[i]) == NULL)
      return FALSE;
  return TRUE;
}

const PldTemplate *
pld_template_detect (const char *jinja)
{
  for (guint i = 0; jinja != NULL && i < pld_n_families; i++)
    if (has_signs (&pld_families[i], jinja))
      return &pld_families[i];
  return NULL;
}

const PldTemplate *
pld_template_find (const char *name)
{
  for (guint i = 0; i < pld_n_families; i++)
    if (g_strcmp0 (pld_families[i].name, name) == 0)
      return &pld_families[i];
  return NULL;
}

const char *
pld_template_name (const PldTemplate *template)
{
  return template->name;
}

const char *const *
pld_template_names (void)
{
  static const char **names; /* lives as long as the program */

  if (g_once_init_enter (&names))
    {
      const char **list = g_new0 (const char *, pld_n_families + 1);

      for (guint i = 0; i < pld_n_families; i++)
        list[i] = pld_families[i].name;
      g_once_init_leave (&names, list);
    }
  return names;
}

/* ---- rendering ------------------------------------------------------------------------------ */

typedef struct
{
  const PldTemplate *template;
  const PldMessage *messages;
  guint n;
  PldTemplateFunc func;
  gpointer user_data;
} Rendering;

static void
put (const Rendering *r, const char *text)
{
  if (text != NULL && *text != '\0')
    r->func (text, strlen (text), TRUE, r->user_data);
}

static gboolean
is_role (const PldMessage *message, const char *role)
{
  return g_strcmp0 (message->role, role) == 0;
}

/* As Python's str.isspace(), which the templates' strip and trim go by. */
static gboolean
is_space (gunichar c)
{
  return g_unichar_isspace (c) || c == 0x0b || (c >= 0x1c && c <= 0x1f) || c == 0x85;
}

static void
trim_start (const char **start, const char *end)
{
  while (*start < end)
    {
      gunichar c = g_utf8_get_char_validated (*start, end - *start);

      if (c >= (gunichar) -2 || !is_space (c))
        break;
      *start = g_utf8_next_char (*start);
    }
}

static void
trim_end (const char *start, const char **end)
{
  const char *last;

  while ((last = g_utf8_find_prev_char (start, *end)) != NULL)
    {
      gunichar c = g_utf8_get_char_validated (last, *end - last);

      if (c >= (gunichar) -2 || g_utf8_next_char (last) != *end || !is_space (c))
        break;
      *end = last;
    }
}

/* @inside: the turn has text in front of the content */
static void
put_content (const Rendering *r, const PldMessage *message, PldTrim trim, gboolean inside)
{
  const char *start = message->content != NULL ? message->content : "", *end = start + strlen (start);

  if (is_role (message, "assistant") && r->template->thoughts != PLD_THOUGHTS_KEPT)
    {
      const char *thoughts = g_strrstr (start, THOUGHTS_END);

      if (thoughts != NULL)
        start = thoughts + strlen (THOUGHTS_END);
      while (thoughts != NULL && r->template->thoughts == PLD_THOUGHTS_CUT_LINES && *start == '\n')
        start++;
    }
  if (trim == PLD_TRIM_CONTENT || (trim == PLD_TRIM_TURN && !inside))
    trim_start (&start, end);
  if (trim != PLD_TRIM_NONE)
    trim_end (start, &end);
  if (end > start)
    r->func (start, end - start, FALSE, r->user_data);
}

static void
put_turn (const Rendering *r, const PldTurn *turn, const PldMessage *message)
{
  put (r, turn->before);
  put_content (r, message, turn->trim, FALSE);
  put (r, turn->after);
}

/* A user's turn that begins with all system messages. @message: (nullable) */
static void
put_user_with_system (const Rendering *r, const PldMessage *message)
{
  const PldTurn *user = &r->template->user;
  gboolean inside = FALSE;

  put (r, user->before);
  for (guint i = 0; i < r->n; i++)
    if (is_role (&r->messages[i], "system"))
      {
        put_turn (r, &r->template->system, &r->messages[i]);
        inside = TRUE;
      }
  if (message != NULL)
    put_content (r, message, user->trim, inside);
  put (r, user->after);
}

/* The message whose turn the system's go into, or @n: none. */
static guint
find_host (const Rendering *r)
{
  guint host = r->n;

  for (guint i = 0; i < r->n && r->template->place != PLD_SYSTEM_TURN; i++)
    if (is_role (&r->messages[i], "user") && (host == r->n || r->template->place == PLD_SYSTEM_LAST_USER))
      host = i;
  return host;
}

static gboolean
has_system (const Rendering *r)
{
  for (guint i = 0; i < r->n; i++)
    if (is_role (&r->messages[i], "system"))
      return TRUE;
  return FALSE;
}

static void
put_messages (const Rendering *r)
{
  const PldTemplate *template = r->template;
  gboolean own_turn = template->place == PLD_SYSTEM_TURN;
  guint host = find_host (r);

  if (!own_turn && host == r->n && has_system (r))
    put_user_with_system (r, NULL);
  for (guint i = 0; i < r->n; i++)
    {
      const PldMessage *message = &r->messages[i];

      if (i == host)
        put_user_with_system (r, message);
      else if (is_role (message, "user"))
        put_turn (r, &template->user, message);
      else if (is_role (message, "assistant"))
        {
          put_turn (r, &template->assistant, message);
          if (i + 1 < r->n)
            put (r, template->follow);
        }
      else if (own_turn)
        put_turn (r, &template->system, message);
    }
}

static gboolean
check_roles (const PldMessage *messages, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      const PldMessage *message = &messages[i];
      const char *role = message->role != NULL ? message->role : "";
      g_autofree char *shown = NULL;

      if (is_role (message, "system") || is_role (message, "user") || is_role (message, "assistant"))
        continue;
      shown = g_utf8_make_valid (role, MIN (strlen (role), 40));
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "message %u is of the role \"%s\": chat templates know system, user and assistant", i + 1, shown);
      return FALSE;
    }
  return TRUE;
}

gboolean
pld_template_render (const PldTemplate *template, const PldMessage *messages, guint n, gboolean add_generation_prompt,
                     PldTemplateFunc func, gpointer user_data, GError **error)
{
  Rendering r = { template, messages, n, func, user_data };

  if (!check_roles (messages, n, error))
    return FALSE;
  if (n == 0 || !is_role (&messages[0], "system"))
    put (&r, template->no_system);
  put_messages (&r);
  put (&r, add_generation_prompt ? template->answer : template->end);
  return TRUE;
}
