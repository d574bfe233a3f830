// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log_text.hpp"

#include <array>
#include <cstdio>

#include "api/channels.hpp"
#include "json_text.hpp"

namespace live {
namespace {

const char* to_string(LogLevel level) {
  return level == LogLevel::Error ? "error" : level == LogLevel::Warning ? "warning" : "info";
}

// RFC 3339, of UTC.
std::string time_to_ms(std::chrono::system_clock::time_point time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(ms);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ",
                static_cast<int>((ms - seconds).count()));
  auto text = date_time(seconds);
  text.pop_back();  // Z
  return text + fraction.data();
}

std::string in_json(const LogLine& line) {
  Json json{{"time", time_to_ms(line.time)}, {"level", to_string(line.level)}};
  if (!line.channel.empty())
    json["channel"] = line.channel;
  json["message"] = line.message;
  return json_text(json) + "\n";
}

}  // namespace

std::optional<LogFormat> log_format_of(std::string_view name) {
  if (name == "text")
    return LogFormat::Plain;
  return name == "json" ? std::optional{LogFormat::Structured} : std::nullopt;
}

std::string to_text(const LogLine& line, LogFormat format) {
  if (format == LogFormat::Structured)
    return in_json(line);
  constexpr std::size_t kDate = std::char_traits<char>::length("2026-01-31T");
  constexpr std::size_t kClock = std::char_traits<char>::length("12:34:56");
  auto text = date_time(line.time).substr(kDate, kClock) + " ";
  if (!line.channel.empty())
    text += line.channel + ": ";
  if (line.level != LogLevel::Info)
    text += std::string{to_string(line.level)} + ": ";
  return text + line.message + "\n";
}

}  // namespace live
