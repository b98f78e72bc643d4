/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Only what a decoder asks for is replaced: virtual arrays of samples serve color quantization alone.
 */
#include "engine/image/jpeg-memory.h"

#include "engine/base/size.h"

#include <jerror.h>

#define ALIGN 64 /* libjpeg-turbo's SIMD needs rows aligned to 32 and padded to 64 */

struct _PldJpegExtra
{
  PldBuffer buffer;
  PldJpegExtra *next;
};

/* Coefficients of one component of a picture that comes in several scans. */
struct jvirt_barray_control
{
  PldBuffer buffer; /* the row pointers, then the blocks */
  JBLOCKARRAY row;  /* [rows], NULL until realised */
  JDIMENSION rows;
  JDIMENSION blocks; /* a row */
  jvirt_barray_ptr next;
};

G_NORETURN static void
memory_fail (j_common_ptr lib)
{
  lib->err->msg_code = JERR_OUT_OF_MEMORY;
  lib->err->error_exit (lib);
  g_assert_not_reached ();
}

static void *
arena_take (PldJpegArena *arena, gsize size)
{
  void *taken = arena->data + arena->used;

  if (size > arena->size - arena->used)
    return NULL;
  arena->used += size;
  return taken;
}

/* A buffer of its own; its first bytes hold the node that records it. */
static void *
memory_take_extra (PldJpegMemory *memory, j_common_ptr lib, gsize size)
{
  const gsize head = pld_size_round_up (sizeof (PldJpegExtra), ALIGN);
  PldBuffer buffer = { 0 };
  PldJpegExtra *extra;

  if (!pld_buffer_init (&buffer, memory->budget, (guint64) size + head, "the JPEG decoder", &memory->error))
    memory_fail (lib);
  extra = (PldJpegExtra *) buffer.data;
  extra->buffer = buffer;
  extra->next = memory->extra;
  memory->extra = extra;
  return buffer.data + head;
}

static void *
memory_alloc (j_common_ptr lib, int pool, size_t size)
{
  PldJpegMemory *memory = lib->client_data;
  void *taken;

  if (size > G_MAXSSIZE / 2)
    memory_fail (lib);
  size = pld_size_round_up (size, ALIGN);
  taken = arena_take (pool == JPOOL_PERMANENT ? &memory->tables : &memory->picture, size);
  if (taken == NULL && pool == JPOOL_PERMANENT)
    memory_fail (lib);
  return taken != NULL ? taken : memory_take_extra (memory, lib, size);
}

/* Returns: @rows pointers to rows of @row_bytes, in one piece */
static void **
memory_alloc_rows (j_common_ptr lib, int pool, guint64 row_bytes, JDIMENSION rows)
{
  const guint64 head = pld_size_round_up ((guint64) rows * sizeof (void *), ALIGN);
  const guint64 stride = pld_size_round_up (row_bytes, ALIGN);
  guint64 size;
  void **row;

  if (!pld_size_mul (stride, rows, &size) || !pld_size_add (size, head, &size) || size > G_MAXSSIZE / 2)
    memory_fail (lib);
  row = memory_alloc (lib, pool, size);
  for (JDIMENSION i = 0; i < rows; i++)
    row[i] = (guint8 *) row + head + i * stride;
  return row;
}

static JSAMPARRAY
memory_alloc_samples (j_common_ptr lib, int pool, JDIMENSION samples, JDIMENSION rows)
{
  return (JSAMPARRAY) memory_alloc_rows (lib, pool, samples, rows);
}

static JBLOCKARRAY
memory_alloc_blocks (j_common_ptr lib, int pool, JDIMENSION blocks, JDIMENSION rows)
{
  return (JBLOCKARRAY) memory_alloc_rows (lib, pool, (guint64) blocks * sizeof (JBLOCK), rows);
}

static jvirt_barray_ptr
memory_request_blocks (j_common_ptr lib, int pool, boolean zeroed, JDIMENSION blocks, JDIMENSION rows,
                       JDIMENSION most_rows)
{
  PldJpegMemory *memory = lib->client_data;
  jvirt_barray_ptr array = memory_alloc (lib, pool, sizeof *array);

  *array = (struct jvirt_barray_control) { .rows = rows, .blocks = blocks, .next = memory->arrays };
  memory->arrays = array;
  return array;
}

static void
memory_realize_arrays (j_common_ptr lib)
{
  PldJpegMemory *memory = lib->client_data;

  for (jvirt_barray_ptr a = memory->arrays; a != NULL; a = a->next)
    {
      const guint64 head = pld_size_round_up ((guint64) a->rows * sizeof (JBLOCKROW), ALIGN);
      const guint64 stride = (guint64) a->blocks * sizeof (JBLOCK);
      guint64 size;

      if (a->row != NULL)
        continue;
      if (!pld_size_mul (stride, a->rows, &size) || !pld_size_add (size, head, &size))
        memory_fail (lib);
      if (!pld_buffer_init (&a->buffer, memory->budget, size, "the decoder of a progressive JPEG picture",
                            &memory->error))
        memory_fail (lib);
      a->row = (JBLOCKARRAY) a->buffer.data;
      for (JDIMENSION i = 0; i < a->rows; i++)
        a->row[i] = (JBLOCKROW) (a->buffer.data + head + i * stride);
    }
}

static JBLOCKARRAY
memory_access_blocks (j_common_ptr lib, jvirt_barray_ptr array, JDIMENSION start, JDIMENSION rows, boolean writable)
{
  if (array->row == NULL || start > array->rows || rows > array->rows - start)
    {
      lib->err->msg_code = JERR_BAD_VIRTUAL_ACCESS;
      lib->err->error_exit (lib);
    }
  return array->row + start;
}

static void
memory_free_pool (j_common_ptr lib, int pool)
{
  PldJpegMemory *memory = lib->client_data;

  if (pool == JPOOL_IMAGE)
    pld_jpeg_memory_clear (memory);
}

void
pld_jpeg_memory_install (PldJpegMemory *memory, j_common_ptr lib)
{
  g_assert (lib->client_data == memory);
  lib->mem->alloc_small = memory_alloc;
  lib->mem->alloc_large = memory_alloc;
  lib->mem->alloc_sarray = memory_alloc_samples;
  lib->mem->alloc_barray = memory_alloc_blocks;
  lib->mem->request_virt_barray = memory_request_blocks;
  lib->mem->realize_virt_arrays = memory_realize_arrays;
  lib->mem->access_virt_barray = memory_access_blocks;
  lib->mem->free_pool = memory_free_pool;
}

void
pld_jpeg_memory_clear (PldJpegMemory *memory)
{
  for (jvirt_barray_ptr a = memory->arrays; a != NULL; a = a->next)
    pld_buffer_clear (&a->buffer);
  memory->arrays = NULL;
  while (memory->extra != NULL)
    {
      PldBuffer buffer = memory->extra->buffer;

      memory->extra = memory->extra->next;
      pld_buffer_clear (&buffer);
    }
  memory->picture.used = 0;
}
