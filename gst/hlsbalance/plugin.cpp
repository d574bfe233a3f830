// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"
#include "gsthlsbalancer.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(hlsbalancer, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, onairhlsbalance,
                  "Segments whose average is the requested duration", plugin_init, PACKAGE_VERSION,
                  "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
