/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vision Transformer: "An Image is Worth 16x16 Words", arXiv 2010.11929. Pre-norm blocks, a class token, learned position embeddings.
 *
 *   x = [cls; patches Wᵖ + bᵖ] + pos                         [T, d], T = 1 + patches
 *   x += Attention (LN (x)) Wᵒ + bᵒ;  x += act (LN (x) W¹ + b¹) W² + b²      in each block
 *   h = LN (x)
 */
#include "models/vit.h"

#include <string.h>

#include "models/position.h"

/* ---- preparation --------------------------------------------------------------------------- */

guint64
pld_vit_prepare_bytes (const PldNet *net)
{
  const PldVit *vit = (const PldVit *) net;

  if (vit->grid_w == vit->stored_w && vit->grid_h == vit->stored_h)
    return 0;
  return (guint64) pld_vit_tokens (vit) * vit->d * sizeof (float);
}

gboolean
pld_vit_prepare (PldNet *net, PldBudget *budget, GError **error)
{
  PldVit *vit = (PldVit *) net;
  float *position;

  if (pld_vit_prepare_bytes (net) == 0)
    return TRUE;
  if (!pld_buffer_init (&vit->position, budget, pld_vit_prepare_bytes (net), "the interpolated position embeddings", error))
    return FALSE;
  position = (float *) (gpointer) vit->position.data;
  memcpy (position, vit->stored_position, vit->d * sizeof (float));
  pld_position_interpolate (position + vit->d, vit->grid_w, vit->grid_h, vit->stored_position + vit->d, vit->stored_w, vit->stored_h,
                            vit->d);
  return TRUE;
}

void
pld_vit_release (PldNet *net)
{
  pld_buffer_clear (&((PldVit *) net)->position);
}

/* ---- forward ------------------------------------------------------------------------------- */

static gsize
vit_wide (const PldVit *vit)
{
  return MAX (MAX (2 * vit->d, vit->d_mlp), MAX (pld_vit_patch_values (vit), (guint) vit->head->n_rows));
}

/* The longest row of a matrix in blocks, 0: there is none. */
static guint
vit_block_cols (const PldVit *vit)
{
  guint most = 0;

  for (guint i = 0; i < vit->n_blocks; i++)
    {
      const PldVitBlock *b = &vit->blocks[i];
      const PldMatrix *matrices[] = { vit->project, vit->head, b->query, b->key, b->value, b->out, b->up, b->down };

      for (guint j = 0; j < G_N_ELEMENTS (matrices); j++)
        if (pld_dtype_info (matrices[j]->dtype)->block > 1)
          most = MAX (most, matrices[j]->n_cols);
    }
  return most;
}

/* Lays @m out from @memory on; returns its floats. */
static gsize
memory_lay (PldVitMemory *m, const PldVit *vit, float *memory, guint n)
{
  const guint rows = n * pld_vit_panels (vit) * PLD_PANEL_ROWS;
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

gsize
pld_vit_activation_floats (const PldNet *net, guint n)
{
  PldVitMemory m;

  return memory_lay (&m, (const PldVit *) net, NULL, n);
}

gsize
pld_vit_scratch_floats (const PldNet *net, const PldTape *tape, guint context)
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
  const guint values = pld_vit_patch_values (vit), first = item % pld_vit_panels (vit) * PLD_PANEL_ROWS;
  const guint n = MIN (PLD_PANEL_ROWS, pld_vit_tokens (vit) - first);
  float *rows = pld_session_scratch (e->session, thread); /* [n, values] */

  for (guint i = 0; i < n; i++)
    if (first + i == 0)
      memset (rows, 0, values * sizeof (float));
    else
      embed_patch (e, rows + (gsize) i * values, &e->items[item / pld_vit_panels (vit)].picture, (first + i - 1) % vit->grid_w,
                   (first + i - 1) / vit->grid_w);
  e->session->kernels->pack (e->patches.data + item * e->patches.stride, rows, values, n, values);
}

/* Sets the class token and adds the position embeddings. */
static void
embed_positions (gpointer data, guint item, guint thread)
{
  const Embed *e = data;
  const PldVit *vit = e->vit;
  const guint d = vit->d, first = item % pld_vit_panels (vit) * PLD_PANEL_ROWS;
  const guint n = MIN (PLD_PANEL_ROWS, pld_vit_tokens (vit) - first);
  const float *position = vit->position.data != NULL ? (const float *) (gconstpointer) vit->position.data : vit->stored_position;
  float *panel = pld_session_scratch (e->session, thread), *x = e->x.data + item * e->x.stride;

  for (guint i = 0; first == 0 && i < d; i++)
    x[(gsize) i * PLD_PANEL_ROWS] = vit->cls[i];
  e->session->kernels->pack (panel, position + (gsize) first * d, d, n, d);
  e->session->kernels->add (x, panel, (gsize) d * PLD_PANEL_ROWS);
}

static gboolean
vit_embed (const PldVit *vit, PldSession *session, const PldItem *items, guint n, const PldVitMemory *m, GError **error)
{
  const guint panels = n * pld_vit_panels (vit), values = pld_vit_patch_values (vit);
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
vit_block (const PldVit *vit, PldSession *session, const PldVitBlock *b, guint n, PldPanels some, const PldVitMemory *m, GError **error)
{
  const guint d = vit->d, panels = pld_vit_panels (vit), all = n * panels;
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

gboolean
pld_vit_trunk (const PldVit *vit, PldSession *session, const PldItem *items, guint n, float *memory, PldVitMemory *m, GError **error)
{
  const guint panels = pld_vit_panels (vit);
  const gsize stride = (gsize) vit->d * PLD_PANEL_ROWS;
  PldPanels all, last;

  memory_lay (m, vit, memory, n);
  session->blocks = m->blocks;
  all = (PldPanels) { m->x, n * panels, stride };
  last = vit->all_tokens ? all : (PldPanels) { m->x, n, panels * stride };
  if (!vit_embed (vit, session, items, n, m, error))
    return FALSE;
  for (guint i = 0; i < vit->n_blocks; i++)
    if (!vit_block (vit, session, &vit->blocks[i], n, i + 1 < vit->n_blocks ? all : last, m, error))
      return FALSE;
  pld_layer_norm (session, (PldPanels) { m->h, last.n, stride }, last, vit->norm_weight, vit->norm_bias, vit->d, vit->eps);
  return TRUE;
}
