/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The header of a JPEG picture (ITU-T T.81 B.2), and the orientation in its EXIF segment (CIPA DC-008, TIFF 6.0).
 */
#pragma once

#include "pipeload/image.h"

/* The offset of the picture in @data, of which up to 1 KiB may be something else: some cameras send the start marker
 * twice, or a header in front of another. 0 too if there is no picture. */
gsize pld_jpeg_find_start (const guint8 *data, gsize size);
