/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Configuration files: getters, ranges, and each error.
 */
#include "engine/format/config.h"
#include "engine/format/json.h"
#include "tests/support/model-bytes.h"

#include <math.h>
#include <string.h>

static PldConfig *
parse (const char *text)
{
  GError *error = NULL;
  PldConfig *config = pld_config_parse (text, -1, "config.json", &error);

  g_assert_no_error (error);
  return config;
}

static const char text[] = "{\"zero\":0,\"seven\":7,\"minus\":-1,\"half\":0.5,\"whole\":7.0,\"yes\":true,"
                           "\"no\":false,\"none\":null,"
                           "\"name\":\"vit\",\"three\":[1,2.5,3e-2],\"words\":[1,\"x\",3],"
                           "\"inf\":Infinity,\"nan\":NaN,"
                           "\"int63\":9223372036854774784,\"big\":100000000000000000000,\"tiny\":1e-12}";

static void
test_uint (void)
{
  g_autoptr (PldConfig) config = parse (text);
  static const char *const bad[]
      = { "minus", "half", "whole", "yes", "name", "none", "absent", "three", "big", "zero" };
  guint64 value = 99;
  GError *error = NULL;

  g_assert_true (pld_config_uint (config, "seven", 7, 7, &value, &error));
  g_assert_cmpuint (value, ==, 7);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_false (pld_config_uint (config, bad[i], 1, 1000, &value, &error));
      g_assert_nonnull (strstr (error->message, bad[i]));
      assert_pld_error (&error, PLD_ERROR_FORMAT, "a whole number from 1 to 1000");
    }
  g_assert_true (pld_config_uint (config, "int63", 0, G_MAXUINT64, &value, &error));
  g_assert_cmpuint (value, ==, G_GUINT64_CONSTANT (9223372036854774784));
  value = 7;
  g_assert_false (pld_config_uint (config, "seven", 8, 9, &value, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "config.json: \"seven\" is 7, but must be a whole number from 8 to 9");
  g_assert_false (pld_config_uint (config, "absent", 8, 9, &value, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "config.json: \"absent\" is missing");
  g_assert_cmpuint (value, ==, 7);
}

static void
test_scalars (void)
{
  g_autoptr (PldConfig) config = parse (text);
  const char *string = "before";
  gboolean yes = FALSE;
  double value = 0;
  GError *error = NULL;

  g_assert_true (pld_config_double (config, "tiny", 1, &value, &error));
  g_assert_cmpfloat (value, ==, 1e-12);
  g_assert_true (pld_config_double (config, "seven", 1, &value, &error));
  g_assert_cmpfloat (value, ==, 7);
  g_assert_true (pld_config_double (config, "none", 3, &value, &error));
  g_assert_cmpfloat (value, ==, 3);
  g_assert_false (pld_config_double (config, "name", 1, &value, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "\"name\" is \"vit\", but must be a number");
  g_assert_false (pld_config_double (config, "inf", 1, &value, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "a number");
  g_assert_false (pld_config_double (config, "nan", 1, &value, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "a number");
  g_assert_cmpfloat (value, ==, 3);
  g_assert_true (pld_config_bool (config, "yes", FALSE, &yes, &error) && yes);
  g_assert_true (pld_config_bool (config, "no", TRUE, &yes, &error) && !yes);
  g_assert_true (pld_config_bool (config, "absent", TRUE, &yes, &error) && yes);
  g_assert_false (pld_config_bool (config, "seven", FALSE, &yes, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "true or false");
  g_assert_true (pld_config_string (config, "name", NULL, &string, &error));
  g_assert_cmpstr (string, ==, "vit");
  g_assert_true (pld_config_string (config, "absent", NULL, &string, &error));
  g_assert_null (string);
  g_assert_false (pld_config_string (config, "yes", NULL, &string, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "a string");
}

static void
test_doubles (void)
{
  static const double fallback[3] = { 0.1, 0.2, 0.3 };
  g_autoptr (PldConfig) config = parse (text);
  double v[3] = { 0 };
  GError *error = NULL;

  g_assert_true (pld_config_doubles (config, "three", 3, fallback, v, &error));
  g_assert_cmpfloat (v[0], ==, 1);
  g_assert_cmpfloat (v[1], ==, 2.5);
  g_assert_cmpfloat (v[2], ==, 0.03);
  g_assert_true (pld_config_doubles (config, "half", 3, fallback, v, &error));
  g_assert_cmpfloat (v[2], ==, 0.5);
  g_assert_true (pld_config_doubles (config, "absent", 3, fallback, v, &error));
  g_assert_cmpfloat (v[2], ==, 0.3);
  g_assert_false (pld_config_doubles (config, "three", 2, fallback, v, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "a list of 2 numbers");
  g_assert_false (pld_config_doubles (config, "words", 3, fallback, v, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "a list of 3 numbers");
  g_assert_cmpfloat (v[0], ==, 0.1);
}

/* The keys of one architecture, named whole in errors. */
static void
test_prefix (void)
{
  g_autoptr (PldConfig) all = parse ("{\"vit.patch_size\":16,\"patch_size\":8,\"vit.nothing\":null}");
  g_autoptr (PldConfig) vit = pld_config_wrap (all->root, "vit.", "a.gguf");
  GError *error = NULL;
  guint64 value;

  g_assert_true (pld_config_uint (vit, "patch_size", 1, 100, &value, &error));
  g_assert_cmpuint (value, ==, 16);
  g_assert_true (pld_config_uint (all, "patch_size", 1, 100, &value, &error));
  g_assert_cmpuint (value, ==, 8);
  g_assert_true (pld_config_has (vit, "patch_size"));
  g_assert_false (pld_config_has (vit, "nothing"));
  g_assert_false (pld_config_has (vit, "vit.patch_size"));
  g_assert_false (pld_config_uint (vit, "patch_size", 1, 8, &value, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "a.gguf: \"vit.patch_size\" is 16");
  g_assert_false (pld_config_uint (vit, "block_count", 1, 8, &value, &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "\"vit.block_count\" is missing");
}

static void
test_size (void)
{
  static const struct
  {
    const char *text;
    guint width, height; /* 0: refused */
  } sizes[] = { { "224", 224, 224 },
                { "[480, 640]", 640, 480 },
                { "{\"height\": 2, \"width\": 65536}", 65536, 2 },
                { "{\"width\": 3, \"height\": 2}", 3, 2 },
                { "{\"shortest_edge\": 384}", 384, 384 },
                { "{\"shortest_edge\": 384, \"longest_edge\": 800}", 384, 384 },
                { "0", 0, 0 },
                { "-1", 0, 0 },
                { "65537", 0, 0 },
                { "224.0", 0, 0 },
                { "\"224\"", 0, 0 },
                { "null", 0, 0 },
                { "[224]", 0, 0 },
                { "[1, 2, 3]", 0, 0 },
                { "[1, 0]", 0, 0 },
                { "{}", 0, 0 },
                { "{\"height\": 2}", 0, 0 },
                { "{\"height\": 2, \"shortest_edge\": 3}", 0, 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"size\": %s}", sizes[i].text);
      g_autoptr (PldConfig) config = parse (json);
      guint width = 77, height = 77;
      GError *error = NULL;

      g_assert_cmpint (pld_config_size (config, "size", &width, &height, &error), ==, sizes[i].width > 0);
      g_assert_cmpuint (width, ==, sizes[i].width > 0 ? sizes[i].width : 77);
      g_assert_cmpuint (height, ==, sizes[i].width > 0 ? sizes[i].height : 77);
      if (sizes[i].width == 0)
        assert_pld_error (&error, PLD_ERROR_FORMAT, "\"size\"");
    }
}

static void
test_labels (void)
{
  static const char *const bad[] = { "[\"a\"]",
                                     "{}",
                                     "{\"1\":\"a\"}",
                                     "{\"0\":\"a\",\"2\":\"b\"}",
                                     "{\"0\":\"a\",\"01\":\"b\"}",
                                     "{\"0\":\"a\",\"00\":\"b\"}",
                                     "{\"0\":\"a\",\"-0\":\"b\"}",
                                     "{\"0\":1}",
                                     "{\"x\":\"a\"}",
                                     "{\"0\":\"a\",\"1\":null}",
                                     "{\"2\":\"c\",\"0\":\"a\",\"9\":\"b\"}" };
  g_autoptr (PldConfig) config
      = parse ("{\"id2label\":{\"1\":\"b\",\"10\":\"k\",\"0\":\"a\",\"2\":\"c\",\"3\":\"d\",\"4\":\"e\","
               "\"5\":\"f\",\"6\":\"g\",\"7\":\"h\",\"8\":\"i\",\"9\":\"j\"}}");
  g_autoptr (PldConfig) none = parse ("{}");
  g_auto (GStrv) labels = NULL;
  guint n = 0;
  GError *error = NULL;

  g_assert_true (pld_config_labels (none, &labels, &n, &error));
  g_assert_null (labels);
  g_assert_true (pld_config_labels (config, &labels, &n, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 11);
  g_assert_cmpuint (g_strv_length (labels), ==, 11);
  g_assert_cmpstr (labels[0], ==, "a");
  g_assert_cmpstr (labels[10], ==, "k");
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"id2label\":%s}", bad[i]);
      g_autoptr (PldConfig) damaged = parse (json);
      char **untouched = labels;

      g_assert_false (pld_config_labels (damaged, &untouched, &n, &error));
      assert_pld_error (&error, PLD_ERROR_FORMAT, "\"id2label\"");
      g_assert_true (untouched == labels);
    }
}

static void
test_bad_json (void)
{
  static const struct
  {
    const char *json, *part;
  } bad[] = { { "", "value was expected" },
              { "[]", "not a JSON object" },
              { "1", "not a JSON object" },
              { "{} {}", "more text" },
              { "{\"a\":1,}", "comma ends" },
              { "{\"a\":[1,]}", "comma ends" },
              { "{\"a\":1 \"b\":2}", "comma or the end" },
              { "{\"a\":[1}", "comma or the end" },
              { "{\"a\":{]}", "string was expected" },
              { "{'a':1}", "string was expected" },
              { "{\"a\":1} // x", "more text" },
              { "{\"a\":/**/1}", "value was expected" },
              { "{\"a\":1,\"a\":2}", "doubled member" },
              { "{\"a\":01}", "malformed number" },
              { "{\"a\":1.}", "malformed number" },
              { "{\"a\":1e400}", "out of range" },
              { "{\"a\":1e}", "malformed number" },
              { "{\"a\":-}", "value was expected" },
              { "{\"a\":+1}", "value was expected" },
              { "{\"a\":.5}", "value was expected" },
              { "{\"a\":0x10}", "comma or the end" },
              { "{\"a\":tru}", "value was expected" },
              { "{\"a\":", "value was expected" },
              { "{\"a\":1", "text ends" },
              { "\xef\xbb\xbf{}", "value was expected" } };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GError *error = NULL;

      g_assert_null (pld_config_parse (bad[i].json, -1, "x.json", &error));
      g_assert_true (g_str_has_prefix (error->message, "x.json: "));
      assert_pld_error (&error, PLD_ERROR_FORMAT, bad[i].part);
    }
}

static void
test_bounds (void)
{
  g_autoptr (GString) deep = g_string_new ("{\"a\":");
  g_autoptr (GString) wide = g_string_new ("{\"a\":[0");
  g_autoptr (GString) fits = g_string_new ("{\"a\":");
  GError *error = NULL;

  for (guint i = 0; i < 100000; i++)
    g_string_append_c (deep, '[');
  g_assert_null (pld_config_parse (deep->str, -1, "x", &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "nested too deep");
  for (guint i = 0; i < PLD_JSON_MAX_VALUES; i++)
    g_string_append (wide, ",0");
  g_string_append (wide, "]}");
  g_assert_null (pld_config_parse (wide->str, -1, "x", &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "too many values");
  for (guint i = 1; i < PLD_JSON_MAX_DEPTH; i++)
    g_string_append_c (fits, '[');
  for (guint i = 1; i < PLD_JSON_MAX_DEPTH; i++)
    g_string_append_c (fits, ']');
  g_string_append_c (fits, '}');
  pld_config_free (parse (fits->str));
}

static void
test_open (void)
{
  g_autofree char *folder = g_dir_make_tmp ("pipeload-config-XXXXXX", NULL);
  g_autofree char *model = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree char *missing = g_build_filename (folder, "missing", "model", NULL);
  g_autofree char *path = NULL;
  g_autoptr (PldConfig) config = NULL;
  GError *error = NULL;

  g_assert_null (pld_config_open (folder, "config.json", &error));
  g_assert_nonnull (strstr (error->message, folder));
  assert_pld_error (&error, PLD_ERROR_NOT_FOUND, "holds no config.json; download the whole model folder");
  g_assert_null (pld_config_open (missing, "config.json", &error));
  assert_pld_error (&error, PLD_ERROR_NOT_FOUND, "no such file or folder");
  path = text_save ("{\"model_type\":\"vit\"}", folder, "config.json");
  config = pld_config_open (folder, "config.json", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (config->path, ==, path);
  g_clear_pointer (&config, pld_config_free);
  config = pld_config_open (model, "config.json", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (config->root, "model_type"), ==, "vit");
  {
    g_autofree char *large = g_strnfill ((16 << 20) + 1, ' ');

    g_free (text_save (large, folder, "config.json"));
  }
  g_assert_null (pld_config_open (folder, "config.json", &error));
  assert_pld_error (&error, PLD_ERROR_FORMAT, "16777217 bytes, more than");
  remove_folder (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/uint", test_uint);
  g_test_add_func ("/config/scalars", test_scalars);
  g_test_add_func ("/config/doubles", test_doubles);
  g_test_add_func ("/config/prefix", test_prefix);
  g_test_add_func ("/config/size", test_size);
  g_test_add_func ("/config/labels", test_labels);
  g_test_add_func ("/config/bad-json", test_bad_json);
  g_test_add_func ("/config/bounds", test_bounds);
  g_test_add_func ("/config/open", test_open);
  return g_test_run ();
}
