// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"
#include "gstsoralistensrc.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(soralistensrc, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, onairsora,
                  "WebRTC ingest over the signalling of the SFU Sora", plugin_init, PACKAGE_VERSION,
                  "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
