/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The bundled report-llama: the engine says what its recipe's PyTorch model said of held-out logs
 * (models/bundled/report-llama/heldout.jsonl), with all of the model in memory and with as little as works.
 */
#include <json-glib/json-glib.h>
#include <string.h>

#include "pipeload/pipeload.h"
#include "tests/support/options.h"

static gboolean
gather (const char *text, gsize length, gpointer user_data)
{
  g_string_append_len (user_data, text, (gssize) length);
  return TRUE;
}

/* With the defaults: the file's own template and temperature. */
static char *
ask (PldLlm *llm, const char *prompt)
{
  const PldMessage message = { "user", prompt };
  PldGenerateOptions options;
  GString *text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  pld_generate_options_init (&options);
  pld_llm_generate (llm, &message, 1, &options, gather, text, NULL, &error);
  g_assert_no_error (error);
  return g_string_free (text, FALSE);
}

static void
check_answers (guint64 limit, guint n_cases)
{
  PldLlmOptions options = LLM_OPTIONS (.engine.memory_limit = limit, .context_size = 1024, .engine.threads = 2);
  g_autoptr (GError) error = NULL;
  g_autofree char *model = pld_bundled_model ("report-llama", &error);
  g_autofree char *path = g_build_filename (model, "heldout.jsonl", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  PldLlm *llm;
  guint i;

  g_assert_true (g_file_get_contents (path, &text, NULL, &error));
  lines = g_strsplit (g_strchomp (text), "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), >=, n_cases);
  llm = pld_llm_open (&options, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  for (i = 0; i < n_cases; i++)
    {
      g_autoptr (JsonNode) node = json_from_string (lines[i], &error);
      JsonObject *object;
      g_autofree char *answer = NULL;

      g_assert_no_error (error);
      object = json_node_get_object (node);
      answer = ask (llm, json_object_get_string_member (object, "prompt"));
      g_assert_cmpstr (answer, ==, json_object_get_string_member (object, "answer"));
    }
  g_clear_pointer (&llm, pld_llm_close);
}

static void
test_resident (void)
{
  check_answers (0, 20);
}

static void
test_streamed (void)
{
  PldLlmOptions options = LLM_OPTIONS (.context_size = 1024, .engine.threads = 2);
  g_autoptr (GError) error = NULL;
  g_autoptr (PldPlanInfo) plan = NULL;

  plan = pld_model_plan (&options.engine, &error);
  g_assert_no_error (error);
  check_answers (plan->minimum_limit, 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/report/resident", test_resident);
  g_test_add_func ("/report/streamed", test_streamed);
  return g_test_run ();
}
