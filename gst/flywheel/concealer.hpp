// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace onair {

// Goes on with a sound whose source has stopped, in the manner of ITU-T G.711 Appendix I: the last
// pitch period is repeated, after 10 ms the last two and after 20 ms the last three, so that it does
// not buzz; from 10 ms on it fades, and after 60 ms it is silent. Unlike there nothing is delayed
// before something is missing: the first quarter period is lifted to the level of what went out.
// Sound is interleaved; a frame is a sample of each channel.
class Concealer {
 public:
  Concealer(std::uint32_t rate, std::size_t channels);

  // What goes out of the input, in order.
  void remember(std::span<const float> sound);
  // Writes whole frames of filler. Returns how many come before silence.
  std::size_t conceal(std::span<float> filler);
  // The input goes on behind filler, or behind a cut: fades from what would have come into `sound`,
  // over no more than overlap().
  void join(std::span<float> sound);

  [[nodiscard]] std::size_t overlap() const { return overlap_; }  // frames
  // Frames of the past that are of use.
  [[nodiscard]] std::size_t memory() const { return past_.size() / channels_; }
  [[nodiscard]] bool is_concealing() const { return is_concealing_; }

 private:
  // A stretch of the past that is repeated for ever, without a step at its seam.
  struct Cycle {
    std::vector<float> frames;
    std::size_t next = 0;  // float
  };

  void record(std::span<const float> sound);
  void start();
  void write(std::span<float> filler);
  void write_frame(float* frame);
  [[nodiscard]] std::size_t find_period() const;
  [[nodiscard]] Cycle make_cycle(std::size_t periods, std::size_t phase) const;

  const std::size_t channels_;
  // Frames.
  const std::size_t overlap_;
  const std::size_t shortest_period_;
  const std::size_t longest_period_;
  const std::size_t window_;   // over which periods are compared
  const std::size_t growth_;   // after which another period is added, and before fading
  const std::size_t longest_;  // before silence

  std::vector<float> past_;  // what went out last; the newest at the end
  bool is_concealing_ = false;

  // While concealing.
  std::vector<float> before_;  // the past as it was at the start
  std::size_t period_ = 0;
  std::size_t done_ = 0;  // frames of filler so far
  Cycle cycle_;
  std::vector<float> fading_;  // what the cycle takes over from, over its length
  std::size_t faded_ = 0;      // float
};

}  // namespace onair
