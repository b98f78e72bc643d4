/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Feeds the rows of a picture to one lane per component, and assembles the scaled RGB picture.
 */
#include "engine/image/color.h"
#include "engine/image/geometry.h"
#include "engine/image/jpeg.h"
#include "engine/image/turn.h"
#include "engine/image/lane.h"

#include "engine/base/size.h"

#define PLANNED_WIDTH 4096
#define PLANNED_HEIGHT 2304
#define ALIGN 64

struct _PldScaler
{
  PldBuffer self; /* this struct */
  guint width, height;
  PldFilter filter;
  PldBudget *budget;
  PldGeometry geometry; /* of the last source; lanes 0: none */
  PldBuffer memory;     /* everything that depends on it */
  PldAxis across[3], down[3];
  PldLane lane[3];
  PldLaneScratch scratch;
  guint8 *jpeg_row;
  PldJpeg *jpeg;     /* made for the first JPEG picture */
  PldScaler *stored; /* to the size before turning, and its result: made for the first picture that is to be turned */
  PldBuffer stored_rgb;
  gboolean mended; /* the last JPEG picture */
  PldColor color;
};

/* ---- memory -------------------------------------------------------------------------------- */

/* Steps over @size bytes. With @memory NULL this only counts. */
static guint8 *
carve (guint8 *memory, guint64 *at, guint64 size)
{
  guint8 *piece = memory != NULL ? memory + *at : NULL;

  *at += pld_size_round_up (size, ALIGN);
  return piece;
}

/* The axis of an earlier lane that is the same, or @own. */
static PldAxis *
axis_share (PldAxis *axes, guint own)
{
  for (guint i = 0; i < own; i++)
    if (pld_extent_equal (&axes[i].extent, &axes[own].extent))
      return &axes[i];
  return &axes[own];
}

/* Lays out everything for scaler->geometry in @memory and fills the tables; with NULL it only counts the
 * bytes. Extents are ≤ 65500 and results of the same order, so that the products stay far below 64 bits. */
static guint64
scaler_lay_out (PldScaler *scaler, guint8 *memory)
{
  const PldGeometry *geometry = &scaler->geometry;
  guint widest = 0;
  guint64 at = 0;

  for (guint i = 0; i < geometry->lanes; i++)
    {
      PldAxis *axis[2] = { &scaler->across[i], &scaler->down[i] };
      PldAxis *shared[2];

      pld_axis_plan (axis[0], &geometry->across[i], scaler->filter, PLD_LANE_ACROSS);
      pld_axis_plan (axis[1], &geometry->down[i], scaler->filter, PLD_LANE_DOWN);
      shared[0] = axis_share (scaler->across, i);
      shared[1] = axis_share (scaler->down, i);
      for (guint d = 0; d < 2; d++)
        if (shared[d] == axis[d])
          {
            guint8 *tables = carve (memory, &at, pld_axis_bytes (axis[d]));

            if (tables != NULL)
              pld_axis_fill (axis[d], scaler->filter, tables);
          }
      scaler->lane[i] = (PldLane) {
        .across = shared[0],
        .down = shared[1],
        .ring = carve (memory, &at, (guint64) shared[1]->reach * scaler->width),
      };
      widest = MAX (widest, geometry->across[i].in);
    }
  for (guint i = 0; i < geometry->lanes; i++)
    scaler->scratch.row[i] = (gint16 *) carve (memory, &at, (widest + PLD_LANE_ACROSS) * sizeof (gint16));
  scaler->scratch.high = (gint32 *) carve (memory, &at, scaler->width * sizeof (gint32));
  scaler->scratch.low = (gint32 *) carve (memory, &at, scaler->width * sizeof (gint32));
  scaler->jpeg_row = carve (memory, &at, geometry->jpeg_row);
  return at;
}

/* Gives the old tables back before it takes new ones. */
static gboolean
scaler_prepare (PldScaler *scaler, const PldGeometry *geometry, GError **error)
{
  if (pld_geometry_equal (&scaler->geometry, geometry))
    return TRUE;
  pld_buffer_clear (&scaler->memory);
  scaler->geometry = *geometry;
  if (!pld_buffer_init (&scaler->memory, scaler->budget, scaler_lay_out (scaler, NULL), "the picture scaler", error))
    {
      scaler->geometry.lanes = 0;
      return FALSE;
    }
  scaler_lay_out (scaler, scaler->memory.data);
  return TRUE;
}

/* ---- pictures ------------------------------------------------------------------------------ */

static void
scaler_restart (PldScaler *scaler, guint8 *rgb)
{
  for (guint i = 0; i < scaler->geometry.lanes; i++)
    pld_lane_restart (&scaler->lane[i], rgb + i, (gsize) scaler->width * 3);
}

static void
scaler_push_packed (PldScaler *scaler, const PldImage *image, const guint8 *first, const guint order[3])
{
  for (guint y = 0; y < image->height; y++)
    pld_lane_push_packed (scaler->lane, &scaler->scratch, first + (gssize) y * image->first.stride, order);
}

/* Row by row over all planes, so that packed formats come through the cache once. */
static void
scaler_push_planes (PldScaler *scaler, const PldImage *image)
{
  for (guint y = 0; y < image->height; y++)
    for (guint i = 0; i < scaler->geometry.lanes; i++)
      {
        const PldPlane *plane = pld_image_plane ((PldImage *) image, i);

        if (y < plane->height)
          pld_lane_push (&scaler->lane[i], &scaler->scratch, plane->data + (gssize) y * plane->stride,
                         plane->pixel_stride);
      }
}

static gboolean
scaler_run_planes (PldScaler *scaler, const PldImage *image, guint8 *rgb, GError **error)
{
  const gsize pixels = (gsize) scaler->width * scaler->height;
  guint order[3];
  const guint8 *packed;
  PldGeometry geometry;

  if (!pld_geometry_from_image (&geometry, image, scaler->width, scaler->height, error)
      || !scaler_prepare (scaler, &geometry, error))
    return FALSE;
  scaler_restart (scaler, rgb);
  packed = pld_geometry_find_packed (image, order);
  if (packed != NULL)
    scaler_push_packed (scaler, image, packed, order);
  else
    scaler_push_planes (scaler, image);
  if (image->kind == PLD_IMAGE_YUV)
    {
      pld_color_prepare (&scaler->color, image->matrix, image->full_range);
      pld_color_from_yuv (&scaler->color, rgb, pixels);
    }
  else if (image->kind == PLD_IMAGE_GRAY)
    {
      pld_color_prepare (&scaler->color, image->matrix, image->full_range);
      pld_color_from_gray (&scaler->color, rgb, pixels);
    }
  return TRUE;
}

/* Adobe's inverted C, M, Y, K → R, G, B, in place, four bytes a pixel. */
static void
row_from_cmyk (guint8 *row, guint n)
{
  for (guint8 *p = row; p < row + (gsize) n * 4; p += 4)
    for (guint c = 0; c < 3; c++)
      p[c] = (guint8) ((p[c] * p[3] + 127) / 255);
}

static gboolean
scaler_push_jpeg (PldScaler *scaler, const PldJpegFrame *frame, GError **error)
{
  static const guint order[3] = { 0, 1, 2 };

  for (guint y = 0; y < frame->height; y++)
    {
      if (!pld_jpeg_row (scaler->jpeg, scaler->jpeg_row, error))
        return FALSE;
      if (frame->channels == 4)
        row_from_cmyk (scaler->jpeg_row, frame->width);
      if (frame->channels == 3)
        pld_lane_push_packed (scaler->lane, &scaler->scratch, scaler->jpeg_row, order);
      for (guint i = 0; frame->channels != 3 && i < scaler->geometry.lanes; i++)
        pld_lane_push (&scaler->lane[i], &scaler->scratch, scaler->jpeg_row + i, frame->channels);
    }
  return TRUE;
}

static gboolean
scaler_run_jpeg (PldScaler *scaler, const PldImage *image, guint8 *rgb, GError **error)
{
  PldJpegFrame frame;
  gboolean ok;

  if (scaler->jpeg == NULL)
    scaler->jpeg = pld_jpeg_new (scaler->budget, error);
  if (scaler->jpeg == NULL)
    return FALSE;
  ok = pld_jpeg_begin (scaler->jpeg, image->data, image->size, scaler->width, scaler->height, &frame, error);
  if (ok)
    {
      PldGeometry geometry = { .lanes = frame.channels == 1 ? 1 : 3, .jpeg_row = frame.width * frame.channels };

      for (guint i = 0; i < geometry.lanes; i++)
        pld_geometry_set_lane (&geometry, i, frame.width, frame.height, scaler->width, scaler->height);
      ok = scaler_prepare (scaler, &geometry, error);
    }
  if (ok)
    {
      scaler_restart (scaler, rgb);
      ok = scaler_push_jpeg (scaler, &frame, error);
    }
  scaler->mended = pld_jpeg_is_mended (scaler->jpeg);
  pld_jpeg_end (scaler->jpeg);
  if (ok && frame.channels == 1)
    {
      pld_color_prepare (&scaler->color, PLD_YUV_BT601, TRUE);
      pld_color_from_gray (&scaler->color, rgb, (gsize) scaler->width * scaler->height);
    }
  return ok;
}

/* Turning commutes with scaling, whose filter is separable, but for a rounding of the last bit. */
static gboolean
scaler_run_turned (PldScaler *scaler, const PldImage *image, guint orientation, guint8 *rgb, GError **error)
{
  const guint width = orientation >= 5 ? scaler->height : scaler->width,
              height = orientation >= 5 ? scaler->width : scaler->height;
  PldImage stored = *image;

  stored.kind = PLD_IMAGE_JPEG_AS_STORED;
  if (scaler->stored != NULL && (scaler->stored->width != width || scaler->stored->height != height))
    g_clear_pointer (&scaler->stored, pld_scaler_free);
  if (scaler->stored == NULL)
    scaler->stored = pld_scaler_new (width, height, scaler->filter, scaler->budget, error);
  if (scaler->stored == NULL
      || (scaler->stored_rgb.data == NULL
          && !pld_buffer_init (&scaler->stored_rgb, scaler->budget, (guint64) width * height * 3,
                               "a picture that is turned", error))
      || !scaler_run_jpeg (scaler->stored, &stored, scaler->stored_rgb.data, error))
    return FALSE;
  pld_image_turn (scaler->stored_rgb.data, width, height, orientation, rgb);
  return TRUE;
}

/* ---- the contract -------------------------------------------------------------------------- */

PldScaler *
pld_scaler_new (guint width, guint height, PldFilter filter, PldBudget *budget, GError **error)
{
  PldBuffer self = { 0 };
  PldScaler *scaler;

  g_return_val_if_fail (filter <= PLD_FILTER_HAMMING, NULL);
  if (!pld_geometry_check_size (width, height, "the scaled picture", error)
      || !pld_buffer_init (&self, budget, sizeof (PldScaler), "the picture scaler", error))
    return NULL;
  scaler = (PldScaler *) self.data;
  scaler->self = self;
  scaler->width = width;
  scaler->height = height;
  scaler->filter = filter;
  scaler->budget = budget;
  return scaler;
}

void
pld_scaler_free (PldScaler *scaler)
{
  PldBuffer self;

  if (scaler == NULL)
    return;
  g_clear_pointer (&scaler->jpeg, pld_jpeg_free);
  g_clear_pointer (&scaler->stored, pld_scaler_free);
  pld_buffer_clear (&scaler->stored_rgb);
  pld_buffer_clear (&scaler->memory);
  self = scaler->self;
  pld_buffer_clear (&self);
}

gboolean
pld_scaler_is_mended (const PldScaler *scaler)
{
  return scaler->mended;
}

gboolean
pld_scaler_run (PldScaler *scaler, const PldImage *image, guint8 *rgb, GError **error)
{
  guint width, height, orientation;
  gboolean ok;

  switch (image->kind)
    {
    case PLD_IMAGE_JPEG:
      pld_jpeg_read_header (image->data, image->size, &width, &height, &orientation);
      if (orientation == 1)
        ok = scaler_run_jpeg (scaler, image, rgb, error);
      else
        ok = scaler_run_turned (scaler, image, orientation, rgb, error);
      if (orientation != 1 && ok)
        scaler->mended = scaler->stored->mended;
      return ok;
    case PLD_IMAGE_JPEG_AS_STORED:
      return scaler_run_jpeg (scaler, image, rgb, error);
    case PLD_IMAGE_RGB:
    case PLD_IMAGE_YUV:
    case PLD_IMAGE_GRAY:
      return scaler_run_planes (scaler, image, rgb, error);
    }
  g_return_val_if_reached (FALSE);
}

guint64
pld_scaler_cost (guint width, guint height)
{
  PldScaler scaler = { .width = width, .height = height, .filter = PLD_FILTER_LANCZOS };

  g_return_val_if_fail (width >= 1 && height >= 1, 0);
  /* The widest filter. Chroma has tables of its own across, as in 4:2:0 and 4:2:2, and as many rows as luma,
   * as in RGB and 4:2:2; the half sample keeps its tables down apart as well, for 4:2:0. */
  scaler.geometry = (PldGeometry) { .lanes = 3, .jpeg_row = PLANNED_WIDTH * 4 };
  for (guint i = 0; i < 3; i++)
    {
      pld_geometry_set_lane (&scaler.geometry, i, i == 0 ? PLANNED_WIDTH : PLANNED_WIDTH / 2, PLANNED_HEIGHT, width,
                             height);
      scaler.geometry.down[i].span -= i == 0 ? 0.0 : 0.5;
    }
  return pld_buffer_cost (sizeof (PldScaler)) + pld_buffer_cost (scaler_lay_out (&scaler, NULL)) + pld_jpeg_cost ();
}
