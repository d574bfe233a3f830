// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtcingest/sdp.hpp"

// Simulcast as SDP says it: several encodings of one picture in one m-line, told apart by their rid
// (RFC 8853, RFC 8851).
namespace onair {

// One encoding that we take.
struct Layer {
  std::string rid;
  // What the publisher binds it to (RFC 8851 section 5), as it wrote it: "max-width=1280". Empty: nothing.
  std::string restrictions;
  bool is_paused = false;  // from the start, until the publisher thinks better of it
};

struct Simulcast {
  // An encoder makes three at most; more would only cost jitter buffers.
  static constexpr std::size_t kMostLayers = 4;

  std::vector<Layer> layers;  // in the order of a=simulcast
  // Ids of the header extensions that tell packets apart (RFC 8852).
  std::uint8_t rid_extension = 0;
  std::optional<std::uint8_t> repaired_rid_extension;  // of packets that are sent again
};

// What we take of the simulcast that an m-line offers, when it sends `format`. Nothing when it offers
// none, or none that can be told apart: then it sends one stream, as RFC 8853 section 5.3.2 has it.
std::optional<Simulcast> plan_simulcast(const sdp::Media& offered, std::string_view format);

// Lines of our m-line, header extensions among them, be it in an answer or in an offer to receive.
std::vector<sdp::Line> answer_lines(const Simulcast& simulcast);

// The layers' names as a=simulcast has them: "h;m;l".
std::string rid_list(const Simulcast& simulcast);

}  // namespace onair
