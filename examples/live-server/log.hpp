// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "log_text.hpp"

namespace live {

// One line of the diary, on standard error: about this process's channel, if it has one.
void log_line(const char* format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char* format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char* format, ...) __attribute__((format(printf, 1, 2)));
// About that one.
void log_of(const std::string& channel, LogLevel level, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

// What all lines of this process are about.
void log_as(const std::string& channel);
// Lines of libraries (g_log) take that form as well.
void log_in(LogFormat format);
[[nodiscard]] LogFormat log_format();

}  // namespace live
