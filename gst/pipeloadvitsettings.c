/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/pipeloadvitsettings.h"

#define DEFAULT_MEMORY_LIMIT "0"
#define DEFAULT_THRESHOLD 0.5
#define DEFAULT_TOP_K 1
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
          { GST_PIPELOAD_VIT_REGION_ROI_LIST, "Each region of interest that came with the frame",
            "roi-list" },
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
  *settings = (GstPipeloadVitSettings){ .memory_limit = g_strdup (DEFAULT_MEMORY_LIMIT),
                                        .top_k = DEFAULT_TOP_K,
                                        .interval = DEFAULT_INTERVAL,
                                        .threshold = DEFAULT_THRESHOLD,
                                        .messages = GST_PIPELOAD_VIT_MESSAGES_CHANGES };
}

void
gst_pipeload_vit_settings_clear (GstPipeloadVitSettings *settings)
{
  g_clear_pointer (&settings->model, g_free);
  g_clear_pointer (&settings->memory_limit, g_free);
  g_clear_pointer (&settings->labels, g_free);
  g_clear_pointer (&settings->classes, g_free);
}

void
gst_pipeload_vit_settings_copy (GstPipeloadVitSettings *copy, const GstPipeloadVitSettings *settings)
{
  *copy = *settings;
  copy->model = g_strdup (settings->model);
  copy->memory_limit = g_strdup (settings->memory_limit);
  copy->labels = g_strdup (settings->labels);
  copy->classes = g_strdup (settings->classes);
}

/* ---- properties ---------------------------------------------------------------------------- */

#define READY (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define PLAYING (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

static void
install_string (GObjectClass *klass, guint id, const char *name, const char *nick, const char *blurb,
                const char *value, GParamFlags flags)
{
  g_object_class_install_property (klass, id, g_param_spec_string (name, nick, blurb, value, flags));
}

static void
install_uint (GObjectClass *klass, guint id, const char *name, const char *nick, const char *blurb, guint min,
              guint max, guint value, GParamFlags flags)
{
  g_object_class_install_property (klass, id, g_param_spec_uint (name, nick, blurb, min, max, value, flags));
}

static void
install_share (GObjectClass *klass, guint id, const char *name, const char *nick, const char *blurb,
               double value)
{
  g_object_class_install_property (klass, id, g_param_spec_double (name, nick, blurb, 0, 1, value, PLAYING));
}

static void
install_enum (GObjectClass *klass, guint id, const char *name, const char *nick, const char *blurb,
              GType type, int value, GParamFlags flags)
{
  g_object_class_install_property (klass, id, g_param_spec_enum (name, nick, blurb, type, value, flags));
  gst_type_mark_as_plugin_api (type, 0);
}

static void
install_model (GObjectClass *klass)
{
  install_string (
      klass, GST_PIPELOAD_VIT_PROP_MODEL, "model", "Model",
      "A .safetensors or .gguf file, or a Hugging Face folder with config.json (unset: the bundled model, "
      "person or no person)",
      NULL, READY);
  install_string (
      klass, GST_PIPELOAD_VIT_PROP_MEMORY_LIMIT, "memory-limit", "Memory limit",
      "The most bytes the engine may hold for this model, such as 64MB, 2.1GB or 512MiB (0: no limit); "
      "elements with the same model share it, and the smallest limit holds",
      DEFAULT_MEMORY_LIMIT, PLAYING);
  install_uint (klass, GST_PIPELOAD_VIT_PROP_LOADERS, "loaders", "Loaders",
                "Reads from storage under way at once (0: planned from measurements)", 0, 64, 0, READY);
  install_uint (klass, GST_PIPELOAD_VIT_PROP_THREADS, "threads", "Threads",
                "Threads that compute (0: every core)", 0, 1024, 0, READY);
  install_uint (
      klass, GST_PIPELOAD_VIT_PROP_INPUT_SIZE, "input-size", "Input size",
      "Width and height in pixels that pictures are scaled to (0: the model's own); more sees smaller things "
      "and costs more",
      0, 4096, 0, READY);
  install_uint (klass, GST_PIPELOAD_VIT_PROP_MAX_BATCH, "max-batch", "Largest batch",
                "Pictures that share one pass over the weights at most (0: 1 for full frames, 4 for regions)",
                0, 64, 0, READY);
}

static void
install_results (GObjectClass *klass)
{
  install_string (
      klass, GST_PIPELOAD_VIT_PROP_LABELS, "labels", "Labels",
      "The classes' names in place of the model's: a file with one a line, or a list between commas", NULL,
      READY);
  install_string (klass, GST_PIPELOAD_VIT_PROP_CLASSES, "classes", "Classes",
                  "Report only these labels, a list between commas (unset: all)", NULL, READY);
  install_share (klass, GST_PIPELOAD_VIT_PROP_THRESHOLD, "threshold", "Threshold",
                 "Report only classes with at least this confidence", DEFAULT_THRESHOLD);
  install_uint (klass, GST_PIPELOAD_VIT_PROP_TOP_K, "top-k", "Top k",
                "Report at most this many classes a picture, best first (0: all)", 0, G_MAXUINT,
                DEFAULT_TOP_K, PLAYING);
  install_enum (klass, GST_PIPELOAD_VIT_PROP_MESSAGES, "messages", "Messages",
                "When to post the element message pipeload-vit", GST_TYPE_PIPELOAD_VIT_MESSAGES,
                GST_PIPELOAD_VIT_MESSAGES_CHANGES, PLAYING);
  g_object_class_install_property (
      klass, GST_PIPELOAD_VIT_PROP_STATS,
      g_param_spec_boxed (
          "stats", "Statistics",
          "Frames, inferences, latency, and the engine's memory and streaming; of the last run once "
          "stopped",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

void
gst_pipeload_vit_settings_install (GObjectClass *klass)
{
  install_model (klass);
  install_results (klass);
  install_uint (klass, GST_PIPELOAD_VIT_PROP_INTERVAL, "interval", "Interval",
                "Look at every Nth frame; the ones between carry the last result and its age", 1, G_MAXUINT,
                DEFAULT_INTERVAL, PLAYING);
  install_share (
      klass, GST_PIPELOAD_VIT_PROP_MOTION_THRESHOLD, "motion-threshold", "Motion threshold",
      "Keep the last result while no part of the picture has changed by this share of full scale since it "
      "was made (0: always look; 0.03 ignores camera noise)",
      0);
  install_enum (klass, GST_PIPELOAD_VIT_PROP_MODE, "mode", "Mode", "Whether frames wait for their results",
                GST_TYPE_PIPELOAD_VIT_MODE, GST_PIPELOAD_VIT_MODE_SYNC, READY);
  install_enum (klass, GST_PIPELOAD_VIT_PROP_REGION, "region", "Region", "What to look at in a frame",
                GST_TYPE_PIPELOAD_VIT_REGION, GST_PIPELOAD_VIT_REGION_FULL_FRAME, READY);
}

/* The field of a property, by its type. */
static char **
string_field (GstPipeloadVitSettings *settings, guint id)
{
  switch (id)
    {
    case GST_PIPELOAD_VIT_PROP_MODEL:
      return &settings->model;
    case GST_PIPELOAD_VIT_PROP_MEMORY_LIMIT:
      return &settings->memory_limit;
    case GST_PIPELOAD_VIT_PROP_LABELS:
      return &settings->labels;
    case GST_PIPELOAD_VIT_PROP_CLASSES:
      return &settings->classes;
    default:
      return NULL;
    }
}

static guint *
uint_field (GstPipeloadVitSettings *settings, guint id)
{
  switch (id)
    {
    case GST_PIPELOAD_VIT_PROP_LOADERS:
      return &settings->loaders;
    case GST_PIPELOAD_VIT_PROP_THREADS:
      return &settings->threads;
    case GST_PIPELOAD_VIT_PROP_TOP_K:
      return &settings->top_k;
    case GST_PIPELOAD_VIT_PROP_INTERVAL:
      return &settings->interval;
    case GST_PIPELOAD_VIT_PROP_INPUT_SIZE:
      return &settings->input_size;
    case GST_PIPELOAD_VIT_PROP_MAX_BATCH:
      return &settings->max_batch;
    default:
      return NULL;
    }
}

gboolean
gst_pipeload_vit_settings_set (GstPipeloadVitSettings *settings, guint id, const GValue *value)
{
  char **string = string_field (settings, id);
  guint *number = uint_field (settings, id);

  if (string != NULL)
    {
      const char *text = g_value_get_string (value);

      g_free (*string);
      *string = g_strdup (text != NULL && *text != '\0' ? text : NULL);
    }
  else if (number != NULL)
    *number = g_value_get_uint (value);
  else if (id == GST_PIPELOAD_VIT_PROP_THRESHOLD)
    settings->threshold = g_value_get_double (value);
  else if (id == GST_PIPELOAD_VIT_PROP_MOTION_THRESHOLD)
    settings->motion_threshold = g_value_get_double (value);
  else if (id == GST_PIPELOAD_VIT_PROP_MODE)
    settings->mode = g_value_get_enum (value);
  else if (id == GST_PIPELOAD_VIT_PROP_REGION)
    settings->region = g_value_get_enum (value);
  else if (id == GST_PIPELOAD_VIT_PROP_MESSAGES)
    settings->messages = g_value_get_enum (value);
  else
    return FALSE;
  return TRUE;
}

gboolean
gst_pipeload_vit_settings_get (const GstPipeloadVitSettings *settings, guint id, GValue *value)
{
  char **string = string_field ((GstPipeloadVitSettings *) settings, id);
  guint *number = uint_field ((GstPipeloadVitSettings *) settings, id);

  if (string != NULL)
    g_value_set_string (value, *string);
  else if (number != NULL)
    g_value_set_uint (value, *number);
  else if (id == GST_PIPELOAD_VIT_PROP_THRESHOLD)
    g_value_set_double (value, settings->threshold);
  else if (id == GST_PIPELOAD_VIT_PROP_MOTION_THRESHOLD)
    g_value_set_double (value, settings->motion_threshold);
  else if (id == GST_PIPELOAD_VIT_PROP_MODE)
    g_value_set_enum (value, settings->mode);
  else if (id == GST_PIPELOAD_VIT_PROP_REGION)
    g_value_set_enum (value, settings->region);
  else if (id == GST_PIPELOAD_VIT_PROP_MESSAGES)
    g_value_set_enum (value, settings->messages);
  else
    return FALSE;
  return TRUE;
}
