/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vision Transformer: "An Image is Worth 16x16 Words", arXiv 2010.11929. Pre-norm blocks, a class token, learned
 * position embeddings.
 *
 *   x = [cls; patches Wᵖ + bᵖ; det] + pos                    [T, d], T = 1 + patches + detection tokens, which YOLOS
 * has x += Attention (LN (x)) Wᵒ + bᵒ;  x += act (LN (x) W¹ + b¹) W² + b²;  [x += mid]      in each block h = LN (x)
 *
 * pos and mid, YOLOS' again, are bicubically interpolated to the grid of the input's patches.
 */
#include "models/architectures/vit/vit.h"

#include <string.h>

/* ---- preparation --------------------------------------------------------------------------- */

guint64
pld_vit_prepare_bytes (const PldNet *net)
{
  const PldVit *vit = (const PldVit *) net;

  return (guint64) (vit->grid_w + vit->grid_h) * sizeof (PldCubic);
}

gboolean
pld_vit_prepare (PldNet *net, PldBudget *budget, GError **error)
{
  PldVit *vit = (PldVit *) net;
  PldCubic *cubic;

  if (!pld_buffer_init (&vit->cubic, budget, pld_vit_prepare_bytes (net),
                        "the interpolation of the position embeddings", error))
    return FALSE;
  cubic = (PldCubic *) (gpointer) vit->cubic.data;
  pld_cubic_line (cubic, vit->grid_w, vit->stored_w);
  pld_cubic_line (cubic + vit->grid_w, vit->grid_h, vit->stored_h);
  return TRUE;
}

void
pld_vit_release (PldNet *net)
{
  pld_buffer_clear (&((PldVit *) net)->cubic);
}

/* ---- forward ------------------------------------------------------------------------------- */

static gsize
vit_wide (const PldVit *vit)
{
  return MAX (MAX (2 * vit->d, vit->d_mlp), MAX (pld_vit_patch_values (vit), vit->head_rows));
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
  LAY (blocks, pld_linear_block_floats (rows, vit->block_cols));
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
pld_vit_scratch_floats (const PldNet *net, guint context)
{
  const PldVit *vit = (const PldVit *) net;
  const gsize embed = (gsize) pld_vit_patch_values (vit) * PLD_PANEL_ROWS;

  return MAX (MAX (pld_linear_scratch (), pld_attention_scratch (pld_vit_tokens (vit))),
              MAX (embed, pld_add_rows_scratch (vit->d)));
}

typedef struct
{
  const PldVit *vit;
  PldSession *session;
  const PldItem *items;
  PldPanels patches; /* [B * P, 3 * patch²]; rows of other tokens are zeros */
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
          e->session->kernels->normalize_rgb (to, in->rgb + (line * width + column) * 3 + c, p, vit->base.scale[c],
                                              vit->base.shift[c]);
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
    if (first + i == 0 || first + i > pld_vit_patches (vit))
      memset (rows + (gsize) i * values, 0, values * sizeof (float));
    else
      embed_patch (e, rows + (gsize) i * values, &e->items[item / pld_vit_panels (vit)].picture,
                   (first + i - 1) % vit->grid_w, (first + i - 1) / vit->grid_w);
  e->session->kernels->pack (e->patches.data + item * e->patches.stride, rows, values, n, values);
}

/* Sets the class token and the detection tokens. */
static void
embed_tokens (const Embed *e, guint picture)
{
  const PldVit *vit = e->vit;
  float *panels = e->x.data + (gsize) picture * pld_vit_panels (vit) * e->x.stride;

  for (guint i = 0; i < 1 + vit->n_detection; i++)
    {
      const guint token = i == 0 ? 0 : pld_vit_patches (vit) + i;
      const float *from = i == 0 ? vit->cls : vit->detection + (gsize) (i - 1) * vit->d;
      float *to = panels + token / PLD_PANEL_ROWS * e->x.stride + token % PLD_PANEL_ROWS;

      for (guint j = 0; j < vit->d; j++)
        to[(gsize) j * PLD_PANEL_ROWS] = from[j];
    }
}

/* A PldTapsFunc: which stored position embeddings make up that of token @i. */
static guint
position_taps (gconstpointer data, guint i, guint first, guint end, PldTap *taps)
{
  const PldVit *vit = data;
  const PldCubic *across = (const PldCubic *) (gconstpointer) vit->cubic.data, *down = across + vit->grid_w;
  const guint patches = pld_vit_patches (vit), stored = vit->stored_w * vit->stored_h;
  const gboolean is_patch = i > 0 && i <= patches;
  guint n = 0;

  if (is_patch)
    {
      across += (i - 1) % vit->grid_w;
      down += (i - 1) / vit->grid_w;
    }
  else if (i > 0)
    i = i - patches + stored;
  for (guint y = 0; is_patch && y < down->n; y++)
    for (guint x = 0; x < across->n; x++)
      {
        const guint row = 1 + down->index[y] * vit->stored_w + across->index[x];

        if (row >= first && row < end)
          taps[n++] = (PldTap) { row, down->weight[y] * across->weight[x] };
      }
  if (!is_patch && i >= first && i < end)
    taps[n++] = (PldTap) { i, 1 };
  return n;
}

static gboolean
vit_embed (const PldVit *vit, PldSession *session, const PldItem *items, guint n, const PldVitMemory *m, GError **error)
{
  const guint panels = n * pld_vit_panels (vit), values = pld_vit_patch_values (vit);
  Embed e = { vit,
              session,
              items,
              { m->wide, panels, (gsize) values * PLD_PANEL_ROWS },
              { m->x, panels, (gsize) vit->d * PLD_PANEL_ROWS } };

  pld_team_run (session->team, session->n_threads, panels, embed_patches, &e);
  if (!pld_linear_panels (session, e.x, e.patches, vit->project, vit->project_bias, PLD_ACT_NONE, FALSE, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    embed_tokens (&e, i);
  return pld_add_rows (session, e.x, pld_vit_tokens (vit), vit->position, position_taps, vit, error);
}

/* Of each picture's panels only those that are read, one picture's after the other's. */
static void
vit_keep_read (const PldVit *vit, float *panels, guint n)
{
  const gsize stride = (gsize) vit->d * PLD_PANEL_ROWS, read = pld_vit_read_panels (vit) * stride;

  for (guint i = 0; i < n; i++)
    memmove (panels + i * read, panels + (i * pld_vit_panels (vit) + vit->read_first / PLD_PANEL_ROWS) * stride,
             read * sizeof (float));
}

/* One block. From the last one's keys and values on, only what is read is computed. */
static gboolean
vit_block (const PldVit *vit, PldSession *session, const PldVitBlock *b, guint n, gboolean last, const PldVitMemory *m,
           GError **error)
{
  const guint d = vit->d, all = n * pld_vit_panels (vit), some = last ? n * pld_vit_read_panels (vit) : all;
  const gsize stride = (gsize) d * PLD_PANEL_ROWS;
  const PldPanels k = { m->wide, all, stride }, v = { m->wide + all * stride, all, stride };
  const PldPanels x = { m->x, some, stride }, h = { m->h, some, stride }, q = { m->q, some, stride };
  const PldPanels hidden = { m->wide, some, (gsize) vit->d_mlp * PLD_PANEL_ROWS };
  PldPanels h_all = { m->h, all, stride };

  pld_layer_norm (session, h_all, (PldPanels) { m->x, all, stride }, b->norm1_weight, b->norm1_bias, d, vit->eps);
  if (!pld_linear_panels (session, k, h_all, b->key, b->key_bias, PLD_ACT_NONE, FALSE, error)
      || !pld_linear_panels (session, v, h_all, b->value, b->value_bias, PLD_ACT_NONE, FALSE, error))
    return FALSE;
  if (last)
    {
      vit_keep_read (vit, m->x, n);
      vit_keep_read (vit, m->h, n);
    }
  if (!pld_linear_panels (session, q, h, b->query, b->query_bias, PLD_ACT_NONE, FALSE, error))
    return FALSE;
  pld_attention (session, q, q, k, v, n, some / n, pld_vit_tokens (vit), vit->n_heads, d / vit->n_heads);
  if (!pld_linear_panels (session, x, q, b->out, b->out_bias, PLD_ACT_NONE, TRUE, error))
    return FALSE;
  pld_layer_norm (session, h, x, b->norm2_weight, b->norm2_bias, d, vit->eps);
  return pld_linear_panels (session, hidden, h, b->up, b->up_bias, vit->act, FALSE, error)
         && pld_linear_panels (session, x, hidden, b->down, b->down_bias, PLD_ACT_NONE, TRUE, error)
         && (b->position == NULL
             || pld_add_rows (session, x, pld_vit_tokens (vit), b->position, position_taps, vit, error));
}

gboolean
pld_vit_trunk (const PldVit *vit, PldSession *session, const PldItem *items, guint n, float *memory, PldVitMemory *m,
               GError **error)
{
  const guint read = n * pld_vit_read_panels (vit);
  const gsize stride = (gsize) vit->d * PLD_PANEL_ROWS;

  memory_lay (m, vit, memory, n);
  session->blocks = m->blocks;
  if (!vit_embed (vit, session, items, n, m, error))
    return FALSE;
  for (guint i = 0; i < vit->n_blocks; i++)
    if (!vit_block (vit, session, &vit->blocks[i], n, i + 1 == vit->n_blocks, m, error))
      return FALSE;
  pld_layer_norm (session, (PldPanels) { m->h, read, stride }, (PldPanels) { m->x, read, stride }, vit->norm_weight,
                  vit->norm_bias, vit->d, vit->eps);
  return TRUE;
}
