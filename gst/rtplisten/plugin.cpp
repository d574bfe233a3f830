// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"
#include "gstrtplistensrc.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(rtplistensrc, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, onairrtplisten,
                  "Plain RTP that an SFU forwards", plugin_init, PACKAGE_VERSION, "LGPL",
                  PACKAGE_NAME, PACKAGE_ORIGIN)
