/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/runtime/params.h"

#include <string.h>

#include "engine/base/size.h"
#include "engine/kernels/kernels.h"

/* Vectors begin on multiples of this many floats. */
#define VECTOR_ALIGN 16

PldParams *
pld_params_new (const PldWeights *weights)
{
  PldParams *params = g_new0 (PldParams, 1);

  params->weights = weights;
  params->tape = pld_tape_new ();
  params->vectors = g_array_new (FALSE, FALSE, sizeof (PldVector));
  return params;
}

void
pld_params_free (PldParams **params)
{
  if (*params == NULL)
    return;
  pld_tape_free (&(*params)->tape);
  g_array_unref ((*params)->vectors);
  pld_buffer_clear (&(*params)->memory);
  g_clear_pointer (params, g_free);
}

static const PldTensor *
params_find (PldParams *params, const char *name, GError **error)
{
  const PldTensor *tensor = pld_weights_find (params->weights, name);

  if (tensor == NULL)
    g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                 "%s: has no tensor \"%s\", which its architecture needs; it may hold another model or only part of one",
                 params->weights->path, name);
  else if (tensor->dtype != PLD_DTYPE_F32 && tensor->dtype != PLD_DTYPE_F16 && tensor->dtype != PLD_DTYPE_BF16)
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED, "%s: tensor \"%s\" has type %s; convert the model to F32, F16 or BF16",
                   params->weights->path, name, pld_dtype_info (tensor->dtype)->name);
      tensor = NULL;
    }
  return tensor;
}

static void
set_shape_error (PldParams *params, const PldTensor *tensor, const char *wanted, GError **error)
{
  g_autofree char *shape = pld_tensor_shape (tensor);

  g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT, "%s: tensor \"%s\" has shape %s, but config.json calls for %s; they do not belong together",
               params->weights->path, tensor->name, shape, wanted);
}

const PldMatrix *
pld_params_matrix (PldParams *params, const char *name, guint n_rows, guint n_cols, GError **error)
{
  const PldTensor *tensor = params_find (params, name, error);

  if (tensor == NULL)
    return NULL;
  if (tensor->n_dims < 1 || tensor->dims[0] != n_rows || tensor->n_values != (guint64) n_rows * n_cols)
    {
      g_autofree char *wanted = g_strdup_printf ("[%u, %u]", n_rows, n_cols);

      set_shape_error (params, tensor, wanted, error);
      return NULL;
    }
  return pld_tape_add (params->tape, tensor, n_rows, n_cols);
}

gboolean
pld_params_vector (PldParams *params, const char *name, guint64 n, float **target, GError **error)
{
  const PldTensor *tensor = params_find (params, name, error);
  PldVector vector = { tensor, target };

  if (tensor == NULL)
    return FALSE;
  if (tensor->n_values != n)
    {
      g_autofree char *wanted = g_strdup_printf ("%" G_GUINT64_FORMAT " values", n);

      set_shape_error (params, tensor, wanted, error);
      return FALSE;
    }
  g_array_append_val (params->vectors, vector);
  params->n_floats += pld_size_round_up (n, VECTOR_ALIGN);
  return TRUE;
}

guint64
pld_params_bytes (const PldParams *params)
{
  return pld_buffer_cost (params->n_floats * sizeof (float));
}

static void
widen (float *y, const guint8 *x, PldDtype dtype, gsize n)
{
  if (dtype == PLD_DTYPE_F32)
    memcpy (y, x, n * sizeof (float));
  else if (dtype == PLD_DTYPE_F16)
    pld_kernels ()->widen_f16 (y, (const guint16 *) (gconstpointer) x, n);
  else
    pld_kernels ()->widen_bf16 (y, (const guint16 *) (gconstpointer) x, n);
}

/* Reads one vector through @window in pieces that fit it. */
static gboolean
load_vector (const PldVector *vector, PldFile **files, PldBuffer *window, float *y, GError **error)
{
  const PldTensor *tensor = vector->tensor;
  guint size = pld_dtype_info (tensor->dtype)->bytes;
  guint64 step = (window->size - PLD_FILE_ALIGN) / size;
  const guint8 *view;

  for (guint64 i = 0; i < tensor->n_values; i += step)
    {
      guint64 n = MIN (step, tensor->n_values - i);

      if (!pld_file_read (files[tensor->file], tensor->offset + i * size, n * size, window->data, &view, error))
        return FALSE;
      widen (y + i, view, tensor->dtype, n);
    }
  *vector->target = y;
  return TRUE;
}

gboolean
pld_params_load (PldParams *params, PldFile **files, PldBudget *budget, GError **error)
{
  PldBuffer window = { 0 };
  float *y;
  gboolean ok = pld_buffer_init (&params->memory, budget, params->n_floats * sizeof (float), "the table of small tensors", error)
                && pld_buffer_init (&window, budget, PLD_PARAMS_WINDOW, "the window to read small tensors", error);

  y = (float *) (gpointer) params->memory.data;
  for (guint i = 0; ok && i < params->vectors->len; i++)
    {
      const PldVector *vector = &g_array_index (params->vectors, PldVector, i);

      ok = load_vector (vector, files, &window, y, error);
      y += pld_size_round_up (vector->tensor->n_values, VECTOR_ALIGN);
    }
  pld_buffer_clear (&window);
  return ok;
}
