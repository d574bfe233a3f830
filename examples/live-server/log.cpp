// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log.hpp"

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <utility>

#include <glib.h>

#include "glue/gstptr.hpp"

namespace live {
namespace {

std::atomic<LogFormat> chosen{LogFormat::Plain};

std::string& own_channel() {
  static std::string channel;
  return channel;
}

// At once, as other processes write there too.
void write(LogLevel level, std::string channel, std::string message) {
  const auto text = to_text({.time = std::chrono::system_clock::now(),
                             .level = level,
                             .channel = std::move(channel),
                             .message = std::move(message)},
                            chosen);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::string printed(const char* format, va_list arguments) __attribute__((format(printf, 1, 0)));
std::string printed(const char* format, va_list arguments) {
  const onair::GMemory<char> text{g_strdup_vprintf(format, arguments)};
  return text.get();
}

// Any thread.
GLogWriterOutput write_of_library(GLogLevelFlags level, const GLogField* fields, gsize count,
                                  gpointer) {
  if (g_log_writer_default_would_drop(level, nullptr))
    return G_LOG_WRITER_HANDLED;
  std::string message;
  for (const auto* field = fields; field != fields + count; ++field)
    if (std::string_view{field->key} == "MESSAGE")
      message.assign(static_cast<const char*>(field->value),
                     field->length < 0
                         ? std::char_traits<char>::length(static_cast<const char*>(field->value))
                         : static_cast<std::size_t>(field->length));
  const auto is_error = (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0;
  write(is_error                        ? LogLevel::Error
        : (level & G_LOG_LEVEL_WARNING) ? LogLevel::Warning
                                        : LogLevel::Info,
        own_channel(), std::move(message));
  return G_LOG_WRITER_HANDLED;
}

}  // namespace

void log_as(const std::string& channel) {
  own_channel() = channel;
}

void log_in(LogFormat format) {
  chosen = format;
  if (format == LogFormat::Structured)
    g_log_set_writer_func(write_of_library, nullptr, nullptr);
}

LogFormat log_format() {
  return chosen;
}

void log_line(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write(LogLevel::Info, own_channel(), printed(format, arguments));
  va_end(arguments);
}

void log_warning(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write(LogLevel::Warning, own_channel(), printed(format, arguments));
  va_end(arguments);
}

void log_error(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write(LogLevel::Error, own_channel(), printed(format, arguments));
  va_end(arguments);
}

void log_of(const std::string& channel, LogLevel level, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write(level, channel, printed(format, arguments));
  va_end(arguments);
}

}  // namespace live
