/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of pipeloadvit.
 */
#include "gst/vit/settings.h"

#define DEFAULT_THRESHOLD -1.0
#define DEFAULT_TOP_K -1
#define DEFAULT_INTERVAL 1

GType
gst_pipeload_vit_mode_get_type (void)
{
  static const GEnumValue values[]
      = { { GST_PIPELOAD_VIT_MODE_SYNC, "Each frame waits for its own result", "sync" },
          { GST_PIPELOAD_VIT_MODE_ASYNC, "Frames never wait; the newest result rides on them", "async" },
          { 0, NULL, NULL } };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstPipeloadVitMode", values));
  return type;
}

GType
gst_pipeload_vit_region_get_type (void)
{
  static const GEnumValue values[]
      = { { GST_PIPELOAD_VIT_REGION_FULL_FRAME, "The whole frame", "full-frame" },
          { GST_PIPELOAD_VIT_REGION_ROI_LIST, "Each region of interest that came with the frame", "roi-list" },
          { 0, NULL, NULL } };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstPipeloadVitRegion", values));
  return type;
}

GType
gst_pipeload_vit_messages_get_type (void)
{
  static const GEnumValue values[]
      = { { GST_PIPELOAD_VIT_MESSAGES_NONE, "No element messages", "none" },
          { GST_PIPELOAD_VIT_MESSAGES_CHANGES, "One message when the labels seen change", "changes" },
          { GST_PIPELOAD_VIT_MESSAGES_ALL, "One message for each inference", "all" },
          { 0, NULL, NULL } };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstPipeloadVitMessages", values));
  return type;
}

void
gst_pipeload_vit_settings_init (GstPipeloadVitSettings *settings)
{
  *settings = (GstPipeloadVitSettings) { .top_k = DEFAULT_TOP_K,
                                         .interval = DEFAULT_INTERVAL,
                                         .threshold = DEFAULT_THRESHOLD,
                                         .exif_orientation = TRUE,
                                         .messages = GST_PIPELOAD_VIT_MESSAGES_CHANGES };
  gst_pipeload_model_settings_init (&settings->model);
}

void
gst_pipeload_vit_settings_clear (GstPipeloadVitSettings *settings)
{
  gst_pipeload_model_settings_clear (&settings->model);
  g_clear_pointer (&settings->labels, g_free);
  g_clear_pointer (&settings->classes, g_free);
  g_clear_pointer (&settings->input_size, g_free);
}

void
gst_pipeload_vit_settings_copy (GstPipeloadVitSettings *copy, const GstPipeloadVitSettings *settings)
{
  *copy = *settings;
  gst_pipeload_model_settings_own (&copy->model);
  copy->labels = g_strdup (settings->labels);
  copy->classes = g_strdup (settings->classes);
  copy->input_size = g_strdup (settings->input_size);
}

/* ---- properties ---------------------------------------------------------------------------- */

#define PROP(field) GST_PIPELOAD_PROP (GstPipeloadVitSettings, field)

static void
install_input (GObjectClass *klass)
{
  gst_pipeload_settings_install (klass, PROP (input_size),
                                 g_param_spec_string ("input-size", "Input size",
                                                      "Width and height in pixels that pictures are scaled to, "
                                                      "such as 512x384, or one number for both (unset or 0: the "
                                                      "model's own); more sees smaller things and costs more",
                                                      NULL, GST_PIPELOAD_READY));
  gst_pipeload_settings_install (
      klass, PROP (max_batch),
      g_param_spec_uint ("max-batch", "Largest batch",
                         "Pictures that share one pass over the weights at most (0: 1 for full frames, 4 for regions)",
                         0, 64, 0, GST_PIPELOAD_READY));
}

static void
install_orientation (GObjectClass *klass)
{
  gst_pipeload_settings_install (klass, PROP (exif_orientation),
                                 g_param_spec_boolean ("exif-orientation", "EXIF orientation",
                                                       "Turn JPEG pictures as their EXIF orientation says; boxes are "
                                                       "places in the turned picture",
                                                       TRUE, GST_PIPELOAD_READY));
}

static void
install_results (GObjectClass *klass)
{
  gst_pipeload_settings_install (
      klass, PROP (labels),
      g_param_spec_string (
          "labels", "Labels",
          "The classes' names in place of the model's: a file with one a line, or a list between commas", NULL,
          GST_PIPELOAD_READY));
  gst_pipeload_settings_install (klass, PROP (classes),
                                 g_param_spec_string ("classes", "Classes",
                                                      "Report only these labels, a list between commas (unset: all)",
                                                      NULL, GST_PIPELOAD_READY));
  gst_pipeload_settings_install (klass, PROP (threshold),
                                 g_param_spec_double ("threshold", "Threshold",
                                                      "Report only what has at least this confidence, 0 to 1 "
                                                      "(-1: the model's own, 0.5 where it has none)",
                                                      -1, 1, DEFAULT_THRESHOLD, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (top_k),
      g_param_spec_int ("top-k", "Top k",
                        "Report at most this many classes or objects a picture, best first (0: all, -1: one class, "
                        "or all where several can be right)",
                        -1, G_MAXINT, DEFAULT_TOP_K, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (messages),
      g_param_spec_enum ("messages", "Messages", "When to post the element message pipeload-vit",
                         GST_TYPE_PIPELOAD_VIT_MESSAGES, GST_PIPELOAD_VIT_MESSAGES_CHANGES, GST_PIPELOAD_PLAYING));
}

static void
install_choice (GObjectClass *klass)
{
  gst_pipeload_settings_install (
      klass, PROP (interval),
      g_param_spec_uint ("interval", "Interval",
                         "Look at every Nth frame; the ones between carry the last result and its age", 1, G_MAXUINT,
                         DEFAULT_INTERVAL, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (klass, PROP (motion_threshold),
                                 g_param_spec_double ("motion-threshold", "Motion threshold",
                                                      "Keep the last result while no part of the picture has "
                                                      "changed by this share of full scale since it "
                                                      "was made (0: always look; 0.03 ignores camera noise)",
                                                      0, 1, 0, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (klass, PROP (mode),
                                 g_param_spec_enum ("mode", "Mode", "Whether frames wait for their results",
                                                    GST_TYPE_PIPELOAD_VIT_MODE, GST_PIPELOAD_VIT_MODE_SYNC,
                                                    GST_PIPELOAD_READY));
  gst_pipeload_settings_install (klass, PROP (region),
                                 g_param_spec_enum ("region", "Region", "What to look at in a frame",
                                                    GST_TYPE_PIPELOAD_VIT_REGION, GST_PIPELOAD_VIT_REGION_FULL_FRAME,
                                                    GST_PIPELOAD_READY));
}

void
gst_pipeload_vit_settings_install (GObjectClass *klass)
{
  gst_pipeload_model_install (
      klass,
      "A .safetensors or .gguf file, or a Hugging Face folder with config.json (unset: the bundled model, "
      "which finds persons)",
      "Frames, inferences, latency, and the engine's memory and streaming; of the last run once stopped");
  install_input (klass);
  install_orientation (klass);
  install_results (klass);
  install_choice (klass);
}
