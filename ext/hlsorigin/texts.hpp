// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include "resource.hpp"

namespace onair::hlsorigin {

// Playlists as they were last seen: each text is named and compressed once, however many ask for it.
class Texts {
 public:
  struct Text {
    BytesPtr plain;
    std::string etag;
    BytesPtr gzip;  // null: not asked for yet, or not worth it
    bool is_compressed = false;
  };
  static constexpr std::size_t kMost = 256;  // targets; beyond that all are forgotten

  // The text of `place` (a prefix and its target), new or as it was.
  Text& remember(const std::string& place, const Resource& resource);
  // Its compressed form, null if that is no shorter.
  static const BytesPtr& gzip(Text& text);

 private:
  std::unordered_map<std::string, Text> texts_;
};

}  // namespace onair::hlsorigin
