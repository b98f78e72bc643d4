/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The shape of a picture's planes: checked, and what tables and rings depend on.
 */
#pragma once

#include "engine/image/axis.h"

typedef struct
{
  guint lanes;         /* 1 or 3 */
  PldExtent across[3]; /* [lanes] */
  PldExtent down[3];   /* [lanes] */
  guint jpeg_row;      /* bytes of a decoded row; 0: the source is in memory */
} PldGeometry;

gboolean pld_extent_equal (const PldExtent *a, const PldExtent *b);
gboolean pld_geometry_equal (const PldGeometry *a, const PldGeometry *b);

/* Each side must have 1 to 65500 pixels; FORMAT names @what otherwise. */
gboolean pld_geometry_check_size (guint width, guint height, const char *what, GError **error);

/* A lane whose plane has a sample for each of @width × @height pixels. */
void pld_geometry_set_lane (PldGeometry *geometry, guint lane, guint width, guint height, guint out_width,
                            guint out_height);

/* @image: not a JPEG picture. FORMAT: planes that contradict its size or lie in memory as no plane can. */
gboolean pld_geometry_from_image (PldGeometry *geometry, const PldImage *image, guint out_width, guint out_height,
                                  GError **error);

/* Whether the planes are three bytes that lie side by side: plane i has byte order[i]. Returns: the first of
 * them in memory, or NULL */
const guint8 *pld_geometry_find_packed (const PldImage *image, guint order[3]);
