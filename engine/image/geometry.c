/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks the planes of a picture and computes how they are cropped and scaled.
 */
#include "engine/image/geometry.h"

#define MOST_PIXELS 65500 /* a side: libjpeg's limit, kept for all */
#define MOST_SUBSAMPLING 8

gboolean
pld_extent_equal (const PldExtent *a, const PldExtent *b)
{
  return a->in == b->in && a->out == b->out && a->span == b->span;
}

gboolean
pld_geometry_equal (const PldGeometry *a, const PldGeometry *b)
{
  if (a->lanes != b->lanes || a->jpeg_row != b->jpeg_row)
    return FALSE;
  for (guint i = 0; i < a->lanes; i++)
    if (!pld_extent_equal (&a->across[i], &b->across[i]) || !pld_extent_equal (&a->down[i], &b->down[i]))
      return FALSE;
  return TRUE;
}

void
pld_geometry_set_lane (PldGeometry *geometry, guint lane, guint width, guint height, guint out_width, guint out_height)
{
  geometry->across[lane] = (PldExtent) { width, out_width, width };
  geometry->down[lane] = (PldExtent) { height, out_height, height };
}

/* A plane with fewer samples than the picture has pixels is subsampled by 2, 4 or 8, rounded up: its last
 * sample may lie partly outside. */
static gboolean
extent_subsample (PldExtent *extent, guint pixels, guint samples, guint out)
{
  for (guint by = 1; by <= MOST_SUBSAMPLING; by *= 2)
    if (samples == (pixels + by - 1) / by)
      {
        *extent = (PldExtent) { samples, out, (double) pixels / by };
        return TRUE;
      }
  return FALSE;
}

/* The component without the right to change it. */
static const PldPlane *
get_plane (const PldImage *image, guint i)
{
  return pld_image_plane ((PldImage *) image, i);
}

static gboolean
plane_check (const PldImage *image, guint i, GError **error)
{
  const PldPlane *plane = get_plane (image, i);
  const guint64 row_bytes = (guint64) (MAX (plane->width, 1) - 1) * plane->pixel_stride + 1;
  const guint64 stride = plane->stride < 0 ? -(guint64) plane->stride : (guint64) plane->stride;

  if (plane->data == NULL || plane->pixel_stride == 0 || (plane->height > 1 && stride < row_bytes))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "plane %u of the picture has no rows of %u samples: %s, %u bytes from sample to sample, "
                   "%" G_GSSIZE_FORMAT " from row to row; describe it as it is in memory",
                   i, plane->width, plane->data != NULL ? "data" : "no data", plane->pixel_stride, plane->stride);
      return FALSE;
    }
  return TRUE;
}

gboolean
pld_geometry_check_size (guint width, guint height, const char *what, GError **error)
{
  if (width >= 1 && height >= 1 && width <= MOST_PIXELS && height <= MOST_PIXELS)
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "%s is %u × %u pixels: each side must have 1 to %u", what, width,
               height, MOST_PIXELS);
  return FALSE;
}

gboolean
pld_geometry_from_image (PldGeometry *geometry, const PldImage *image, guint out_width, guint out_height,
                         GError **error)
{
  if (!pld_geometry_check_size (image->width, image->height, "the picture", error))
    return FALSE;
  *geometry = (PldGeometry) { .lanes = image->kind == PLD_IMAGE_GRAY ? 1 : 3 };
  for (guint i = 0; i < geometry->lanes; i++)
    {
      const PldPlane *plane = get_plane (image, i);
      const gboolean full = i == 0 || image->kind != PLD_IMAGE_YUV;

      if (!extent_subsample (&geometry->across[i], image->width, plane->width, out_width)
          || !extent_subsample (&geometry->down[i], image->height, plane->height, out_height)
          || (full && (plane->width != image->width || plane->height != image->height)))
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                       "plane %u has %u × %u samples, which does not fit a picture of %u × %u pixels", i, plane->width,
                       plane->height, image->width, image->height);
          return FALSE;
        }
      if (!plane_check (image, i, error))
        return FALSE;
    }
  return TRUE;
}

const guint8 *
pld_geometry_find_packed (const PldImage *image, guint order[3])
{
  const guint8 *first = image->first.data;
  guint seen = 0;

  if (image->kind != PLD_IMAGE_RGB)
    return NULL;
  for (guint i = 1; i < 3; i++)
    first = MIN (first, get_plane (image, i)->data);
  for (guint i = 0; i < 3; i++)
    {
      const PldPlane *plane = get_plane (image, i);
      const guintptr at = (guintptr) plane->data - (guintptr) first;

      if (plane->pixel_stride != 3 || plane->stride != image->first.stride || at > 2)
        return NULL;
      order[i] = (guint) at;
      seen |= 1u << order[i];
    }
  return seen == 7 ? first : NULL;
}
