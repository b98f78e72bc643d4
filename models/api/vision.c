/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The facade for vision models: pld_vision_*. A handle owns its pictures at the model's input size; passes are the
 * shared core's.
 */
#include "models/api/handle.h"

#include <string.h>

#define BATCH_MAX 64

struct _PldVision
{
  PldHandle handle;
  PldVisionInfo info;
  guint batch;
  PldScaler *scaler;
  PldBuffer rgb;    /* [batch, height, width, 3] */
  PldBuffer pixels; /* float [batch, 3, height, width]; once pld_vision_load_pixels() was used */
  PldBuffer kept;   /* [height, width, 3]; see pld_vision_change() */
  gboolean has_kept;
  PldBuffer values; /* float [batch, n_values] */
  PldItem *items;   /* [batch] */
};

static const PldVisionNet *
model_net (const PldModel *model)
{
  return (const PldVisionNet *) model->net;
}

static const PldVisionNet *
handle_net (const PldVision *vision)
{
  return model_net (pld_core_model (vision->handle.core));
}

static gsize
picture_bytes (const PldVisionNet *net)
{
  return (gsize) net->input_width * net->input_height * 3;
}

/* Memory of one handle: pictures, results, a scaler; @with_pixels: float pictures too. */
static guint64
handle_bytes (const PldModel *model, guint batch, gboolean with_pixels)
{
  const PldVisionNet *net = model_net (model);
  const guint64 n = picture_bytes (net);

  return pld_buffer_cost (batch * n) + pld_buffer_cost (n) + pld_scaler_cost (net->input_width, net->input_height)
         + pld_buffer_cost ((guint64) batch * net->base.n_outputs * sizeof (float))
         + (with_pixels ? pld_buffer_cost (batch * n * sizeof (float)) : 0);
}

static gboolean
measure (const PldModel *model, PldDemand *user, gpointer data, GError **error)
{
  const PldVisionOptions *options = data;

  user->batch = user->results = CLAMP (options->batch, 1, BATCH_MAX);
  user->bytes = handle_bytes (model, user->batch, FALSE);
  return TRUE;
}

static PldInputSize
input_size (const PldEngineOptions *engine)
{
  const PldVisionOptions *options = (const PldVisionOptions *) engine;

  return (PldInputSize) { options->input_width, options->input_height };
}

const PldHandleType pld_handle_vision = {
  .kind = PLD_MODEL_VISION,
  .bundled = "person-detector",
  .options_size = sizeof (PldVisionOptions),
  .measure = measure,
  .input = input_size,
};

void
pld_vision_options_init_sized (PldVisionOptions *options, gsize size)
{
  pld_handle_options_init (&pld_handle_vision, &options->engine, size);
}

gboolean
pld_input_size_parse (const char *text, guint *width, guint *height, GError **error)
{
  guint64 sides[2];
  const char *at = text;
  char *end = NULL;
  gboolean ok;

  g_return_val_if_fail (text != NULL && width != NULL && height != NULL, FALSE);
  ok = g_ascii_isdigit (*at);
  sides[0] = sides[1] = g_ascii_strtoull (at, &end, 10);
  if (ok && *end == 'x')
    {
      at = end + 1;
      ok = g_ascii_isdigit (*at);
      sides[1] = g_ascii_strtoull (at, &end, 10);
    }
  if (!ok || *end != '\0' || MAX (sides[0], sides[1]) > G_MAXUINT16 || (sides[0] == 0) != (sides[1] == 0))
    {
      g_set_error (error, PLD_ERROR, PLD_ERROR_FORMAT,
                   "\"%s\" is not a size in pixels: write width and height, such as 512x384, one number for both, or 0 "
                   "for the model's own",
                   text);
      return FALSE;
    }
  *width = (guint) sides[0];
  *height = (guint) sides[1];
  return TRUE;
}

static gboolean
handle_allocate (PldVision *vision, GError **error)
{
  const PldModel *model = pld_core_model (vision->handle.core);
  const PldVisionNet *net = model_net (model);
  PldBudget *budget = pld_core_budget (vision->handle.core);
  const guint64 n = picture_bytes (net);

  vision->batch = vision->handle.user.batch;
  if (!pld_buffer_init (&vision->rgb, budget, vision->batch * n, "the input pictures", error)
      || !pld_buffer_init (&vision->kept, budget, n, "the picture that motion is measured from", error)
      || !pld_buffer_init (&vision->values, budget, (guint64) vision->batch * net->base.n_outputs * sizeof (float),
                           "the results", error))
    return FALSE;
  vision->scaler = pld_scaler_new (net->input_width, net->input_height, (PldFilter) net->resample, budget, error);
  vision->items = g_new0 (PldItem, vision->batch);
  return vision->scaler != NULL;
}

static void
handle_describe (PldVision *vision)
{
  const PldModel *model = pld_core_model (vision->handle.core);
  const PldVisionNet *net = model_net (model);

  vision->info = (PldVisionInfo) {
    .path = vision->handle.path,
    .architecture = model->arch->name,
    .input_width = net->input_width,
    .input_height = net->input_height,
    .detector = net->detector,
    .n_values = net->base.n_outputs,
    .max_objects = net->max_objects,
    .threshold = net->threshold,
    .n_classes = net->n_classes,
    .exclusive = net->exclusive,
    .labels = (const char *const *) model->labels,
    .n_parameters = model->n_parameters,
    .weight_bytes = model->weight_bytes,
  };
}

static void
handle_free (gpointer data)
{
  PldVision *vision = data;

  g_clear_pointer (&vision->scaler, pld_scaler_free);
  pld_buffer_clear (&vision->rgb);
  pld_buffer_clear (&vision->pixels);
  pld_buffer_clear (&vision->kept);
  pld_buffer_clear (&vision->values);
  pld_handle_clear (&vision->handle);
  g_free (vision->items);
  g_free (vision);
}

PldVision *
pld_vision_open (const PldVisionOptions *options, PldProgressFunc progress, gpointer user_data,
                 GCancellable *cancellable, GError **error)
{
  g_autofree PldEngineOptions *own = pld_handle_options (&pld_handle_vision, &options->engine);
  PldVision *vision;

  if (own == NULL)
    return NULL;
  vision = g_new0 (PldVision, 1);
  if (pld_handle_join (&vision->handle, &pld_handle_vision, own, progress, user_data, cancellable, error)
      && handle_allocate (vision, error))
    handle_describe (vision);
  else
    g_clear_pointer (&vision, pld_vision_close);
  return vision;
}

void
pld_vision_close (PldVision *vision)
{
  if (vision != NULL)
    pld_handle_leave (&vision->handle, handle_free);
}

const PldVisionInfo *
pld_vision_get_info (PldVision *vision)
{
  return &vision->info;
}

static guint8 *
slot_rgb (PldVision *vision, guint slot)
{
  return vision->rgb.data + slot * picture_bytes (handle_net (vision));
}

gboolean
pld_vision_load_image (PldVision *vision, guint slot, const PldImage *image, GError **error)
{
  g_return_val_if_fail (slot < vision->batch, FALSE);
  pld_core_settle (vision->handle.core);
  vision->items[slot] = (PldItem) { .wanted = TRUE, .picture.rgb = slot_rgb (vision, slot) };
  if (!pld_scaler_run (vision->scaler, image, slot_rgb (vision, slot), error))
    return FALSE;
  if (image->kind >= PLD_IMAGE_JPEG && pld_scaler_is_mended (vision->scaler))
    pld_core_count_mended (vision->handle.core);
  return TRUE;
}

/* Room for float pictures, which a handle that is only given images does not need. */
static gboolean
handle_add_pixels (PldVision *vision, gsize n, GError **error)
{
  PldCore *core = vision->handle.core;

  return pld_handle_set_bytes (&vision->handle, handle_bytes (pld_core_model (core), vision->batch, TRUE), error)
         && pld_buffer_init (&vision->pixels, pld_core_budget (core), vision->batch * n * sizeof (float),
                             "the input values", error);
}

gboolean
pld_vision_load_pixels (PldVision *vision, guint slot, const float *pixels, GError **error)
{
  const gsize n = picture_bytes (handle_net (vision));
  float *to;

  g_return_val_if_fail (slot < vision->batch, FALSE);
  if (vision->pixels.data == NULL && !handle_add_pixels (vision, n, error))
    return FALSE;
  pld_core_settle (vision->handle.core);
  to = (float *) (gpointer) vision->pixels.data + slot * n;
  memcpy (to, pixels, n * sizeof (float));
  vision->items[slot] = (PldItem) { .wanted = TRUE, .picture.pixels = to };
  return TRUE;
}

float
pld_vision_change (PldVision *vision, guint slot, gboolean keep)
{
  const PldVisionNet *net = handle_net (vision);
  float change = 1;

  g_return_val_if_fail (slot < vision->batch, 1);
  if (vision->has_kept)
    change = pld_image_change (slot_rgb (vision, slot), vision->kept.data, net->input_width, net->input_height);
  if (keep)
    {
      memcpy (vision->kept.data, slot_rgb (vision, slot), picture_bytes (net));
      vision->has_kept = TRUE;
    }
  return change;
}

/* Returns: number of objects in @result */
static guint
decode (const PldVision *vision, const float *result, PldObject *objects)
{
  const guint n = pld_core_model (vision->handle.core)->arch->decode (handle_net (vision), result, objects);

  for (guint i = 0; i < n; i++)
    objects[i].label = vision->info.labels[objects[i].label_id];
  return n;
}

gboolean
pld_vision_run (PldVision *vision, guint n, float *values, PldObject *objects, guint *n_objects,
                GCancellable *cancellable, GError **error)
{
  const gsize n_values = vision->info.n_values;
  float *results = (float *) (gpointer) vision->values.data;
  PldRequest request = { .items = vision->items, .n = n, .results = results, .cancellable = cancellable };

  g_return_val_if_fail (n > 0 && n <= vision->batch, FALSE);
  g_return_val_if_fail ((objects != NULL) == (n_objects != NULL), FALSE);
  if (!pld_core_run (vision->handle.core, &request, error))
    return FALSE;
  if (values != NULL)
    memcpy (values, results, n * n_values * sizeof (float));
  for (guint i = 0; objects != NULL && i < n; i++)
    n_objects[i] = decode (vision, results + i * n_values, objects + (gsize) i * vision->info.max_objects);
  return TRUE;
}
