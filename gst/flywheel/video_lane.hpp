// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include <gst/video/video.h>

#include "lane.hpp"
#include "video_line.hpp"

namespace onair {

class VideoLane : public Lane {
 public:
  // The slate's picture; none is black.
  VideoLane(GstElement* element, GstPad* src, LaneStats& stats, GstPtr<GstSample> picture);

  void configure(const FlywheelSettings& settings) override;
  bool set_caps(GstCaps* caps) override;
  void begin(RunningTime at) override;
  GstFlowReturn on_buffer(GstPtr<GstBuffer> buffer, std::optional<RunningTime> start,
                          std::optional<RunningTime> now) override;
  GstFlowReturn on_gap(RunningTime start, Duration length, std::optional<RunningTime> now) override;
  GstFlowReturn fill() override;
  [[nodiscard]] std::optional<RunningTime> deadline() const override;

 private:
  GstFlowReturn fill_until(RunningTime until, bool is_hole);
  GstFlowReturn push_fill(const VideoLine::Fill& fill, bool is_hole);
  [[nodiscard]] GstPtr<GstBuffer> slate();

  const GstPtr<GstSample> picture_;
  std::optional<GstVideoInfo> info_;  // of frames whose pixels can be written
  VideoLine::FrameRate caps_rate_{.num = 0, .den = 1};
  VideoLine line_{VideoLine::FrameRate{}};
  GstPtr<GstBuffer> last_;
  GstPtr<GstBuffer> slate_;
};

}  // namespace onair
