// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <gio/gio.h>
#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "server/metrics.hpp"

namespace live {

// Serves the folders of all channels to viewers, on threads of its own.
class Origin {
 public:
  Origin() = default;
  ~Origin();
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  // TLS, for connections to come; before listen() or behind it.
  void use(const onair::GstPtr<GTlsCertificate>& certificate);
  // Empty when it listens, else why it does not.
  [[nodiscard]] std::string listen(const std::string& folder, const std::string& address,
                                   unsigned port);
  [[nodiscard]] unsigned port() const;
  [[nodiscard]] Metrics::Origin figures() const;

 private:
  onair::GstPtr<GTlsCertificate> certificate_;
  onair::GstPtr<GstElement> pipeline_;
  onair::GstPtr<GstElement> element_;
};

}  // namespace live
