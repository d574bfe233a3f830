// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace live {

enum class LogLevel { Info, Warning, Error };
enum class LogFormat { Plain, Structured };

struct LogLine {
  std::chrono::system_clock::time_point time;
  LogLevel level = LogLevel::Info;
  std::string channel;  // empty if it is about none
  std::string message;
};

// "text" or "json".
std::optional<LogFormat> log_format_of(std::string_view name);

// With its line feed.
//   text: 12:34:56 CHANNEL: warning: MESSAGE
//   json: {"time":"2026-01-31T12:34:56.789Z","level":"warning","channel":"CHANNEL","message":"MESSAGE"}
std::string to_text(const LogLine& line, LogFormat format);

}  // namespace live
