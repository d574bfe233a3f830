// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "playlist/live_edge.hpp"

namespace onair {

// The delivery directives of a request for a media playlist (section 6.2.5 of
// draft-pantos-hls-rfc8216bis), and whether the playlist is there that they ask for.
struct PlaylistRequest {
  struct Ready {};
  struct Wait {};  // until the playlist changes, and ask again
  struct Bad {     // 400
    std::string_view reason;
  };
  using Answer = std::variant<Ready, Wait, Bad>;

  std::optional<std::uint64_t> sequence;  // _HLS_msn
  std::optional<std::uint64_t> part;      // _HLS_part, never without a sequence
  bool wants_delta = false;               // _HLS_skip

  // `query` is what stands behind the `?`, from anybody. Parameters of others and directives of
  // times to come are ignored.
  [[nodiscard]] static std::variant<PlaylistRequest, Bad> parse(std::string_view query);

  [[nodiscard]] Answer answer(const LiveEdge& edge) const;
};

}  // namespace onair
