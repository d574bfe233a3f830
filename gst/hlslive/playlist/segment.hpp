// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "playlist/text.hpp"

namespace onair {

// AES-128: whole segments (section 4.4.4.4). Without an IV, the media sequence number is the IV.
struct EncryptionKey {
  std::string uri;
  std::optional<std::array<std::uint8_t, 16>> iv;
  friend bool operator==(const EncryptionKey&, const EncryptionKey&) = default;
};

// What is known of a segment before its first part.
struct SegmentHead {
  bool is_discontinuous = false;  // from the segment before it
  std::optional<UtcTime> date;    // of its first sample
  std::optional<EncryptionKey> key;
  // URI of its media initialization section, which is not encrypted. Empty without one.
  std::string map;
};

struct PartialSegment {
  std::string uri;
  Duration duration{};
  bool is_independent = false;  // has a frame that needs no other
  bool is_gap = false;          // there is no such file
};

struct MediaSegment {
  std::string uri;
  Duration duration{};
  bool is_gap = false;  // there is no such file
  SegmentHead head;
  std::vector<PartialSegment> parts;
};

}  // namespace onair
