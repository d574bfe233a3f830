// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "playlist/master_playlist.hpp"

namespace onair {

// The media playlists of a broadcast, as the master playlist tells of them.
class VariantSet {
 public:
  struct Stream {
    std::string uri;
    unsigned number = 0;    // in the order of the master playlist
    bool is_group = false;  // sound that the others share
    std::uint64_t bandwidth = 0;
    std::uint64_t average_bandwidth = 0;
    std::array<std::string, 2> codecs;  // of picture and sound; empty: none
    std::optional<MasterPlaylist::Resolution> resolution;
    std::optional<MasterPlaylist::FrameRate> frame_rate;
    std::optional<unsigned> channels;
    friend bool operator==(const Stream&, const Stream&) = default;
  };

  // Whether that is news.
  bool describe(const Stream& stream);
  [[nodiscard]] MasterPlaylist master() const;

 private:
  std::map<std::string, Stream> streams_;  // by URI
};

}  // namespace onair
