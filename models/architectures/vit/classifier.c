/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Image classification by a ViT, as in arXiv 2010.11929 and Hugging Face's ViTForImageClassification:
 *
 *   logits = LN (x)[cls] Wᶜ + bᶜ
 */
#include "models/architectures/vit/vit.h"

#include <math.h>
#include <stdlib.h>

static PldNet *
classifier_declare (PldParams *params, const PldConfig *config, PldInputSize input, PldBlocks blocks, GError **error)
{
  PldVit *vit = pld_vit_new (params, config, input, blocks, error);

  if (vit == NULL)
    return NULL;
  vit->base.n_classes = vit->base.base.n_outputs = vit->base.max_objects = pld_vit_count_rows (params, "head.weight");
  vit->base.threshold = 0.5f;
  if (!pld_vit_declare_trunk (params, vit, config, 0, 1, error)
      || !pld_vit_declare_head (params, vit, "head", vit->base.n_classes, &vit->head, error))
    g_clear_pointer (&vit, g_free);
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

/* One full-picture object a class: softmax over the classes. */
static guint
classifier_decode (const PldVisionNet *net, const float *logits, PldObject *objects)
{
  const guint n = net->n_classes;
  float max = logits[0];
  double sum = 0;

  for (guint i = 1; i < n; i++)
    max = MAX (max, logits[i]);
  for (guint i = 0; i < n; i++)
    sum += exp (logits[i] - max);
  for (guint i = 0; i < n; i++)
    objects[i]
        = (PldObject) { .label_id = i, .confidence = (float) (exp (logits[i] - max) / sum), .x_max = 1, .y_max = 1 };
  qsort (objects, n, sizeof *objects, compare_confidence);
  return n;
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
  .decode = classifier_decode,
  .names = &pld_vit_names,
  .mixes = pld_vit_mixes,
  .mix = pld_vit_mix,
  .write_keys = pld_vit_write_keys,
};
