/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A plain ViT whose patch tokens give the places of objects, without anchors, as FCOS does (arXiv 1904.01355); the
 * bundled person detector is one.
 *
 *   [T − 1, cells²; logit, l, t, r, b] = LN (x)[patches] Wᵈ + bᵈ
 *
 * A patch is cut in cells × cells cells. Each gives its confidence that an object's middle is near (a logit), and the
 * logarithms of the distances, in patches, from its own middle to the object's four sides. Of boxes that share too much
 * the surest stays.
 */
#include "models/architectures/vit/vit.h"

#include <math.h>
#include <stdlib.h>

#define CELL_VALUES 5
/* Less sure ones are noise, for whatever use. */
#define LEAST_CONFIDENCE 0.05f
/* Each is compared with all that are kept: the many objects of a damaged model must not stop the stream. */
#define MAX_OBJECTS 300

static gboolean
read_keys (PldVit *vit, const PldConfig *config, GError **error)
{
  guint64 cells;
  double furthest, overlap, threshold;

  if (!pld_config_uint (config, "detector_cells", 1, 16, &cells, error)
      || !pld_config_double (config, "detector_furthest", 4, &furthest, error)
      || !pld_config_double (config, "detector_overlap", 0.5, &overlap, error)
      || !pld_config_double (config, "detector_threshold", 0.5, &threshold, error))
    return FALSE;
  if (!(furthest > 0 && furthest <= 20) || !(overlap > 0 && overlap <= 1) || !(threshold > 0 && threshold < 1))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "%s: of %sdetector_furthest %g, detector_overlap %g and detector_threshold %g one is out of its "
                   "range; they are above 0, and at "
                   "most 20, at most 1, below 1",
                   config->path, config->prefix, furthest, overlap, threshold);
      return FALSE;
    }
  vit->cells = (guint) cells;
  vit->furthest = (float) furthest;
  vit->overlap = (float) overlap;
  vit->base.threshold = (float) threshold;
  return TRUE;
}

static PldNet *
detector_declare (PldParams *params, const PldConfig *config, PldInputSize input, PldBlocks blocks, GError **error)
{
  PldVit *vit = pld_vit_new (params, config, input, blocks, error);
  guint patches, values;

  if (vit == NULL)
    return NULL;
  if (!read_keys (vit, config, error))
    goto failed;
  patches = pld_vit_patches (vit);
  values = vit->cells * vit->cells * CELL_VALUES;
  vit->base.base.n_outputs = patches * values;
  vit->base.n_classes = 1;
  vit->base.detector = TRUE;
  vit->base.max_objects = MIN (patches * vit->cells * vit->cells, MAX_OBJECTS);
  if (pld_vit_declare_trunk (params, vit, config, 0, pld_vit_tokens (vit), error)
      && pld_vit_declare_head (params, vit, "detector", values, &vit->head, error))
    return (PldNet *) vit;

failed:
  g_free (vit);
  return NULL;
}

/* results: [n, patches, cells², 5] */
static gboolean
detector_forward (const PldNet *net, PldSession *session, const PldItem *items, guint n, float *memory, float *results,
                  GError **error)
{
  const PldVit *vit = (const PldVit *) net;
  const guint d = vit->d, panels = pld_vit_panels (vit), tokens = pld_vit_tokens (vit),
              values = (guint) vit->head.weight->n_rows;
  PldVitMemory m;
  PldPanels h, y;

  if (!pld_vit_trunk (vit, session, items, n, memory, &m, error))
    return FALSE;
  h = (PldPanels) { m.h, n * panels, (gsize) d * PLD_PANEL_ROWS };
  y = (PldPanels) { m.wide, n * panels, (gsize) values * PLD_PANEL_ROWS };
  if (!pld_linear_panels (session, y, h, vit->head.weight, vit->head.bias, PLD_ACT_NONE, FALSE, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    for (guint p = 0; p < panels; p++)
      {
        const guint first = p * PLD_PANEL_ROWS, rows = MIN (PLD_PANEL_ROWS, tokens - first), skip = first == 0;

        session->kernels->unpack (m.q, values, y.data + (i * panels + p) * y.stride, rows, values);
        memcpy (results + i * (gsize) net->n_outputs + (gsize) (first + skip - 1) * values, m.q + (gsize) skip * values,
                (gsize) (rows - skip) * values * sizeof (float));
      }
  return TRUE;
}

/* ---- boxes --------------------------------------------------------------------------------- */

/* The box that @cell, 0 … cells² − 1 of @patch, has found; @v: logit, l, t, r, b. */
static PldObject
cell_object (const PldVit *vit, guint patch, guint cell, const float *v)
{
  const float side = 1.0f / (float) vit->cells;
  const float x = (float) (patch % vit->grid_w) + ((float) (cell % vit->cells) + 0.5f) * side;
  const float y = (float) (patch / vit->grid_w) + ((float) (cell / vit->cells) + 0.5f) * side;
  const float wide = (float) vit->base.input_width / (float) vit->patch,
              high = (float) vit->base.input_height / (float) vit->patch;
  float reach[4];

  for (guint i = 0; i < 4; i++)
    reach[i] = expf (MIN (v[1 + i], vit->furthest));
  return (PldObject) { .confidence = 1 / (1 + expf (-v[0])),
                       .x_min = CLAMP ((x - reach[0]) / wide, 0, 1),
                       .y_min = CLAMP ((y - reach[1]) / high, 0, 1),
                       .x_max = CLAMP ((x + reach[2]) / wide, 0, 1),
                       .y_max = CLAMP ((y + reach[3]) / high, 0, 1) };
}

/* Surest first; equally sure ones from the top left on, so that equal pictures give equal results. */
static gboolean
is_better (const PldObject *a, const PldObject *b)
{
  if (a->confidence != b->confidence)
    return a->confidence > b->confidence;
  return a->y_min != b->y_min ? a->y_min < b->y_min : a->x_min < b->x_min;
}

static int
compare_objects (const void *a, const void *b)
{
  return is_better (a, b) ? -1 : is_better (b, a);
}

/* The share of their union that both boxes have in common. */
static float
intersection_over_union (const PldObject *a, const PldObject *b)
{
  const float across = MIN (a->x_max, b->x_max) - MAX (a->x_min, b->x_min),
              down = MIN (a->y_max, b->y_max) - MAX (a->y_min, b->y_min);
  const float common = MAX (across, 0) * MAX (down, 0);
  const float whole
      = (a->x_max - a->x_min) * (a->y_max - a->y_min) + (b->x_max - b->x_min) * (b->y_max - b->y_min) - common;

  return whole > 0 ? common / whole : 0;
}

/* Keeps the @most best of what comes, as a heap whose first is the worst. Returns: how many there are now */
static guint
keep_best (PldObject *heap, guint n, guint most, const PldObject *object)
{
  guint i;

  if (n == most && !is_better (object, &heap[0]))
    return n;
  if (n < most)
    {
      for (i = n++; i > 0 && is_better (&heap[(i - 1) / 2], object); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    }
  else
    for (i = 0;;)
      {
        guint child = 2 * i + 1;

        if (child + 1 < n && is_better (&heap[child], &heap[child + 1]))
          child++;
        if (child >= n || !is_better (object, &heap[child]))
          break;
        heap[i] = heap[child];
        i = child;
      }
  heap[i] = *object;
  return n;
}

static guint
detector_decode (const PldVisionNet *net, const float *result, PldObject *objects)
{
  const PldVit *vit = (const PldVit *) net;
  const guint patches = vit->grid_w * vit->grid_h, cells = vit->cells * vit->cells;
  const float least = logf (LEAST_CONFIDENCE / (1 - LEAST_CONFIDENCE));
  guint n = 0, kept = 0;

  for (guint i = 0; i < patches * cells; i++)
    if (result[i * CELL_VALUES] >= least)
      {
        const PldObject object = cell_object (vit, i / cells, i % cells, result + (gsize) i * CELL_VALUES);

        n = keep_best (objects, n, net->max_objects, &object);
      }
  qsort (objects, n, sizeof *objects, compare_objects);
  for (guint i = 0; i < n; i++)
    {
      guint j = 0;

      while (j < kept && intersection_over_union (&objects[i], &objects[j]) <= vit->overlap)
        j++;
      if (j == kept)
        objects[kept++] = objects[i];
    }
  return kept;
}

static void
detector_write_keys (const PldNet *net, PldKeys keys)
{
  const PldVit *vit = (const PldVit *) net;

  pld_vit_write_keys (net, keys);
  pld_keys_add_uint32 (keys, "detector_cells", vit->cells);
  pld_keys_add_float (keys, "detector_furthest", vit->furthest);
  pld_keys_add_float (keys, "detector_overlap", vit->overlap);
  pld_keys_add_float (keys, "detector_threshold", vit->base.threshold);
}

const PldArch pld_arch_patch_detector = {
  .name = "vit_patch_detector",
  .kind = PLD_MODEL_VISION,
  .batch_max = 16,
  .batch_share = 0.75,
  .declare = detector_declare,
  .prepare = pld_vit_prepare,
  .release = pld_vit_release,
  .prepare_bytes = pld_vit_prepare_bytes,
  .activation_floats = pld_vit_activation_floats,
  .scratch_floats = pld_vit_scratch_floats,
  .forward = detector_forward,
  .image_processor = "ViT",
  .decode = detector_decode,
  .harmless = pld_vit_harmless,
  .names = &pld_vit_names,
  .mixes = pld_vit_mixes,
  .mix = pld_vit_mix,
  .write_keys = detector_write_keys,
};
