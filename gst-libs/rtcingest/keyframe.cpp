// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/keyframe.hpp"

namespace onair {
namespace {

// nal_unit_type values, RFC 6184 section 5.2 and H.264 table 7-1.
constexpr unsigned kIdrSlice = 5;
constexpr unsigned kStapA = 24;
constexpr unsigned kFuA = 28;

unsigned nal_type(std::uint8_t header) {
  return header & 0x1fu;
}

}  // namespace

bool carries_idr(std::span<const std::uint8_t> payload) {
  if (payload.empty())
    return false;
  switch (nal_type(payload[0])) {
    case kIdrSlice:
      return true;
    case kFuA: {
      constexpr unsigned kStart = 0x80;
      return payload.size() >= 2 && (payload[1] & kStart) != 0 && nal_type(payload[1]) == kIdrSlice;
    }
    case kStapA: {
      std::size_t at = 1;
      while (at + 2 < payload.size()) {
        const std::size_t size = static_cast<std::size_t>(payload[at]) << 8 | payload[at + 1];
        if (nal_type(payload[at + 2]) == kIdrSlice)
          return true;
        at += 2 + size;
      }
      return false;
    }
    default:
      return false;
  }
}

bool KeyframeRequester::on_packet(ClockTime now, std::span<const std::uint8_t> payload) {
  has_keyframe_ = has_keyframe_ || carries_idr(payload);
  if (has_keyframe_ || (last_request_ && now - *last_request_ < kRetry))
    return false;
  last_request_ = now;
  return true;
}

}  // namespace onair
