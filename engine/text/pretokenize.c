/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Splits text into words by each pre-tokenizer's regular expression.
 */
#include "engine/text/pretokenize.h"

#include <string.h>

#define MAX_STAGES 6

struct _PldPretokenizer
{
  GRegex *stages[MAX_STAGES]; /* each cuts what the one before it has left: its matches, and what lies between them */
  guint n_stages;
  gboolean whole_words, adds_bos;
};

/* Pieces that several expressions share. */
#define SPACES "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CONTRACTION "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])"
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"
/* Llama 3's: numbers of up to three digits; Qwen 2's: one */
#define LLAMA3(numbers) CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SPACES
/* Words in which capitals come first (o200k, Tekken) */
#define CAPITALS "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define SMALLS "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K(ending, numbers)                                                                                         \
  "[^\\r\\n\\p{L}\\p{N}]?" CAPITALS "*" SMALLS "+" ending "|[^\\r\\n\\p{L}\\p{N}]?" CAPITALS "+" SMALLS "*" ending     \
  "|" numbers "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES
#define CJK "[\\x{4e00}-\\x{9fa5}\\x{0800}-\\x{4e00}\\x{ac00}-\\x{d7ff}]+"
/* Bloom's: words between blanks and the punctuation of several scripts */
#define BLOOM " ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{ff0c}\\x{3001}\\x{0964}\\x{06d4}\\x{060c})]+"

static const struct
{
  const char *names; /* between spaces */
  gboolean whole_words, adds_bos;
  const char *stages[MAX_STAGES];
} known[] = {
  { " llama-bpe llama3 llama-v3 falcon3 pixtral falcon-h1 midm-2.0 lfm2 jina-v5-nano ",
    TRUE,
    TRUE,
    { LLAMA3 ("\\p{N}{1,3}") } },
  { " dbrx smaug-bpe chatglm-bpe glm4 ", FALSE, FALSE, { LLAMA3 ("\\p{N}{1,3}") } },
  { " qwen2 stablelm2 deepseek-r1-qwen megrez hunyuan kormo f2llmv2 grok-2 ", FALSE, FALSE, { LLAMA3 ("\\p{N}") } },
  { " gpt-2 phi-2 mpt olmo jais jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code gigachat roberta-bpe "
    "exaone4 mellum "
    "modern-bert a.x-4.0 trillion granite-docling ",
    FALSE,
    FALSE,
    { GPT2 } },
  { " starcoder refact command-r smollm codeshell exaone minerva-7b ", FALSE, FALSE, { "\\p{N}", GPT2 } },
  /* Without the ends of lines that Qwen 2's punctuation takes. */
  { " seed-coder ",
    FALSE,
    FALSE,
    { CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+" SPACES } },
  { " minicpm5 ", TRUE, FALSE, { "\\p{N}{1,3}", GPT2 } },
  /* Words across spaces; digits in groups of three from the right. */
  { " superbpe ", FALSE, FALSE, { "\\p{N}+", "(?=(?:\\d{3})+(?!\\d))" } },
  { " falcon ", FALSE, FALSE, { "[\\p{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]" } },
  { " deepseek-llm ",
    FALSE,
    FALSE,
    /* Georgian's small letters became cased after the expression was written. */
    { "[\\r\\n]", "\\s?[^\\P{L&}\\x{10d0}-\\x{10ff}]+",
      "\\s?[!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}\\x{2018}-\\x{201f}\\x{3000}-\\x{3002}]+", "\\s+$", CJK,
      "\\p{N}+" } },
  { " deepseek-coder ", FALSE, FALSE, { "[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK, "\\p{N}" } },
  { " deepseek-v3 hunyuan-dense ",
    FALSE,
    FALSE,
    { "\\p{N}{1,3}", "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{30ff}]+",
      "[!-/:-@\\[-`{-~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*" SPACES } },
  { " gpt-4o llama4 kanana2 talkie minimax-m2 ", FALSE, FALSE, { O200K ("(?:" CONTRACTION ")?", "\\p{N}{1,3}") } },
  { " tekken ", TRUE, TRUE, { O200K ("", "\\p{N}") } },
  { " poro-chat bloom gpt3-finnish ", FALSE, FALSE, { BLOOM } },
  { " viking ", FALSE, FALSE, { BLOOM, "\\p{N}" } },
  { " chameleon ",
    FALSE,
    TRUE,
    { "<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", "[\\t\\n]|    |  ", "\\p{N}", "[\\p{P}!-/:-@\\[-`{-~]", GPT2 } },
  { " default ", FALSE, FALSE, { "[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]" } },
};

static void
set_unknown (const char *name, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *shown = g_utf8_make_valid (name, -1);

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    g_string_append_printf (names, "%s%.*s", i > 0 ? ", " : "", (int) strlen (known[i].names) - 2, known[i].names + 1);
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
               "cuts text into words as \"%.64s\" does (tokenizer.ggml.pre), which is not known; known are %s", shown,
               names->str);
}

PldPretokenizer *
pld_pretokenizer_new (const char *name, GError **error)
{
  g_autofree char *spaced = g_strdup_printf (" %s ", name != NULL ? name : "default");
  gboolean plain = strchr (spaced + 1, ' ') == spaced + strlen (spaced) - 1;
  PldPretokenizer *p = NULL;

  for (guint i = 0; plain && p == NULL && i < G_N_ELEMENTS (known); i++)
    if (strstr (known[i].names, spaced) != NULL)
      {
        p = g_new0 (PldPretokenizer, 1);
        p->whole_words = known[i].whole_words;
        p->adds_bos = known[i].adds_bos;
        for (; p->n_stages < MAX_STAGES && known[i].stages[p->n_stages] != NULL; p->n_stages++)
          p->stages[p->n_stages]
              = g_regex_new (known[i].stages[p->n_stages], G_REGEX_OPTIMIZE | G_REGEX_DOLLAR_ENDONLY, 0, NULL);
      }
  if (p == NULL)
    set_unknown (name, error);
  return p;
}

void
pld_pretokenizer_free (PldPretokenizer *p)
{
  if (p == NULL)
    return;
  for (guint i = 0; i < p->n_stages; i++)
    g_regex_unref (p->stages[i]);
  g_free (p);
}

gboolean
pld_pretokenizer_whole_words (const PldPretokenizer *p)
{
  return p->whole_words;
}

gboolean
pld_pretokenizer_adds_bos (const PldPretokenizer *p)
{
  return p->adds_bos;
}

typedef struct
{
  const PldPretokenizer *pretokenizer;
  PldWordFunc take;
  gpointer data;
} Split;

/* At most MAX_STAGES deep. */
static gboolean
split_from (const Split *split, guint stage, const char *text, gsize n, GError **error)
{
  g_autoptr (GMatchInfo) match = NULL;
  g_autoptr (GError) failure = NULL;
  gsize done = 0;
  gint start, end;

  if (n == 0)
    return TRUE;
  if (stage == split->pretokenizer->n_stages)
    {
      split->take (text, n, split->data);
      return TRUE;
    }
  g_regex_match_full (split->pretokenizer->stages[stage], text, (gssize) n, 0, 0, &match, &failure);
  while (failure == NULL && g_match_info_matches (match))
    {
      g_match_info_fetch_pos (match, 0, &start, &end);
      if (!split_from (split, stage + 1, text + done, (gsize) start - done, error)
          || !split_from (split, stage + 1, text + start, (gsize) (end - start), error))
        return FALSE;
      done = (gsize) end;
      g_match_info_next (match, &failure);
    }
  if (failure != NULL)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "the text has a run of millions of blanks or letters that cannot be cut into words; break it into "
                   "shorter lines");
      return FALSE;
    }
  return split_from (split, stage + 1, text + done, n - done, error);
}

gboolean
pld_pretokenizer_split (const PldPretokenizer *pretokenizer, const char *text, gsize n, PldWordFunc take, gpointer data,
                        GError **error)
{
  const Split split = { pretokenizer, take, data };

  return split_from (&split, 0, text, n, error);
}
