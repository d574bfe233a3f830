// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace onair {

// Which layer each rendition is made of. Rendition n is layer n; while a publisher does not send that (for want of
// bandwidth, browsers stop the largest first), it repeats the next smaller one that is sent, or the next
// larger, from a key frame on, which is asked for, and goes back with the layer's own next key frame. Times
// never step back: key frames of layers are of one picture often, and the second of them comes a little later.
class LayerSwitch {
 public:
  // So long nothing of a layer while another is sent: it is not. Layers are of the same pictures; an encoder may
  // leave out some of one when bits are short. So long by their times and by the clock: frames that have waited
  // somewhere come layer by layer.
  static constexpr Duration kSilence = std::chrono::milliseconds{500};
  // By so much a frame is behind the one before at least, where two layers meet.
  static constexpr Duration kStep = std::chrono::milliseconds{1};
  static constexpr Duration kRepeat = std::chrono::milliseconds{500};
  // A layer that is further behind another is not the same picture.
  static constexpr Duration kMostBehind = std::chrono::milliseconds{100};

  struct Taker {
    std::size_t rendition;
    RunningTime at;  // when the frame is to be shown there
    friend bool operator==(const Taker&, const Taker&) = default;
  };

  void add(std::size_t layer);
  void remove(std::size_t layer);
  void resize(std::size_t layer, long pixels);
  // The renditions that take this frame.
  [[nodiscard]] std::vector<Taker> on_frame(std::size_t layer, RunningTime at, bool is_key,
                                            ClockTime now);
  // Behind its newest frame, which is no key frame: whether the publisher is to be asked for one of this layer, as a
  // rendition that has shown something waits for it. Once in kRepeat.
  [[nodiscard]] bool take_request(std::size_t layer, RunningTime at);
  // Another time line begins.
  void reset();
  // What a rendition is made of now.
  [[nodiscard]] std::optional<std::size_t> source_of(std::size_t rendition) const;

 private:
  // When another has been sent since its last frame.
  struct Missed {
    RunningTime at;
    ClockTime now;
  };
  struct Layer {
    long pixels = 0;
    bool has_come = false;
    std::optional<Missed> missed;
    // Of the rendition that is this layer by rights.
    std::optional<std::size_t> source;
    std::optional<RunningTime> newest_out;
    std::optional<RunningTime> asked_at;  // for a key frame to go on with
  };
  [[nodiscard]] bool is_sent(const Layer& layer, RunningTime at) const;
  [[nodiscard]] bool takes_over(std::size_t rendition, std::size_t layer, RunningTime at) const;
  [[nodiscard]] std::optional<std::size_t> stand_in(std::size_t rendition, RunningTime at) const;

  std::map<std::size_t, Layer> layers_;
  ClockTime now_{};
};

}  // namespace onair
