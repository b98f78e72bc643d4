/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes a model as a GGUF file with its matrices in fewer bits. Tensor by tensor, a few MB of each in memory.
 */
#include "engine/base/half.h"
#include "engine/format/quantize.h"
#include "engine/runtime/dispatch.h"
#include "models/core/model.h"
#include "models/files/gguf-keys.h"
#include "models/files/inspect.h"

#include <string.h>

#define CHUNK (1u << 18) /* values in memory at a time: whole blocks of every type */

typedef struct
{
  const PldTensor *from;
  PldDtype to;
} Piece;

typedef struct
{
  const PldModel *model;
  const PldMix *mix;
  GArray *pieces; /* Piece: the tensors that the architecture declared, and no others */
  PldGgufWriter *writer;
  PldFile **files; /* [n_files] */
  PldBuffer window, floats, bytes;
  PldProgressFunc progress;
  gpointer user_data;
  GCancellable *cancellable;
  guint64 done, total; /* values */
} Quantize;

/* ---- the directory -------------------------------------------------------------------------- */

/* @n_cols: of a matrix; 0: a vector */
static void
add_piece (Quantize *q, const char *name, guint64 n_cols)
{
  const PldWeights *weights = q->model->weights;
  Piece piece = { .from = pld_weights_find (weights, name) };
  PldTensor to = *piece.from;
  char gguf_name[PLD_NAME_SIZE];

  if (weights->format != PLD_FORMAT_GGUF)
    {
      pld_names_to_gguf (q->model->arch->names, gguf_name, name);
      to.name = gguf_name;
    }
  q->model->arch->mix (q->model->net, q->mix, &to, n_cols);
  pld_gguf_writer_add_tensor (q->writer, &to);
  piece.to = to.dtype;
  q->total += to.n_values;
  g_array_append_val (q->pieces, piece);
}

static gboolean
has_piece (const Quantize *q, const char *name)
{
  guint i = 0;

  while (i < q->pieces->len && strcmp (g_array_index (q->pieces, Piece, i).from->name, name) != 0)
    i++;
  return i < q->pieces->len;
}

/* Small tensors first, then the matrices in the order of their use. */
static void
add_pieces (Quantize *q)
{
  const PldParams *params = q->model->params;

  for (guint i = 0; i < params->vectors->len; i++)
    add_piece (q, g_array_index (params->vectors, PldVector, i).tensor->name, 0);
  for (guint i = 0; i < params->tape->matrices->len; i++)
    {
      const PldMatrix *matrix = params->tape->matrices->pdata[i];

      /* A matrix that is a part of a tensor is written with the first part. */
      if (!has_piece (q, matrix->name))
        add_piece (q, matrix->name, matrix->n_cols);
    }
}

static void
add_keys (Quantize *q)
{
  const PldModel *model = q->model;
  g_autofree char *real = g_canonicalize_filename (model->path, NULL);
  g_autofree char *base = g_path_get_basename (real);
  JsonNode *name = json_object_get_member (model->weights->metadata, "general.name");
  const gboolean is_named
      = name != NULL && JSON_NODE_HOLDS_VALUE (name) && json_node_get_value_type (name) == G_TYPE_STRING;
  g_autofree char *valid = g_utf8_make_valid (is_named ? json_node_get_string (name) : base, -1);

  pld_gguf_keys_add (q->writer, model->arch, model->net, q->mix, valid, model->labels);
}

/* ---- writing ------------------------------------------------------------------------------- */

static gboolean
check_values (const Quantize *q, const Piece *piece, const float *x, gsize n, GError **error)
{
  const gboolean wide = piece->to == PLD_DTYPE_F32 || piece->to == PLD_DTYPE_BF16;
  const float most = wide ? G_MAXFLOAT : PLD_HALF_MAX;
  gsize i = 0;

  while (i < n && fabsf (x[i]) <= most)
    i++;
  if (i == n)
    return TRUE;
  g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: tensor \"%s\" has a value of %g, which %s cannot hold; %s",
               q->model->path, piece->from->name, (double) x[i], pld_dtype_info (piece->to)->name,
               isfinite (x[i]) ? "write it as bf16" : "the model is damaged, download it again");
  return FALSE;
}

static void
advance (Quantize *q, guint64 n)
{
  const guint before = (guint) (100 * q->done / q->total), now = (guint) (100 * (q->done + n) / q->total);

  q->done += n;
  if (q->progress != NULL && (now != before || n == 0))
    q->progress ("writing weights", now, q->user_data);
}

static gboolean
write_piece (Quantize *q, const Piece *piece, GError **error)
{
  const PldDtypeInfo *from = pld_dtype_info (piece->from->dtype), *to = pld_dtype_info (piece->to);
  float *x = (float *) (gpointer) q->floats.data;

  for (guint64 at = 0; at < piece->from->n_values; at += CHUNK)
    {
      const gsize n = MIN (CHUNK, piece->from->n_values - at);
      const guint8 *stored;

      if (g_cancellable_is_cancelled (q->cancellable))
        {
          g_set_error (error, PLD_ERROR, PLD_ERROR_CANCELLED, "cancelled; nothing was written");
          return FALSE;
        }
      if (!pld_file_read (q->files[piece->from->file], piece->from->offset + at / from->block * from->bytes,
                          n / from->block * from->bytes, q->window.data, &stored, error))
        return FALSE;
      pld_dequantize_kernel (pld_kernels (), piece->from->dtype) (x, stored, n);
      if (!check_values (q, piece, x, n, error))
        return FALSE;
      pld_quantize_function (piece->to) (q->bytes.data, x, n);
      if (!pld_gguf_writer_write (q->writer, q->bytes.data, n / to->block * to->bytes, error))
        return FALSE;
      advance (q, n);
    }
  return TRUE;
}

static gboolean
open_files (Quantize *q, PldBudget *budget, GError **error)
{
  const PldWeights *weights = q->model->weights;

  q->files = g_new0 (PldFile *, weights->n_files);
  for (guint i = 0; i < weights->n_files; i++)
    if ((q->files[i] = pld_file_open (weights->files[i], pld_file_wants_direct (), error)) == NULL)
      return FALSE;
  return pld_buffer_init (&q->window, budget, CHUNK * sizeof (float) + PLD_FILE_ALIGN, "the window to read tensors",
                          error)
         && pld_buffer_init (&q->floats, budget, CHUNK * sizeof (float), "the values to convert", error)
         && pld_buffer_init (&q->bytes, budget, CHUNK * sizeof (float), "the converted values", error);
}

static void
quantize_clear (Quantize *q)
{
  for (guint i = 0; q->files != NULL && i < q->model->weights->n_files; i++)
    g_clear_pointer (&q->files[i], pld_file_close);
  g_free (q->files);
  pld_buffer_clear (&q->window);
  pld_buffer_clear (&q->floats);
  pld_buffer_clear (&q->bytes);
  g_clear_pointer (&q->writer, pld_gguf_writer_free);
  g_array_unref (q->pieces);
}

static gboolean
write_file (Quantize *q, const char *path, GError **error)
{
  add_keys (q);
  add_pieces (q);
  if (!pld_gguf_writer_begin (q->writer, path, error))
    return FALSE;
  advance (q, 0);
  for (guint i = 0; i < q->pieces->len; i++)
    if (!write_piece (q, &g_array_index (q->pieces, Piece, i), error))
      return FALSE;
  return pld_gguf_writer_finish (q->writer, error);
}

/* Tokenizers, tables and experts are not written yet. */
static gboolean
check_kind (const PldWeights *weights, GError **error)
{
  const PldModelKind kind = pld_weights_kind (weights, error);

  if (kind == PLD_MODEL_LANGUAGE)
    g_set_error (
        error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
        "%s: is a language model; only vision models are converted here, language models come as GGUF of every type",
        weights->path);
  return kind == PLD_MODEL_VISION;
}

static PldModel *
open_model (const char *path, GError **error)
{
  PldWeights *weights = pld_weights_open (path, error);

  if (weights == NULL)
    return NULL;
  if (check_kind (weights, error))
    return pld_model_new (PLD_MODEL_VISION, weights, (PldInputSize) { 0 }, error);
  pld_weights_free (weights);
  return NULL;
}

static gboolean
quantize (Quantize *q, const char *out, GError **error)
{
  PldBudget *budget = pld_budget_new (0);
  gboolean ok;

  q->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  q->writer = pld_gguf_writer_new ();
  ok = open_files (q, budget, error) && write_file (q, out, error);
  quantize_clear (q);
  g_clear_pointer (&budget, pld_budget_free);
  return ok;
}

gboolean
pld_model_quantize (const char *path, const char *type, const char *out, PldProgressFunc progress, gpointer user_data,
                    GCancellable *cancellable, GError **error)
{
  PldModel *model;
  Quantize q = { .progress = progress, .user_data = user_data, .cancellable = cancellable };
  gboolean ok;

  g_return_val_if_fail (path != NULL && out != NULL, FALSE);
  q.model = model = open_model (path, error);
  if (model == NULL)
    return FALSE;
  q.mix = pld_arch_mix (model->arch, type);
  if (q.mix == NULL)
    pld_gguf_unknown_type (model->arch, type, path, error);
  ok = q.mix != NULL && quantize (&q, out, error);
  g_clear_pointer (&model, pld_model_free);
  return ok;
}
