/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libjpeg reports an error by calling error_exit, which must not return: each function here that calls
 * libjpeg sets the place that it jumps to.
 */
#include "engine/image/jpeg.h"

#include "engine/base/size.h"
#include "engine/image/jpeg-header.h"
#include "engine/image/jpeg-memory.h"

#include <jerror.h>
#include <setjmp.h>

/* No encoder comes near; without a bound, a small file could keep the decoder busy for hours. */
#define MOST_SCANS 100
/* Bytes that libjpeg takes with malloc() before its memory functions are replaced. */
#define STOCK_BYTES 4096

struct _PldJpeg
{
  PldBuffer self; /* this struct, and the arenas behind it */
  struct jpeg_decompress_struct lib;
  struct jpeg_error_mgr handler;
  struct jpeg_progress_mgr progress;
  PldJpegMemory memory;
  gsize
      own_tables; /* of the tables' arena: what belongs to the decoder, not to a picture; 0: before the first picture */
  gboolean ended; /* the data ended before the picture's end marker */
  gboolean mended; /* this picture deviates from the format, harmlessly */
  jmp_buf jump;
  char fact[JMSG_LENGTH_MAX];
};

static PldJpeg *
jpeg_from_lib (j_common_ptr lib)
{
  return (PldJpeg *) ((guint8 *) lib->client_data - G_STRUCT_OFFSET (PldJpeg, memory));
}

G_NORETURN static void
jpeg_on_error (j_common_ptr lib)
{
  PldJpeg *jpeg = jpeg_from_lib (lib);

  lib->err->format_message (lib, jpeg->fact);
  longjmp (jpeg->jump, 1);
}

/* Warnings are damage that libjpeg would paint over; a detector must not be shown paint. The exceptions touch
 * no pixel: odd headers, bytes after a complete scan, with which many cameras pad their frames, and a missing end
 * marker. Data that ends too early for a pixel is another warning. */
static void
jpeg_on_message (j_common_ptr lib, int level)
{
  if (level >= 0)
    return;
  switch (lib->err->msg_code)
    {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
      break;
    case JWRN_JPEG_EOF:
      jpeg_from_lib (lib)->ended = jpeg_from_lib (lib)->mended = TRUE;
      break;
    default:
      jpeg_on_error (lib);
    }
}

static void
jpeg_on_output (j_common_ptr lib)
{
}

static void
jpeg_on_progress (j_common_ptr lib)
{
  PldJpeg *jpeg = jpeg_from_lib (lib);

  if (jpeg->lib.input_scan_number > MOST_SCANS)
    {
      g_strlcpy (jpeg->fact, "it has too many scans", sizeof jpeg->fact);
      longjmp (jpeg->jump, 1);
    }
}

static void
jpeg_set_error (PldJpeg *jpeg, GError **error)
{
  if (jpeg->memory.error != NULL)
    g_propagate_error (error, g_steal_pointer (&jpeg->memory.error));
  else
    g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "the JPEG picture is damaged: %s; make or fetch it again",
                 jpeg->ended ? "the file ends before the picture does" : jpeg->fact);
}

guint64
pld_jpeg_cost (void)
{
  return pld_buffer_cost (pld_size_round_up (sizeof (PldJpeg), 64) + PLD_JPEG_ARENA + PLD_JPEG_TABLES + STOCK_BYTES);
}

PldJpeg *
pld_jpeg_new (PldBudget *budget, GError **error)
{
  const gsize head = pld_size_round_up (sizeof (PldJpeg), 64);
  PldBuffer self = { 0 };
  PldJpeg *jpeg;

  if (!pld_buffer_init (&self, budget, head + PLD_JPEG_ARENA + PLD_JPEG_TABLES + STOCK_BYTES, "the JPEG decoder",
                        error))
    return NULL;
  jpeg = (PldJpeg *) self.data;
  jpeg->self = self;
  jpeg->memory.budget = budget;
  jpeg->memory.picture = (PldJpegArena) { self.data + head, PLD_JPEG_ARENA, 0 };
  jpeg->memory.tables = (PldJpegArena) { self.data + head + PLD_JPEG_ARENA, PLD_JPEG_TABLES, 0 };
  jpeg->lib.err = jpeg_std_error (&jpeg->handler);
  jpeg->lib.client_data = &jpeg->memory;
  jpeg->handler.error_exit = jpeg_on_error;
  jpeg->handler.emit_message = jpeg_on_message;
  jpeg->handler.output_message = jpeg_on_output;
  jpeg->progress.progress_monitor = jpeg_on_progress;
  if (setjmp (jpeg->jump) != 0)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_MEMORY, "the JPEG decoder cannot be made: %s", jpeg->fact);
      g_clear_pointer (&jpeg, pld_jpeg_free);
      return NULL;
    }
  jpeg_create_decompress (&jpeg->lib);
  pld_jpeg_memory_install (&jpeg->memory, (j_common_ptr) &jpeg->lib);
  jpeg->lib.progress = &jpeg->progress;
  return jpeg;
}

void
pld_jpeg_free (PldJpeg *jpeg)
{
  PldBuffer self;

  if (jpeg == NULL)
    return;
  pld_jpeg_memory_clear (&jpeg->memory);
  jpeg_destroy_decompress (&jpeg->lib);
  g_clear_error (&jpeg->memory.error);
  self = jpeg->self;
  pld_buffer_clear (&self);
}

static void
jpeg_choose_scale (j_decompress_ptr lib, guint width, guint height)
{
  lib->scale_denom = 8;
  for (lib->scale_num = 1;; lib->scale_num *= 2)
    {
      jpeg_calc_output_dimensions (lib);
      if (lib->scale_num == 8 || (lib->output_width >= width && lib->output_height >= height))
        break;
    }
}

/* ---- a picture's beginning ----------------------------------------------------------------- */

/* libjpeg keeps tables from one picture to the next, for streams whose first picture has those of all. Files and
 * frames of cameras are whole: tables that they lack are the standard's, or an error. */
static void
jpeg_forget_tables (PldJpeg *jpeg)
{
  j_decompress_ptr lib = &jpeg->lib;

  if (jpeg->own_tables == 0)
    jpeg->own_tables = jpeg->memory.tables.used;
  jpeg->memory.tables.used = jpeg->own_tables;
  for (guint i = 0; i < NUM_QUANT_TBLS; i++)
    lib->quant_tbl_ptrs[i] = NULL;
  for (guint i = 0; i < NUM_HUFF_TBLS; i++)
    lib->dc_huff_tbl_ptrs[i] = lib->ac_huff_tbl_ptrs[i] = NULL;
}

/* Without an end marker, nothing says that all scans are there: a progressive picture has them if every coefficient is
 * known to its last bit. Of several scans of another kind nobody knows. */
static gboolean
has_all_scans (j_decompress_ptr lib)
{
  if (!jpeg_has_multiple_scans (lib))
    return TRUE;
  for (int c = 0; lib->coef_bits != NULL && c < lib->num_components; c++)
    for (guint i = 0; i < DCTSIZE2; i++)
      if (lib->coef_bits[c][i] != 0)
        return FALSE;
  return lib->coef_bits != NULL;
}

gboolean
pld_jpeg_begin (PldJpeg *jpeg, const guint8 *data, gsize size, guint width, guint height, PldJpegFrame *frame,
                GError **error)
{
  j_decompress_ptr lib = &jpeg->lib;
  gsize start;

  if (data == NULL || size == 0)
    {
      g_set_error_literal (error, PLD_ERROR, PLD_ERROR_FORMAT,
                           "the JPEG picture is empty: it has 0 bytes; make or fetch it again");
      return FALSE;
    }
  if (setjmp (jpeg->jump) != 0)
    {
      jpeg_set_error (jpeg, error);
      return FALSE;
    }
  start = pld_jpeg_find_start (data, size);
  jpeg->ended = FALSE;
  jpeg->mended = start > 0;
  jpeg_mem_src (lib, data + start, size - start);
  jpeg_forget_tables (jpeg);
  jpeg_read_header (lib, TRUE);
  switch (lib->jpeg_color_space)
    {
    case JCS_GRAYSCALE:
      lib->out_color_space = JCS_GRAYSCALE;
      break;
    case JCS_CMYK:
    case JCS_YCCK:
      lib->out_color_space = JCS_CMYK;
      break;
    default:
      lib->out_color_space = JCS_RGB;
    }
  lib->dct_method = JDCT_ISLOW;
  jpeg_choose_scale (lib, width, height);
  jpeg_start_decompress (lib);
  if (jpeg->ended && !has_all_scans (lib))
    longjmp (jpeg->jump, 1);
  frame->width = lib->output_width;
  frame->height = lib->output_height;
  frame->channels = (guint) lib->output_components;
  return TRUE;
}

gboolean
pld_jpeg_row (PldJpeg *jpeg, guint8 *row, GError **error)
{
  JSAMPROW rows[1] = { row };

  if (setjmp (jpeg->jump) != 0)
    {
      jpeg_set_error (jpeg, error);
      return FALSE;
    }
  /* A source in memory never suspends: this either makes a row or jumps. */
  jpeg_read_scanlines (&jpeg->lib, rows, 1);
  return TRUE;
}

void
pld_jpeg_end (PldJpeg *jpeg)
{
  jpeg_abort_decompress (&jpeg->lib);
}

gboolean
pld_jpeg_is_mended (const PldJpeg *jpeg)
{
  return jpeg->mended;
}
