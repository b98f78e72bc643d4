/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * rtsp-server [PORT [FILE]]: a network camera that shows red, or FILE, an AVI file of JPEG pictures, once to each
 * visitor. Any free port, if PORT is 0. Prints its URL and serves until it is killed.
 */
#include <gst/rtsp-server/rtsp-server.h>

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autofree char *file = NULL;
  GstRTSPMediaFactory *factory;
  GstRTSPMountPoints *mounts;
  GstRTSPServer *server;

  gst_init (&argc, &argv);
  server = gst_rtsp_server_new ();
  gst_rtsp_server_set_address (server, "127.0.0.1");
  gst_rtsp_server_set_service (server, argc > 1 ? argv[1] : "0");
  factory = gst_rtsp_media_factory_new ();
  if (argc > 2)
    file = g_strdup_printf ("( filesrc location=\"%s\" ! avidemux ! rtpjpegpay name=pay0 )", argv[2]);
  gst_rtsp_media_factory_set_launch (factory, file != NULL
                                                  ? file
                                                  : "( videotestsrc is-live=true pattern=red ! "
                                                    "video/x-raw,format=I420,width=64,height=64,framerate=20/1 ! "
                                                    "jpegenc ! rtpjpegpay name=pay0 )");
  mounts = gst_rtsp_server_get_mount_points (server);
  gst_rtsp_mount_points_add_factory (mounts, "/camera", factory);
  g_object_unref (mounts);
  if (gst_rtsp_server_attach (server, NULL) == 0)
    return 1;
  g_print ("rtsp://127.0.0.1:%d/camera\n", gst_rtsp_server_get_bound_port (server));
  g_main_loop_run (loop);
  return 0;
}
