// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>

#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "pad_feeder.hpp"
#include "test_clock.hpp"

namespace onair::test {

// Of an upstream GstForceKeyUnit; none: at once.
inline std::optional<GstClockTime> time_of_request(GstEvent* event) {
  GstClockTime time = GST_CLOCK_TIME_NONE;
  gboolean all_headers = FALSE;
  guint count = 0;
  EXPECT_TRUE(gst_video_event_parse_upstream_force_key_unit(event, &time, &all_headers, &count));
  EXPECT_TRUE(all_headers);
  return GST_CLOCK_TIME_IS_VALID(time) ? std::optional{time} : std::nullopt;
}

// What an encoder remembers of the key frames that it was asked for.
class KeyFrameRequests {
 public:
  // Whether the picture at `pts` is to be one: answers all that were asked for up to there.
  bool answer(PadFeeder& feeder, Duration pts) {
    const auto asked = feeder.upstream("GstForceKeyUnit");
    const auto before = answered_;
    while (answered_ < asked.size() &&
           time_of_request(asked[answered_].get()).value_or(0) <= ns(pts))
      ++answered_;
    return answered_ > before;
  }

 private:
  std::size_t answered_ = 0;
};

}  // namespace onair::test
