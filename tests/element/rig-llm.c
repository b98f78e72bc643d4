/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tiny language models and pipelines for the tests of pipeloadllm.
 */
#include "tests/element/rig-llm.h"

#include "tests/support/options.h"

#include <stdarg.h>
#include <string.h>

char *
llm_model (void)
{
  return g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "tests", "golden", "llm", "data", "type-q5_k.gguf", NULL);
}

char *
llm_shared (const char *name)
{
  const char *folder = g_getenv ("PIPELOAD_DATA");
  char *path = folder != NULL ? g_build_filename (folder, name, NULL)
                              : g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "..", "shared", "data", name, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return path;
  g_test_skip ("there is no shared data");
  g_free (path);
  return NULL;
}

void
llm_make (Rig *rig, const char *properties)
{
  g_autofree char *model = llm_model ();

  rig_make_element (rig, "pipeloadllm", model, properties);
}

void
llm_play (Rig *rig)
{
  rig_play (rig);
  gst_harness_set_src_caps_str (rig->harness, "text/x-raw,format=utf8");
}

void
llm_open (Rig *rig, const char *properties)
{
  llm_make (rig, properties);
  llm_play (rig);
}

GstBuffer *
llm_prompt (const char *text, double seconds)
{
  GstBuffer *buffer = *text != '\0' ? gst_buffer_new_memdup (text, strlen (text)) : gst_buffer_new ();

  if (seconds >= 0)
    {
      GST_BUFFER_PTS (buffer) = (GstClockTime) (seconds * GST_SECOND);
      GST_BUFFER_DURATION (buffer) = GST_SECOND / 2;
    }
  return buffer;
}

char *
llm_take (Rig *rig, guint *n)
{
  GString *text = g_string_new (NULL);
  guint count = 0;
  GstBuffer *buffer;

  for (; (buffer = gst_harness_try_pull (rig->harness)) != NULL; count++)
    {
      GstMapInfo map;

      g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
      g_assert_cmpuint (map.size, >, 0);
      g_assert_true (g_utf8_validate ((const char *) map.data, (gssize) map.size, NULL));
      g_string_append_len (text, (const char *) map.data, (gssize) map.size);
      gst_buffer_unmap (buffer, &map);
      gst_buffer_unref (buffer);
    }
  if (n != NULL)
    *n = count;
  return g_string_free (text, FALSE);
}

char *
llm_ask (Rig *rig, const char *text)
{
  GstMessage *message;

  g_assert_cmpint (gst_harness_push (rig->harness, llm_prompt (text, 0)), ==, GST_FLOW_OK);
  message = rig_wait (rig, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_true (gst_message_has_name (message, "pipeload-llm"));
  gst_message_unref (message);
  return llm_take (rig, NULL);
}

static gboolean
gather (const char *text, gsize length, gpointer user_data)
{
  g_autofree char *piece = g_utf8_make_valid (text, (gssize) length); /* zero bytes */

  g_string_append (user_data, piece);
  return TRUE;
}

char *
llm_engine (const PldGenerateOptions *options, const char *first, ...)
{
  g_autofree char *model = llm_model ();
  PldLlmOptions open = LLM_OPTIONS (.engine.model = model);
  g_autoptr (GArray) messages = g_array_new (FALSE, FALSE, sizeof (PldMessage));
  g_autoptr (GError) error = NULL;
  GString *text = g_string_new (NULL);
  PldLlm *llm = pld_llm_open (&open, NULL, NULL, NULL, &error);
  va_list more;

  g_assert_no_error (error);
  va_start (more, first);
  for (const char *content = first; content != NULL; content = va_arg (more, const char *))
    {
      PldMessage message = { messages->len % 2 == 0 ? "user" : "assistant", content };

      g_array_append_val (messages, message);
    }
  va_end (more);
  pld_llm_generate (llm, (const PldMessage *) (gconstpointer) messages->data, messages->len, options, gather, text,
                    NULL, &error);
  g_assert_no_error (error);
  g_clear_pointer (&llm, pld_llm_close);
  return g_string_free (text, FALSE);
}

char *
llm_named_limit (const GError *error)
{
  static const char said[] = "the smallest that works is ";
  const char *word = strstr (error->message, said);

  g_test_message ("%s", error->message);
  g_assert_nonnull (word);
  return g_strndup (word + strlen (said), strcspn (word + strlen (said), ",; "));
}

char *
llm_smallest_limit (void)
{
  g_autofree char *model = llm_model ();
  PldLlmOptions options = LLM_OPTIONS (.engine.model = model, .engine.memory_limit = 1);
  g_autoptr (GError) error = NULL;

  g_assert_null (pld_llm_open (&options, NULL, NULL, NULL, &error));
  g_assert_error (error, PLD_ERROR, PLD_ERROR_LIMIT);
  return llm_named_limit (error);
}

PldGenerateOptions
llm_greedy (int max_tokens)
{
  PldGenerateOptions options;

  pld_generate_options_init (&options);
  options.chat_template = "none";
  options.temperature = 0;
  options.max_tokens = max_tokens;
  return options;
}

void
llm_wait (Rig *rig, guint n)
{
  while (gst_harness_buffers_received (rig->harness) < n)
    g_usleep (500);
}
