/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The difference between two inputs, by blocks of 16 × 16 pixels.
 */
#include "engine/image/image.h"

#include <stdlib.h>

#define BLOCK 16u

float
pld_image_change (const guint8 *a, const guint8 *b, guint width, guint height)
{
  const gsize stride = (gsize) width * 3;
  double most = 0.0;

  for (guint y = 0; y < height; y += BLOCK)
    for (guint x = 0; x < width; x += BLOCK)
      {
        const guint rows = MIN (BLOCK, height - y);
        const guint samples = 3 * MIN (BLOCK, width - x);
        guint32 sum = 0;

        for (guint r = 0; r < rows; r++)
          {
            const guint8 *pa = a + (y + r) * stride + (gsize) x * 3;
            const guint8 *pb = b + (y + r) * stride + (gsize) x * 3;

            for (guint s = 0; s < samples; s++)
              sum += (guint32) abs (pa[s] - pb[s]);
          }
        most = MAX (most, (double) sum / (rows * samples));
      }
  return (float) (most / 255.0);
}
