/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streamed matrices that are added by the row, such as position embeddings.
 */
#include "engine/runtime/dispatch.h"
#include "engine/runtime/session.h"

gsize
pld_add_rows_scratch (guint n_cols)
{
  return (gsize) (PLD_PANEL_ROWS + 1) * n_cols;
}

typedef struct
{
  PldSession *session;
  PldPanels x;
  guint n_rows, n_panels; /* of a sequence */
  const PldMatrix *w;
  const PldTile *tile;
  const guint8 *weights; /* the tile's */
  PldTapsFunc taps;
  gconstpointer data;
} AddRows;

/* Adds the tile's rows to a panel. Sums continue from the present values, tap by tap, so the tile boundaries do not
 * matter. */
static void
add_panel (gpointer data, guint item, guint thread)
{
  const AddRows *a = data;
  const PldKernels *k = a->session->kernels;
  const PldDequantizeFunc widen = pld_dequantize_kernel (k, a->w->dtype);
  const guint d = a->w->n_cols, end = a->tile->row0 + a->tile->n_rows;
  const guint first = item % a->n_panels * PLD_PANEL_ROWS, n = MIN (PLD_PANEL_ROWS, a->n_rows - first);
  float *panel = a->x.data + item * a->x.stride, *rows = pld_session_scratch (a->session, thread),
        *row = rows + (gsize) PLD_PANEL_ROWS * d;
  gboolean open = FALSE;

  for (guint i = 0; i < n; i++)
    {
      PldTap taps[PLD_TAPS_MAX];
      const guint n_taps = a->taps (a->data, first + i, a->tile->row0, end, taps);

      if (n_taps > 0 && !open)
        {
          k->unpack (rows, d, panel, n, d);
          open = TRUE;
        }
      for (guint j = 0; j < n_taps; j++)
        {
          widen (row, a->weights + (taps[j].row - a->tile->row0) * a->w->row_bytes, d);
          k->mix (rows + (gsize) i * d, &taps[j].weight, row, d, 1, d);
        }
    }
  if (open)
    k->pack (panel, rows, d, n, d);
}

gboolean
pld_add_rows (PldSession *session, PldPanels x, guint n_rows, const PldMatrix *w, PldTapsFunc taps, gconstpointer data,
              GError **error)
{
  AddRows a = {
    .session = session, .x = x, .n_rows = n_rows, .n_panels = pld_panels (n_rows), .w = w, .taps = taps, .data = data
  };

  if (session->stream == NULL)
    return TRUE;
  for (guint row = 0; row < w->n_rows; row += a.tile->n_rows)
    {
      a.tile = &g_array_index (session->plan->tiles, PldTile, session->tile);
      g_assert (a.tile->matrix == w->index && a.tile->row0 == row);
      if (!pld_stream_lease (session->stream, session->tile, &a.weights, error))
        return FALSE;
      pld_team_run (session->team, session->n_threads, x.n, add_panel, &a);
      pld_stream_release (session->stream, session->tile++);
    }
  return TRUE;
}
