/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where an object is: shares of the frame, 0..1, y downwards, unless a user of it states another unit.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  double x_min, y_min, x_max, y_max;
} PldBox;

G_END_DECLS
