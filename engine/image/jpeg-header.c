/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads JPEG headers without decoding.
 */
#include "engine/image/jpeg-header.h"

#include <string.h>

/* Of a camera's HTTP response, in front of a picture. */
#define MOST_BYTES_BEFORE 1024

enum
{
  SOI = 0xD8,
  EOI = 0xD9,
  SOS = 0xDA,
  APP1 = 0xE1,
};

#define ORIENTATION 0x0112
#define TIFF_SHORT 3

/* ---- segments ------------------------------------------------------------------------------ */

typedef struct
{
  guint8 marker;
  const guint8 *data; /* [size]: behind the length */
  gsize size;
} Segment;

/* Steps over the segment at *@at. Returns: FALSE: the header ends here */
static gboolean
next_segment (const guint8 *data, gsize size, gsize *at, Segment *segment)
{
  gsize length;

  while (*at + 4 <= size && data[*at] == 0xFF && data[*at + 1] == 0xFF) /* fill bytes */
    ++*at;
  if (*at + 4 > size || data[*at] != 0xFF)
    return FALSE;
  *segment = (Segment) { .marker = data[*at + 1] };
  if (segment->marker == SOS || segment->marker == EOI)
    return FALSE;
  *at += 2;
  if (segment->marker == 0x01 || (segment->marker >= 0xD0 && segment->marker <= SOI)) /* without data */
    return TRUE;
  length = (gsize) data[*at] << 8 | data[*at + 1];
  if (length < 2 || length > size - *at)
    return FALSE;
  segment->data = data + *at + 2;
  segment->size = length - 2;
  *at += length;
  return TRUE;
}

gsize
pld_jpeg_find_start (const guint8 *data, gsize size)
{
  gsize start = 0, at;
  Segment segment;

  while (start + 3 <= size && start <= MOST_BYTES_BEFORE && memcmp (data + start, "\xFF\xD8\xFF", 3) != 0)
    start++;
  if (start + 3 > size || start > MOST_BYTES_BEFORE)
    return 0;
  /* Segments are stepped over as a whole, so those of thumbnails do not count. */
  for (at = start + 2; next_segment (data, size, &at, &segment);)
    if (segment.marker == SOI)
      start = at - 2;
  return start;
}

/* ---- EXIF ---------------------------------------------------------------------------------- */

static guint
read_uint (const guint8 *bytes, guint n, gboolean little)
{
  guint value = 0;

  for (guint i = 0; i < n; i++)
    value = value << 8 | bytes[little ? n - 1 - i : i];
  return value;
}

/* Of the first directory of a TIFF file. Returns: 1 if it has none */
static guint
tiff_orientation (const guint8 *tiff, gsize size)
{
  const gboolean little = size >= 8 && memcmp (tiff, "II*\0", 4) == 0;
  gsize at;
  guint n;

  if (size < 8 || (!little && memcmp (tiff, "MM\0*", 4) != 0))
    return 1;
  at = read_uint (tiff + 4, 4, little);
  if (at > size - 2)
    return 1;
  n = read_uint (tiff + at, 2, little);
  for (at += 2; n > 0 && at <= size && size - at >= 12; n--, at += 12)
    if (read_uint (tiff + at, 2, little) == ORIENTATION && read_uint (tiff + at + 2, 2, little) == TIFF_SHORT)
      {
        const guint value = read_uint (tiff + at + 8, 2, little);

        return value >= 1 && value <= 8 ? value : 1;
      }
  return 1;
}

static gboolean
is_frame (guint8 marker)
{
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

gboolean
pld_jpeg_read_header (const guint8 *data, gsize size, guint *width, guint *height, guint *orientation)
{
  gsize at;
  Segment segment;
  gboolean seen = FALSE;

  *width = *height = 0;
  *orientation = 1;
  if (data == NULL || size < 4)
    return FALSE;
  at = pld_jpeg_find_start (data, size) + 2;
  while (next_segment (data, size, &at, &segment))
    if (segment.marker == APP1 && !seen && segment.size > 6 && memcmp (segment.data, "Exif\0\0", 6) == 0)
      {
        *orientation = tiff_orientation (segment.data + 6, segment.size - 6);
        seen = TRUE;
      }
    else if (is_frame (segment.marker) && segment.size >= 5)
      {
        *height = read_uint (segment.data + 1, 2, FALSE);
        *width = read_uint (segment.data + 3, 2, FALSE);
        return TRUE;
      }
  return FALSE;
}
