/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of pipeloadllm.
 */
#include "gst/llm/settings.h"

#include "gst/common/util.h"

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
          { PLD_CACHE_Q8_0, "About half of that, a little less exact; for heads of a multiple of 32 values", "q8-0" },
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
  *settings = (GstPipeloadLlmSettings) { .chat_template = g_strdup (DEFAULT_TEMPLATE),
                                         .max_tokens = DEFAULT_MAX_TOKENS,
                                         .temperature = DEFAULT_TEMPERATURE,
                                         .top_k = DEFAULT_TOP_K,
                                         .top_p = DEFAULT_TOP_P,
                                         .min_p = DEFAULT_MIN_P,
                                         .repeat_penalty = 1,
                                         .seed = DEFAULT_SEED,
                                         .messages = GST_PIPELOAD_LLM_MESSAGES_ANSWERS };
  gst_pipeload_model_settings_init (&settings->model);
}

void
gst_pipeload_llm_settings_clear (GstPipeloadLlmSettings *settings)
{
  gst_pipeload_model_settings_clear (&settings->model);
  g_clear_pointer (&settings->system_prompt, g_free);
  g_clear_pointer (&settings->chat_template, g_free);
  g_clear_pointer (&settings->stop, g_free);
}

void
gst_pipeload_llm_settings_copy (GstPipeloadLlmSettings *copy, const GstPipeloadLlmSettings *settings)
{
  *copy = *settings;
  gst_pipeload_model_settings_own (&copy->model);
  copy->system_prompt = g_strdup (settings->system_prompt);
  copy->chat_template = g_strdup (settings->chat_template);
  copy->stop = g_strdup (settings->stop);
}

gboolean
gst_pipeload_llm_settings_options (const GstPipeloadLlmSettings *settings, char **stop, PldGenerateOptions *options,
                                   GError **error)
{
  const char *name = settings->chat_template != NULL ? settings->chat_template : DEFAULT_TEMPLATE;
  gboolean own = g_str_equal (name, DEFAULT_TEMPLATE);

  if (!own && !g_str_equal (name, "none") && !g_strv_contains (pld_llm_template_names (), name))
    {
      g_autofree char *names = g_strjoinv (", ", (char **) pld_llm_template_names ());

      g_set_error (error, GST_PIPELOAD_SETTINGS_ERROR, 0,
                   "property template: there is no \"%s\"; there are auto (the model's own), none, %s", name, names);
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

/* ---- properties ---------------------------------------------------------------------------- */

#define PROP(field) GST_PIPELOAD_PROP (GstPipeloadLlmSettings, field)

static void
install_context (GObjectClass *klass)
{
  gst_pipeload_settings_install (
      klass, PROP (context_size),
      g_param_spec_uint ("context-size", "Context size",
                         "Tokens that a prompt and its answer may have together (0: 2048, or the model's own if that "
                         "is less); memory grows with it",
                         0, G_MAXINT, 0, GST_PIPELOAD_READY));
  gst_pipeload_settings_install (
      klass, PROP (cache_type),
      g_param_spec_enum ("cache-type", "Cache type", "How the context's keys and values are stored",
                         GST_TYPE_PIPELOAD_LLM_CACHE_TYPE, PLD_CACHE_F16, GST_PIPELOAD_READY));
  gst_pipeload_settings_install (
      klass, PROP (lookup),
      g_param_spec_uint ("lookup", "Lookup",
                         "Tokens guessed ahead at most, by what followed the last ones before: the answer is the same, "
                         "only sooner where it repeats its prompt or itself (0: none)",
                         0, 15, 0, GST_PIPELOAD_READY));
}

static void
install_prompt (GObjectClass *klass)
{
  gst_pipeload_settings_install (
      klass, PROP (system_prompt),
      g_param_spec_string ("system-prompt", "System prompt",
                           "An instruction to the model, in front of each prompt (unset: none)", NULL,
                           GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (chat_template),
      g_param_spec_string ("template", "Template",
                           "What stands between messages: auto (the model's own), none (the prompt is continued as it "
                           "is), or a name such as llama3 or chatml",
                           DEFAULT_TEMPLATE, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (history),
      g_param_spec_uint ("history", "History",
                         "How many of the last prompts and their answers go before the next prompt (0: each prompt "
                         "stands alone)",
                         0, G_MAXINT, 0, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (trim),
      g_param_spec_boolean ("trim", "Trim",
                            "What is too long for the context loses its oldest part, instead of an error", FALSE,
                            GST_PIPELOAD_PLAYING));
}

static void
install_end (GObjectClass *klass)
{
  gst_pipeload_settings_install (
      klass, PROP (max_tokens),
      g_param_spec_int ("max-tokens", "Most tokens",
                        "Most tokens of an answer (-1: until the model ends it or the context is full)", -1, G_MAXINT,
                        DEFAULT_MAX_TOKENS, GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (stop),
      g_param_spec_string ("stop", "Stop",
                           "Strings that end an answer and are not put out, a list between commas; spaces count, \\n "
                           "is a line's end, \\, a comma, \\\\ a backslash (unset: none)",
                           NULL, GST_PIPELOAD_PLAYING));
}

static void
install_double (GObjectClass *klass, guint id, const char *name, const char *nick, const char *blurb, double min,
                double max, double value)
{
  gst_pipeload_settings_install (klass, id,
                                 g_param_spec_double (name, nick, blurb, min, max, value, GST_PIPELOAD_PLAYING));
}

static void
install_sampling (GObjectClass *klass)
{
  install_double (klass, PROP (temperature), "temperature", "Temperature",
                  "0: always the likeliest token; more: more varied (-1: what the model's file says, else "
                  "0.8)",
                  -1, 100, DEFAULT_TEMPERATURE);
  gst_pipeload_settings_install (klass, PROP (top_k),
                                 g_param_spec_uint ("top-k", "Top k",
                                                    "Choose among this many likeliest tokens (0: all)", 0, G_MAXINT,
                                                    DEFAULT_TOP_K, GST_PIPELOAD_PLAYING));
  install_double (klass, PROP (top_p), "top-p", "Top p",
                  "Choose among the likeliest tokens that have this probability together (1: all)", 0, 1,
                  DEFAULT_TOP_P);
  install_double (klass, PROP (min_p), "min-p", "Min p",
                  "Choose among tokens with at least this share of the likeliest one's probability (0: all)", 0, 1,
                  DEFAULT_MIN_P);
  install_double (klass, PROP (repeat_penalty), "repeat-penalty", "Repeat penalty",
                  "Makes tokens of the last 64 less likely by this factor (1: none)", 0.01, 100, 1);
  install_double (klass, PROP (presence_penalty), "presence-penalty", "Presence penalty",
                  "Taken from the logit of each token among the last 64 (0: none)", -100, 100, 0);
  install_double (klass, PROP (frequency_penalty), "frequency-penalty", "Frequency penalty",
                  "Taken from a token's logit for each time it is among the last 64 (0: none)", -100, 100, 0);
  gst_pipeload_settings_install (
      klass, PROP (seed),
      g_param_spec_int64 ("seed", "Seed", "Same seed, prompt and settings: same answer (-1: another one each time)", -1,
                          G_MAXINT64, DEFAULT_SEED, GST_PIPELOAD_PLAYING));
}

static void
install_results (GObjectClass *klass)
{
  gst_pipeload_settings_install (klass, PROP (output),
                                 g_param_spec_enum ("output", "Output", "What an output buffer holds",
                                                    GST_TYPE_PIPELOAD_LLM_OUTPUT, GST_PIPELOAD_LLM_OUTPUT_TOKEN,
                                                    GST_PIPELOAD_PLAYING));
  gst_pipeload_settings_install (
      klass, PROP (messages),
      g_param_spec_enum ("messages", "Messages", "When to post the element message pipeload-llm",
                         GST_TYPE_PIPELOAD_LLM_MESSAGES, GST_PIPELOAD_LLM_MESSAGES_ANSWERS, GST_PIPELOAD_PLAYING));
}

void
gst_pipeload_llm_settings_install (GObjectClass *klass)
{
  gst_pipeload_model_install (
      klass, "A .gguf file (unset: the bundled model, which reports what a camera has seen)",
      "Prompts, tokens, latency, and the engine's memory and streaming; of the last run once stopped");
  install_context (klass);
  install_prompt (klass);
  install_end (klass);
  install_sampling (klass);
  install_results (klass);
}
