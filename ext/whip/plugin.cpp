// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"
#include "gstwhiplistensrc.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(whiplistensrc, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, onairwhip,
                  "WebRTC ingest over HTTP (WHIP, RFC 9725)", plugin_init, PACKAGE_VERSION, "LGPL",
                  PACKAGE_NAME, PACKAGE_ORIGIN)
