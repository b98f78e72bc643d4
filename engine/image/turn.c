/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns a picture as EXIF's orientation says (CIPA DC-008, 4.6.4).
 */
#include "engine/image/turn.h"

#include <string.h>

void
pld_image_turn (const guint8 *stored, guint width, guint height, guint orientation, guint8 *shown)
{
  const gboolean exchanged = orientation >= 5;
  const gboolean mirror_x = orientation == 2 || orientation == 3 || orientation >= 7;
  const gboolean mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const guint shown_width = exchanged ? height : width, shown_height = exchanged ? width : height;

  for (guint y = 0; y < shown_height; y++)
    for (guint x = 0; x < shown_width; x++, shown += 3)
      {
        const guint column = exchanged ? y : x, row = exchanged ? x : y;
        const gsize at = (gsize) (mirror_y ? height - 1 - row : row) * width + (mirror_x ? width - 1 - column : column);

        memcpy (shown, stored + 3 * at, 3);
      }
}
