/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Linear layers: leases tiles of W and distributes products with rows or panels of x over the team.
 */
#include <time.h>

#include "engine/kernels/blocks.h"
#include "engine/runtime/dispatch.h"
#include "engine/runtime/session.h"

/* Tiles that a linear layer leases at once at most. */
#define LEASES_MAX 4
/* Rows of W that a thread takes at a time, and panels of x that it multiplies them with: the operands stay in the
 * caches near the core. Weights in blocks are expanded first, which pays over more rows, as long as no scratch memory
 * is needed for their product. */
#define ITEM_ROWS 32
#define ITEM_ROWS_BLOCKS 64
#define ITEM_PANELS 16
/* With few rows of x, W is read just once: the longer the run that a thread reads, the closer it comes to the bandwidth
 * of memory. */
#define ITEM_ROWS_MAX 256
/* The least number of items per thread, so that all threads finish at about the same time. */
#define ITEMS_A_THREAD 4
/* From this many rows of x on, a panel pays although its other rows are idle. */
#define PANEL_WORTH 5

G_STATIC_ASSERT (sizeof (PldQ8) % sizeof (float) == 0 && sizeof (PldQ8Panel) % sizeof (float) == 0);
G_STATIC_ASSERT (PANEL_WORTH * sizeof (PldQ8) <= sizeof (PldQ8Panel));

gsize
pld_linear_scratch (void)
{
  return (gsize) ITEM_ROWS * ITEM_PANELS * PLD_PANEL_ROWS;
}

/* Of n rows, those that are multiplied as panels: the rest are few. */
static guint
rows_in_panels (guint n)
{
  return n % PLD_PANEL_ROWS < PANEL_WORTH ? n - n % PLD_PANEL_ROWS : n;
}

gsize
pld_linear_block_floats (guint n_rows, guint n_cols)
{
  const gsize n_panels = pld_panels (rows_in_panels (n_rows)), rest = n_rows - MIN (n_rows, n_panels * PLD_PANEL_ROWS);
  const gsize n_blocks = (n_cols + PLD_Q8_VALUES - 1) / PLD_Q8_VALUES;

  return n_blocks * (n_panels * sizeof (PldQ8Panel) + rest * sizeof (PldQ8)) / sizeof (float);
}

typedef struct
{
  PldSession *session;
  gboolean in_panels; /* which of the two: */
  PldPanels y_panels, x_panels;
  PldRows y, x;
  const PldMatrix *w;
  guint item_rows;
  guint row0;   /* the first row that is leased */
  guint n_rows; /* and how many are */
  guint n_leases;
  struct
  {
    guint row0, n_rows;
    const guint8 *weights; /* [n_rows, w->n_cols], as stored */
  } leases[LEASES_MAX];
  const float *bias;
  PldActivation act;
  gboolean accumulate;
  /* Weights in blocks: x as blocks of 8 bits. */
  guint n_panels;
  const PldQ8Panel *panels; /* [n_panels, n_cols / 32] */
  const PldQ8 *rows;        /* [the rows that are in none, n_cols / 32] */
} Linear;

/* The stored rows of W from @column on: an item never lies across two leases, which are whole granules of ITEM_ROWS. */
static const guint8 *
linear_weights (const Linear *l, guint column)
{
  guint i = 0;

  if (l->leases[0].weights == NULL)
    return NULL;
  while (column >= l->leases[i].row0 + l->leases[i].n_rows)
    i++;
  return l->leases[i].weights + (column - l->leases[i].row0) * l->w->row_bytes;
}

/* ---- x in panels ----------------------------------------------------------------------------- */

/* y [n][16] = n rows of W times @n_panels panels of x. */
static void
panels_product (const Linear *l, float *y, gsize y_stride, const guint8 *stored, guint n, guint panel, guint n_panels)
{
  const PldMatrix *w = l->w;
  const PldKernels *k = l->session->kernels;
  const PldProductFunc floats = pld_matmul_kernel (k, w->dtype);

  if (floats != NULL)
    floats (y, y_stride, stored, w->row_bytes, n, l->x_panels.data + panel * l->x_panels.stride, l->x_panels.stride,
            n_panels, w->n_cols);
  else
    pld_matmul_q8_kernel (k, w->dtype) (y, y_stride, stored, w->row_bytes, n,
                                        l->panels + (gsize) panel * (w->n_cols / PLD_Q8_VALUES), n_panels, w->n_cols);
}

static void
panel_finish (const Linear *l, float *y, const float *bias, gsize n)
{
  const PldKernels *k = l->session->kernels;

  switch (l->act)
    {
    case PLD_ACT_NONE:
      k->panel_bias (y, bias, n);
      break;
    case PLD_ACT_GELU:
      k->panel_gelu (y, bias, n);
      break;
    case PLD_ACT_GELU_TANH:
      k->panel_gelu_tanh (y, bias, n);
      break;
    case PLD_ACT_RELU:
      k->panel_relu (y, bias, n);
      break;
    case PLD_ACT_SILU:
      k->panel_silu (y, bias, n);
      break;
    }
}

static void
item_of_panels (const Linear *l, const guint8 *stored, guint column, guint n, float *scratch)
{
  const PldPanels *y = &l->y_panels;
  const gsize stride = l->accumulate ? (gsize) n * PLD_PANEL_ROWS : y->stride;

  for (guint first = 0; first < y->n; first += ITEM_PANELS)
    {
      const guint m = MIN (ITEM_PANELS, y->n - first);
      float *to = y->data + first * y->stride + (gsize) column * PLD_PANEL_ROWS;

      panels_product (l, l->accumulate ? scratch : to, stride, stored, n, first, m);
      for (guint i = 0; i < m && l->bias != NULL; i++)
        if (l->accumulate)
          l->session->kernels->panel_add (to + i * y->stride, scratch + i * stride, l->bias + column, n);
        else
          panel_finish (l, to + i * y->stride, l->bias + column, n);
    }
}

/* ---- x in rows ------------------------------------------------------------------------------- */

/* Adds the previous values (if accumulating) and the bias to n values of a row. */
static void
row_finish (const Linear *l, float *to, const float *sum, guint column, guint n)
{
  const PldKernels *k = l->session->kernels;

  if (l->accumulate)
    k->add (to, sum, n);
  if (l->bias != NULL)
    k->add (to, l->bias + column, n);
}

/* Rows of x from @first on, each on its own. */
static void
item_of_rows (const Linear *l, const guint8 *stored, guint column, guint n, guint first, float *scratch)
{
  const PldMatrix *w = l->w;
  const PldKernels *k = l->session->kernels;
  const PldProductFunc floats = pld_matvec_kernel (k, w->dtype);
  const gsize stride = l->accumulate ? n : l->y.stride;

  for (guint row = first; row < l->x.n_rows; row += PLD_PANEL_ROWS)
    {
      const guint m = MIN (PLD_PANEL_ROWS, l->x.n_rows - row);
      float *to = l->y.data + row * l->y.stride + column, *sum = l->accumulate ? scratch : to;

      if (floats != NULL)
        floats (sum, stride, stored, w->row_bytes, n, l->x.data + row * l->x.stride, l->x.stride, m, w->n_cols);
      else
        pld_matvec_q8_kernel (k, w->dtype) (sum, stride, stored, w->row_bytes, n,
                                            l->rows + (row - first) * (w->n_cols / PLD_Q8_VALUES), m, w->n_cols);
      for (guint i = 0; i < m; i++)
        row_finish (l, to + i * l->y.stride, sum + i * stride, column, n);
    }
}

/* Rows of x that were put into panels, back to rows. */
static void
item_of_packed (const Linear *l, const guint8 *stored, guint column, guint n, float *scratch)
{
  const gsize stride = (gsize) n * PLD_PANEL_ROWS;

  for (guint first = 0; first < l->n_panels; first += ITEM_PANELS)
    {
      const guint m = MIN (ITEM_PANELS, l->n_panels - first);

      panels_product (l, scratch, stride, stored, n, first, m);
      for (guint i = 0; i < m; i++)
        {
          const guint row = (first + i) * PLD_PANEL_ROWS, n_rows = MIN (PLD_PANEL_ROWS, l->x.n_rows - row);
          float *to = l->y.data + row * l->y.stride + column;
          float rows[PLD_PANEL_ROWS * ITEM_ROWS];

          l->session->kernels->unpack (l->accumulate ? rows : to, l->accumulate ? n : l->y.stride, scratch + i * stride,
                                       n_rows, n);
          for (guint r = 0; r < n_rows; r++)
            row_finish (l, to + r * l->y.stride, rows + r * n, column, n);
        }
    }
}

/* ---- items ----------------------------------------------------------------------------------- */

static void
linear_item (gpointer data, guint item, guint thread)
{
  const Linear *l = data;
  const guint column = l->row0 + item * l->item_rows, n = MIN (l->item_rows, l->row0 + l->n_rows - column);
  const guint8 *stored = linear_weights (l, column);
  float *scratch = pld_session_scratch (l->session, thread);

  if (l->in_panels)
    item_of_panels (l, stored, column, n, scratch);
  else
    {
      item_of_packed (l, stored, column, n, scratch);
      item_of_rows (l, stored, column, n, MIN (l->n_panels * PLD_PANEL_ROWS, l->x.n_rows), scratch);
    }
}

/* A panel of x as blocks, or one of the rows that are in none. */
static void
linear_quantize (gpointer data, guint item, guint thread)
{
  const Linear *l = data;
  const PldKernels *k = l->session->kernels;
  const guint n_cols = l->w->n_cols, n_blocks = n_cols / PLD_Q8_VALUES;
  PldQ8Panel *panel = (PldQ8Panel *) l->panels + (gsize) item * n_blocks;

  if (l->in_panels)
    k->panel_quantize (panel, l->x_panels.data + item * l->x_panels.stride, n_cols);
  else if (item < l->n_panels)
    {
      const guint row = item * PLD_PANEL_ROWS;
      float columns[PLD_Q8_VALUES * PLD_PANEL_ROWS];

      for (guint b = 0; b < n_blocks; b++)
        {
          k->pack (columns, l->x.data + row * l->x.stride + b * PLD_Q8_VALUES, l->x.stride,
                   MIN (PLD_PANEL_ROWS, l->x.n_rows - row), PLD_Q8_VALUES);
          k->panel_quantize (panel + b, columns, PLD_Q8_VALUES);
        }
    }
  else
    {
      const guint row = item - l->n_panels;

      k->quantize_q8 ((PldQ8 *) l->rows + (gsize) row * n_blocks,
                      l->x.data + (l->n_panels * PLD_PANEL_ROWS + row) * l->x.stride, n_cols);
    }
}

/* Leases the next tile of W, and more that are there already until every thread has an item: small tiles are worth a
 * region only together. */
static gboolean
linear_lease (Linear *l, GError **error)
{
  PldSession *session = l->session;
  const guint enough = session->n_threads * ITEM_ROWS;
  /* The loaders keep half of the ring. */
  const guint most = session->plan->n_slots > 0 ? CLAMP (session->plan->n_slots / 2, 1, LEASES_MAX) : LEASES_MAX;

  l->row0 += l->n_rows;
  l->n_rows = l->n_leases = 0;
  while (l->n_leases < most && l->n_rows < enough && l->row0 + l->n_rows < l->w->n_rows)
    {
      const PldTile *tile = &g_array_index (session->plan->tiles, PldTile, session->tile);
      const guint8 *weights;

      g_assert (tile->matrix == l->w->index && tile->row0 == l->row0 + l->n_rows);
      if (l->n_leases == 0 ? !pld_stream_lease (session->stream, session->tile, &weights, error)
                           : !pld_stream_try_lease (session->stream, session->tile, &weights))
        break;
      l->leases[l->n_leases].row0 = tile->row0;
      l->leases[l->n_leases].n_rows = tile->n_rows;
      l->leases[l->n_leases++].weights = weights;
      l->n_rows += tile->n_rows;
      session->tile++;
    }
  return l->n_leases > 0;
}

static gboolean
linear_is_empty (const Linear *l)
{
  return l->in_panels ? l->x_panels.n == 0 : l->x.n_rows == 0;
}

/* Blocks of 8 bits of x, if W's type calls for them. */
static void
linear_prepare (Linear *l)
{
  PldSession *session = l->session;
  guint rest = 0;

  if (pld_matvec_kernel (session->kernels, l->w->dtype) != NULL || linear_is_empty (l))
    return;
  if (l->in_panels)
    l->n_panels = l->x_panels.n;
  else
    {
      l->n_panels = pld_panels (rows_in_panels (l->x.n_rows));
      rest = l->x.n_rows - MIN (l->x.n_rows, l->n_panels * PLD_PANEL_ROWS);
    }
  l->panels = (PldQ8Panel *) (gpointer) session->blocks;
  l->rows = (PldQ8 *) (gpointer) (l->panels + (gsize) l->n_panels * (l->w->n_cols / PLD_Q8_VALUES));
  pld_team_run (session->team, session->n_threads, l->n_panels + rest, linear_quantize, l);
}

/* The rows of W that are leased. */
static void
linear_compute (Linear *l)
{
  const guint share = l->n_rows / (l->session->n_threads * ITEMS_A_THREAD);
  guint most = ITEM_ROWS;

  if (l->n_leases == 1 && !l->in_panels && l->n_panels == 0)
    most = ITEM_ROWS_MAX;
  else if (l->n_leases == 1 && l->in_panels && l->n_panels > 0 && !l->accumulate)
    most = ITEM_ROWS_BLOCKS;

  if (linear_is_empty (l))
    return;
  l->item_rows = CLAMP (share - share % ITEM_ROWS, ITEM_ROWS, most);
  pld_team_run (l->session->team, l->session->n_threads, (l->n_rows + l->item_rows - 1) / l->item_rows, linear_item, l);
}

static gboolean
linear_run (Linear *l, GError **error)
{
  linear_prepare (l);
  if (l->session->stream == NULL)
    {
      l->n_rows = l->w->n_rows;
      l->n_leases = 1;
      linear_compute (l);
    }
  while (l->row0 + l->n_rows < l->w->n_rows)
    {
      if (!linear_lease (l, error))
        return FALSE;
      linear_compute (l);
      for (guint i = 0; i < l->n_leases; i++)
        pld_stream_release (l->session->stream, l->session->tile - l->n_leases + i);
    }
  return TRUE;
}

gboolean
pld_linear (PldSession *session, PldRows y, PldRows x, const PldMatrix *w, const float *bias, gboolean accumulate,
            GError **error)
{
  Linear l = { .session = session, .y = y, .x = x, .w = w, .bias = bias, .accumulate = accumulate };

  return linear_run (&l, error);
}

gboolean
pld_linear_panels (PldSession *session, PldPanels y, PldPanels x, const PldMatrix *w, const float *bias,
                   PldActivation act, gboolean accumulate, GError **error)
{
  Linear l = { .session = session,
               .in_panels = TRUE,
               .y_panels = y,
               .x_panels = x,
               .w = w,
               .bias = bias,
               .act = act,
               .accumulate = accumulate };

  g_assert (bias != NULL || (act == PLD_ACT_NONE && !accumulate));
  g_assert (act == PLD_ACT_NONE || !accumulate);
  return linear_run (&l, error);
}

static gint64
time_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

gint64
pld_linear_time (PldSession *session, gboolean in_panels, guint n, float *y, float *x, const PldMatrix *w, guint n_rows,
                 const guint8 *weights)
{
  Linear l = { .session = session, .in_panels = in_panels, .w = w, .n_rows = n_rows, .n_leases = 1 };
  gint64 begun;

  if (in_panels)
    {
      l.x_panels = (PldPanels) { x, pld_panels (n), (gsize) w->n_cols * PLD_PANEL_ROWS };
      l.y_panels = (PldPanels) { y, pld_panels (n), (gsize) n_rows * PLD_PANEL_ROWS };
    }
  else
    {
      l.x = (PldRows) { x, n, w->n_cols };
      l.y = (PldRows) { y, n, n_rows };
    }
  l.leases[0].n_rows = n_rows;
  l.leases[0].weights = weights;
  linear_prepare (&l);
  begun = time_ns ();
  linear_compute (&l);
  return time_ns () - begun;
}
