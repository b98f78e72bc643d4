/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The detect verb. Pictures go straight to the engine, in batches; videos go through the element.
 */
#include "apps/detect/detect.h"

#include <errno.h>
#include <string.h>

#include <glib/gstdio.h>

/* Pictures that share one pass. */
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
  g_clear_pointer (&p->vision, pld_vision_close);
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

/* Opened for the first picture only: videos do not need a second handle. Returns: the exit status */
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
  if (!p->detect->warned)
    pld_engine_warn (PLD_HANDLE (p->vision));
  p->detect->warned = TRUE;
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
  const int k = p->detect->top_k >= 0 ? p->detect->top_k : p->info->exclusive;
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
      pld_detect_print (p->detect, &p->slot[i], TRUE);
    }
  p->n = 0;
  return PLD_EXIT_OK;
}

static PldDetectOutcome
pictures_load_jpeg (Pictures *p, const char *path, PldDetectResult *result, GError **error)
{
  g_autoptr (GBytes) file = pld_detect_read_file (path, error);
  PldImage image = { .kind = PLD_IMAGE_JPEG };
  guint width, height, orientation;

  if (file == NULL)
    return PLD_DETECT_BAD_INPUT;
  image.data = g_bytes_get_data (file, &image.size);
  pld_jpeg_read_header (image.data, image.size, &width, &height, &orientation);
  result->width = orientation >= 5 ? height : width;
  result->height = orientation >= 5 ? width : height;
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
    *pld_image_plane (&image, i) = (PldPlane) { pixels + i, (gssize) image.width * 3, 3, image.width, image.height };
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
  /* The element needs its share of the memory limit. */
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

/* ---- the verb ------------------------------------------------------------------------------ */

static PldDetect detect = { .threshold = -1, .top_k = -1 };
static char *classes, *output, *camera, *mode;
static int interval = 1;

static const GOptionEntry options[] = {
  { "threshold", 'T', 0, G_OPTION_ARG_DOUBLE, &detect.threshold, "Least confidence to report (the model's own)",
    "0..1" },
  { "top-k", 'k', 0, G_OPTION_ARG_INT, &detect.top_k,
    "Most results to report for a picture (one class, or all where several can be right); 0 = all", "K" },
  { "classes", 'c', 0, G_OPTION_ARG_STRING, &classes, "Report only these", "A,B" },
  { "all", 'a', 0, G_OPTION_ARG_NONE, &detect.all, "Videos: print every result, not only changes", NULL },
  { "interval", 'i', 0, G_OPTION_ARG_INT, &interval, "Videos: infer on every Nth frame (1)", "N" },
  { "frames", 'n', 0, G_OPTION_ARG_INT64, &detect.frames, "Videos: stop after N frames; 0 = at the end (0)", "N" },
  { "mode", 0, 0, G_OPTION_ARG_STRING, &mode,
    "Videos: sync: each frame waits for its result; async: at their own pace, frames do not wait (sync)", "MODE" },
  { "stats", 0, 0, G_OPTION_ARG_NONE, &detect.stats, "Videos: print speed and memory on stderr", NULL },
  { "camera", 0, 0, G_OPTION_ARG_STRING, &camera, "Name of the camera in JSON", "NAME" },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &detect.json, "Print every result, one JSON object a line", NULL },
  { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "Write every result as JSON to this file, too", "FILE" },
  { NULL }
};

/* FALSE: an error was printed. */
static gboolean
check_options (void)
{
  if (!(detect.threshold == -1 || (detect.threshold >= 0 && detect.threshold <= 1)))
    pld_tool_usage ("--threshold must be from 0 to 1");
  else if (detect.top_k < -1 || interval < 1 || detect.frames < 0)
    pld_tool_usage ("--top-k and --frames must be from 0, --interval from 1");
  else if (mode != NULL && strcmp (mode, "sync") != 0 && strcmp (mode, "async") != 0)
    pld_tool_usage ("--mode must be sync or async");
  else
    return TRUE;
  return FALSE;
}

/* Replaces the limit "small" by a number. Returns: the exit status */
static int
choose_limit (void)
{
  g_autoptr (GError) error = NULL;
  guint64 limit;
  guint threads;

  if (g_strcmp0 (pld_engine.memory_limit, "small") != 0)
    return PLD_EXIT_OK;
  limit = pld_limit_small (pld_engine.model, MAX (1, (guint) pld_engine.batch), &threads, &error);
  if (limit == 0)
    return pld_tool_fail (error);
  g_free (pld_engine.memory_limit);
  pld_engine.memory_limit = g_strdup_printf ("%" G_GUINT64_FORMAT, limit);
  if (pld_engine.threads == 0)
    pld_engine.threads = (int) threads;
  return PLD_EXIT_OK;
}

/* Returns: the exit status */
static int
open_output (void)
{
  if (output == NULL || (detect.output = g_fopen (output, "we")) != NULL)
    return PLD_EXIT_OK;
  fprintf (stderr, "pipeload: %s: %s\n", output, g_strerror (errno));
  return PLD_EXIT_FAILED;
}

/* Returns: the exit status */
static int
close_output (int status)
{
  const gboolean bad = detect.output != NULL && (ferror (detect.output) != 0) + (fclose (detect.output) != 0) > 0;

  if (bad)
    fprintf (stderr, "pipeload: %s: %s\n", output, g_strerror (errno));
  return bad && status == PLD_EXIT_OK ? PLD_EXIT_FAILED : status;
}

static int
run (int argc, char **argv)
{
  int status = check_options () ? choose_limit () : PLD_EXIT_USAGE;

  if (status != PLD_EXIT_OK)
    return status;
  if (!pld_engine_vision (pld_engine.model, &detect.vision))
    return PLD_EXIT_USAGE;
  status = open_output ();
  if (status != PLD_EXIT_OK)
    return status;
  detect.memory_limit = pld_engine.memory_limit;
  detect.input_size = pld_engine.input_size;
  detect.classes = classes;
  detect.camera = camera;
  detect.interval = (guint) interval;
  detect.async = g_strcmp0 (mode, "async") == 0;
  detect.cancellable = pld_tool_cancellable ();
  return close_output (detect_inputs (&detect, argv + 1));
}

static const PldVerb verb = {
  .name = "detect",
  .arguments = "INPUT…",
  .min = 1,
  .max = G_MAXINT,
  .description = "Detects objects in pictures, videos and camera streams.\n"
                 "INPUT: a picture, a folder of pictures and videos, a video, a URI such as rtsp://camera/stream, or a "
                 "camera such as /dev/video0. Pictures are turned as their EXIF orientation or display matrix says.",
  .options = { pld_model_options, pld_small_limit_options, pld_engine_options, pld_vision_options, options },
  .examples = { { "picture.jpg", "what is in a picture" },
                { "--stats --memory-limit=small video.mp4", "what changes in a video, with streamed weights" },
                { "--json --mode=async rtsp://camera/stream", "every result of a camera as JSON" } },
  .run = run,
};

int
main (int argc, char **argv)
{
  return pld_verb_main (&verb, argc, argv);
}
