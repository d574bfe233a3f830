// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstddef>
#include <cstdint>
#include <span>

#include "learned_stream.hpp"
#include "media_payload.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace onair;
  using namespace onair::rtplisten;
  const std::span bytes{data, size};
  static_cast<void>(is_h264(bytes));
  static_cast<void>(is_opus(bytes));
  for (const auto kind : {MediaKind::Audio, MediaKind::Video}) {
    LearnedStream stream{{.kind = kind}};
    // Twice the same, and its halves as packets of their own.
    for (const auto packet : {bytes, bytes, bytes.first(size / 2), bytes.subspan(size / 2)})
      static_cast<void>(stream.on_packet(ClockTime{}, Sender{}, packet));
  }
  return 0;
}
