// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log.hpp"

#include <cstdarg>
#include <cstdio>

#include <glib.h>

namespace live {

void log_line(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  gchar* text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  GDateTime* now = g_date_time_new_now_utc();
  gchar* time = g_date_time_format(now, "%H:%M:%S");
  std::fprintf(stderr, "%s %s\n", time, text);
  g_free(time);
  g_date_time_unref(now);
  g_free(text);
}

}  // namespace live
