// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace live {

// One line of the diary, on standard error, with the time of day in UTC.
void log_line(const char* format, ...) __attribute__((format(printf, 1, 2)));

// What each line says behind the time, of a process that is one of several.
void log_as(const std::string& name);

}  // namespace live
