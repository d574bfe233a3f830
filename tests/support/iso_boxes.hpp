// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

// Reads fragmented MP4 (ISO/IEC 14496-12) from the standard alone: it shares nothing with the writer.
namespace onair::test {

struct IsoBox {
  std::string type;
  std::span<const std::uint8_t> body;
};

// The boxes of which these bytes are made. Fails the test where a size does not fit.
[[nodiscard]] std::vector<IsoBox> iso_boxes(std::span<const std::uint8_t> bytes);
// "moof(mfhd traf(tfhd tfdt trun)) mdat"
[[nodiscard]] std::string iso_outline(std::span<const std::uint8_t> bytes);
// The box at "moov/trak/mdia/mdhd"; the test fails without one. A second trak is "moov/trak#1".
[[nodiscard]] std::span<const std::uint8_t> iso_find(std::span<const std::uint8_t> bytes,
                                                     const std::string& path);
[[nodiscard]] std::uint64_t iso_number(std::span<const std::uint8_t> bytes, std::size_t at,
                                       std::size_t length);

struct IsoSample {
  std::int64_t decode_time;
  std::int64_t presentation_time;
  std::uint32_t duration;
  bool is_key;
  std::string data;
  bool operator==(const IsoSample&) const = default;
};

struct IsoRun {
  std::uint32_t track_id;
  std::vector<IsoSample> samples;
};

struct IsoFragment {
  std::uint32_t sequence;
  std::vector<IsoRun> runs;
};

// One moof and its mdat. Fails the test where they are anything else.
[[nodiscard]] IsoFragment iso_fragment(std::span<const std::uint8_t> bytes);

}  // namespace onair::test
