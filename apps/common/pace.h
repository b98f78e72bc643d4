/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How to look so that people can be followed: often enough, whatever the camera's rate, and at what is faint, too.
 */
#pragma once

#include <gst/gst.h>

/* Results a second. */
#define WATCH_PACE 5

/* The threshold of a pipeloadvit before a pipeloadtrack, which follows faint detections but begins nothing with them.
 */
#define WATCH_FAINT 0.2

/* From now on @vit's property interval follows the rate that its stream's caps tell, so that about WATCH_PACE results a
 * second are made. Caps without a rate count as 25 frames a second. */
void watch_pace_follow (GstElement *vit);
