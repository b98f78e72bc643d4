/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bad models, bad properties, bad prompts: one message on the bus each, of the right kind, that names the culprit.
 */
#include "tests/element/rig-llm.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Does not start with @properties, and says why. */
static void
refuse (const char *properties, GQuark domain, int code, const char *word)
{
  Rig rig;

  llm_make (&rig, properties);
  rig_assert_refused (&rig, domain, code, word);
  rig_close (&rig);
}

static void
refuse_model (const char *path, GQuark domain, int code)
{
  g_autofree char *properties = g_strdup_printf ("model=\"%s\"", path);

  refuse (properties, domain, code, path);
}

/* Returns: (transfer full): the path of a file with the first @size bytes of the test model, or all of it */
static char *
copy_model (gsize size)
{
  g_autofree char *model = llm_model ();
  g_autofree char *data = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;
  char *path;
  int fd = g_file_open_tmp ("pipeload-XXXXXX.gguf", &path, &error);

  g_assert_no_error (error);
  close (fd);
  g_assert_true (g_file_get_contents (model, &data, &length, &error));
  g_assert_true (g_file_set_contents (path, data, (gssize) MIN (size, length), &error));
  return path;
}

static void
test_missing (void)
{
  refuse_model ("/nonexistent/model.gguf", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
}

static void
test_damaged (void)
{
  static const gsize sizes[] = { 0, 3, 100, 60000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *path = copy_model (sizes[i]);

      refuse_model (path, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
      g_assert_cmpint (g_unlink (path), ==, 0);
    }
}

static void
test_vision_model (void)
{
  g_autofree char *vit = rig_model ();

  refuse_model (vit, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
}

static void
test_settings (void)
{
  refuse ("memory-limit=much", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "\"much\"");
  refuse ("template=lama3", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "\"lama3\"");
  refuse ("template=lama3", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "chatml");
  refuse ("template=chatml context-size=2", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "context-size");
}

/* Returns: (transfer full): the smallest limit that the one error names */
static char *
named_limit (Rig *rig)
{
  g_autofree char *model = llm_model ();
  g_autoptr (GError) error = NULL;
  GstMessage *message = rig_wait (rig, GST_MESSAGE_ERROR);

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  gst_message_unref (message);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, model));
  g_assert_cmpuint (rig_count (rig, GST_MESSAGE_ERROR), ==, 0);
  return llm_named_limit (error);
}

/* Too small a limit is refused with the smallest one that works: that one works, a little less does not. */
static void
test_limit (void)
{
  g_autofree char *smallest = NULL;
  g_autofree char *again = NULL;
  g_autofree char *less = NULL;
  guint64 bytes;
  Rig rig;

  llm_make (&rig, GREEDY "memory-limit=10kB");
  g_assert_cmpint (gst_element_set_state (rig.element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  smallest = named_limit (&rig);
  g_assert_true (pld_size_parse (smallest, &bytes, NULL));
  less = g_strdup_printf ("%" G_GUINT64_FORMAT, bytes - 100000);
  g_object_set (rig.element, "memory-limit", less, NULL);
  g_assert_cmpint (gst_element_set_state (rig.element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  again = named_limit (&rig);
  g_assert_cmpstr (again, ==, smallest);
  g_object_set (rig.element, "memory-limit", smallest, NULL);
  g_assert_cmpint (gst_element_set_state (rig.element, GST_STATE_PAUSED), !=, GST_STATE_CHANGE_FAILURE);
  g_assert_cmpuint (rig_stat (&rig, "memory-limit"), ==, bytes);
  rig_close (&rig);
}

/* After a failure the same element starts once its cause is gone. */
static void
test_recovery (void)
{
  g_autofree char *text = NULL;
  Rig rig;

  llm_make (&rig, GREEDY "template=lama3 max-tokens=4");
  g_assert_cmpint (gst_element_set_state (rig.element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "lama3");
  gst_element_set_state (rig.element, GST_STATE_NULL);
  g_object_set (rig.element, "template", "none", NULL);
  llm_play (&rig);
  text = llm_ask (&rig, "abc");
  g_assert_cmpstr (text, !=, "");
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR), ==, 0);
  rig_close (&rig);
}

static void
test_progress (void)
{
  Rig rig;

  llm_open (&rig, "");
  rig_assert_progress (&rig);
  rig_close (&rig);
}

/* ---- prompts ------------------------------------------------------------------------------- */

static GstFlowReturn
push_until_refused (Rig *rig)
{
  GstFlowReturn flow = GST_FLOW_OK;

  while (flow == GST_FLOW_OK)
    {
      flow = gst_harness_push (rig->harness, llm_prompt ("abc", 0));
      g_usleep (1000);
    }
  return flow;
}

static void
test_long_prompt (void)
{
  g_autofree char *words = g_strnfill (500, 'a');
  g_autofree char *text = NULL;
  Rig rig;

  llm_open (&rig, GREEDY "context-size=32 max-tokens=4");
  g_assert_cmpint (gst_harness_push (rig.harness, llm_prompt (words, 0)), ==, GST_FLOW_OK);
  rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "context of 32");
  g_assert_cmpint (push_until_refused (&rig), ==, GST_FLOW_ERROR);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR), ==, 0); /* it was said */
  rig_close (&rig);

  llm_open (&rig, GREEDY "context-size=32 max-tokens=4 trim=true");
  text = llm_ask (&rig, words);
  g_assert_cmpstr (text, !=, "");
  g_assert_cmpuint (rig_stat (&rig, "trimmed-tokens"), >, 0);
  g_assert_cmpuint (rig_stat (&rig, "tokens"), ==, 4);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING), ==, 0);
  rig_close (&rig);
}

/* A wrong template while it plays fails at the next prompt. */
static void
test_template_later (void)
{
  Rig rig;

  llm_open (&rig, GREEDY "max-tokens=4");
  g_free (llm_ask (&rig, "abc"));
  g_object_set (rig.element, "template", "lama3", NULL);
  gst_harness_push (rig.harness, llm_prompt ("abc", 0));
  rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "lama3");
  rig_close (&rig);
}

static void
test_huge_prompt (void)
{
  const gsize limit = 16 << 20;
  Rig rig;

  llm_open (&rig, GREEDY);
  g_assert_cmpint (gst_harness_push (rig.harness, gst_buffer_new_allocate (NULL, limit + 1, NULL)), ==, GST_FLOW_ERROR);
  rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "16 MiB");
  g_assert_cmpint (gst_harness_push (rig.harness, gst_buffer_new_allocate (NULL, limit + 1, NULL)), ==, GST_FLOW_ERROR);
  g_assert_cmpuint (rig_count (&rig, GST_MESSAGE_ERROR), ==, 0);
  rig_close (&rig);
}

/* Bad bytes are U+FFFD each; the 1st, 2nd, 4th and 8th such prompt is reported. */
static void
test_bad_utf8 (void)
{
  PldGenerateOptions options = llm_greedy (4);
  g_autofree char *want = llm_engine (&options, "a\xef\xbf\xbd\xef\xbf\xbd", NULL);
  Rig rig;

  llm_open (&rig, GREEDY "max-tokens=4");
  for (guint i = 0; i < 9; i++)
    {
      g_autofree char *text = NULL;
      GstMessage *message;

      gst_harness_push (rig.harness, llm_prompt ("a\xff\xc3", 0));
      while ((message = rig_wait (&rig, GST_MESSAGE_ELEMENT | GST_MESSAGE_WARNING)) != NULL
             && GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
        {
          g_autoptr (GError) error = NULL;

          gst_message_parse_warning (message, &error, NULL);
          g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE);
          g_assert_true (i == 0 || i == 1 || i == 3 || i == 7);
          gst_message_unref (message);
        }
      g_assert_nonnull (message);
      gst_message_unref (message);
      text = llm_take (&rig, NULL);
      g_assert_cmpstr (text, ==, want);
    }
  g_assert_cmpuint (rig_stat (&rig, "damaged"), ==, 9);
  g_free (llm_ask (&rig, "a\xef\xbf\xbd\xef\xbf\xbd"));
  g_assert_cmpuint (rig_stat (&rig, "damaged"), ==, 9);
  rig_close (&rig);
}

/* The file loses its end while it is streamed. */
static void
test_shrinking_model (void)
{
  g_autofree char *path = copy_model (G_MAXSIZE);
  g_autofree char *limit = llm_smallest_limit ();
  g_autofree char *properties = g_strdup_printf ("model=\"%s\" " GREEDY "max-tokens=4 memory-limit=%s", path, limit);
  Rig rig;

  llm_open (&rig, properties);
  g_free (llm_ask (&rig, "abc"));
  g_assert_cmpint (truncate (path, 50000), ==, 0);
  g_object_set (rig.element, "max-tokens", -1, NULL);
  gst_harness_push (rig.harness, llm_prompt ("abc", 0));
  rig_assert_message (&rig, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, path);
  g_assert_cmpint (push_until_refused (&rig), ==, GST_FLOW_ERROR);
  rig_close (&rig);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

int
main (int argc, char **argv)
{
  rig_init (&argc, &argv);
  g_test_add_func ("/llm-errors/missing", test_missing);
  g_test_add_func ("/llm-errors/damaged", test_damaged);
  g_test_add_func ("/llm-errors/vision-model", test_vision_model);
  g_test_add_func ("/llm-errors/settings", test_settings);
  g_test_add_func ("/llm-errors/limit", test_limit);
  g_test_add_func ("/llm-errors/recovery", test_recovery);
  g_test_add_func ("/llm-errors/progress", test_progress);
  g_test_add_func ("/llm-errors/long-prompt", test_long_prompt);
  g_test_add_func ("/llm-errors/template-later", test_template_later);
  g_test_add_func ("/llm-errors/huge-prompt", test_huge_prompt);
  g_test_add_func ("/llm-errors/bad-utf8", test_bad_utf8);
  g_test_add_func ("/llm-errors/shrinking-model", test_shrinking_model);
  return g_test_run ();
}
