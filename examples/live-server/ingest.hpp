// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string_view>

namespace live {

// How a publisher speaks to a channel.
enum class Ingest { Whip, Sora };

constexpr const char* to_string(Ingest ingest) {
  return ingest == Ingest::Whip ? "whip" : "sora";
}

constexpr std::optional<Ingest> ingest_of(std::string_view name) {
  for (const auto ingest : {Ingest::Whip, Ingest::Sora})
    if (name == to_string(ingest))
      return ingest;
  return std::nullopt;
}

}  // namespace live
