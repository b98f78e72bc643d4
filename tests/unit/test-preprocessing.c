/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The defaults of image processors, against those of transformers 4.57: vars (ViTImageProcessorFast ()) and the like.
 */
#include "models/core/preprocessing.h"

#include <string.h>

typedef struct
{
  const char *class;
  double mean[3], std[3];
  guint resample;
  gboolean crop;
} Defaults;

static const Defaults defaults[] = {
  { "ViTImageProcessor", { 0.5, 0.5, 0.5 }, { 0.5, 0.5, 0.5 }, 2, FALSE },
  { "ViTImageProcessorFast", { 0.5, 0.5, 0.5 }, { 0.5, 0.5, 0.5 }, 2, FALSE },
  { "ViTFeatureExtractor", { 0.5, 0.5, 0.5 }, { 0.5, 0.5, 0.5 }, 2, FALSE },
  { "DeiTImageProcessor", { 0.5, 0.5, 0.5 }, { 0.5, 0.5, 0.5 }, 3, TRUE },
  { "DeiTFeatureExtractor", { 0.5, 0.5, 0.5 }, { 0.5, 0.5, 0.5 }, 3, TRUE },
  { "YolosImageProcessor", { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 }, 2, FALSE },
  { "YolosImageProcessorFast", { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 }, 2, FALSE },
  { "YolosFeatureExtractor", { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 }, 2, FALSE },
  { "DetrImageProcessor", { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 }, 2, FALSE },
  { "DetrFeatureExtractor", { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 }, 2, FALSE },
};

static gboolean
read_text (const char *text, const PldArch *arch, PldVisionNet *net, PldInputSize *input, GError **error)
{
  g_autoptr (PldConfig) config = text != NULL ? pld_config_parse (text, -1, "p.json", error) : NULL;
  const PldProcessor *processor;

  memset (net, 0, sizeof *net);
  return (text == NULL || config != NULL) && pld_preprocessing_find (config, arch, &processor, error)
         && pld_preprocessing_size (config, processor, input, error)
         && pld_preprocessing_read (config, processor, net, error);
}

static void
assert_defaults (const char *text, const PldArch *arch, const Defaults *want)
{
  PldVisionNet net;
  PldInputSize input = { 0 };
  g_autoptr (GError) error = NULL;

  read_text (text, arch, &net, &input, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (net.mean, sizeof net.mean, want->mean, sizeof want->mean);
  g_assert_cmpmem (net.std, sizeof net.std, want->std, sizeof want->std);
  g_assert_cmpuint (net.resample, ==, want->resample);
  g_assert_cmpfloat (net.rescale, ==, 1 / 255.0);
  for (guint c = 0; c < 3; c++)
    {
      g_assert_cmpfloat_with_epsilon (net.scale[c], 1 / 255.0 / want->std[c], 1e-8);
      g_assert_cmpfloat_with_epsilon (net.shift[c], -want->mean[c] / want->std[c], 1e-6);
    }
}

/* With a class and nothing else, and with every key null. */
static void
test_classes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (defaults); i++)
    {
      const Defaults *d = &defaults[i];
      const char *key = strstr (d->class, "Extractor") != NULL ? "feature_extractor_type" : "image_processor_type";
      g_autofree char *bare = g_strdup_printf ("{\"%s\": \"%s\", \"do_center_crop\": false}", key, d->class),
                      *nulls
                      = g_strdup_printf ("{\"%s\": \"%s\", \"do_center_crop\": false, \"do_rescale\": null, "
                                         "\"do_normalize\": null, \"rescale_factor\": null, \"image_mean\": null, "
                                         "\"image_std\": null, \"resample\": null, \"size\": null}",
                                         key, d->class),
                      *alone = g_strdup_printf ("{\"%s\": \"%s\"}", key, d->class);
      PldVisionNet net;
      PldInputSize input = { 0 };
      g_autoptr (GError) error = NULL;

      assert_defaults (bare, &pld_arch_vit, d);
      assert_defaults (nulls, &pld_arch_yolos, d);
      g_assert_true (read_text (alone, &pld_arch_vit, &net, &input, &error) == !d->crop);
      g_assert_true (d->crop == g_error_matches (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED));
    }
}

/* Without a class: that of the architecture. */
static void
test_architectures (void)
{
  static const char *const texts[] = { NULL, "{}", "{\"image_processor_type\": null}" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      assert_defaults (texts[i], &pld_arch_vit, &defaults[0]);
      assert_defaults (texts[i], &pld_arch_patch_detector, &defaults[0]);
      assert_defaults (texts[i], &pld_arch_yolos, &defaults[5]);
    }
}

/* A class that is not known: everything must be said. */
static void
test_unknown (void)
{
  static const char *const all[]
      = { "\"do_center_crop\": false", "\"image_mean\": [0.1, 0.2, 0.3]", "\"image_std\": 0.25", "\"resample\": 0" };
  static const Defaults want = { NULL, { 0.1, 0.2, 0.3 }, { 0.25, 0.25, 0.25 }, 0, FALSE };

  for (guint missing = 0; missing <= G_N_ELEMENTS (all); missing++)
    {
      g_autoptr (GString) text = g_string_new ("{\"image_processor_type\": \"ViTPoseImageProcessor\"");
      PldVisionNet net;
      PldInputSize input = { 0 };
      g_autoptr (GError) error = NULL;

      for (guint i = 0; i < G_N_ELEMENTS (all); i++)
        if (i != missing)
          g_string_append_printf (text, ", %s", all[i]);
      g_string_append_c (text, '}');
      if (missing == G_N_ELEMENTS (all))
        assert_defaults (text->str, &pld_arch_vit, &want);
      else
        {
          g_autofree char *key = g_strndup (all[missing], strcspn (all[missing], ":"));

          g_assert_false (read_text (text->str, &pld_arch_vit, &net, &input, &error));
          g_assert_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED);
          g_assert_nonnull (strstr (error->message, key));
          g_assert_nonnull (strstr (error->message, "p.json"));
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/preprocessing/classes", test_classes);
  g_test_add_func ("/preprocessing/architectures", test_architectures);
  g_test_add_func ("/preprocessing/unknown", test_unknown);
  return g_test_run ();
}
