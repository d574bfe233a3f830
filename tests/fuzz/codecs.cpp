// SPDX-License-Identifier: LGPL-2.1-or-later
#include "codecs.hpp"

#include <cstddef>
#include <cstdint>

#include "parameter_sets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes{data, size};
  static_cast<void>(onair::codecs::h264_from_byte_stream(bytes));
  static_cast<void>(onair::codecs::h264_from_configuration(bytes));
  static_cast<void>(onair::codecs::aac_from_configuration(bytes));
  static_cast<void>(onair::codecs::aac_from_adts(bytes));
  const auto half = bytes.size() / 2;
  static_cast<void>(onair::missing_parameter_sets(bytes.subspan(half), bytes.first(half)));
  return 0;
}
