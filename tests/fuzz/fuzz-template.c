/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Chat templates: any bytes as a file's template, and any bytes as messages, for the one detected and for all known
 * ones. The input: the template's text, then messages, each a role's letter and a content; zeros between them.
 */
#include "engine/text/template.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define MESSAGES_MAX 16

static void
count (const char *text, gsize length, gboolean special, gpointer user_data)
{
  gsize *bytes = user_data;

  if (length == 0 || memchr (text, 0, length) != NULL)
    g_error ("a piece is empty, or ends before its length");
  if (!special)
    *bytes += length;
}

static guint
read_messages (const char *at, const char *end, PldMessage *messages, gsize *n_bytes)
{
  guint n = 0;

  for (; at < end && n < MESSAGES_MAX; n++)
    {
      messages[n].role = *at == 's' ? "system" : *at == 'u' ? "user" : *at == 'a' ? "assistant" : at;
      messages[n].content = *at != '\0' ? at + 1 : NULL;
      *n_bytes += *at != '\0' ? strlen (at + 1) : 0;
      at += strlen (at) + 1;
    }
  return n;
}

static void
check (const PldTemplate *template, const PldMessage *messages, guint n, gsize n_bytes)
{
  for (guint generate = 0; generate < 2; generate++)
    {
      g_autoptr (GError) error = NULL;
      gsize written = 0;
      gboolean ok = pld_template_render (template, messages, n, generate, count, &written, &error);

      if (written > n_bytes || (!ok && written > 0))
        g_error ("more content comes out than went in");
      fuzz_check_error (ok, &error);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_malloc0 (size + 1);
  PldMessage messages[MESSAGES_MAX];
  const PldTemplate *template = NULL;
  gsize n_bytes = 0;
  guint n;

  if (size > 0)
    memcpy (text, data, size);
  template = pld_template_detect (text);
  n = read_messages (text + strlen (text) + 1, text + size, messages, &n_bytes);
  if (template != NULL)
    {
      if (pld_template_find (pld_template_name (template)) != template)
        g_error ("a template is not found by its name");
      check (template, messages, n, n_bytes);
    }
  for (const char *const *name = pld_template_names (); *name != NULL; name++)
    check (pld_template_find (*name), messages, n, n_bytes);
  return 0;
}
