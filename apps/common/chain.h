/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The elements that follow people: pipeloadvit ! pipeloadtrack ! pipeloadevents, and the pace they need.
 */
#pragma once

#include <gst/gst.h>

/* The threshold of a pipeloadvit in front of a pipeloadtrack, which continues tracks with faint detections but begins
 * none with them. */
#define PLD_CHAIN_FAINT 0.2

typedef struct
{
  GstElement *vit, *events; /* the first and the last; owned by the bin */
} PldChain;

/* Adds an element to @bin, behind @tail (nullable). Returns: (transfer none) (nullable) */
GstElement *pld_chain_append (GstBin *bin, GstElement *tail, const char *name, GError **error);

/* Adds the elements to @bin, behind @tail (nullable); @tracked: with a pipeloadtrack. Their model posts no messages.
 * @limit (nullable): memory limit. @camera: name in events. @zones: (nullable) */
gboolean pld_chain_add (PldChain *chain, GstBin *bin, GstElement *tail, gboolean tracked, const char *limit,
                        const char *camera, const char *zones, GError **error);

/* From now on @vit's property interval follows the framerate of its stream's caps, so that there are about five results
 * per second: enough to follow people. Caps without a rate count as 25 frames per second. */
void pld_chain_pace (GstElement *vit);
