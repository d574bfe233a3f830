// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace onair {

// Requests for key frames to a publisher who sends several layers of one picture. Whoever writes a
// rendition asks for its layer; renditions are cut together, so all layers are asked at once, by
// the first who asks. Each request carries the number of its boundary: the others' for the same
// boundary have been sent by then. A second one of the same rendition says that its key frame did
// not come. Number 0 is of no boundary: a rendition needs a key frame to begin with.
class LayerRequests {
 public:
  // Boundaries that are remembered: requests for one of them come within a segment or two.
  static constexpr std::size_t kRemembered = 16;

  // The layers to ask: of those that there are. `at` is the time of the newest frame.
  [[nodiscard]] std::vector<std::size_t> ask(std::size_t layer, std::uint32_t count,
                                             RunningTime at);
  // Whether a request of somebody else's is KeyFrameRequests::kApart from those for boundaries, which come regularly.
  [[nodiscard]] bool leaves_room(RunningTime at) const;
  void add(std::size_t layer) { layers_.push_back(layer); }
  void remove(std::size_t layer) { std::erase(layers_, layer); }
  void reset();

 private:
  struct Boundary {
    std::uint32_t count;
    std::vector<std::size_t> served;  // asked by another's request, and not yet by their own
  };
  std::vector<std::size_t> layers_;
  std::deque<Boundary> boundaries_;
  std::optional<RunningTime> newest_;  // the first request for a boundary
  std::optional<Duration> distance_;
};

}  // namespace onair
