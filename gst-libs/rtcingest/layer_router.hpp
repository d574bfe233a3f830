// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rtcingest/rtp_header.hpp"

namespace onair {

// Which layer of a simulcast each SSRC belongs to. An offer with rids names no SSRC, and a browser
// writes the rid only into its first packets, until a report tells it that they have arrived. So
// what a packet says holds for its SSRC from then on.
class LayerRouter {
 public:
  // A layer may change its SSRC (RFC 3550 section 8.2: a collision). Beyond that many it is no
  // browser's, and each costs a jitter buffer.
  static constexpr std::size_t kMostSources = 8;

  struct Config {
    unsigned payload_type = 0;
    std::optional<unsigned> rtx_payload_type;
    std::vector<std::string> rids;
    std::uint8_t rid_extension = 0;
    std::optional<std::uint8_t> repaired_rid_extension;
  };
  enum class Route {
    Pass,    // known, or none of ours: other media, and retransmission without a rid
    Paired,  // pass, and pairs() has changed
    Drop     // media of no layer that we know
  };

  LayerRouter() = default;  // passes all
  explicit LayerRouter(Config config) : config_{std::move(config)} {}

  [[nodiscard]] Route on_packet(const RtpHeader& header);
  // Index of the layer whose media comes with this SSRC.
  [[nodiscard]] std::optional<std::size_t> layer_of(std::uint32_t ssrc) const;

  // Media and its retransmission, of each layer that has shown both; the newest SSRCs.
  struct Pair {
    std::uint32_t media;
    std::uint32_t repair;
    friend bool operator==(const Pair&, const Pair&) = default;
  };
  [[nodiscard]] std::vector<Pair> pairs() const;

 private:
  struct Sources {
    std::map<std::uint32_t, std::size_t> layers;  // by SSRC
    std::map<std::size_t, std::uint32_t> newest;  // SSRC, by layer
  };

  // The layer that a header extension names.
  [[nodiscard]] std::optional<std::size_t> named(const RtpHeader& header, std::uint8_t id) const;
  static bool learn(Sources& sources, std::uint32_t ssrc, std::size_t layer);

  Config config_;
  Sources media_;
  Sources repair_;
};

}  // namespace onair
