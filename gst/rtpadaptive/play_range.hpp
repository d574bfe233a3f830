// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace onair {

// What a sender says of a stream before it comes, as RTSP does: its first packet (RTP-Info), and which
// part of the whole it is (Range, in normal play time).
struct PlayRange {
  std::optional<std::uint16_t> first_sequence;
  std::optional<std::uint32_t> first_rtp_time;
  Duration npt_start{0};
  std::optional<Duration> length;  // in media time; not known: it has no end

  bool operator==(const PlayRange&) const = default;
};

}  // namespace onair
