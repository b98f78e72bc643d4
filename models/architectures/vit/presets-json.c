/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The texts of config.json and preprocessor_config.json for presets.
 */
#include "models/architectures/vit/presets.h"

#include <string.h>

#define LONGEST_EDGE 1333

static const double half[3] = { 0.5, 0.5, 0.5 };
/* Of ImageNet's pictures. */
static const double imagenet_mean[3] = { 0.485, 0.456, 0.406 }, imagenet_std[3] = { 0.229, 0.224, 0.225 };

void
pld_vit_preset_normalization (const PldVitPreset *preset, double mean[3], double std[3])
{
  memcpy (mean, preset->n_detection > 0 ? imagenet_mean : half, sizeof half);
  memcpy (std, preset->n_detection > 0 ? imagenet_std : half, sizeof half);
}

/* A list of numbers. */
static void
add_numbers (GString *text, const char *key, const double *values, guint n)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (text, "  \"%s\": [", key);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", g_ascii_formatd (number, sizeof number, "%g", values[i]));
  g_string_append (text, "],\n");
}

char *
pld_vit_preset_config (const PldPreset *base, const char *torch_type)
{
  const PldVitPreset *preset = (const PldVitPreset *) base;
  const gboolean yolos = preset->n_detection > 0;
  const double size[] = { preset->image_height, preset->image_width };
  GString *text = g_string_new (NULL);

  g_string_append_printf (text,
                          "{\n"
                          "  \"architectures\": [\"%s\"],\n"
                          "  \"model_type\": \"%s\",\n"
                          "  \"hidden_size\": %u,\n"
                          "  \"intermediate_size\": %u,\n"
                          "  \"num_hidden_layers\": %u,\n"
                          "  \"num_attention_heads\": %u,\n",
                          yolos ? "YolosForObjectDetection" : "ViTForImageClassification", preset->base.arch->name,
                          preset->hidden, 4 * preset->hidden, preset->layers, preset->heads);
  if (yolos)
    {
      add_numbers (text, "image_size", size, 2);
      g_string_append_printf (text, "  \"num_detection_tokens\": %u,\n  \"use_mid_position_embeddings\": %s,\n",
                              preset->n_detection, preset->mid_positions ? "true" : "false");
    }
  else
    g_string_append_printf (text, "  \"image_size\": %u,\n", preset->image_width);
  g_string_append_printf (text,
                          "  \"patch_size\": %u,\n"
                          "  \"num_channels\": 3,\n"
                          "  \"hidden_act\": \"gelu\",\n"
                          "  \"layer_norm_eps\": 1e-12,\n"
                          "  \"qkv_bias\": true,\n"
                          "  \"torch_dtype\": \"%s\",\n"
                          "  \"id2label\": {",
                          PLD_VIT_PRESET_PATCH, torch_type);
  for (guint i = 0; i < preset->n_classes; i++)
    g_string_append_printf (text, "%s\n    \"%u\": \"LABEL_%u\"", i > 0 ? "," : "", i, i);
  g_string_append (text, "\n  }\n}\n");
  return g_string_free (text, FALSE);
}

char *
pld_vit_preset_preprocessing (const PldPreset *base)
{
  const PldVitPreset *preset = (const PldVitPreset *) base;
  const gboolean yolos = preset->n_detection > 0;
  GString *text = g_string_new (NULL);
  double mean[3], std[3];

  pld_vit_preset_normalization (preset, mean, std);
  g_string_append_printf (text, "{\n  \"image_processor_type\": \"%s\",\n  \"do_resize\": true,\n",
                          yolos ? "YolosImageProcessor" : "ViTImageProcessor");
  if (yolos)
    g_string_append_printf (text, "  \"size\": {\"shortest_edge\": %u, \"longest_edge\": %u},\n", preset->shortest_edge,
                            LONGEST_EDGE);
  else
    g_string_append_printf (text, "  \"size\": {\"height\": %u, \"width\": %u},\n", preset->input_height,
                            preset->input_width);
  add_numbers (text, "image_mean", mean, 3);
  add_numbers (text, "image_std", std, 3);
  g_string_append (text, "  \"resample\": 2,\n"
                         "  \"do_rescale\": true,\n"
                         "  \"rescale_factor\": 0.00392156862745098,\n"
                         "  \"do_normalize\": true\n"
                         "}\n");
  return g_string_free (text, FALSE);
}
