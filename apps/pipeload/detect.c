/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures go straight to the engine, in batches; videos through the element.
 */
#include "apps/pipeload/detect.h"

#include <string.h>

/* Pictures on their way through one pass. */
typedef struct
{
  PldDetect *detect;
  PldVision *vision;
  const PldVisionInfo *info;
  guint batch;
  guint n;               /* slots taken */
  PldDetectResult *slot; /* [batch] */
  PldObject *objects;    /* [batch, max_objects] */
  guint *n_objects;      /* [batch] */
  gboolean *wanted;      /* [n_classes]; NULL: all */
} Pictures;

static void
pictures_close (Pictures *p)
{
  pld_vision_close (&p->vision);
  g_clear_pointer (&p->slot, g_free);
  g_clear_pointer (&p->objects, g_free);
  g_clear_pointer (&p->n_objects, g_free);
  g_clear_pointer (&p->wanted, g_free);
  p->n = 0;
}

/* Returns: the exit status */
static int
pictures_choose_classes (Pictures *p)
{
  g_auto (GStrv) names = p->detect->classes != NULL ? g_strsplit (p->detect->classes, ",", -1) : NULL;

  if (names == NULL)
    return PLD_EXIT_OK;
  p->wanted = g_new0 (gboolean, p->info->n_classes);
  for (guint i = 0; names[i] != NULL; i++)
    {
      const char *name = g_strstrip (names[i]);
      gboolean known = *name == '\0';

      for (guint c = 0; c < p->info->n_classes; c++)
        if (strcmp (name, p->info->labels[c]) == 0)
          known = p->wanted[c] = TRUE;
      if (!known)
        return pld_tool_usage ("--classes: the model %s has no class \"%s\"; \"pipeload inspect\" shows its config",
                               p->info->path, name);
    }
  return PLD_EXIT_OK;
}

/* Opened for the first picture, not before: videos need no second handle. Returns: the exit status */
static int
pictures_open (Pictures *p)
{
  g_autoptr (GError) error = NULL;

  if (p->vision != NULL)
    return PLD_EXIT_OK;
  p->vision = pld_vision_open (&p->detect->vision, pld_tool_progress, NULL, p->detect->cancellable, &error);
  pld_tool_progress_end ();
  if (p->vision == NULL)
    return pld_tool_fail (error);
  p->info = pld_vision_get_info (p->vision);
  p->batch = MAX (p->detect->vision.batch, 1);
  p->slot = g_new0 (PldDetectResult, p->batch);
  p->objects = g_new0 (PldObject, (gsize) p->batch * p->info->max_objects);
  p->n_objects = g_new0 (guint, p->batch);
  return pictures_choose_classes (p);
}

/* Moves what the user wants to see to the front. Returns: how many that are */
static guint
pictures_filter (const Pictures *p, PldObject *objects, guint n_objects)
{
  const int k = p->detect->top_k >= 0 ? p->detect->top_k : !p->info->detector;
  const guint most = k > 0 ? (guint) k : G_MAXUINT;
  const double threshold = p->detect->threshold >= 0 ? p->detect->threshold : p->info->threshold;
  guint n = 0;

  for (guint i = 0; i < n_objects && n < most; i++)
    if (objects[i].confidence >= threshold && (p->wanted == NULL || p->wanted[objects[i].label_id]))
      objects[n++] = objects[i];
  return n;
}

/* Returns: the exit status */
static int
pictures_flush (Pictures *p)
{
  g_autoptr (GError) error = NULL;

  if (p->n == 0)
    return PLD_EXIT_OK;
  if (!pld_vision_run (p->vision, p->n, NULL, p->objects, p->n_objects, p->detect->cancellable, &error))
    return pld_tool_fail (error);
  for (guint i = 0; i < p->n; i++)
    {
      PldObject *objects = p->objects + (gsize) i * p->info->max_objects;

      p->slot[i].objects = objects;
      p->slot[i].n = pictures_filter (p, objects, p->n_objects[i]);
      p->slot[i].system_time = g_get_real_time ();
      pld_detect_print (p->detect, &p->slot[i]);
    }
  p->n = 0;
  return PLD_EXIT_OK;
}

static PldDetectOutcome
pictures_load_jpeg (Pictures *p, const char *path, PldDetectResult *result, GError **error)
{
  g_autoptr (GBytes) file = pld_detect_read_file (path, error);
  PldImage image = { .kind = PLD_IMAGE_JPEG };

  if (file == NULL)
    return PLD_DETECT_BAD_INPUT;
  image.data = g_bytes_get_data (file, &image.size);
  pld_detect_jpeg_size (image.data, image.size, &result->width, &result->height);
  return pld_vision_load_image (p->vision, p->n, &image, error) ? PLD_DETECT_OK : PLD_DETECT_BAD_INPUT;
}

static PldDetectOutcome
pictures_load_decoded (Pictures *p, const char *path, PldDetectResult *result, GError **error)
{
  g_autofree guint8 *pixels = NULL;
  PldImage image = { .kind = PLD_IMAGE_RGB };
  PldDetectOutcome outcome = pld_detect_decode (p->detect, path, &pixels, &result->width, &result->height, error);

  if (outcome != PLD_DETECT_OK)
    return outcome;
  image.width = result->width;
  image.height = result->height;
  for (guint i = 0; i < 3; i++)
    image.plane[i] = (PldPlane) { pixels + i, (gssize) image.width * 3, 3, image.width, image.height };
  return pld_vision_load_image (p->vision, p->n, &image, error) ? PLD_DETECT_OK : PLD_DETECT_BAD_INPUT;
}

/* Returns: the exit status */
static int
pictures_add (Pictures *p, const PldDetectInput *input)
{
  g_autoptr (GError) error = NULL;
  PldDetectResult result = { .source = input->path, .time = G_MAXUINT64 };
  PldDetectOutcome outcome;
  int status = pictures_open (p);

  if (status != PLD_EXIT_OK)
    return status;
  outcome = input->kind == PLD_DETECT_JPEG ? pictures_load_jpeg (p, input->path, &result, &error)
                                           : pictures_load_decoded (p, input->path, &result, &error);
  if (outcome == PLD_DETECT_FAILED)
    return pld_tool_fail (error);
  if (outcome == PLD_DETECT_BAD_INPUT)
    pld_detect_complain (p->detect, input->path, error->message);
  else
    p->slot[p->n++] = result;
  return p->n == p->batch ? pictures_flush (p) : PLD_EXIT_OK;
}

/* Returns: the exit status */
static int
run_video (Pictures *p, const char *path)
{
  g_autoptr (GError) error = NULL;
  PldDetectOutcome outcome;
  int status = pictures_flush (p);

  if (status != PLD_EXIT_OK)
    return status;
  /* Its share of the memory limit is the element's now. */
  pictures_close (p);
  outcome = pld_detect_video (p->detect, path, &error);
  if (outcome == PLD_DETECT_FAILED)
    return pld_tool_fail (error);
  if (outcome == PLD_DETECT_BAD_INPUT)
    pld_detect_complain (p->detect, path, error->message);
  return PLD_EXIT_OK;
}

/* Returns: the exit status */
static int
detect_inputs (PldDetect *detect, char **names)
{
  g_autoptr (GPtrArray) inputs = pld_detect_list_inputs (detect, names);
  Pictures pictures = { .detect = detect };
  int status = PLD_EXIT_OK;

  detect->many = inputs->len > 1;
  for (guint i = 0; i < inputs->len && status == PLD_EXIT_OK; i++)
    {
      const PldDetectInput *input = g_ptr_array_index (inputs, i);

      if (g_cancellable_is_cancelled (detect->cancellable))
        status = PLD_EXIT_STOPPED;
      else if (input->kind == PLD_DETECT_VIDEO)
        status = run_video (&pictures, input->path);
      else
        status = pictures_add (&pictures, input);
      if (inputs->len > 1)
        pld_tool_progress ("detecting", 100 * (i + 1) / inputs->len, NULL);
    }
  if (status == PLD_EXIT_OK)
    status = pictures_flush (&pictures);
  pictures_close (&pictures);
  pld_tool_progress_end ();
  return status == PLD_EXIT_OK && detect->bad ? PLD_EXIT_FAILED : status;
}

int
pld_tool_detect (int argc, char **argv)
{
  g_auto (PldToolModel) model = { NULL };
  g_autofree char *path = NULL, *classes = NULL;
  PldDetect detect = { .threshold = -1 };
  int top_k = -1, interval = 1;
  const GOptionEntry options[]
      = { { "model", 'M', 0, G_OPTION_ARG_FILENAME, &path, "Model file or folder (the bundled one)", "MODEL" },
          PLD_TOOL_ENGINE_OPTIONS (model),
          PLD_TOOL_VISION_OPTIONS (model),
          { "threshold", 'T', 0, G_OPTION_ARG_DOUBLE, &detect.threshold, "Least confidence to report (the model's own)",
            "0..1" },
          { "top-k", 'k', 0, G_OPTION_ARG_INT, &top_k,
            "Most to report of a picture (one class, or every object); 0 = all", "K" },
          { "classes", 'c', 0, G_OPTION_ARG_STRING, &classes, "Report only these", "A,B" },
          { "interval", 'i', 0, G_OPTION_ARG_INT, &interval, "Of videos, look at every Nth frame (1)", "N" },
          { "all", 'a', 0, G_OPTION_ARG_NONE, &detect.all, "Of videos, print every result, not only changes", NULL },
          { "json", 'j', 0, G_OPTION_ARG_NONE, &detect.json, "Print every result, one JSON object a line", NULL },
          { NULL } };

  if (!pld_tool_parse (&argc, &argv, options, "INPUT…",
                       "Tells what is to be seen on pictures and in videos. INPUT: a picture, a folder of them, a "
                       "video, or a URI.",
                       1, G_MAXINT))
    return PLD_EXIT_USAGE;
  if (!pld_tool_model (&model, path, &detect.vision))
    return PLD_EXIT_USAGE;
  if (!(detect.threshold == -1 || (detect.threshold >= 0 && detect.threshold <= 1)))
    return pld_tool_usage ("--threshold must be from 0 to 1");
  if (top_k < -1 || interval < 1)
    return pld_tool_usage ("--top-k must be from 0, --interval from 1");
  detect.memory_limit = model.memory_limit;
  detect.input_size = model.input_size;
  detect.classes = classes;
  detect.top_k = top_k;
  detect.interval = (guint) interval;
  detect.cancellable = pld_tool_cancellable ();
  return detect_inputs (&detect, argv + 1);
}
