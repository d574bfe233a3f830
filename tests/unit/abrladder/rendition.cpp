// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rendition.hpp"

#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onair::test {
namespace {

using testing::HasSubstr;

// In the middle of all ranges.
Rendition good() {
  return {.name = "hd",
          .video = VideoRendition{.width = 1280, .height = 720, .fps = {30, 1}, .bps = 3'000'000},
          .audio = AudioRendition{}};
}

std::optional<std::string> error_with(const std::function<void(Rendition&)>& change) {
  auto rendition = good();
  change(rendition);
  return error_of(rendition);
}

// A field as it is named to users, where it is, and its range.
struct Range {
  const char* field;
  std::function<int&(Rendition&)> value;
  int least;
  int most;
  int step;
};

const Range kRanges[] = {
    {"width", [](Rendition& its) -> int& { return its.video->width; }, 36, 4096, 2},
    {"height", [](Rendition& its) -> int& { return its.video->height; }, 36, 4096, 2},
    {"fps", [](Rendition& its) -> int& { return its.video->fps.num; }, 3, 60, 1},
    {"bps", [](Rendition& its) -> int& { return its.video->bps; }, 15'000, 15'000'000, 1},
    {"audio-bps", [](Rendition& its) -> int& { return its.audio->bps; }, 32'000, 320'000, 1},
};

TEST(Rendition, WithinAllRangesIsWithoutError) {
  EXPECT_EQ(error_of(good()), std::nullopt);
}

TEST(Rendition, EachFieldMayStandOnEitherEdgeOfItsRangeAndNotBeyond) {
  for (const auto& [field, value, least, most, step] : kRanges) {
    SCOPED_TRACE(field);
    const auto error_at = [&](int number) {
      return error_with([&](Rendition& its) { value(its) = number; });
    };
    EXPECT_EQ(error_at(least), std::nullopt);
    EXPECT_EQ(error_at(least + step), std::nullopt);
    EXPECT_EQ(error_at(most - step), std::nullopt);
    EXPECT_EQ(error_at(most), std::nullopt);
    for (const int beyond : {least - 1, most + 1, 0, -least, std::numeric_limits<int>::max(),
                             std::numeric_limits<int>::min()}) {
      const auto error = error_at(beyond);
      ASSERT_TRUE(error) << beyond;
      EXPECT_THAT(*error, HasSubstr("hd: " + std::string{field} + " is " + std::to_string(beyond)));
      EXPECT_THAT(*error, HasSubstr("allowed are " + std::to_string(least) + " to " +
                                    std::to_string(most) + "."));
    }
  }
}

TEST(Rendition, SidesAreEven) {
  for (const auto& [field, value, least, most, step] : kRanges) {
    if (step != 2)
      continue;
    for (const int odd : {least + 1, 721, most - 1}) {
      const auto error = error_with([&](Rendition& its) { value(its) = odd; });
      ASSERT_TRUE(error) << field << ' ' << odd;
      EXPECT_THAT(*error, HasSubstr(std::string{field} + " is " + std::to_string(odd)));
      EXPECT_THAT(*error, HasSubstr("even"));
    }
  }
}

TEST(Rendition, FrameRatesAreFractionsWithTheSameEdges) {
  const auto error_at = [](FrameRate fps) {
    return error_with([&](Rendition& its) { its.video->fps = fps; });
  };
  EXPECT_EQ(error_at({30'000, 1001}), std::nullopt);
  EXPECT_EQ(error_at({60'000, 1001}), std::nullopt);
  EXPECT_EQ(error_at({60'000, 1000}), std::nullopt);
  EXPECT_EQ(error_at({3000, 1000}), std::nullopt);
  EXPECT_TRUE(error_at({60'001, 1000}));
  EXPECT_TRUE(error_at({2999, 1000}));
  EXPECT_TRUE(error_at({30, 0}));
  EXPECT_TRUE(error_at({-30, -1}));
  EXPECT_TRUE(error_at({1, std::numeric_limits<int>::max()}));
  EXPECT_EQ(error_at({2999, 1000}), "Rendition hd: fps is 2999/1000; allowed are 3 to 60.");
}

TEST(Rendition, MayDoWithoutPictureOrSoundButNotBoth) {
  EXPECT_EQ(error_with([](Rendition& its) { its.video.reset(); }), std::nullopt);
  EXPECT_EQ(error_with([](Rendition& its) { its.audio.reset(); }), std::nullopt);
  EXPECT_EQ(error_with([](Rendition& its) {
              its.video.reset();
              its.audio.reset();
            }),
            "Rendition hd has neither picture nor sound.");
}

TEST(Rendition, SoundOfAacHasTheSameRange) {
  const auto error_at = [](int bps) {
    return error_with([&](Rendition& its) { its.audio = {.bps = bps, .codec = AudioCodec::Aac}; });
  };
  EXPECT_TRUE(error_at(31'999));
  EXPECT_EQ(error_at(32'000), std::nullopt);
  EXPECT_EQ(error_at(320'000), std::nullopt);
  EXPECT_TRUE(error_at(320'001));
}

// ISO 11172-3 table 2.4.2.3.
TEST(Mp3Floor, IsTheTableRateAtOrBelow) {
  constexpr int kTable[] = {32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
  for (std::size_t n = 0; n < std::size(kTable); ++n) {
    EXPECT_EQ(floor_to_mp3(kTable[n] * 1000), kTable[n] * 1000);
    EXPECT_EQ(floor_to_mp3(kTable[n] * 1000 + 1), kTable[n] * 1000);
    EXPECT_EQ(floor_to_mp3(kTable[n] * 1000 - 1), kTable[n == 0 ? 0 : n - 1] * 1000);
  }
}

TEST(Mp3Floor, IsTheLowestRateBelowTheTableAndTheHighestAboveIt) {
  EXPECT_EQ(floor_to_mp3(0), 32'000);
  EXPECT_EQ(floor_to_mp3(-1), 32'000);
  EXPECT_EQ(floor_to_mp3(1'000'000), 320'000);
}

}  // namespace
}  // namespace onair::test
