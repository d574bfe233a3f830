// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fragment.hpp"

#include <string>

#include <gtest/gtest.h>

#include "iso_boxes.hpp"

namespace onair {
namespace {

using namespace std::chrono_literals;
using test::IsoSample;

constexpr RunningTime at(Duration time) {
  return RunningTime{time};
}

FragmentSample picture(Duration time, bool is_key, Duration duration = 40ms) {
  return {.decode_time = at(time),
          .presentation_time = at(time),
          .duration = duration,
          .size = 1,
          .is_key = is_key};
}

TrackRun pictures(std::vector<FragmentSample> samples) {
  return {.track_id = 1, .is_video = true, .timescale = 90000, .samples = std::move(samples)};
}

// MP3 at 48 kHz, frames of 24 ms.
TrackRun sound(Duration from, int frames) {
  TrackRun run{.track_id = 2, .timescale = 48000, .samples = {}};
  for (int i = 0; i < frames; ++i)
    run.samples.push_back({.decode_time = at(from + i * 24ms),
                           .presentation_time = at(from + i * 24ms),
                           .duration = 24ms,
                           .size = 2});
  return run;
}

// With the letters of `data` for the samples' bytes.
Bytes whole(std::vector<TrackRun> runs, const std::string& data,
            std::optional<RunningTime> end = std::nullopt) {
  auto bytes = fragment_header(7, runs, end);
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

TEST(Fragment, HasOneMoofWithAllTracks) {
  const auto bytes =
      whole({pictures({picture(1s, true), picture(1040ms, false)}), sound(1s, 2)}, "PQaabb");
  EXPECT_EQ(test::iso_outline(bytes), "moof(mfhd traf(tfhd tfdt trun) traf(tfhd tfdt trun)) mdat");
  const auto fragment = test::iso_fragment(bytes);
  EXPECT_EQ(fragment.sequence, 7u);
  ASSERT_EQ(fragment.runs.size(), 2u);
  EXPECT_EQ(fragment.runs[0].track_id, 1u);
  EXPECT_EQ(fragment.runs[0].samples, (std::vector<IsoSample>{{90000, 90000, 3600, true, "P"},
                                                              {93600, 93600, 3600, false, "Q"}}));
  EXPECT_EQ(fragment.runs[1].track_id, 2u);
  EXPECT_EQ(fragment.runs[1].samples, (std::vector<IsoSample>{{48000, 48000, 1152, true, "aa"},
                                                              {49152, 49152, 1152, true, "bb"}}));
}

TEST(Fragment, ATrackWithoutSamplesIsLeftOut) {
  const auto fragment = test::iso_fragment(whole({pictures({}), sound(0s, 1)}, "aa"));
  ASSERT_EQ(fragment.runs.size(), 1u);
  EXPECT_EQ(fragment.runs[0].track_id, 2u);
  EXPECT_EQ(fragment.runs[0].samples[0].data, "aa");
}

TEST(Fragment, EachPictureSaysWhetherItIsAKeyFrame) {
  for (const std::vector<bool>& keys : {std::vector{true},
                                        {false},
                                        {true, false, false},
                                        {false, false},
                                        {false, true, false},
                                        {true, true},
                                        {true, false, true}}) {
    std::vector<FragmentSample> samples;
    for (std::size_t i = 0; i < keys.size(); ++i)
      samples.push_back(picture(static_cast<int>(i) * 40ms, keys[i]));
    const auto read = test::iso_fragment(whole({pictures(samples)}, std::string(keys.size(), 'x')));
    ASSERT_EQ(read.runs[0].samples.size(), keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i)
      EXPECT_EQ(read.runs[0].samples[i].is_key, keys[i]) << i << " of " << keys.size();
  }
}

// 1024 samples at 44.1 kHz are no whole number of nanoseconds: neither rounding may show.
TEST(Fragment, TimesOfSoundAreExactInSamplesAfterADay) {
  constexpr std::int64_t kFrames = 86400ll * 44100 / 1024;
  for (std::int64_t n = kFrames; n < kFrames + 500; ++n) {
    const auto start = RunningTime{Duration{n * 1024 * 1'000'000'000 / 44100}};
    const auto next = RunningTime{Duration{(n + 1) * 1024 * 1'000'000'000 / 44100}};
    const TrackRun run{.track_id = 1,
                       .timescale = 44100,
                       .samples = {{.decode_time = start,
                                    .presentation_time = start,
                                    .duration = next - start,
                                    .size = 1}}};
    const auto read = test::iso_fragment(whole({run}, "x")).runs[0].samples[0];
    ASSERT_EQ(read.decode_time, n * 1024);
    ASSERT_EQ(read.duration, 1024u);
  }
}

TEST(Fragment, APictureLastsUntilTheNextWhateverItsDurationSays) {
  const auto read = test::iso_fragment(
      whole({pictures({picture(0s, true, 1ms), picture(100ms, false, 1ms)})}, "xy"));
  EXPECT_EQ(read.runs[0].samples[0].duration, 9000u);
  EXPECT_EQ(read.runs[0].samples[1].duration, 90u);
}

TEST(Fragment, TheLastPictureLastsUntilTheEndOfItsPart) {
  const auto last = [](Duration end) {
    const auto read = test::iso_fragment(whole(
        {pictures({picture(0s, true), picture(40ms, false)}), sound(0s, 1)}, "xyaa", at(end)));
    EXPECT_EQ(read.runs[1].samples[0].duration, 1152u) << "no frame of sound is stretched";
    return read.runs[0].samples[1].duration;
  };
  EXPECT_EQ(last(200ms), 160u * 90);
  EXPECT_EQ(last(81ms), 41u * 90);
  EXPECT_EQ(last(80ms), 40u * 90);
  EXPECT_EQ(last(60ms), 40u * 90);  // and no less than its own duration
}

TEST(Fragment, ReorderedPicturesKeepBothTimes) {
  const auto reordered = [](Duration decode, Duration presentation) {
    return FragmentSample{.decode_time = at(decode),
                          .presentation_time = at(presentation),
                          .duration = 40ms,
                          .size = 1,
                          .is_key = false};
  };
  // The second one is shown before it is decoded, as with an encoder that shifts PTS, not DTS.
  const auto read =
      test::iso_fragment(whole({pictures({reordered(1s, 1080ms), reordered(1040ms, 1s)})}, "xy"));
  EXPECT_EQ(read.runs[0].samples[0].presentation_time, 1080 * 90);
  EXPECT_EQ(read.runs[0].samples[1].presentation_time, 1000 * 90);
  EXPECT_EQ(read.runs[0].samples[1].decode_time, 1040 * 90);
}

TEST(Fragment, WhatIsDecodedBeforeZeroIsDecodedAtZero) {
  const FragmentSample early{.decode_time = at(-40ms),
                             .presentation_time = at(0ms),
                             .duration = 40ms,
                             .size = 1,
                             .is_key = true};
  const auto read = test::iso_fragment(whole({pictures({early, picture(40ms, false)})}, "xy"));
  EXPECT_EQ(read.runs[0].samples[0], (IsoSample{0, 0, 3600, true, "x"}));
}

TEST(Fragment, DecodeTimesThatGoBackStandStill) {
  const auto read = test::iso_fragment(
      whole({pictures({picture(1s, true), picture(990ms, false), picture(1040ms, false)})}, "xyz"));
  EXPECT_EQ(read.runs[0].samples[1], (IsoSample{90000, 990 * 90, 3600, false, "y"}));
  EXPECT_EQ(read.runs[0].samples[2].decode_time, 1040 * 90);
}

}  // namespace
}  // namespace onair
