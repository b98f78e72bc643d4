/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/pipeloadllmsettings.h"

#include "gst/pipeloadutil.h"

#define DEFAULT_MEMORY_LIMIT "0"
#define DEFAULT_TEMPLATE "auto"
#define DEFAULT_MAX_TOKENS 512

/* The engine's own, see pld_generate_options_init(). */
#define DEFAULT_TEMPERATURE -1
#define DEFAULT_TOP_K 40
#define DEFAULT_TOP_P 0.95
#define DEFAULT_MIN_P 0.05
#define DEFAULT_SEED -1

GType
gst_pipeload_llm_output_get_type (void)
{
  static const GEnumValue values[]
      = { { GST_PIPELOAD_LLM_OUTPUT_TOKEN, "Each piece of text as soon as it is generated", "token" },
          { GST_PIPELOAD_LLM_OUTPUT_SENTENCE, "Whole sentences and lines", "sentence" },
          { GST_PIPELOAD_LLM_OUTPUT_FULL, "Each answer as one buffer", "full" },
          { 0, NULL, NULL } };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstPipeloadLlmOutput", values));
  return type;
}

GType
gst_pipeload_llm_messages_get_type (void)
{
  static const GEnumValue values[]
      = { { GST_PIPELOAD_LLM_MESSAGES_NONE, "No element messages", "none" },
          { GST_PIPELOAD_LLM_MESSAGES_ANSWERS, "One message at the end of each answer", "answers" },
          { 0, NULL, NULL } };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstPipeloadLlmMessages", values));
  return type;
}

GType
gst_pipeload_llm_cache_type_get_type (void)
{
  static const GEnumValue values[]
      = { { PLD_CACHE_F16, "16 bits a value", "f16" },
          { PLD_CACHE_Q8_0, "About half of that, a little less exact; for heads of a multiple of 32 values",
            "q8-0" },
          { PLD_CACHE_F32, "Twice of it, as exact as what is computed", "f32" },
          { 0, NULL, NULL } };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstPipeloadLlmCacheType", values));
  return type;
}

void
gst_pipeload_llm_settings_init (GstPipeloadLlmSettings *settings)
{
  *settings = (GstPipeloadLlmSettings){ .memory_limit = g_strdup (DEFAULT_MEMORY_LIMIT),
                                        .chat_template = g_strdup (DEFAULT_TEMPLATE),
                                        .max_tokens = DEFAULT_MAX_TOKENS,
                                        .temperature = DEFAULT_TEMPERATURE,
                                        .top_k = DEFAULT_TOP_K,
                                        .top_p = DEFAULT_TOP_P,
                                        .min_p = DEFAULT_MIN_P,
                                        .repeat_penalty = 1,
                                        .seed = DEFAULT_SEED,
                                        .messages = GST_PIPELOAD_LLM_MESSAGES_ANSWERS };
}

void
gst_pipeload_llm_settings_clear (GstPipeloadLlmSettings *settings)
{
  g_clear_pointer (&settings->model, g_free);
  g_clear_pointer (&settings->memory_limit, g_free);
  g_clear_pointer (&settings->system_prompt, g_free);
  g_clear_pointer (&settings->chat_template, g_free);
  g_clear_pointer (&settings->stop, g_free);
}

void
gst_pipeload_llm_settings_copy (GstPipeloadLlmSettings *copy, const GstPipeloadLlmSettings *settings)
{
  *copy = *settings;
  copy->model = g_strdup (settings->model);
  copy->memory_limit = g_strdup (settings->memory_limit);
  copy->system_prompt = g_strdup (settings->system_prompt);
  copy->chat_template = g_strdup (settings->chat_template);
  copy->stop = g_strdup (settings->stop);
}

gboolean
gst_pipeload_llm_settings_options (const GstPipeloadLlmSettings *settings, char **stop,
                                   PldGenerateOptions *options, GError **error)
{
  const char *name = settings->chat_template != NULL ? settings->chat_template : DEFAULT_TEMPLATE;
  gboolean own = g_str_equal (name, DEFAULT_TEMPLATE);

  if (!own && !g_str_equal (name, "none") && !g_strv_contains (pld_llm_template_names (), name))
    {
      g_autofree char *names = g_strjoinv (", ", (char **) pld_llm_template_names ());

      g_set_error (error, GST_PIPELOAD_SETTINGS_ERROR, 0,
                   "property template: there is no \"%s\"; there are auto (the model's own), none, %s", name,
                   names);
      return FALSE;
    }
  pld_generate_options_init (options);
  options->chat_template = own ? NULL : name;
  options->max_tokens = settings->max_tokens;
  options->trim = settings->trim;
  options->temperature = (float) settings->temperature;
  options->top_k = settings->top_k;
  options->top_p = (float) settings->top_p;
  options->min_p = (float) settings->min_p;
  options->repeat_penalty = (float) settings->repeat_penalty;
  options->presence_penalty = (float) settings->presence_penalty;
  options->frequency_penalty = (float) settings->frequency_penalty;
  options->seed = settings->seed;
  options->stop = (const char *const *) stop;
  return TRUE;
}

/* ---- values -------------------------------------------------------------------------------- */

/* The field of a property, by its type. */
static char **
string_field (GstPipeloadLlmSettings *settings, guint id)
{
  switch (id)
    {
    case GST_PIPELOAD_LLM_PROP_MODEL:
      return &settings->model;
    case GST_PIPELOAD_LLM_PROP_MEMORY_LIMIT:
      return &settings->memory_limit;
    case GST_PIPELOAD_LLM_PROP_SYSTEM_PROMPT:
      return &settings->system_prompt;
    case GST_PIPELOAD_LLM_PROP_TEMPLATE:
      return &settings->chat_template;
    case GST_PIPELOAD_LLM_PROP_STOP:
      return &settings->stop;
    default:
      return NULL;
    }
}

static guint *
uint_field (GstPipeloadLlmSettings *settings, guint id)
{
  switch (id)
    {
    case GST_PIPELOAD_LLM_PROP_LOADERS:
      return &settings->loaders;
    case GST_PIPELOAD_LLM_PROP_THREADS:
      return &settings->threads;
    case GST_PIPELOAD_LLM_PROP_CONTEXT_SIZE:
      return &settings->context_size;
    case GST_PIPELOAD_LLM_PROP_HISTORY:
      return &settings->history;
    case GST_PIPELOAD_LLM_PROP_TOP_K:
      return &settings->top_k;
    default:
      return NULL;
    }
}

static double *
double_field (GstPipeloadLlmSettings *settings, guint id)
{
  switch (id)
    {
    case GST_PIPELOAD_LLM_PROP_TEMPERATURE:
      return &settings->temperature;
    case GST_PIPELOAD_LLM_PROP_TOP_P:
      return &settings->top_p;
    case GST_PIPELOAD_LLM_PROP_MIN_P:
      return &settings->min_p;
    case GST_PIPELOAD_LLM_PROP_REPEAT_PENALTY:
      return &settings->repeat_penalty;
    case GST_PIPELOAD_LLM_PROP_PRESENCE_PENALTY:
      return &settings->presence_penalty;
    case GST_PIPELOAD_LLM_PROP_FREQUENCY_PENALTY:
      return &settings->frequency_penalty;
    default:
      return NULL;
    }
}

gboolean
gst_pipeload_llm_settings_set (GstPipeloadLlmSettings *settings, guint id, const GValue *value)
{
  char **string = string_field (settings, id);
  guint *number = uint_field (settings, id);
  double *real = double_field (settings, id);

  if (string != NULL)
    {
      const char *text = g_value_get_string (value);

      g_free (*string);
      *string = g_strdup (text != NULL && *text != '\0' ? text : NULL);
    }
  else if (number != NULL)
    *number = g_value_get_uint (value);
  else if (real != NULL)
    *real = g_value_get_double (value);
  else if (id == GST_PIPELOAD_LLM_PROP_MAX_TOKENS)
    settings->max_tokens = g_value_get_int (value);
  else if (id == GST_PIPELOAD_LLM_PROP_SEED)
    settings->seed = g_value_get_int64 (value);
  else if (id == GST_PIPELOAD_LLM_PROP_TRIM)
    settings->trim = g_value_get_boolean (value);
  else if (id == GST_PIPELOAD_LLM_PROP_CACHE_TYPE)
    settings->cache_type = g_value_get_enum (value);
  else if (id == GST_PIPELOAD_LLM_PROP_OUTPUT)
    settings->output = g_value_get_enum (value);
  else if (id == GST_PIPELOAD_LLM_PROP_MESSAGES)
    settings->messages = g_value_get_enum (value);
  else
    return FALSE;
  return TRUE;
}

gboolean
gst_pipeload_llm_settings_get (const GstPipeloadLlmSettings *settings, guint id, GValue *value)
{
  char **string = string_field ((GstPipeloadLlmSettings *) settings, id);
  guint *number = uint_field ((GstPipeloadLlmSettings *) settings, id);
  double *real = double_field ((GstPipeloadLlmSettings *) settings, id);

  if (string != NULL)
    g_value_set_string (value, *string);
  else if (number != NULL)
    g_value_set_uint (value, *number);
  else if (real != NULL)
    g_value_set_double (value, *real);
  else if (id == GST_PIPELOAD_LLM_PROP_MAX_TOKENS)
    g_value_set_int (value, settings->max_tokens);
  else if (id == GST_PIPELOAD_LLM_PROP_SEED)
    g_value_set_int64 (value, settings->seed);
  else if (id == GST_PIPELOAD_LLM_PROP_TRIM)
    g_value_set_boolean (value, settings->trim);
  else if (id == GST_PIPELOAD_LLM_PROP_CACHE_TYPE)
    g_value_set_enum (value, settings->cache_type);
  else if (id == GST_PIPELOAD_LLM_PROP_OUTPUT)
    g_value_set_enum (value, settings->output);
  else if (id == GST_PIPELOAD_LLM_PROP_MESSAGES)
    g_value_set_enum (value, settings->messages);
  else
    return FALSE;
  return TRUE;
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
install_uint (GObjectClass *klass, guint id, const char *name, const char *nick, const char *blurb, guint max,
              guint value, GParamFlags flags)
{
  g_object_class_install_property (klass, id, g_param_spec_uint (name, nick, blurb, 0, max, value, flags));
}

static void
install_double (GObjectClass *klass, guint id, const char *name, const char *nick, const char *blurb,
                double min, double max, double value)
{
  g_object_class_install_property (klass, id,
                                   g_param_spec_double (name, nick, blurb, min, max, value, PLAYING));
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
  install_string (klass, GST_PIPELOAD_LLM_PROP_MODEL, "model", "Model",
                  "A .gguf file (unset: the bundled model, which reports what a camera has seen)", NULL,
                  READY);
  install_string (
      klass, GST_PIPELOAD_LLM_PROP_MEMORY_LIMIT, "memory-limit", "Memory limit",
      "The most bytes the engine may hold for this model, such as 64MB, 2.1GB or 512MiB (0: no limit); "
      "elements with the same model share it, and the smallest limit holds",
      DEFAULT_MEMORY_LIMIT, PLAYING);
  install_uint (klass, GST_PIPELOAD_LLM_PROP_LOADERS, "loaders", "Loaders",
                "Reads from storage under way at once (0: planned from measurements)", 64, 0, READY);
  install_uint (klass, GST_PIPELOAD_LLM_PROP_THREADS, "threads", "Threads",
                "Threads that compute (0: every core)", 1024, 0, READY);
  install_uint (klass, GST_PIPELOAD_LLM_PROP_CONTEXT_SIZE, "context-size", "Context size",
                "Tokens that a prompt and its answer may have together (0: 2048, or the model's own if that "
                "is less); memory grows with it",
                G_MAXINT, 0, READY);
  install_enum (klass, GST_PIPELOAD_LLM_PROP_CACHE_TYPE, "cache-type", "Cache type",
                "How the context's keys and values are stored", GST_TYPE_PIPELOAD_LLM_CACHE_TYPE,
                PLD_CACHE_F16, READY);
}

static void
install_prompt (GObjectClass *klass)
{
  install_string (klass, GST_PIPELOAD_LLM_PROP_SYSTEM_PROMPT, "system-prompt", "System prompt",
                  "What the model is told before each prompt (unset: nothing)", NULL, PLAYING);
  install_string (klass, GST_PIPELOAD_LLM_PROP_TEMPLATE, "template", "Template",
                  "What stands between messages: auto (the model's own), none (the prompt is continued as it "
                  "is), or a name such as llama3 or chatml",
                  DEFAULT_TEMPLATE, PLAYING);
  install_uint (klass, GST_PIPELOAD_LLM_PROP_HISTORY, "history", "History",
                "How many of the last prompts and their answers go before the next prompt (0: each prompt "
                "stands alone)",
                G_MAXINT, 0, PLAYING);
  g_object_class_install_property (
      klass, GST_PIPELOAD_LLM_PROP_TRIM,
      g_param_spec_boolean ("trim", "Trim",
                            "What is too long for the context loses its oldest part, instead of an error",
                            FALSE, PLAYING));
  g_object_class_install_property (
      klass, GST_PIPELOAD_LLM_PROP_MAX_TOKENS,
      g_param_spec_int ("max-tokens", "Most tokens",
                        "Most tokens of an answer (-1: until the model ends it or the context is full)", -1,
                        G_MAXINT, DEFAULT_MAX_TOKENS, PLAYING));
  install_string (klass, GST_PIPELOAD_LLM_PROP_STOP, "stop", "Stop",
                  "Strings that end an answer and are not put out, a list between commas; spaces count, \\n "
                  "is a line's end, \\, a comma, \\\\ a backslash (unset: none)",
                  NULL, PLAYING);
}

static void
install_sampling (GObjectClass *klass)
{
  install_double (klass, GST_PIPELOAD_LLM_PROP_TEMPERATURE, "temperature", "Temperature",
                  "0: always the likeliest token; more: more varied (-1: what the model's file says, else "
                  "0.8)",
                  -1, 100, DEFAULT_TEMPERATURE);
  install_uint (klass, GST_PIPELOAD_LLM_PROP_TOP_K, "top-k", "Top k",
                "Choose among this many likeliest tokens (0: all)", G_MAXINT, DEFAULT_TOP_K, PLAYING);
  install_double (klass, GST_PIPELOAD_LLM_PROP_TOP_P, "top-p", "Top p",
                  "Choose among the likeliest tokens that have this probability together (1: all)", 0, 1,
                  DEFAULT_TOP_P);
  install_double (klass, GST_PIPELOAD_LLM_PROP_MIN_P, "min-p", "Min p",
                  "Choose among tokens with at least this share of the likeliest one's probability (0: all)",
                  0, 1, DEFAULT_MIN_P);
  install_double (klass, GST_PIPELOAD_LLM_PROP_REPEAT_PENALTY, "repeat-penalty", "Repeat penalty",
                  "Makes tokens of the last 64 less likely by this factor (1: none)", 0.01, 100, 1);
  install_double (klass, GST_PIPELOAD_LLM_PROP_PRESENCE_PENALTY, "presence-penalty", "Presence penalty",
                  "Taken from the logit of each token among the last 64 (0: none)", -100, 100, 0);
  install_double (klass, GST_PIPELOAD_LLM_PROP_FREQUENCY_PENALTY, "frequency-penalty", "Frequency penalty",
                  "Taken from a token's logit for each time it is among the last 64 (0: none)", -100, 100, 0);
  g_object_class_install_property (
      klass, GST_PIPELOAD_LLM_PROP_SEED,
      g_param_spec_int64 ("seed", "Seed",
                          "Same seed, prompt and settings: same answer (-1: another one each time)", -1,
                          G_MAXINT64, DEFAULT_SEED, PLAYING));
}

static void
install_results (GObjectClass *klass)
{
  install_enum (klass, GST_PIPELOAD_LLM_PROP_OUTPUT, "output", "Output", "What an output buffer holds",
                GST_TYPE_PIPELOAD_LLM_OUTPUT, GST_PIPELOAD_LLM_OUTPUT_TOKEN, PLAYING);
  install_enum (klass, GST_PIPELOAD_LLM_PROP_MESSAGES, "messages", "Messages",
                "When to post the element message pipeload-llm", GST_TYPE_PIPELOAD_LLM_MESSAGES,
                GST_PIPELOAD_LLM_MESSAGES_ANSWERS, PLAYING);
  g_object_class_install_property (
      klass, GST_PIPELOAD_LLM_PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
                          "Prompts, tokens, latency, and the engine's memory and streaming; of the last run "
                          "once stopped",
                          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

void
gst_pipeload_llm_settings_install (GObjectClass *klass)
{
  install_model (klass);
  install_prompt (klass);
  install_sampling (klass);
  install_results (klass);
}
