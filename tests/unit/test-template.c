/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * engine/text/template: against tests/golden/data/templates.json, which Jinja made (make-templates.py), and the rules
 * where no published template says anything.
 */
#include <json-glib/json-glib.h>
#include <string.h>

#include "engine/text/template.h"

typedef struct
{
  GString *all, *content, *marked; /* marked: content in ‹› */
} Text;

static void
collect (const char *piece, gsize length, gboolean special, gpointer user_data)
{
  Text *text = user_data;

  g_assert_cmpuint (length, >, 0);
  g_string_append_len (text->all, piece, length);
  g_string_append_printf (text->marked, special ? "%.*s" : "‹%.*s›", (int) length, piece);
  if (!special)
    g_string_append_len (text->content, piece, length);
}

static Text
render (const PldTemplate *template, const PldMessage *messages, guint n, gboolean generate)
{
  Text text = { g_string_new (NULL), g_string_new (NULL), g_string_new (NULL) };
  g_autoptr (GError) error = NULL;

  g_assert_true (pld_template_render (template, messages, n, generate, collect, &text, &error));
  g_assert_no_error (error);
  return text;
}

static void
text_clear (Text *text)
{
  g_string_free (text->all, TRUE);
  g_string_free (text->content, TRUE);
  g_string_free (text->marked, TRUE);
}

static JsonArray *
load_golden (JsonParser *parser)
{
  g_autofree char *path = g_build_filename (g_getenv ("PIPELOAD_SOURCE"), "tests/golden/data/templates.json", NULL);
  g_autoptr (GError) error = NULL;

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);
  return json_node_get_array (json_parser_get_root (parser));
}

static void
check_case (const PldTemplate *template, JsonObject *object)
{
  JsonArray *list = json_object_get_array_member (object, "messages");
  guint n = json_array_get_length (list);
  g_autofree PldMessage *messages = g_new0 (PldMessage, n);
  Text text;

  for (guint i = 0; i < n; i++)
    {
      JsonArray *pair = json_array_get_array_element (list, i);

      messages[i] = (PldMessage) { json_array_get_string_element (pair, 0), json_array_get_string_element (pair, 1) };
    }
  text = render (template, messages, n, json_object_get_boolean_member (object, "generate"));
  g_assert_cmpstr (text.all->str, ==, json_object_get_string_member (object, "text"));
  text_clear (&text);
}

/* Every family: found by its Jinja text, and the same output as Jinja's. */
static void
test_golden (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *families = load_golden (parser);
  const char *const *names = pld_template_names ();

  g_assert_cmpuint (json_array_get_length (families), ==, g_strv_length ((char **) names));
  for (guint i = 0; i < json_array_get_length (families); i++)
    {
      JsonObject *family = json_array_get_object_element (families, i);
      const char *name = json_object_get_string_member (family, "name");
      JsonArray *cases = json_object_get_array_member (family, "cases");
      const PldTemplate *template = pld_template_detect (json_object_get_string_member (family, "jinja"));

      g_test_message ("%s", name);
      g_assert_nonnull (template);
      g_assert_cmpstr (pld_template_name (template), ==, name);
      g_assert_true (template == pld_template_find (name));
      g_assert_true (g_strv_contains (names, name));
      g_assert_cmpuint (json_array_get_length (cases), >=, 4);
      for (guint k = 0; k < json_array_get_length (cases); k++)
        check_case (template, json_array_get_object_element (cases, k));
    }
}

/* Published spellings that differ from the golden file's. */
static void
test_detect (void)
{
  static const struct
  {
    const char *jinja, *name;
  } cases[] = {
    { NULL, NULL },
    { "", NULL },
    { "{{ messages[0]['content'] }}", NULL },
    { "{{ bos_token }}{% for message in messages %}{{'<|user|>' + '\n' + message['content'] + '<|end|>' + '\n' + "
      "'<|assistant|>' + '\n'}}",
      "phi3" },
    { "{%- for message in messages %}{{- \"[INST] \" + message[\"content\"] + \"[/INST]\" }}", "mistral-v3" },
    { "{{- ' [INST] ' + system_message + '\\n\\n' + message['content'] + ' [/INST]' }}", "mistral-v1" },
    { "{%- set today = strftime_now('%Y-%m-%d') %}{{- '[SYSTEM_PROMPT]' + system_message + '[/SYSTEM_PROMPT]' }}{{- "
      "'[INST]' + message['content'] "
      "+ '[/INST]' }}",
      "mistral-v7-tekken" },
    { "{{'<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n'}}", "gemma" },
    { "{{- '<|start_of_role|>' + message['role'] + '<|end_of_role|>' }}", "granite" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const PldTemplate *template = pld_template_detect (cases[i].jinja);

      g_assert_cmpstr (template != NULL ? pld_template_name (template) : NULL, ==, cases[i].name);
    }
  g_assert_null (pld_template_find ("none"));
  g_assert_null (pld_template_find (""));
  g_assert_null (pld_template_find (NULL));
}

/* Content is never special, so control tokens in it stay text, in each family and for each role; and all of it comes
 * out. */
static void
test_injection (void)
{
  static const PldMessage messages[] = { { "system", "S<|im_start|><|eot_id|>S" },
                                         { "user", "U</s>[/INST]<|im_end|>U" },
                                         { "assistant", "A<start_of_turn><s>A" },
                                         { "user", "V<|end|>V" } };

  for (const char *const *name = pld_template_names (); *name != NULL; name++)
    {
      Text text = render (pld_template_find (*name), messages, 4, TRUE);

      for (guint i = 0; i < 4; i++)
        g_assert_nonnull (strstr (text.content->str, messages[i].content));
      g_assert_cmpuint (text.content->len, ==, 24 + 23 + 20 + 9);
      text_clear (&text);
    }
}

static void
check_marked (const char *name, const PldMessage *messages, guint n, const char *expected)
{
  Text text = render (pld_template_find (name), messages, n, TRUE);

  g_assert_cmpstr (text.marked->str, ==, expected);
  text_clear (&text);
}

static void
test_system_places (void)
{
  static const PldMessage two[]
      = { { "system", "a" }, { "user", "b" }, { "system", "c" }, { "assistant", "d" }, { "user", "e" } };
  static const PldMessage alone[] = { { "system", "a" } }, late[] = { { "assistant", "d" }, { "system", "a" } };

  check_marked ("llama2", two, 5,
                "[INST] <<SYS>>\n‹a›\n<</SYS>>\n\n<<SYS>>\n‹c›\n<</SYS>>\n\n‹b› [/INST] ‹d› </s><s>[INST] ‹e› [/INST]");
  check_marked ("mistral-v3", two, 5, "[INST] ‹b›[/INST] ‹d›</s>[INST] ‹a›\n\n‹c›\n\n‹e›[/INST]");
  check_marked ("mistral-v7", two, 5,
                "[SYSTEM_PROMPT] ‹a›[/SYSTEM_PROMPT][INST] ‹b›[/INST][SYSTEM_PROMPT] ‹c›[/SYSTEM_PROMPT] ‹d›</s>[INST] "
                "‹e›[/INST]");
  check_marked ("gemma", alone, 1, "<start_of_turn>user\n‹a›\n\n<end_of_turn>\n<start_of_turn>model\n");
  check_marked (
      "gemma", late, 2,
      "<start_of_turn>user\n‹a›\n\n<end_of_turn>\n<start_of_turn>model\n‹d›<end_of_turn>\n<start_of_turn>model\n");
  check_marked ("mistral-v0", two, 2, "[INST] ‹a›\n\n‹b› [/INST]");
  check_marked ("chatml", NULL, 0, "<|im_start|>assistant\n");
  check_marked ("llama2", NULL, 0, "");
}

/* Broken UTF-8 is not white space and passes. */
static void
test_bytes (void)
{
  static const PldMessage messages[]
      = { { "user", " \xc2 \x80\x80\xe3\x80 \n" }, { "assistant", NULL }, { "user", "\xa0 \xc2\xa0\x80" } };

  check_marked ("llama3", messages, 3,
                "<|start_header_id|>user<|end_header_id|>\n\n‹\xc2 "
                "\x80\x80\xe3\x80›<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
                "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n‹\xa0 "
                "\xc2\xa0\x80›<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
}

static void
test_roles (void)
{
  static const char *const roles[]
      = { "tool", "User", "", NULL, "\xff\xfe", "a role of more than forty characters, which is cut" };

  for (guint i = 0; i < G_N_ELEMENTS (roles); i++)
    {
      PldMessage messages[] = { { "user", "a" }, { roles[i], "b" } };
      g_autoptr (GError) error = NULL;

      /* No function: it must not be called. */
      g_assert_false (pld_template_render (pld_template_find ("chatml"), messages, 2, TRUE, NULL, NULL, &error));
      g_assert_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_nonnull (strstr (error->message, i == 0 ? "message 2 is of the role \"tool\"" : "message 2"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/template/golden", test_golden);
  g_test_add_func ("/template/detect", test_detect);
  g_test_add_func ("/template/injection", test_injection);
  g_test_add_func ("/template/system-places", test_system_places);
  g_test_add_func ("/template/bytes", test_bytes);
  g_test_add_func ("/template/roles", test_roles);
  return g_test_run ();
}
