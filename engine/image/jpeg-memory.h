/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libjpeg's memory, taken from a budget. libjpeg asks for all its memory through a table of functions; these
 * replace them, so that every byte is charged, a refusal ends the picture instead of the promise, and a
 * picture like the one before allocates nothing.
 */
#pragma once

#include "engine/base/buffer.h"

#include <stdio.h>

#include <jpeglib.h>

/* Enough for a sequential picture 4096 pixels wide, whatever its sampling. Memory beyond it is released with the
 * picture that needed it. */
#define PLD_JPEG_ARENA ((gsize) 448 << 10)
/* Enough for the quantization and Huffman tables, which libjpeg keeps between pictures. */
#define PLD_JPEG_TABLES ((gsize) 16 << 10)

/* Memory that is handed out from its start and taken back as a whole. */
typedef struct
{
  guint8 *data; /* aligned to 64 */
  gsize size, used;
} PldJpegArena;

typedef struct _PldJpegExtra PldJpegExtra;

typedef struct
{
  PldBudget *budget;
  PldJpegArena picture, tables;
  PldJpegExtra *extra;     /* of this picture: what the arena has no room for; newest first */
  jvirt_barray_ptr arrays; /* of this picture: coefficients of a progressive one; newest first */
  GError *error;           /* why the last allocation failed */
} PldJpegMemory;

/* Replaces the functions of @lib, just created. lib->client_data must point to @memory, whose budget and
 * arenas are set. A failed allocation leaves memory->error and calls error_exit. */
void pld_jpeg_memory_install (PldJpegMemory *memory, j_common_ptr lib);
/* Gives back what is held beyond the arenas. */
void pld_jpeg_memory_clear (PldJpegMemory *memory);
