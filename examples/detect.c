/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds objects in a JPEG picture, with the bundled person detector under a memory limit:
 *
 *   cc detect.c -o detect $(pkg-config --cflags --libs pipeload) && ./detect PICTURE.jpg
 */
#include <pipeload/pipeload.h>

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *jpeg = NULL;
  gsize size = 0;
  PldVisionOptions options;

  pld_vision_options_init (&options);
  options.engine.memory_limit = 16000000;
  g_autoptr (PldVision) vision = argc == 2 && g_file_get_contents (argv[1], &jpeg, &size, &error)
                                     ? pld_vision_open (&options, NULL, NULL, NULL, &error)
                                     : NULL;
  if (vision != NULL)
    {
      const PldVisionInfo *info = pld_vision_get_info (vision);
      g_autofree PldObject *objects = g_new (PldObject, info->max_objects);
      PldImage image = { .kind = PLD_IMAGE_JPEG, .data = (const guint8 *) jpeg, .size = size };
      guint n = 0;

      if (pld_vision_load_image (vision, 0, &image, &error)
          && pld_vision_run (vision, 1, NULL, objects, &n, NULL, &error))
        for (guint i = 0; i < n && objects[i].confidence >= info->threshold; i++)
          g_print ("%s %.2f: %.3f %.3f to %.3f %.3f\n", objects[i].label, objects[i].confidence, objects[i].x_min,
                   objects[i].y_min, objects[i].x_max, objects[i].y_max);
    }
  if (vision == NULL || error != NULL)
    g_printerr ("%s\n", error != NULL ? error->message : "usage: detect PICTURE.jpg");
  return error != NULL || argc != 2;
}
