// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <vector>

#include <gst/audio/audio.h>

#include "audio_line.hpp"
#include "concealer.hpp"
#include "lane.hpp"

namespace onair {

class AudioLane : public Lane {
 public:
  AudioLane(GstElement* element, GstPad* src, LaneStats& stats);

  void configure(const FlywheelSettings& settings) override;
  bool set_caps(GstCaps* caps) override;
  void begin(RunningTime at) override;
  GstFlowReturn on_buffer(GstPtr<GstBuffer> buffer, std::optional<RunningTime> start,
                          std::optional<RunningTime> now) override;
  GstFlowReturn on_gap(RunningTime start, Duration length, std::optional<RunningTime> now) override;
  GstFlowReturn fill() override;
  [[nodiscard]] std::optional<RunningTime> deadline() const override;

 private:
  GstFlowReturn fill_frames(std::int64_t frames);
  GstFlowReturn push_piece(std::int64_t frames);
  void join(GstBuffer* buffer);
  void remember(GstBuffer* buffer);
  [[nodiscard]] Duration length_of(std::size_t frames) const;

  GstAudioInfo info_;
  std::optional<AudioLine> line_;
  std::optional<Concealer> concealer_;
  std::vector<float> scratch_;
  bool has_begun_ = false;  // something has gone out
};

}  // namespace onair
