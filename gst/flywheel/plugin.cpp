// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"
#include "gstflywheel.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(flywheel, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, onairflywheel,
                  "Raw sound and picture that never end", plugin_init, PACKAGE_VERSION, "LGPL",
                  PACKAGE_NAME, PACKAGE_ORIGIN)
