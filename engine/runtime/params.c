/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks and records the tensors that an architecture declares; loads the small ones.
 */
#include "engine/runtime/params.h"

#include "engine/base/size.h"
#include "engine/runtime/dispatch.h"

/* Vectors begin on multiples of this many floats. */
#define VECTOR_ALIGN 16

PldParams *
pld_params_new (const PldWeights *weights)
{
  PldParams *params = g_new0 (PldParams, 1);

  params->weights = weights;
  params->tape = pld_tape_new ();
  params->work = 1;
  params->used = g_new0 (gboolean, MAX (weights->n_tensors, 1));
  params->vectors = g_array_new (FALSE, FALSE, sizeof (PldVector));
  params->tables = g_ptr_array_new_with_free_func (g_free);
  return params;
}

void
pld_params_free (PldParams *params)
{
  if (params == NULL)
    return;
  g_clear_pointer (&params->tape, pld_tape_free);
  g_array_unref (params->vectors);
  g_ptr_array_unref (params->tables);
  g_free (params->used);
  pld_buffer_clear (&params->memory);
  g_free (params);
}

gboolean
pld_params_has (const PldParams *params, const char *name)
{
  return pld_weights_find (params->weights, name) != NULL;
}

static gboolean
matches_any (const char *name, const char *const *patterns)
{
  for (; *patterns != NULL; patterns++)
    if (g_pattern_match_simple (*patterns, name))
      return TRUE;
  return FALSE;
}

const char *
pld_params_unused (const PldParams *params, const char *const *harmless)
{
  for (guint i = 0; i < params->weights->n_tensors; i++)
    if (!params->used[i] && !matches_any (params->weights->tensors[i].name, harmless))
      return params->weights->tensors[i].name;
  return NULL;
}

/* @blocks: types of several values a block are welcome too. */
static const PldTensor *
params_find (PldParams *params, const char *name, gboolean blocks, GError **error)
{
  const PldTensor *tensor = pld_weights_find (params->weights, name);

  if (tensor != NULL)
    params->used[tensor - params->weights->tensors] = TRUE;
  if (tensor == NULL)
    g_set_error (
        error, PLD_ERROR, PLD_ERROR_FORMAT,
        "%s: has no tensor \"%s\", which its architecture needs; it may hold another model or only part of one",
        params->weights->path, name);
  else if (pld_dequantize_kernel (pld_kernels (), tensor->dtype) == NULL
           || (!blocks && pld_dtype_info (tensor->dtype)->block > 1))
    {
      g_autofree char *names = pld_dispatch_names (blocks);

      g_set_error (error, PLD_ERROR, PLD_ERROR_UNSUPPORTED,
                   "%s: tensor \"%s\" has type %s; convert the model to one of %s", params->weights->path, name,
                   pld_dtype_info (tensor->dtype)->name, names);
      tensor = NULL;
    }
  return tensor;
}

static void
set_shape_error (PldParams *params, const PldTensor *tensor, const char *wanted, GError **error)
{
  g_autofree char *shape = pld_tensor_shape (tensor);

  g_set_error (
      error, PLD_ERROR, PLD_ERROR_FORMAT,
      "%s: tensor \"%s\" has shape %s, but the model's configuration calls for %s; they do not belong together",
      params->weights->path, tensor->name, shape, wanted);
}

/* Leading dimensions of 1, as in [1, 197, 768], are ignored. */
static gboolean
tensor_begins_with (const PldTensor *tensor, guint64 n)
{
  guint i = 0;

  while (n != 1 && i + 1 < tensor->n_dims && tensor->dims[i] == 1)
    i++;
  return i < tensor->n_dims && tensor->dims[i] == n;
}

/* A tensor [n_parts,] n_rows, … of n_parts * n_rows * n_cols values. */
static const PldTensor *
params_find_matrix (PldParams *params, const char *name, guint n_parts, guint n_rows, guint n_cols, GError **error)
{
  const PldTensor *tensor = params_find (params, name, TRUE, error);
  guint64 values;

  if (tensor == NULL)
    return NULL;
  if (!tensor_begins_with (tensor, n_parts > 1 ? n_parts : n_rows)
      || !pld_size_mul ((guint64) n_parts * n_rows, n_cols, &values) || tensor->n_values != values
      || n_cols % pld_dtype_info (tensor->dtype)->block != 0)
    {
      g_autofree char *wanted = n_parts > 1 ? g_strdup_printf ("[%u, %u, %u]", n_parts, n_rows, n_cols)
                                            : g_strdup_printf ("[%u, %u]", n_rows, n_cols);

      set_shape_error (params, tensor, wanted, error);
      return NULL;
    }
  return tensor;
}

const PldMatrix *
pld_params_matrix (PldParams *params, const char *name, guint n_rows, guint n_cols, GError **error)
{
  return pld_params_matrix_part (params, name, 0, 1, n_rows, n_cols, error);
}

const PldMatrix *
pld_params_matrix_part (PldParams *params, const char *name, guint part, guint n_parts, guint n_rows, guint n_cols,
                        GError **error)
{
  const PldTensor *tensor = params_find_matrix (params, name, n_parts, n_rows, n_cols, error);

  return tensor != NULL ? pld_tape_add (params->tape, tensor, (guint64) part * n_rows, n_rows, n_cols, params->work)
                        : NULL;
}

const PldTable *
pld_params_table (PldParams *params, const char *name, guint n_rows, guint n_cols, GError **error)
{
  const PldTensor *tensor = params_find_matrix (params, name, 1, n_rows, n_cols, error);
  PldTable *table;

  if (tensor == NULL)
    return NULL;
  table = g_new0 (PldTable, 1);
  *table = (PldTable) { tensor, n_rows, n_cols, tensor->n_bytes / n_rows };
  g_ptr_array_add (params->tables, table);
  return table;
}

guint64
pld_params_window (const PldParams *params)
{
  guint64 most = 0;

  for (guint i = 0; i < params->tables->len; i++)
    {
      const PldTable *table = params->tables->pdata[i];

      most = MAX (most, pld_buffer_cost (table->row_bytes + PLD_FILE_ALIGN - 1));
    }
  return most;
}

gboolean
pld_params_vector (PldParams *params, const char *name, guint64 n, float **target, GError **error)
{
  const PldTensor *tensor = params_find (params, name, FALSE, error);
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
      pld_dequantize_kernel (pld_kernels (), tensor->dtype) (y + i, view, n);
    }
  *vector->target = y;
  return TRUE;
}

gboolean
pld_params_load (PldParams *params, PldFile **files, PldBudget *budget, GError **error)
{
  PldBuffer window = { 0 };
  float *y;
  gboolean ok = pld_buffer_init (&params->memory, budget, params->n_floats * sizeof (float),
                                 "the table of small tensors", error)
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
