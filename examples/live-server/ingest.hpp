// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string_view>

namespace live {

// How a publisher speaks to a channel.
enum class Ingest { Whip, Sora, Rtp };

constexpr const char* to_string(Ingest ingest) {
  switch (ingest) {
    case Ingest::Whip:
      return "whip";
    case Ingest::Sora:
      return "sora";
    case Ingest::Rtp:
      break;
  }
  return "rtp";
}

constexpr std::optional<Ingest> ingest_of(std::string_view name) {
  for (const auto ingest : {Ingest::Whip, Ingest::Sora, Ingest::Rtp})
    if (name == to_string(ingest))
      return ingest;
  return std::nullopt;
}

}  // namespace live
