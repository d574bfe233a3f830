// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"
#include "gstavaligner.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(avaligner, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, onairavalign,
                  "Puts sound and picture of one sender onto one time line", plugin_init,
                  PACKAGE_VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
