/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Image classification by a ViT, as in arXiv 2010.11929 and Hugging Face's ViTForImageClassification:
 *
 *   logits = LN (x)[cls] Wᶜ + bᶜ
 *
 * The meaning of the logits is config.json's problem_type, as transformers' pipelines have it: classes that exclude
 * each other (softmax), classes of which several may be there, or a single one (sigmoid), or values (regression: as
 * they are).
 */
#include "models/architectures/vit/vit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const problems[] = { [PLD_VIT_SINGLE_LABEL] = "single_label_classification",
                                        [PLD_VIT_MULTI_LABEL] = "multi_label_classification",
                                        [PLD_VIT_REGRESSION] = "regression" };

static gboolean
read_problem (PldVit *vit, const PldConfig *config, GError **error)
{
  const char *name;

  vit->problem = vit->base.n_classes == 1 ? PLD_VIT_MULTI_LABEL : PLD_VIT_SINGLE_LABEL;
  if (!pld_config_string (config, "problem_type", NULL, &name, error))
    return FALSE;
  if (name == NULL)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (problems); i++)
    if (strcmp (name, problems[i]) == 0)
      {
        /* One class alone would always have a softmax of 1. */
        if (i != PLD_VIT_SINGLE_LABEL || vit->base.n_classes > 1)
          vit->problem = i;
        return TRUE;
      }
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
               "%s: %sproblem_type \"%s\" is not supported; those that are: single_label_classification, "
               "multi_label_classification and regression",
               config->path, config->prefix, name);
  return FALSE;
}

static PldNet *
classifier_declare (PldParams *params, const PldConfig *config, PldInputSize input, PldBlocks blocks, GError **error)
{
  PldVit *vit = pld_vit_new (params, config, input, blocks, error);

  if (vit == NULL)
    return NULL;
  vit->base.n_classes = vit->base.base.n_outputs = vit->base.max_objects = pld_vit_count_rows (params, "head.weight");
  vit->base.threshold = 0.5f;
  if (!read_problem (vit, config, error) || !pld_vit_declare_trunk (params, vit, config, 0, 1, error)
      || !pld_vit_declare_head (params, vit, "head", vit->base.n_classes, &vit->head, error))
    {
      g_free (vit);
      return NULL;
    }
  vit->base.exclusive = vit->problem == PLD_VIT_SINGLE_LABEL;
  if (vit->problem == PLD_VIT_REGRESSION)
    vit->base.threshold = -G_MAXFLOAT;
  return (PldNet *) vit;
}

static gboolean
classifier_forward (const PldNet *net, PldSession *session, const PldItem *items, guint n, float *memory,
                    float *results, GError **error)
{
  const PldVit *vit = (const PldVit *) net;
  const guint d = vit->d;
  PldVitMemory m;

  if (!pld_vit_trunk (vit, session, items, n, memory, &m, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    session->kernels->unpack (m.q + (gsize) i * d, d, m.h + (gsize) i * d * PLD_PANEL_ROWS, 1, d);
  return pld_linear (session, (PldRows) { results, n, net->n_outputs }, (PldRows) { m.q, n, d }, vit->head.weight,
                     vit->head.bias, FALSE, error);
}

static int
compare_confidence (const void *a, const void *b)
{
  const PldObject *x = a, *y = b;

  if (x->confidence != y->confidence)
    return x->confidence > y->confidence ? -1 : 1;
  return x->label_id < y->label_id ? -1 : x->label_id > y->label_id;
}

/* values = softmax (logits) */
static void
softmax (const float *logits, guint n, PldObject *objects)
{
  float max = logits[0];
  double sum = 0;

  for (guint i = 1; i < n; i++)
    max = MAX (max, logits[i]);
  for (guint i = 0; i < n; i++)
    sum += exp (logits[i] - max);
  for (guint i = 0; i < n; i++)
    objects[i].confidence = (float) (exp (logits[i] - max) / sum);
}

/* One full-picture object a class. */
static guint
classifier_decode (const PldVisionNet *net, const float *logits, PldObject *objects)
{
  const PldVitProblem problem = ((const PldVit *) net)->problem;
  const guint n = net->n_classes;

  for (guint i = 0; i < n; i++)
    {
      objects[i] = (PldObject) { .label_id = i, .confidence = logits[i], .x_max = 1, .y_max = 1 };
      if (problem == PLD_VIT_MULTI_LABEL)
        objects[i].confidence = (float) (1 / (1 + exp (-logits[i])));
    }
  if (problem == PLD_VIT_SINGLE_LABEL)
    softmax (logits, n, objects);
  qsort (objects, n, sizeof *objects, compare_confidence);
  return n;
}

static void
classifier_write_keys (const PldNet *net, PldKeys keys)
{
  const PldVit *vit = (const PldVit *) net;

  pld_vit_write_keys (net, keys);
  if (vit->problem != PLD_VIT_SINGLE_LABEL)
    pld_keys_add_string (keys, "problem_type", problems[vit->problem]);
}

const PldArch pld_arch_vit = {
  .name = "vit",
  .kind = PLD_MODEL_VISION,
  .batch_max = 16,
  /* Pictures that share a pass share its reading; with two, it is mostly computing that takes the time. */
  .batch_share = 0.75,
  .declare = classifier_declare,
  .prepare = pld_vit_prepare,
  .release = pld_vit_release,
  .prepare_bytes = pld_vit_prepare_bytes,
  .activation_floats = pld_vit_activation_floats,
  .scratch_floats = pld_vit_scratch_floats,
  .forward = classifier_forward,
  .image_processor = "ViT",
  .decode = classifier_decode,
  .harmless = pld_vit_harmless,
  .names = &pld_vit_names,
  .mixes = pld_vit_mixes,
  .mix = pld_vit_mix,
  .write_keys = classifier_write_keys,
};
