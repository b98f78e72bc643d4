/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * pipeload-chat: each line of a file, of stdin or of a terminal is a prompt for pipeloadllm; its answers go to stdout.
 */
#include "apps/common/dialog.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINE (1u << 20)

typedef struct
{
  /* Options. */
  char *model, *memory_limit, *system, *history;
  char **set;

  Dialog *dialog;
  int fd;            /* prompts */
  GString *text;     /* read, and not yet asked */
  gboolean end;      /* nothing more will be read */
  gboolean terminal; /* they are typed */
  gboolean answering;
  guint source; /* waits for more text; 0: nobody does */
} Chat;

static void next_prompt (Chat *chat);

/* Takes the first line out of what was read. Returns: (transfer full) (nullable): NULL: it is not whole yet */
static char *
take_line (Chat *chat)
{
  const char *newline = memchr (chat->text->str, '\n', chat->text->len);
  gsize n = newline != NULL ? (gsize) (newline - chat->text->str) : chat->text->len;
  char *line;

  if (newline == NULL && (!chat->end || n == 0))
    return NULL;
  line = g_utf8_make_valid (chat->text->str, (gssize) n);
  g_string_erase (chat->text, 0, (gssize) MIN (n + 1, chat->text->len));
  return line;
}

static gboolean
take_text (gint fd, GIOCondition condition, gpointer user_data)
{
  Chat *chat = user_data;
  char bytes[4096];
  ssize_t n = read (fd, bytes, sizeof bytes);

  if (n < 0 && errno == EINTR)
    return G_SOURCE_CONTINUE;
  if (n > 0)
    g_string_append_len (chat->text, bytes, n);
  chat->end = n <= 0;
  chat->source = 0;
  if (n >= 0 && chat->text->len <= MAX_LINE + sizeof bytes)
    next_prompt (chat);
  else
    {
      g_printerr ("pipeload-chat: %s\n", n < 0 ? g_strerror (errno) : "a line is longer than any prompt may be");
      dialog_stop (chat->dialog, FAILED);
    }
  return G_SOURCE_REMOVE;
}

/* Asks the next line that has something in it, once it is there. A file that cannot be polled is always ready. */
static void
next_prompt (Chat *chat)
{
  while (!chat->answering)
    {
      g_autofree char *line = take_line (chat);

      if (line == NULL)
        break;
      if (*g_strstrip (line) != '\0')
        {
          chat->answering = TRUE;
          dialog_ask (chat->dialog, line);
        }
      else if (chat->terminal)
        g_printerr ("> ");
    }
  if (chat->answering || chat->source != 0)
    return;
  if (chat->end)
    dialog_end (chat->dialog);
  else
    chat->source = g_unix_fd_add (chat->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, take_text, chat);
}

static void
take_answered (Dialog *dialog, gpointer user_data)
{
  Chat *chat = user_data;

  if (!chat->answering)
    return;
  chat->answering = FALSE;
  if (chat->terminal)
    g_printerr ("> ");
  next_prompt (chat);
}

/* At a terminal Ctrl-C ends an answer first, by a flush. */
static gboolean
interrupt (gpointer user_data)
{
  Chat *chat = user_data;

  if (!chat->terminal || !chat->answering)
    dialog_stop (chat->dialog, STOPPED);
  else
    {
      dialog_interrupt (chat->dialog);
      g_print ("\n");
      take_answered (chat->dialog, chat);
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
terminate (gpointer user_data)
{
  dialog_stop (((Chat *) user_data)->dialog, STOPPED);
  return G_SOURCE_CONTINUE;
}

static gboolean
parse_options (Chat *chat, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[]
      = { { "model", 'm', 0, G_OPTION_ARG_FILENAME, &chat->model, "Model file (the bundled one)", "PATH" },
          { "memory-limit", 'l', 0, G_OPTION_ARG_STRING, &chat->memory_limit, "Such as 2.1GB; 0 for none (0)", "SIZE" },
          { "system", 0, 0, G_OPTION_ARG_STRING, &chat->system, "The system prompt", "TEXT" },
          { "history", 0, 0, G_OPTION_ARG_STRING, &chat->history,
            "Earlier prompts and answers that are remembered (typed: 16, else 0)", "N" },
          { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &chat->set, "A property of pipeloadllm; may be repeated",
            "NAME=VALUE" },
          G_OPTION_ENTRY_NULL };
  g_autoptr (GOptionContext) context = g_option_context_new ("[FILE] - answer each line of a file or of stdin");

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc > 2)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "one FILE at most; see --help");
      return FALSE;
    }
  return TRUE;
}

static gboolean
prepare (Chat *chat, const char *file, GError **error)
{
  chat->fd = file != NULL ? open (file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  if (chat->fd < 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", file, g_strerror (errno));
      return FALSE;
    }
  chat->terminal = isatty (chat->fd);
  chat->dialog = dialog_new (take_answered, chat, error);
  if (chat->dialog == NULL)
    return FALSE;
  dialog_set (chat->dialog, "model", chat->model);
  dialog_set (chat->dialog, "memory-limit", chat->memory_limit);
  dialog_set (chat->dialog, "system-prompt", chat->system);
  dialog_set (chat->dialog, "history", chat->history != NULL ? chat->history : chat->terminal ? "16" : "0");
  return dialog_set_all (chat->dialog, chat->set, error);
}

static int
run (Chat *chat)
{
  guint signals[] = { g_unix_signal_add (SIGINT, interrupt, chat), g_unix_signal_add (SIGTERM, terminate, chat) };
  int status;

  if (chat->terminal)
    g_printerr ("Ctrl-C ends an answer, and what was said is forgotten; Ctrl-D ends the chat.\n> ");
  next_prompt (chat);
  status = dialog_run (chat->dialog);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    g_source_remove (signals[i]);
  if (chat->source != 0)
    g_source_remove (chat->source);
  return status;
}

int
main (int argc, char **argv)
{
  Chat chat = { .text = g_string_new (NULL), .fd = -1 };
  g_autoptr (GError) error = NULL;
  int status;

  if (!parse_options (&chat, &argc, &argv, &error))
    status = MISUSED;
  else if (!prepare (&chat, argc > 1 ? argv[1] : NULL, &error))
    status = g_error_matches (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE) ? MISUSED : FAILED;
  else
    status = run (&chat);
  if (error != NULL)
    g_printerr ("pipeload-chat: %s\n", error->message);
  dialog_free (chat.dialog);
  if (chat.fd > STDIN_FILENO)
    close (chat.fd);
  g_string_free (chat.text, TRUE);
  g_free (chat.model);
  g_free (chat.memory_limit);
  g_free (chat.system);
  g_free (chat.history);
  g_strfreev (chat.set);
  return status;
}
