/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pipeload command: finds the verb, in this program or in a program of libexec, and runs it.
 */
#include "apps/pipeload/verbs.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  const char *name, *purpose;
  const PldVerb *inside; /* NULL: a program of its own */
} Verb;

#define INSIDE(verb, purpose) { #verb, purpose, &pld_verb_##verb },
#define PROGRAM(verb, purpose) { #verb, purpose, NULL },
static const Verb verbs[] = { PLD_VERBS (INSIDE, PROGRAM) };
#undef INSIDE
#undef PROGRAM

/* ---- programs in libexec ------------------------------------------------------------------- */

/* Where libexec is installed, as seen from a program in @folder: an installation may be moved. Returns: (transfer full)
 */
static char *
libexec_of (const char *folder)
{
  const gsize n = strlen (folder), tail = strlen ("/" PLD_BINDIR);

  if (*PLD_LIBEXECDIR == '/' || !g_str_has_suffix (folder, "/" PLD_BINDIR))
    return g_strdup (PLD_LIBEXECDIR);
  return g_strdup_printf ("%.*s/%s", (int) (n - tail), folder, PLD_LIBEXECDIR);
}

/* In the folder of this program, as in a build tree, or else in libexec. Returns: (transfer full) (nullable) */
static char *
find_program (const char *verb)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = self != NULL ? g_path_get_dirname (self) : g_strdup ("/" PLD_BINDIR);
  g_autofree char *libexec = libexec_of (folder);
  g_autofree char *name = g_strconcat ("pipeload-", verb, NULL);
  g_autofree char *near = g_build_filename (folder, name, NULL);
  g_autofree char *installed = g_build_filename (libexec, name, NULL);

  if (g_file_test (near, G_FILE_TEST_IS_EXECUTABLE))
    return g_steal_pointer (&near);
  return g_file_test (installed, G_FILE_TEST_IS_EXECUTABLE) ? g_steal_pointer (&installed) : NULL;
}

/* Replaces this process. Returns: the exit status if that fails */
static int
run_program (const char *verb, char **argv)
{
  g_autofree char *path = find_program (verb);

  if (path == NULL)
    fprintf (stderr,
             "pipeload: \"%s\" is not part of this installation: it needs GStreamer; install the package that has "
             "pipeload-%s, or build with -Dgst=enabled\n",
             verb, verb);
  else
    {
      execv (path, argv);
      fprintf (stderr, "pipeload: %s: %s; install pipeload again\n", path, g_strerror (errno));
    }
  return PLD_EXIT_UNAVAILABLE;
}

/* ---- help, and what is generated ----------------------------------------------------------- */

static void
print_help (FILE *to)
{
  g_autoptr (GString) exits = g_string_new (NULL);

  pld_exits_append (exits);
  fputs ("Usage: pipeload VERB [OPTION…] [ARGUMENT…]\n\n"
         "Runs transformers under a hard memory limit: their weights stream from storage while the CPU computes.\n\n"
         "Verbs:\n",
         to);
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    fprintf (to, "  %-10s %s\n", verbs[i].name, verbs[i].purpose);
  fprintf (to,
           "\n\"pipeload help VERB\" or \"pipeload VERB --help\" explains a verb and its options.\n"
           "\"pipeload --version\" prints the version.\n\nExit status:\n%s",
           exits->str);
}

static void
print_man (void)
{
  printf (".TH PIPELOAD 1 \"\" \"pipeload %s\" \"pipeload manual\"\n"
          ".SH NAME\npipeload \\- run transformers under a hard memory limit\n"
          ".SH SYNOPSIS\n\\fBpipeload\\fR \\fIVERB\\fR [\\fIOPTION\\fR\\|.\\|.\\|.] [\\fIARGUMENT\\fR\\|.\\|.\\|.]\n"
          ".SH DESCRIPTION\nThe weights of a model stream from storage while the CPU computes.\n"
          "Each verb has a manual page of its own, such as \\fBpipeload\\-detect\\fR(1).\n.SH VERBS\n",
          PLD_VERSION);
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      printf (".TP\n\\fB%s\\fR\n", verbs[i].name);
      pld_roff_print (verbs[i].purpose);
      putchar ('\n');
    }
  puts (".TP\n\\fBhelp\\fR [\\fIVERB\\fR]\nPrint the list of verbs, or the help of one.\n"
        ".SH OPTIONS\n.TP\n\\fB\\-\\-help\\fR\nPrint the help.\n.TP\n\\fB\\-\\-version\\fR\nPrint the version.");
}

/* The parts of the completion that verbs outside of this program make. FALSE: one of them fails. */
static gboolean
print_part (const Verb *verb, const char *format)
{
  g_autofree char *path = verb->inside == NULL ? find_program (verb->name) : NULL;
  g_autofree char *option = g_strconcat ("--generate=", format, NULL);
  const char *argv[] = { path, option, NULL };
  g_autofree char *text = NULL;
  int status = 0;

  if (verb->inside != NULL)
    return pld_verb_generate (verb->inside, format);
  if (path == NULL) /* a build without GStreamer */
    return TRUE;
  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &text, NULL, &status, NULL)
      || status != 0)
    return FALSE;
  fputs (text, stdout);
  return TRUE;
}

static gboolean
print_completion (const char *format, const char *head, const char *tail)
{
  gboolean ok = TRUE;

  fputs (head, stdout);
  for (guint i = 0; ok && i < G_N_ELEMENTS (verbs); i++)
    ok = print_part (&verbs[i], format);
  fputs (tail, stdout);
  return ok;
}

static gboolean
print_bash (void)
{
  g_autoptr (GString) head = g_string_new ("# bash completion for pipeload\n_pipeload ()\n{\n  local verbs='help");

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    g_string_append_printf (head, " %s", verbs[i].name);
  g_string_append (head, "'\n"
                         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options= files=\n"
                         "  COMPREPLY=()\n"
                         "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
                         "    COMPREPLY=($(compgen -W \"$verbs --help --version\" -- \"$word\"))\n"
                         "    return\n"
                         "  fi\n"
                         "  case ${COMP_WORDS[1]} in\n"
                         "    help)\n"
                         "      COMPREPLY=($(compgen -W \"$verbs\" -- \"$word\"))\n"
                         "      return\n"
                         "      ;;\n");
  return print_completion ("bash", head->str,
                           "  esac\n"
                           "  # bash splits --option=value at \"=\"\n"
                           "  [ \"$before\" = = ] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
                           "  [ \"$word\" = = ] && word=\n"
                           "  if [[ $word == -* ]]; then\n"
                           "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
                           "    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null\n"
                           "  elif [[ $before != --* || $files == *\"|$before|\"* ]]; then\n"
                           "    compopt -o filenames 2>/dev/null\n"
                           "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
                           "  fi\n"
                           "}\n"
                           "complete -F _pipeload pipeload\n");
}

static gboolean
print_zsh (void)
{
  g_autoptr (GString) head = g_string_new ("#compdef pipeload\nlocal -a verbs\nverbs=('help:explain a verb'");

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      g_auto (GStrv) parts = g_strsplit (verbs[i].purpose, "'", -1);
      g_autofree char *quoted = g_strjoinv ("'\\''", parts);

      g_string_append_printf (head, " '%s:%s'", verbs[i].name, quoted);
    }
  g_string_append (head, ")\nif (( CURRENT == 2 )); then\n  _describe -t verbs verb verbs\nelse\n"
                         "  shift words\n  (( CURRENT-- ))\n  case $words[1] in\n"
                         "    help)\n      _describe -t verbs verb verbs\n      ;;\n");
  return print_completion ("zsh", head->str, "  esac\nfi\n");
}

/* ---- the command line ---------------------------------------------------------------------- */

/* Letters to insert, remove or replace until @a is @b. */
static guint
distance (const char *a, const char *b)
{
  const gsize n = strlen (b);
  g_autofree guint *row = g_new (guint, n + 1);

  for (gsize j = 0; j <= n; j++)
    row[j] = (guint) j;
  for (gsize i = 0; a[i] != '\0'; i++)
    {
      guint diagonal = row[0];

      row[0] = (guint) i + 1;
      for (gsize j = 0; j < n; j++)
        {
          const guint replaced = diagonal + (a[i] != b[j]);

          diagonal = row[j + 1];
          row[j + 1] = MIN (replaced, MIN (row[j], row[j + 1]) + 1);
        }
    }
  return row[n];
}

static int
refuse (const char *name)
{
  const Verb *nearest = &verbs[0];

  for (guint i = 1; i < G_N_ELEMENTS (verbs); i++)
    if (distance (name, verbs[i].name) < distance (name, nearest->name))
      nearest = &verbs[i];
  return pld_tool_usage ("unknown verb \"%s\"; did you mean \"%s\"?", name, nearest->name);
}

static int
run_verb (int argc, char **argv)
{
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (strcmp (argv[0], verbs[i].name) == 0)
      return verbs[i].inside != NULL ? pld_verb_main (verbs[i].inside, argc, argv) : run_program (argv[0], argv);
  return refuse (argv[0]);
}

static int
help (int argc, char **argv)
{
  char *const verb[] = { argc > 2 ? argv[2] : NULL, (char *) "--help", NULL };

  if (argc > 3)
    return pld_tool_usage ("unexpected argument \"%s\": pipeload help [VERB]", argv[3]);
  if (argc == 3)
    return run_verb (2, (char **) verb);
  print_help (stdout);
  return PLD_EXIT_OK;
}

static int
generate (const char *format)
{
  if (strcmp (format, "man") == 0)
    print_man ();
  else if (!(strcmp (format, "bash") == 0 && print_bash ()) && !(strcmp (format, "zsh") == 0 && print_zsh ()))
    return PLD_EXIT_FAILED;
  return PLD_EXIT_OK;
}

int
main (int argc, char **argv)
{
  const char *first = argc > 1 ? argv[1] : NULL;

  setlocale (LC_CTYPE, "");
  setlocale (LC_MESSAGES, "");
  g_set_prgname ("pipeload");
  if (first == NULL)
    {
      print_help (stderr);
      return PLD_EXIT_USAGE;
    }
  if (strcmp (first, "--help") == 0 || strcmp (first, "-h") == 0 || strcmp (first, "help") == 0)
    return pld_tool_finish (help (strcmp (first, "help") == 0 ? argc : 2, argv));
  if (g_str_has_prefix (first, "--generate="))
    return pld_tool_finish (generate (strchr (first, '=') + 1));
  if (strcmp (first, "--version") != 0)
    return run_verb (argc - 1, argv + 1);
  printf ("pipeload %s\n", PLD_VERSION);
  return pld_tool_finish (PLD_EXIT_OK);
}
