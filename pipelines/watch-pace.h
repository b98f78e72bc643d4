/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How often to look: as often as following people needs, whatever the camera's rate.
 */
#pragma once

#include <gst/gst.h>

/* Results a second. */
#define WATCH_PACE 5

/* From now on @vit's property interval follows the rate that its stream's caps tell, so that about WATCH_PACE results a
 * second are made. Caps without a rate count as 25 frames a second. */
void watch_pace_follow (GstElement *vit);
