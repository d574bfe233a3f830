// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policies/webrtc_video.hpp"

#include <gtest/gtest.h>

namespace onair::sim {
namespace {

using namespace std::chrono_literals;

// 90 kHz and milliseconds both divide this: 25 frames/s.
constexpr Duration kFrame{40ms};
constexpr Duration kMicrosecond{1us};

constexpr RunningTime at(Duration since_start) {
  return RunningTime{since_start};
}

TEST(FrameDelayVariationFilter, StartsAtTheSlopeUpstreamTakesFor512KilobitPerSecond) {
  const FrameDelayVariationFilter filter;
  EXPECT_DOUBLE_EQ(filter.size_based_ms(64'000), 1);
  EXPECT_DOUBLE_EQ(filter.total_ms(64'000), 1);
}

TEST(FrameDelayVariationFilter, AFrameOfEqualSizeMovesTheOffsetOnly) {
  FrameDelayVariationFilter filter;
  filter.update(10, 0, 1000, 4);
  // Gain: 100 / (100 + 301 * sqrt(4)); the likeness of sizes is 1.
  EXPECT_NEAR(filter.total_ms(0), 10 * 100. / 702, 1e-6);
  EXPECT_DOUBLE_EQ(filter.size_based_ms(64'000), 1);
}

TEST(FrameDelayVariationFilter, LearnsTheRateOfTheBottleneck) {
  FrameDelayVariationFilter filter;
  const double ms_per_byte = 0.008;  // 1 Mbit/s
  for (int i = 0; i < 2000; ++i) {
    const double size_variation = i % 2 == 0 ? 8000 : -8000;
    filter.update(size_variation * ms_per_byte, size_variation, 10'000, 4);
  }
  EXPECT_NEAR(filter.size_based_ms(1000), 8, 0.1);
}

// Frames of 1200 bytes, on time.
RunningTime feed(VideoJitterEstimator& estimator, int frames, Duration interval) {
  RunningTime now{};
  for (int i = 0; i < frames; ++i) {
    now += interval;
    estimator.on_frame(0ms, 1200, now);
  }
  return now;
}

TEST(VideoJitterEstimator, EvenFramesLeaveTheFloorOfElevenMilliseconds) {
  VideoJitterEstimator estimator;
  const auto now = feed(estimator, 100, kFrame);
  EXPECT_EQ(estimator.estimate(now, 100ms), 11ms);  // 1 of noise, 10 for the operating system
}

TEST(VideoJitterEstimator, TheThirdNackedFrameAddsMostOfARoundTrip) {
  VideoJitterEstimator estimator;
  const auto now = feed(estimator, 100, kFrame);
  estimator.on_frame_nacked(now);
  estimator.on_frame_nacked(now);
  EXPECT_EQ(estimator.estimate(now, 100ms), 11ms);
  estimator.on_frame_nacked(now);
  EXPECT_NEAR(static_cast<double>(estimator.estimate(now, 100ms).count()),
              static_cast<double>(Duration{101ms}.count()),
              static_cast<double>(kMicrosecond.count()));  // the factor is a float's 0.9
  EXPECT_EQ(estimator.estimate(now, 1s), 211ms);           // capped at 200
}

TEST(VideoJitterEstimator, NacksAreForgottenAfterAMinute) {
  VideoJitterEstimator estimator;
  const auto now = feed(estimator, 100, kFrame);
  for (int i = 0; i < 3; ++i)
    estimator.on_frame_nacked(now);
  EXPECT_EQ(estimator.estimate(now + 60s, 1s), 211ms);
  EXPECT_EQ(estimator.estimate(now + 60s + 1ns, 1s), 11ms);
}

TEST(VideoJitterEstimator, SlideShowsGetLessAndLess) {
  for (const auto& [interval, estimate] : {std::pair{100ms, 11000us}, std::pair{125ms, 6600us},
                                           std::pair{200ms, 0us}, std::pair{1000ms, 0us}}) {
    VideoJitterEstimator estimator;
    const auto now = feed(estimator, 100, interval);
    EXPECT_NEAR(static_cast<double>(estimator.estimate(now, 0ms).count()),
                static_cast<double>(Duration{estimate}.count()),
                static_cast<double>(kMicrosecond.count()));
  }
}

TEST(VideoJitterEstimator, NoiseCountsFromThirtyMillisecondsAbove) {
  VideoJitterEstimator estimator;
  RunningTime now{};
  for (int i = 0; i < 2000; ++i) {
    now += kFrame;
    estimator.on_frame(i % 2 == 0 ? 40ms : -40ms, 1200, now);
  }
  // A standard deviation of 40 ms: 2.33 * 40 - 30 = 63.2, and 10.
  EXPECT_NEAR(static_cast<double>(estimator.estimate(now, 0ms).count()) / 1e6, 73.2, 1);
}

TEST(TimestampExtrapolator, ALineIsKeptToAMillisecond) {
  TimestampExtrapolator line;
  EXPECT_FALSE(line.local_time(MediaTime{0ms}));
  for (int i = 0; i < 1000; ++i) {
    line.on_frame(MediaTime{5s + i * kFrame}, at(7s + i * kFrame));
    ASSERT_EQ(line.local_time(MediaTime{5s + i * kFrame}), at(7s + i * kFrame)) << i;
  }
}

TEST(TimestampExtrapolator, DriftIsFollowed) {
  TimestampExtrapolator line;
  const auto media = [](int i) { return MediaTime{i * kFrame}; };
  const auto arrival = [](int i) { return at(i * (kFrame + kFrame / 5000)); };  // 200 ppm
  for (int i = 0; i < 3000; ++i)
    line.on_frame(media(i), arrival(i));
  EXPECT_LE(std::chrono::abs(*line.local_time(media(3000)) - arrival(3000)), 1ms);
}

TEST(TimestampExtrapolator, AnOutlierIsHeardOnlyInTheFirst300Frames) {
  for (const int frames : {100, 300}) {
    TimestampExtrapolator line;
    for (int i = 0; i < frames; ++i)
      line.on_frame(MediaTime{i * kFrame}, at(i * kFrame));
    line.on_frame(MediaTime{frames * kFrame}, at(frames * kFrame + 700ms));
    const auto moved = *line.local_time(MediaTime{frames * kFrame}) - at(frames * kFrame);
    if (frames == 300)
      EXPECT_EQ(moved, 0ms);
    else
      EXPECT_GT(moved, 0ms);
  }
}

TEST(TimestampExtrapolator, SilenceBeyondTenSecondsStartsAnew) {
  TimestampExtrapolator line;
  for (int i = 0; i < 400; ++i)
    line.on_frame(MediaTime{i * kFrame}, at(i * kFrame));
  const MediaTime media{400 * kFrame};
  line.on_frame(media, at(399 * kFrame + 10s + 1ns));
  EXPECT_EQ(line.local_time(media), at(399 * kFrame + 10s + 1ns));
}

// Frames of `packets` packets of 1200 bytes, 100 us apart.
class Sender {
 public:
  explicit Sender(WebrtcVideoPolicy& policy) : policy_{policy} {}
  void send(Duration transit, int packets = 1, bool retransmitted = false) {
    for (int i = 0; i < packets; ++i) {
      policy_.on_packet({.arrival = RunningTime{media_ + transit + i * 100us},
                         .media = MediaTime{media_},
                         .sequence = sequence_++,
                         .size = 1200,
                         .marker = i + 1 == packets,
                         .retransmitted = retransmitted});
    }
    media_ += kFrame;
  }
  void skip_packet() { ++sequence_; }

 private:
  WebrtcVideoPolicy& policy_;
  Duration media_{0};
  std::int64_t sequence_ = 0;
};

TEST(WebrtcVideoPolicy, EvenFramesAreDueElevenMillisecondsAfterTheLine) {
  WebrtcVideoPolicy policy{{}};
  EXPECT_EQ(policy.playout(), 0ms);
  Sender sender{policy};
  for (int i = 0; i < 100; ++i)
    sender.send(50ms);
  EXPECT_EQ(policy.target_delay(), 21ms);  // with the rendering's 10
  EXPECT_EQ(policy.current_delay(), 21ms);
  EXPECT_EQ(policy.playout(), 61ms);
}

TEST(WebrtcVideoPolicy, AFrameCountsFromItsLastPacket) {
  WebrtcVideoPolicy policy{{}};
  Sender sender{policy};
  for (int i = 0; i < 100; ++i)
    sender.send(50ms, 11);
  EXPECT_EQ(policy.playout(), 62ms);
}

TEST(WebrtcVideoPolicy, DecodingTimeIsTakenBackFromWhatItAdds) {
  WebrtcVideoPolicy policy{{.decode_time = 15ms}};
  Sender sender{policy};
  for (int i = 0; i < 100; ++i)
    sender.send(50ms);
  EXPECT_EQ(policy.current_delay(), 36ms);
  EXPECT_EQ(policy.playout(), 61ms);
}

TEST(WebrtcVideoPolicy, MinimumIsHeld) {
  WebrtcVideoPolicy policy{{.minimum = 200ms}};
  Sender sender{policy};
  for (int i = 0; i < 100; ++i)
    sender.send(50ms);
  EXPECT_EQ(policy.playout(), 50ms + 200ms - 10ms);
}

TEST(WebrtcVideoPolicy, FramesWithRetransmissionsCountAsNackedOnly) {
  WebrtcVideoPolicy policy{{.round_trip = 1s}};
  Sender sender{policy};
  for (int i = 0; i < 100; ++i)
    sender.send(50ms);
  for (int i = 0; i < 3; ++i)
    sender.send(900ms, 1, true);
  EXPECT_EQ(policy.playout(), 61ms);
  sender.send(50ms);
  EXPECT_EQ(policy.target_delay(), 221ms);
  EXPECT_EQ(policy.current_delay(), 21ms);  // nothing came late, so nothing rises
}

TEST(WebrtcVideoPolicy, AFrameWithoutItsBeginningIsSkipped) {
  WebrtcVideoPolicy whole{{}};
  WebrtcVideoPolicy torn{{}};
  Sender to_whole{whole};
  Sender to_torn{torn};
  for (int i = 0; i < 100; ++i) {
    to_whole.send(50ms, 3);
    to_torn.send(50ms, 3);
  }
  to_torn.skip_packet();
  to_whole.send(500ms, 2);
  to_torn.send(500ms, 2);
  EXPECT_GT(whole.playout(), 61200us);  // before 300 frames the line hears every outlier
  EXPECT_EQ(torn.playout(), 61200us);
}

}  // namespace
}  // namespace onair::sim
