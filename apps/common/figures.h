/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The stats of a pipeloadvit.
 */
#pragma once

#include <gst/gst.h>
#include <stdio.h>

/* A number of @stats; 0 where there is no such field. */
guint64 pld_figure (const GstStructure *stats, const char *name);
double pld_figure_ms (const GstStructure *stats, const char *name);

/* Prints memory and streaming by @stats, and the memory of the process. */
void pld_figures_print_memory (const GstStructure *stats, FILE *to);
