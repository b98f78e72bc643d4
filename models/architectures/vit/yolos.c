/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * YOLOS: "You Only Look at One Sequence", arXiv 2106.00666, as Hugging Face's YolosForObjectDetection. A plain ViT with
 * learned detection tokens next to the patches; each of them finds one object, or none.
 *
 *   [N, classes + 1] = MLP (LN (x)[det])                     the last class: no object
 *   [N, cx, cy, w, h] = σ (MLP (LN (x)[det]))                in shares of the picture
 *   MLP (x) = ReLU (ReLU (x W¹ + b¹) W² + b²) W³ + b³
 */
#include "models/architectures/vit/vit.h"

#include <math.h>
#include <stdlib.h>

#define BOX 4
#define MAX_TOKENS 1000

/* Floats of a detection token's result. */
static guint
token_values (const PldVisionNet *net)
{
  return net->n_classes + 1 + BOX;
}

static gboolean
declare_mlp (PldParams *params, PldVit *vit, const char *name, guint n_outputs, PldVitLinear mlp[3], GError **error)
{
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *layer = g_strdup_printf ("%s.%u", name, i);

      if (!pld_vit_declare_head (params, vit, layer, i < 2 ? vit->d : n_outputs, &mlp[i], error))
        return FALSE;
    }
  return TRUE;
}

static PldNet *
yolos_declare (PldParams *params, const PldConfig *config, PldInputSize input, PldBlocks blocks, GError **error)
{
  PldVit *vit = pld_vit_new (params, config, input, blocks, error);
  guint64 n = 100;
  PldVisionNet *net;

  if (vit == NULL)
    return NULL;
  if (pld_config_has (config, "num_detection_tokens")
      && !pld_config_uint (config, "num_detection_tokens", 1, MAX_TOKENS, &n, error))
    goto failed;
  vit->n_detection = (guint) n;
  net = &vit->base;
  /* Boxes are shares of what the patches cover. */
  net->input_width = vit->grid_w * vit->patch;
  net->input_height = vit->grid_h * vit->patch;
  net->n_classes = MAX (pld_vit_count_rows (params, "class_embed.2.weight"), 2) - 1;
  net->base.n_outputs = vit->n_detection * token_values (net);
  net->max_objects = vit->n_detection;
  net->detector = TRUE;
  net->threshold = 0.5f;
  if (pld_vit_declare_trunk (params, vit, config, 1 + pld_vit_patches (vit), vit->n_detection, error)
      && declare_mlp (params, vit, "class_embed", net->n_classes + 1, vit->class_embed, error)
      && declare_mlp (params, vit, "box_embed", BOX, vit->box_embed, error))
    return (PldNet *) vit;

failed:
  g_free (vit);
  return NULL;
}

/* wide = MLP (h) */
static gboolean
mlp_forward (const PldVit *vit, PldSession *session, const PldVitLinear mlp[3], guint n, const PldVitMemory *m,
             GError **error)
{
  const guint panels = n * pld_vit_read_panels (vit);
  const gsize stride = (gsize) vit->d * PLD_PANEL_ROWS;
  const PldPanels h = { m->h, panels, stride }, a = { m->x, panels, stride }, b = { m->q, panels, stride };
  const PldPanels y = { m->wide, panels, (gsize) mlp[2].weight->n_rows * PLD_PANEL_ROWS };

  return pld_linear_panels (session, a, h, mlp[0].weight, mlp[0].bias, PLD_ACT_RELU, FALSE, error)
         && pld_linear_panels (session, b, a, mlp[1].weight, mlp[1].bias, PLD_ACT_RELU, FALSE, error)
         && pld_linear_panels (session, y, b, mlp[2].weight, mlp[2].bias, PLD_ACT_NONE, FALSE, error);
}

/* The @n_values that the detection tokens of @n pictures have in wide, to @to of their results. */
static void
take_tokens (const PldVit *vit, const float *wide, guint n, guint n_values, float *to)
{
  const guint step = token_values (&vit->base), first = vit->read_first % PLD_PANEL_ROWS;
  const gsize stride = (gsize) n_values * PLD_PANEL_ROWS;

  for (guint i = 0; i < n; i++, wide += pld_vit_read_panels (vit) * stride)
    for (guint t = first; t < first + vit->n_detection; t++, to += step)
      for (guint v = 0; v < n_values; v++)
        to[v] = wide[t / PLD_PANEL_ROWS * stride + v * PLD_PANEL_ROWS + t % PLD_PANEL_ROWS];
}

/* results: [n, N, classes + 1 logits and a box] */
static gboolean
yolos_forward (const PldNet *net, PldSession *session, const PldItem *items, guint n, float *memory, float *results,
               GError **error)
{
  const PldVit *vit = (const PldVit *) net;
  const guint n_logits = vit->base.n_classes + 1;
  PldVitMemory m;

  if (!pld_vit_trunk (vit, session, items, n, memory, &m, error)
      || !mlp_forward (vit, session, vit->class_embed, n, &m, error))
    return FALSE;
  take_tokens (vit, m.wide, n, n_logits, results);
  if (!mlp_forward (vit, session, vit->box_embed, n, &m, error))
    return FALSE;
  take_tokens (vit, m.wide, n, BOX, results + n_logits);
  for (guint t = 0; t < n * vit->n_detection; t++)
    for (guint v = 0; v < BOX; v++)
      {
        float *value = &results[(gsize) t * token_values (&vit->base) + n_logits + v];

        *value = 1 / (1 + expf (-*value));
      }
  return TRUE;
}

/* ---- objects ------------------------------------------------------------------------------- */

/* Maps NaN (from a damaged model) to 0. */
static float
share (float v)
{
  return v > 0 ? MIN (v, 1) : 0;
}

/* The best class but the last, and how sure it is: softmax over all. */
static PldObject
token_object (const PldVisionNet *net, const float *logits)
{
  const float *box = logits + net->n_classes + 1, x = box[0], y = box[1], w = box[2] / 2, h = box[3] / 2;
  PldObject object = { .x_min = share (x - w), .y_min = share (y - h), .x_max = share (x + w), .y_max = share (y + h) };
  float max;
  double sum = 0;

  for (guint c = 1; c < net->n_classes; c++)
    if (logits[c] > logits[object.label_id])
      object.label_id = c;
  max = MAX (logits[object.label_id], logits[net->n_classes]);
  for (guint c = 0; c <= net->n_classes; c++)
    sum += exp (logits[c] - max);
  object.confidence = (float) (exp (logits[object.label_id] - max) / sum);
  return object;
}

/* Surest first; equally sure ones in an order that depends on them alone. */
static int
compare_objects (const void *a, const void *b)
{
  const PldObject *p = a, *q = b;

  if (p->confidence != q->confidence)
    return p->confidence > q->confidence ? -1 : 1;
  if (p->label_id != q->label_id)
    return p->label_id < q->label_id ? -1 : 1;
  if (p->y_min != q->y_min)
    return p->y_min < q->y_min ? -1 : 1;
  return p->x_min < q->x_min ? -1 : p->x_min > q->x_min;
}

/* One object a token: tokens have learned not to say the same, so none is suppressed for another. */
static guint
yolos_decode (const PldVisionNet *net, const float *result, PldObject *objects)
{
  guint n = 0;

  for (guint t = 0; t < net->max_objects; t++)
    {
      objects[n] = token_object (net, result + (gsize) t * token_values (net));
      n += objects[n].confidence > 0;
    }
  qsort (objects, n, sizeof *objects, compare_objects);
  return n;
}

static void
yolos_write_keys (const PldNet *net, PldKeys keys)
{
  const PldVit *vit = (const PldVit *) net;

  pld_vit_write_keys (net, keys);
  pld_keys_add_uint32 (keys, "num_detection_tokens", vit->n_detection);
  pld_keys_add_bool (keys, "use_mid_position_embeddings", vit->mid_positions);
}

const PldArch pld_arch_yolos = {
  .name = "yolos",
  .kind = PLD_MODEL_VISION,
  .batch_max = 16,
  .batch_share = 0.75,
  .declare = yolos_declare,
  .prepare = pld_vit_prepare,
  .release = pld_vit_release,
  .prepare_bytes = pld_vit_prepare_bytes,
  .activation_floats = pld_vit_activation_floats,
  .scratch_floats = pld_vit_scratch_floats,
  .forward = yolos_forward,
  .image_processor = "Yolos",
  .decode = yolos_decode,
  .harmless = pld_vit_harmless,
  .names = &pld_vit_names,
  .mixes = pld_vit_mixes,
  .mix = pld_vit_mix,
  .write_keys = yolos_write_keys,
};
