// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace onair {

// The playlist of playlists (section 4.4.6 of draft-pantos-hls-rfc8216bis calls it multivariant),
// in the order in which the author gives it: players begin with the first variant.
struct MasterPlaylist {
  struct Audio {
    std::string group;
    std::string name;
    std::string uri;       // empty: the sound is in the variants that name the group
    std::string language;  // RFC 5646; empty if unknown
    bool is_default = false;
    bool is_autoselect = false;  // a default is selected in any case (section 4.4.6.1)
    std::optional<unsigned> channels;
  };
  struct Resolution {
    unsigned width = 0;
    unsigned height = 0;
    friend bool operator==(const Resolution&, const Resolution&) = default;
  };
  struct FrameRate {
    std::uint32_t numerator = 0;
    std::uint32_t denominator = 1;
    friend bool operator==(const FrameRate&, const FrameRate&) = default;
  };
  struct Variant {
    std::string uri;
    std::uint64_t bandwidth = 0;  // the peak, with that of the sound of its group
    std::optional<std::uint64_t> average_bandwidth;
    std::vector<std::string> codecs;  // RFC 6381; those of its group's sound too
    std::optional<Resolution> resolution;
    std::optional<FrameRate> frame_rate;
    std::string audio_group;  // empty: none
  };

  bool has_independent_segments = true;
  std::vector<Audio> audio;
  std::vector<Variant> variants;

  [[nodiscard]] std::string text() const;
};

}  // namespace onair
