// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace onair {

// Parameter sets of H.264 that a sample (NAL units with their lengths in front) needs in band, where the
// sample description of its file is an older one.
struct MissingParameterSets {
  std::size_t place = 0;  // in the sample
  std::vector<std::uint8_t> bytes;
};

// Those in an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1). Nothing: the sample has
// its own, or one of the two makes no sense.
std::optional<MissingParameterSets> missing_parameter_sets(std::span<const std::uint8_t> sample,
                                                           std::span<const std::uint8_t> record);

}  // namespace onair
