// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"
#include "gsthlsdirectory.h"
#include "gsthlslivesink.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(hlsdirectory, plugin) && GST_ELEMENT_REGISTER(hlslivesink, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, onairhlslive,
                  "Live HLS: segments, parts and playlists", plugin_init, PACKAGE_VERSION, "LGPL",
                  PACKAGE_NAME, PACKAGE_ORIGIN)
