// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <glib.h>

#include "timer.hpp"

namespace live {

// Tells the service manager that has started this process how it is, as sd_notify(3) describes; nobody, where none has.
class ServiceManager {
 public:
  // From now on it is told that the main loop runs, as often as it wants to hear that.
  void on_ready();
  void on_stopping();

 private:
  void beat(guint ms);

  Timer beat_;
};

// Whether somebody has been told.
bool tell_service_manager(const std::string& state);

}  // namespace live
