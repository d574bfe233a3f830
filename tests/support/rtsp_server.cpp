// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtsp_server.hpp"

#include <gtest/gtest.h>

namespace onair::test {

RtspServer::RtspServer(const std::string& pipeline)
    : server_{GstPtr<GstRTSPServer>::adopt(gst_rtsp_server_new())} {
  gst_rtsp_server_set_address(server_.get(), "127.0.0.1");
  gst_rtsp_server_set_service(server_.get(), "0");  // any free port
  const auto mounts =
      GstPtr<GstRTSPMountPoints>::adopt(gst_rtsp_server_get_mount_points(server_.get()));
  GstRTSPMediaFactory* factory = gst_rtsp_media_factory_new();
  gst_rtsp_media_factory_set_launch(factory, pipeline.c_str());
  gst_rtsp_mount_points_add_factory(mounts.get(), "/test", factory);
  thread_.run([&] {
    source_ = gst_rtsp_server_attach(server_.get(), g_main_context_get_thread_default());
  });
  EXPECT_NE(source_, 0u);
}

RtspServer::~RtspServer() {
  const auto close = [](GstRTSPServer*, GstRTSPClient*, gpointer) {
    return GST_RTSP_FILTER_REMOVE;
  };
  thread_.run([&] {
    g_list_free(gst_rtsp_server_client_filter(server_.get(), close, nullptr));  // none is kept
    if (auto* source =
            g_main_context_find_source_by_id(g_main_context_get_thread_default(), source_))
      g_source_destroy(source);
  });
  thread_.stop();
}

std::string RtspServer::url() const {
  return "rtsp://127.0.0.1:" + std::to_string(gst_rtsp_server_get_bound_port(server_.get())) +
         "/test";
}

}  // namespace onair::test
