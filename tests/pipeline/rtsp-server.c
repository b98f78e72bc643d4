/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A network camera that shows red, for test-rtsp.sh. Prints its URL and serves until it is killed.
 */
#include <gst/rtsp-server/rtsp-server.h>

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  GstRTSPMediaFactory *factory;
  GstRTSPMountPoints *mounts;
  GstRTSPServer *server;

  gst_init (&argc, &argv);
  server = gst_rtsp_server_new ();
  gst_rtsp_server_set_address (server, "127.0.0.1");
  gst_rtsp_server_set_service (server, "0"); /* any free port */
  factory = gst_rtsp_media_factory_new ();
  gst_rtsp_media_factory_set_launch (factory,
                                     "( videotestsrc is-live=true pattern=red ! "
                                     "video/x-raw,format=I420,width=64,height=64,framerate=20/1 ! jpegenc ! "
                                     "rtpjpegpay name=pay0 )");
  mounts = gst_rtsp_server_get_mount_points (server);
  gst_rtsp_mount_points_add_factory (mounts, "/camera", factory);
  g_object_unref (mounts);
  if (gst_rtsp_server_attach (server, NULL) == 0)
    return 1;
  g_print ("rtsp://127.0.0.1:%d/camera\n", gst_rtsp_server_get_bound_port (server));
  g_main_loop_run (loop);
  return 0;
}
