// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/keyframe.hpp"

namespace onair {
namespace {

// nal_unit_type values, RFC 6184 section 5.2 and H.264 table 7-1.
constexpr unsigned kIdrSlice = 5;
constexpr unsigned kSps = 7;
constexpr unsigned kStapA = 24;
constexpr unsigned kFuA = 28;

unsigned nal_type(std::uint8_t header) {
  return header & 0x1fu;
}

// Whether a NAL unit of `type` is in the payload, or begins in it.
bool carries(std::span<const std::uint8_t> payload, unsigned type) {
  if (payload.empty())
    return false;
  switch (nal_type(payload[0])) {
    case kFuA: {
      constexpr unsigned kStart = 0x80;
      return payload.size() >= 2 && (payload[1] & kStart) != 0 && nal_type(payload[1]) == type;
    }
    case kStapA: {
      std::size_t at = 1;
      while (at + 2 < payload.size()) {
        const std::size_t size = static_cast<std::size_t>(payload[at]) << 8 | payload[at + 1];
        if (size > 0 && nal_type(payload[at + 2]) == type)
          return true;
        at += 2 + size;
      }
      return false;
    }
    default:
      return nal_type(payload[0]) == type;
  }
}

}  // namespace

bool carries_idr(std::span<const std::uint8_t> payload) {
  return carries(payload, kIdrSlice);
}

bool KeyframeRequester::on_packet(ClockTime now, std::span<const std::uint8_t> payload) {
  if (!next_turn_) {
    next_turn_ = now + interval_;
    // An encoder that starts with us begins with parameter sets, and the key frame is right behind.
    if (carries(payload, kSps))
      last_request_ = now;
  }
  if (carries_idr(payload)) {
    has_keyframe_ = true;
    is_waiting_ = false;
  }
  const bool is_turn = interval_ > Duration::zero() && now >= *next_turn_;
  if (!is_waiting_ && is_turn) {
    // After a silence of several turns there is one request, and the grid goes on from here.
    *next_turn_ = now - *next_turn_ < interval_ ? *next_turn_ + interval_ : now + interval_;
    is_waiting_ = true;
    last_request_.reset();
  }
  const bool is_too_soon = last_request_ && now - *last_request_ < kRetry;
  if (!is_waiting_ || is_too_soon)
    return false;
  last_request_ = now;
  return true;
}

}  // namespace onair
