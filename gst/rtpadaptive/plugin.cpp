// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"
#include "gstrtpadaptivejitterbuffer.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(rtpadaptivejitterbuffer, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, onairrtpadaptive,
                  "RTP jitter buffer whose latency follows the network", plugin_init,
                  PACKAGE_VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
