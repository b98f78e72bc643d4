/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Links decoded video: upright, and for recordings with times from the first shown frame.
 */
#pragma once

#include <gst/gst.h>

/* Links @pad of a decoder in a bin to the sink pad of @sink in the same bin, unless that is linked or takes other caps.
 * Raw video is turned as its tags say (the display matrix of MP4, Matroska's, EXIF's). Main or streaming thread. */
void pld_video_link (GstPad *pad, GstElement *sink);

/* From now on, buffers at the sink pad of @sink have times from the first of them on: what container and decoder call
 * that time, by edit lists, start offsets and reordering, does not count. To be called before the first. */
void pld_video_start_at_zero (GstElement *sink);
