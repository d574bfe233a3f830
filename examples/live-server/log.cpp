// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log.hpp"

#include <cstdarg>
#include <cstdio>

#include <glib.h>

namespace live {
namespace {

std::string& prefix() {
  static std::string text;
  return text;
}

}  // namespace

void log_as(const std::string& name) {
  prefix() = name + ": ";
}

void log_line(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  gchar* text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  GDateTime* now = g_date_time_new_now_utc();
  gchar* time = g_date_time_format(now, "%H:%M:%S");
  std::fprintf(stderr, "%s %s%s\n", time, prefix().c_str(), text);
  g_free(time);
  g_date_time_unref(now);
  g_free(text);
}

}  // namespace live
