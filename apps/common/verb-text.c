/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes a verb's tables as the end of its help, as its man page, and as its part of the shell completions.
 */
#include "apps/common/verb.h"

#include <stdio.h>
#include <string.h>

const char *
pld_verb_purpose (const char *name)
{
#define PURPOSE(verb, purpose) { #verb, purpose },
  static const char *const purposes[][2] = { PLD_VERBS (PURPOSE, PURPOSE) };
#undef PURPOSE

  for (guint i = 0; i < G_N_ELEMENTS (purposes); i++)
    if (strcmp (purposes[i][0], name) == 0)
      return purposes[i][1];
  return NULL;
}

/* Options that parse() in verb.c and GOption add to each verb. */
static const GOptionEntry common_options[] = { { "help", 'h', 0, G_OPTION_ARG_NONE, NULL, "Print the help", NULL },
                                               { "version", 0, 0, G_OPTION_ARG_NONE, NULL, "Print the version", NULL },
                                               { NULL } };

typedef void (*OptionFunc) (const GOptionEntry *option);

static void
for_each_option (const PldVerb *verb, OptionFunc function)
{
  for (guint i = 0; verb->options[i] != NULL; i++)
    for (const GOptionEntry *o = verb->options[i]; o->long_name != NULL; o++)
      function (o);
  for (const GOptionEntry *o = common_options; o->long_name != NULL; o++)
    function (o);
}

static gboolean
takes_file (const GOptionEntry *option)
{
  return option->arg == G_OPTION_ARG_FILENAME || option->arg == G_OPTION_ARG_FILENAME_ARRAY;
}

/* ---- help ---------------------------------------------------------------------------------- */

void
pld_exits_append (GString *text)
{
#define LINE(name, number, meaning) g_string_append_printf (text, "  %-4d %s\n", number, meaning);
  PLD_EXITS (LINE)
#undef LINE
}

char *
pld_verb_epilogue (const PldVerb *verb)
{
  GString *text = g_string_new ("Examples:\n");

  for (const PldExample *e = verb->examples; e->command != NULL; e++)
    g_string_append_printf (text, "  pipeload %s %s\n      %s\n", verb->name, e->command, e->purpose);
  g_string_append (text, "\nExit status:\n");
  pld_exits_append (text);
  return g_string_free (text, FALSE);
}

/* ---- man page ------------------------------------------------------------------------------ */

void
pld_roff_print (const char *text)
{
  gboolean start = TRUE;

  for (const char *c = text; *c != '\0'; c++)
    {
      if (start && (*c == '.' || *c == '\''))
        fputs ("\\&", stdout);
      if (*c == '\\')
        fputs ("\\e", stdout);
      else if (*c == '-')
        fputs ("\\-", stdout);
      else if (g_str_has_prefix (c, "…"))
        {
          fputs ("\\|.\\|.\\|.", stdout);
          c += strlen ("…") - 1;
        }
      else
        putchar (*c);
      start = *c == '\n';
    }
}

static void
man_option (const GOptionEntry *option)
{
  puts (".TP");
  if (option->short_name != 0)
    printf ("\\fB\\-%c\\fR, ", option->short_name);
  fputs ("\\fB\\-\\-", stdout);
  pld_roff_print (option->long_name);
  fputs ("\\fR", stdout);
  if (option->arg_description != NULL)
    {
      fputs ("=\\fI", stdout);
      pld_roff_print (option->arg_description);
      fputs ("\\fR", stdout);
    }
  putchar ('\n');
  pld_roff_print (option->description);
  putchar ('\n');
}

static void
man_exit (int number, const char *meaning)
{
  printf (".TP\n\\fB%d\\fR\n", number);
  pld_roff_print (meaning);
  putchar ('\n');
}

static void
man_examples (const PldVerb *verb)
{
  puts (".SH EXAMPLES");
  for (const PldExample *e = verb->examples; e->command != NULL; e++)
    {
      printf (".TP\n\\fBpipeload %s ", verb->name);
      pld_roff_print (e->command);
      puts ("\\fR");
      pld_roff_print (e->purpose);
      putchar ('\n');
    }
}

static void
man_page (const PldVerb *verb)
{
  g_autofree char *title = g_ascii_strup (verb->name, -1);

  printf (".TH PIPELOAD\\-%s 1 \"\" \"pipeload %s\" \"pipeload manual\"\n.SH NAME\npipeload\\-%s \\- ", title,
          PLD_VERSION, verb->name);
  pld_roff_print (pld_verb_purpose (verb->name));
  printf ("\n.SH SYNOPSIS\n\\fBpipeload %s\\fR [\\fIOPTION\\fR\\|.\\|.\\|.] ", verb->name);
  pld_roff_print (verb->arguments);
  puts ("\n.SH DESCRIPTION");
  pld_roff_print (verb->description);
  puts ("\n.SH OPTIONS");
  for_each_option (verb, man_option);
  man_examples (verb);
  puts (".SH EXIT STATUS");
#define EXIT(name, number, meaning) man_exit (number, meaning);
  PLD_EXITS (EXIT)
#undef EXIT
  puts (".SH SEE ALSO\n\\fBpipeload\\fR(1)");
}

/* ---- completion ---------------------------------------------------------------------------- */

static void
bash_word (const GOptionEntry *option)
{
  printf (" --%s%s", option->long_name, option->arg == G_OPTION_ARG_NONE ? "" : "=");
  if (option->short_name != 0)
    printf (" -%c", option->short_name);
}

static void
bash_file_word (const GOptionEntry *option)
{
  if (takes_file (option))
    printf ("|--%s", option->long_name);
}

/* One arm of "case $verb in": the options, and a pattern of those that take a file. */
static void
bash_arm (const PldVerb *verb)
{
  printf ("    %s)\n      options='", verb->name);
  for_each_option (verb, bash_word);
  fputs ("'\n      files='", stdout);
  for_each_option (verb, bash_file_word);
  puts ("|'\n      ;;");
}

/* Within '…' of the shell; brackets and colons would end the parts of a specification of _arguments. */
static void
zsh_text (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    if (*c == '\'')
      fputs ("'\\''", stdout);
    else if (strchr ("[]:\\", *c) != NULL)
      printf ("\\%c", *c);
    else
      putchar (*c);
}

static void
zsh_specification (const GOptionEntry *option, const char *word)
{
  /* Given once or often: some options may be repeated, and the verb itself judges that. */
  printf (" \\\n        '*%s[", word);
  zsh_text (option->description);
  putchar (']');
  if (option->arg != G_OPTION_ARG_NONE)
    {
      putchar (':');
      zsh_text (option->arg_description != NULL ? option->arg_description : "value");
      fputs (takes_file (option) ? ":_files" : ": ", stdout);
    }
  putchar ('\'');
}

static void
zsh_option (const GOptionEntry *option)
{
  g_autofree char *word = g_strdup_printf ("--%s%s", option->long_name, option->arg == G_OPTION_ARG_NONE ? "" : "=-");

  zsh_specification (option, word);
  if (option->short_name != 0)
    {
      const char letter[] = { '-', option->short_name, option->arg == G_OPTION_ARG_NONE ? '\0' : '+', '\0' };

      zsh_specification (option, letter);
    }
}

static void
zsh_arm (const PldVerb *verb)
{
  printf ("    %s)\n      _arguments -S", verb->name);
  for_each_option (verb, zsh_option);
  puts (" '*:file:_files'\n      ;;");
}

gboolean
pld_verb_generate (const PldVerb *verb, const char *format)
{
  if (strcmp (format, "man") == 0)
    man_page (verb);
  else if (strcmp (format, "bash") == 0)
    bash_arm (verb);
  else if (strcmp (format, "zsh") == 0)
    zsh_arm (verb);
  else
    return FALSE;
  return TRUE;
}
