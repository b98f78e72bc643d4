/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Orientation of pictures.
 */
#pragma once

#include <glib.h>

/* @stored: RGB [height, width, 3]. @orientation: EXIF's, 1..8. @shown: (out): RGB [height, width, 3], from 5 on [width,
 * height, 3]; another place in memory */
void pld_image_turn (const guint8 *stored, guint width, guint height, guint orientation, guint8 *shown);
