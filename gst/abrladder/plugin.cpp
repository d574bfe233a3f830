// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"
#include "gstabrladder.h"
#include "gstfallbackdecoder.h"

GST_DEBUG_CATEGORY(gst_abr_ladder_debug);

static gboolean plugin_init(GstPlugin* plugin) {
  GST_DEBUG_CATEGORY_INIT(gst_abr_ladder_debug, "abrladder", 0,
                          "One publisher, several renditions");
  return GST_ELEMENT_REGISTER(abrladder, plugin) && GST_ELEMENT_REGISTER(fallbackdecoder, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, onairabrladder,
                  "One publisher becomes several renditions", plugin_init, PACKAGE_VERSION, "LGPL",
                  PACKAGE_NAME, PACKAGE_ORIGIN)
