// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"
#include "gstcmafpartmux.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(cmafpartmux, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, onaircmaf,
                  "Fragmented MP4 whose fragments end where they are told to", plugin_init,
                  PACKAGE_VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
