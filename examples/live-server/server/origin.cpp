// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/origin.hpp"

#include "bus_error.hpp"

namespace live {

using onair::GstPtr;

Origin::~Origin() {
  if (pipeline_)
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

void Origin::use(const GstPtr<GTlsCertificate>& certificate) {
  certificate_ = certificate;
  if (element_)
    g_object_set(element_.get(), "tls-certificate", certificate.get(), nullptr);
}

std::string Origin::listen(const std::string& folder, const std::string& address, unsigned port) {
  element_ = GstPtr<GstElement>::sink(gst_element_factory_make("hlsorigin", nullptr));
  if (!element_)
    return "The element hlsorigin is not found; start by examples/live.sh, or set GST_PLUGIN_PATH.";
  g_object_set(element_.get(), "location", folder.c_str(), "address", address.c_str(), "port", port,
               "tls-certificate", certificate_.get(), nullptr);
  pipeline_ = GstPtr<GstElement>::sink(gst_pipeline_new("origin"));
  gst_bin_add(GST_BIN(pipeline_.get()), element_.get());
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return first_error(pipeline_.get(), "The origin does not start.");
  return {};
}

unsigned Origin::port() const {
  guint port = 0;
  g_object_get(element_.get(), "current-port", &port, nullptr);
  return port;
}

Metrics::Origin Origin::figures() const {
  GstStructure* raw = nullptr;
  g_object_get(element_.get(), "stats", &raw, nullptr);
  const onair::StructurePtr stats{raw};
  const auto figure = [&stats](const char* name) {
    guint64 value = 0;
    gst_structure_get_uint64(stats.get(), name, &value);
    return value;
  };
  return {.connections = figure("connections"),
          .waiting = figure("waiting"),
          .requests = figure("requests"),
          .bytes = figure("bytes"),
          .not_modified = figure("not-modified"),
          .client_errors = figure("client-errors"),
          .server_errors = figure("server-errors")};
}

}  // namespace live
