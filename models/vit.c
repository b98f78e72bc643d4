/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vision Transformer, image classification: "An Image is Worth 16x16 Words", arXiv 2010.11929. Pre-norm blocks, a class token, learned
 * position embeddings.
 *
 *   x = [cls; patches Wᵖ + bᵖ] + pos                         [T, d], T = 1 + patches
 *   x += Attention (LN (x)) Wᵒ + bᵒ;  x += act (LN (x) W¹ + b¹) W² + b²      in each block
 *   logits = LN (x[cls]) Wᶜ + bᶜ
 */
#include "models/vit.h"

#include <string.h>

#include "models/position.h"

/* ---- preparation --------------------------------------------------------------------------- */

static guint64
vit_prepare_bytes (const PldNet *net)
{
  const PldVit *vit = (const PldVit *) net;

  if (vit->grid_w == vit->stored_w && vit->grid_h == vit->stored_h)
    return 0;
  return (guint64) pld_vit_tokens (vit) * vit->d * sizeof (float);
}

static gboolean
vit_prepare (PldNet *net, PldBudget *budget, GError **error)
{
  PldVit *vit = (PldVit *) net;
  float *position;

  if (vit_prepare_bytes (net) == 0)
    return TRUE;
  if (!pld_buffer_init (&vit->position, budget, vit_prepare_bytes (net), "the interpolated position embeddings", error))
    return FALSE;
  position = (float *) (gpointer) vit->position.data;
  memcpy (position, vit->stored_position, vit->d * sizeof (float));
  pld_position_interpolate (position + vit->d, vit->grid_w, vit->grid_h, vit->stored_position + vit->d, vit->stored_w, vit->stored_h,
                            vit->d);
  return TRUE;
}

static void
vit_release (PldNet *net)
{
  pld_buffer_clear (&((PldVit *) net)->position);
}

/* ---- forward ------------------------------------------------------------------------------- */

/* Where a pass keeps what, in floats; all lie in panels of 16 rows, the last of a picture's with rows that nobody reads. B = pictures, P = panels of
 * one. */
typedef struct
{
  float *x;      /* [B * P, d] the residual stream */
  float *h;      /* [B * P, d] normalised input of a layer; attention's result */
  float *q;      /* [B * P, d] */
  float *wide;   /* [B * P, max (2 * d, d_mlp, 3 * patch²)] keys and values; the MLP's hidden layer; patches */
  float *blocks; /* inputs of layers, as blocks, where there are weights in blocks */
} Memory;

static guint
vit_panels (const PldVit *vit)
{
  return pld_panels (pld_vit_tokens (vit));
}

static gsize
vit_wide (const PldVit *vit)
{
  return MAX (MAX (2 * vit->d, vit->d_mlp), pld_vit_patch_values (vit));
}

/* The longest row of a matrix in blocks, 0: there is none. */
static guint
vit_block_cols (const PldVit *vit)
{
  guint most = 0;

  for (guint i = 0; i < vit->n_blocks; i++)
    {
      const PldVitBlock *b = &vit->blocks[i];
      const PldMatrix *matrices[] = { vit->project, vit->classifier, b->query, b->key, b->value, b->out, b->up, b->down };

      for (guint j = 0; j < G_N_ELEMENTS (matrices); j++)
        if (pld_dtype_info (matrices[j]->dtype)->block > 1)
          most = MAX (most, matrices[j]->n_cols);
    }
  return most;
}

/* Lays @m out from @memory on; returns its floats. */
static gsize
memory_lay (Memory *m, const PldVit *vit, float *memory, guint n)
{
  const guint rows = n * vit_panels (vit) * PLD_PANEL_ROWS;
  gsize at = 0;

#define LAY(target, floats) (m->target = memory != NULL ? memory + at : NULL, at += (floats))
  LAY (x, (gsize) rows * vit->d);
  LAY (h, (gsize) rows * vit->d);
  LAY (q, (gsize) rows * vit->d);
  LAY (wide, rows * vit_wide (vit));
  LAY (blocks, pld_linear_block_floats (rows, vit_block_cols (vit)));
#undef LAY
  return at;
}

static gsize
vit_activation_floats (const PldNet *net, guint n)
{
  Memory m;

  return memory_lay (&m, (const PldVit *) net, NULL, n);
}

static gsize
vit_scratch_floats (const PldNet *net, const PldTape *tape, guint context)
{
  const PldVit *vit = (const PldVit *) net;
  const gsize embed = (gsize) MAX (vit->d, pld_vit_patch_values (vit)) * PLD_PANEL_ROWS;

  return MAX (MAX (pld_linear_scratch (), pld_attention_scratch (pld_vit_tokens (vit))), embed);
}

typedef struct
{
  const PldVit *vit;
  PldSession *session;
  const PldItem *items;
  PldPanels patches; /* [B * P, 3 * patch²]; the class token's row is zero */
  PldPanels x;       /* [B * P, d] */
} Embed;

/* A patch's pixels in the order of the projection's weights, [channel, y, x]. */
static void
embed_patch (const Embed *e, float *row, const PldPicture *in, guint gx, guint gy)
{
  const PldVit *vit = e->vit;
  const guint p = vit->patch, width = vit->base.input_width, height = vit->base.input_height;

  for (guint c = 0; c < 3; c++)
    for (guint y = 0; y < p; y++)
      {
        float *to = row + (c * p + y) * p;
        gsize line = gy * p + y, column = (gsize) gx * p;

        if (in->pixels != NULL)
          memcpy (to, in->pixels + (c * height + line) * width + column, p * sizeof (float));
        else
          e->session->kernels->normalize_rgb (to, in->rgb + (line * width + column) * 3 + c, p, vit->base.scale[c], vit->base.shift[c]);
      }
}

static void
embed_patches (gpointer data, guint item, guint thread)
{
  const Embed *e = data;
  const PldVit *vit = e->vit;
  const guint values = pld_vit_patch_values (vit), first = item % vit_panels (vit) * PLD_PANEL_ROWS;
  const guint n = MIN (PLD_PANEL_ROWS, pld_vit_tokens (vit) - first);
  float *rows = pld_session_scratch (e->session, thread); /* [n, values] */

  for (guint i = 0; i < n; i++)
    if (first + i == 0)
      memset (rows, 0, values * sizeof (float));
    else
      embed_patch (e, rows + (gsize) i * values, &e->items[item / vit_panels (vit)].picture, (first + i - 1) % vit->grid_w,
                   (first + i - 1) / vit->grid_w);
  e->session->kernels->pack (e->patches.data + item * e->patches.stride, rows, values, n, values);
}

/* Sets the class token and adds the position embeddings. */
static void
embed_positions (gpointer data, guint item, guint thread)
{
  const Embed *e = data;
  const PldVit *vit = e->vit;
  const guint d = vit->d, first = item % vit_panels (vit) * PLD_PANEL_ROWS;
  const guint n = MIN (PLD_PANEL_ROWS, pld_vit_tokens (vit) - first);
  const float *position = vit->position.data != NULL ? (const float *) (gconstpointer) vit->position.data : vit->stored_position;
  float *panel = pld_session_scratch (e->session, thread), *x = e->x.data + item * e->x.stride;

  for (guint i = 0; first == 0 && i < d; i++)
    x[(gsize) i * PLD_PANEL_ROWS] = vit->cls[i];
  e->session->kernels->pack (panel, position + (gsize) first * d, d, n, d);
  e->session->kernels->add (x, panel, (gsize) d * PLD_PANEL_ROWS);
}

static gboolean
vit_embed (const PldVit *vit, PldSession *session, const PldItem *items, guint n, const Memory *m, GError **error)
{
  const guint panels = n * vit_panels (vit), values = pld_vit_patch_values (vit);
  Embed e = { vit, session, items, { m->wide, panels, (gsize) values * PLD_PANEL_ROWS }, { m->x, panels, (gsize) vit->d * PLD_PANEL_ROWS } };

  pld_team_run (session->team, session->n_threads, panels, embed_patches, &e);
  if (!pld_linear_panels (session, e.x, e.patches, vit->project, vit->project_bias, PLD_ACT_NONE, FALSE, error))
    return FALSE;
  pld_team_run (session->team, session->n_threads, panels, embed_positions, &e);
  return TRUE;
}

/**
 * One block over all panels of @x, but with queries, and so results, only for @some of them: every one, or in the last block the first of
 * each picture, whose class token is the only row that anybody reads after it.
 */
static gboolean
vit_block (const PldVit *vit, PldSession *session, const PldVitBlock *b, guint n, PldPanels some, const Memory *m, GError **error)
{
  const guint d = vit->d, panels = vit_panels (vit), all = n * panels;
  const gsize stride = (gsize) d * PLD_PANEL_ROWS;
  const PldPanels x = { m->x, all, stride }, h = { m->h, all, stride };
  const PldPanels h_some = { m->h, some.n, some.stride };
  const PldPanels q = { m->q, some.n, stride }, k = { m->wide, all, stride }, v = { m->wide + all * stride, all, stride };
  const PldPanels hidden = { m->wide, some.n, (gsize) vit->d_mlp * PLD_PANEL_ROWS };

  pld_layer_norm (session, h, x, b->norm1_weight, b->norm1_bias, d, vit->eps);
  if (!pld_linear_panels (session, q, h_some, b->query, b->query_bias, PLD_ACT_NONE, FALSE, error)
      || !pld_linear_panels (session, k, h, b->key, b->key_bias, PLD_ACT_NONE, FALSE, error)
      || !pld_linear_panels (session, v, h, b->value, b->value_bias, PLD_ACT_NONE, FALSE, error))
    return FALSE;
  pld_attention (session, q, q, k, v, n, some.n / n, pld_vit_tokens (vit), vit->n_heads, d / vit->n_heads);
  if (!pld_linear_panels (session, some, q, b->out, b->out_bias, PLD_ACT_NONE, TRUE, error))
    return FALSE;
  pld_layer_norm (session, h_some, some, b->norm2_weight, b->norm2_bias, d, vit->eps);
  return pld_linear_panels (session, hidden, h_some, b->up, b->up_bias, vit->act, FALSE, error)
         && pld_linear_panels (session, some, hidden, b->down, b->down_bias, PLD_ACT_NONE, TRUE, error);
}

static gboolean
vit_forward (const PldNet *net, PldSession *session, const PldItem *items, guint n, float *memory, float *results,
             GError **error)
{
  const PldVit *vit = (const PldVit *) net;
  const guint d = vit->d, panels = vit_panels (vit);
  const gsize stride = (gsize) d * PLD_PANEL_ROWS;
  Memory m;
  PldPanels first, h;

  memory_lay (&m, vit, memory, n);
  session->blocks = m.blocks;
  first = (PldPanels) { m.x, n, panels * stride };
  h = (PldPanels) { m.h, n, stride };
  if (!vit_embed (vit, session, items, n, &m, error))
    return FALSE;
  for (guint i = 0; i < vit->n_blocks; i++)
    if (!vit_block (vit, session, &vit->blocks[i], n, i + 1 < vit->n_blocks ? (PldPanels) { m.x, n * panels, stride } : first, &m, error))
      return FALSE;
  pld_layer_norm (session, h, first, vit->norm_weight, vit->norm_bias, d, vit->eps);
  for (guint i = 0; i < n; i++)
    session->kernels->unpack (m.q + (gsize) i * d, d, h.data + i * stride, 1, d);
  return pld_linear (session, (PldRows) { results, n, net->n_outputs }, (PldRows) { m.q, n, d }, vit->classifier, vit->classifier_bias, FALSE,
                     error);
}

const PldArch pld_arch_vit = {
  .name = "vit",
  .kind = PLD_KIND_VISION,
  .batch_max = 16,
  /* Pictures that share a pass share its reading; with two, it is mostly computing that takes the time. */
  .batch_share = 0.75,
  .declare = pld_vit_declare,
  .prepare = vit_prepare,
  .release = vit_release,
  .prepare_bytes = vit_prepare_bytes,
  .activation_floats = vit_activation_floats,
  .scratch_floats = vit_scratch_floats,
  .forward = vit_forward,
};
