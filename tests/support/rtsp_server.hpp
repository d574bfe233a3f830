// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>

#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"

namespace onair::test {

// A stock RTSP server on a free port of the loopback interface, with one presentation.
class RtspServer {
 public:
  // `pipeline`: as GstRTSPMediaFactory wants it, in brackets and with payloaders pay0, pay1, ...
  explicit RtspServer(const std::string& pipeline);
  ~RtspServer();
  RtspServer(const RtspServer&) = delete;
  RtspServer& operator=(const RtspServer&) = delete;

  [[nodiscard]] std::string url() const;

 private:
  GstPtr<GstRTSPServer> server_;
  ControlThread thread_{"rtsp-server"};
  guint source_ = 0;
};

}  // namespace onair::test
