/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Answers a prompt with a language model, piece by piece, under a memory limit:
 *
 *   cc chat.c -o chat $(pkg-config --cflags --libs pipeload) && ./chat "PROMPT" [MODEL.gguf]
 */
#include <pipeload/pipeload.h>

static gboolean
on_text (const char *text, gsize length, gpointer user_data)
{
  g_print ("%.*s", (int) length, text);
  return TRUE; /* FALSE ends the answer */
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  PldLlmOptions options;
  PldGenerateOptions generate;

  pld_llm_options_init (&options);
  options.engine.memory_limit = PLD_LIMIT_AUTO;
  options.engine.model = argc > 2 ? argv[2] : NULL; /* NULL: the bundled model */
  pld_generate_options_init (&generate);
  generate.temperature = 0;
  PldMessage prompt = { .role = "user", .content = argv[1] };
  g_autoptr (PldLlm) llm = argc > 1 ? pld_llm_open (&options, NULL, NULL, NULL, &error) : NULL;
  if (llm != NULL && pld_llm_generate (llm, &prompt, 1, &generate, on_text, NULL, NULL, &error))
    g_print ("\n");
  if (llm == NULL || error != NULL)
    g_printerr ("%s\n", error != NULL ? error->message : "usage: chat PROMPT [MODEL.gguf]");
  return error != NULL || argc < 2;
}
