// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

namespace onair {

// What a sender says of a stream before it comes, as RTSP's RTP-Info does: its first packet.
struct PlayRange {
  std::optional<std::uint16_t> first_sequence;
  std::optional<std::uint32_t> first_rtp_time;

  bool operator==(const PlayRange&) const = default;
};

}  // namespace onair
