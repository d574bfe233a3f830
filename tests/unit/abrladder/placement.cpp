// SPDX-License-Identifier: LGPL-2.1-or-later
#include "placement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <ostream>
#include <random>

#include <gtest/gtest.h>

namespace onair {

void PrintTo(const Placement& placed, std::ostream* out) {
  *out << placed.width << 'x' << placed.height << " borders " << placed.border_left << ' '
       << placed.border_right << ' ' << placed.border_top << ' ' << placed.border_bottom << " crop "
       << placed.crop_left << ' ' << placed.crop_right << ' ' << placed.crop_top << ' '
       << placed.crop_bottom;
}

namespace test {
namespace {

VideoRendition frame(int width, int height, Fit fit, bool upscale = true) {
  return {.width = width, .height = height, .fit = fit, .upscale = upscale};
}

TEST(Placement, APictureOfTheFramesSizeFillsItWhateverTheFit) {
  for (const auto fit : {Fit::Letterbox, Fit::Crop, Fit::Stretch})
    for (const bool upscale : {false, true})
      EXPECT_EQ(place({1280, 720}, frame(1280, 720, fit, upscale)),
                (Placement{.width = 1280, .height = 720}));
}

TEST(Placement, AnOldTelevisionPictureGetsBordersAtItsSides) {
  EXPECT_EQ(place({640, 480}, frame(1280, 720, Fit::Letterbox)),
            (Placement{.width = 960, .height = 720, .border_left = 160, .border_right = 160}));
}

TEST(Placement, APortraitPictureInALandscapeFrameIsANarrowStrip) {
  EXPECT_EQ(place({720, 1280}, frame(1280, 720, Fit::Letterbox)),
            (Placement{.width = 406, .height = 720, .border_left = 436, .border_right = 438}))
      << "405 is odd";
}

TEST(Placement, CropLosesHalfOfWhatIsTooMuchOnEachSide) {
  EXPECT_EQ(place({640, 480}, frame(1280, 720, Fit::Crop)),
            (Placement{.crop_top = 60, .crop_bottom = 60, .width = 1280, .height = 720}));
  EXPECT_EQ(place({1921, 1080}, frame(1280, 720, Fit::Crop)),
            (Placement{.crop_left = 0, .crop_right = 1, .width = 1280, .height = 720}));
}

// 720x576 of 12:11 is 785.45 square pixels wide.
TEST(Placement, PalPixelsAreMadeSquare) {
  EXPECT_EQ(place({720, 576, 12, 11}, frame(1280, 720, Fit::Letterbox)),
            (Placement{.width = 982, .height = 720, .border_left = 148, .border_right = 150}));
  EXPECT_EQ(place({720, 576, 12, 11}, frame(1280, 720, Fit::Letterbox, false)),
            (Placement{.width = 786,
                       .height = 576,
                       .border_left = 246,
                       .border_right = 248,
                       .border_top = 72,
                       .border_bottom = 72}));
}

TEST(Placement, ASmallPictureStaysAsItIsUnlessUpscalingIsAskedFor) {
  for (const auto fit : {Fit::Letterbox, Fit::Crop, Fit::Stretch})
    EXPECT_EQ(place({640, 360}, frame(1280, 720, fit, false)), (Placement{.width = 640,
                                                                          .height = 360,
                                                                          .border_left = 320,
                                                                          .border_right = 320,
                                                                          .border_top = 180,
                                                                          .border_bottom = 180}));
}

TEST(Placement, CropWithoutUpscalingCutsTheSideThatIsTooLong) {
  EXPECT_EQ(place({640, 1000}, frame(1280, 720, Fit::Crop, false)),
            (Placement{.crop_top = 140,
                       .crop_bottom = 140,
                       .width = 640,
                       .height = 720,
                       .border_left = 320,
                       .border_right = 320}));
}

TEST(Placement, AStripOf4096x36StaysVisible) {
  EXPECT_EQ(place({4096, 36}, frame(36, 4096, Fit::Letterbox)),
            (Placement{.width = 36, .height = 2, .border_top = 2046, .border_bottom = 2048}));
  // Of 4096 columns 0.3 would be seen.
  EXPECT_EQ(place({4096, 36}, frame(36, 4096, Fit::Crop)),
            (Placement{.crop_left = 2047, .crop_right = 2048, .width = 36, .height = 4096}));
}

TEST(Placement, OnePixelIsNeverCroppedAway) {
  EXPECT_EQ(place({1, 100}, frame(36, 4096, Fit::Crop)).crop_right, 0);
  EXPECT_EQ(place({1, 1, 4096, 1}, frame(1280, 720, Fit::Crop)),
            (Placement{.width = 1280, .height = 720}));
  EXPECT_EQ(place({1, 1, 1, 4096}, frame(1280, 720, Fit::Crop)),
            (Placement{.width = 1280, .height = 720}));
}

TEST(Placement, PixelShapesBeyondReasonStayWithinTheFrame) {
  constexpr int kMost = 2'147'483'647;
  for (const auto fit : {Fit::Letterbox, Fit::Crop, Fit::Stretch})
    for (const bool upscale : {false, true})
      for (const auto& [num, den] : {std::pair{kMost, 1}, {1, kMost}}) {
        const auto placed = place({4096, 4096, num, den}, frame(1280, 720, fit, upscale));
        EXPECT_GE(placed.width, 2);
        EXPECT_LE(placed.width, 1280);
        EXPECT_GE(placed.height, 2);
        EXPECT_LE(placed.height, 720);
      }
}

// ---- what must hold for all of them

int any_side(std::mt19937_64& random) {
  constexpr int kEdges[] = {1, 2, 3, 35, 36, 37, 4095, 4096};
  return random() % 4 == 0 ? kEdges[random() % std::size(kEdges)]
                           : 1 + static_cast<int>(random() % 4096);
}

int any_even_side(std::mt19937_64& random) {
  return random() % 8 == 0 ? 4096 : 36 + 2 * static_cast<int>(random() % 2031);
}

PictureSize any_picture(std::mt19937_64& random) {
  constexpr std::pair<int, int> kShapes[] = {{1, 1},   {1, 1},   {12, 11}, {10, 11},
                                             {16, 11}, {40, 33}, {4, 3},   {1, 2}};
  const auto [num, den] = kShapes[random() % std::size(kShapes)];
  return {any_side(random), any_side(random), num, den};
}

void expect_whole(const PictureSize& picture, const VideoRendition& into, const Placement& its) {
  ASSERT_EQ(its.border_left + its.width + its.border_right, into.width);
  ASSERT_EQ(its.border_top + its.height + its.border_bottom, into.height);
  for (const int number : {its.width, its.height, its.border_left, its.border_right, its.border_top,
                           its.border_bottom}) {
    ASSERT_GE(number, 0);
    ASSERT_EQ(number % 2, 0);
  }
  ASSERT_GE(std::min(its.width, its.height), 2);
  for (const int number : {its.crop_left, its.crop_right, its.crop_top, its.crop_bottom})
    ASSERT_GE(number, 0);
  ASSERT_GE(picture.width - its.crop_left - its.crop_right, 1);
  ASSERT_GE(picture.height - its.crop_top - its.crop_bottom, 1);
  ASSERT_LE(its.crop_right - its.crop_left, 1) << "in the middle";
  ASSERT_LE(its.crop_bottom - its.crop_top, 1);
  ASSERT_LE(its.border_right - its.border_left, 2);
  ASSERT_LE(its.border_bottom - its.border_top, 2);
}

// Of a side of `exact` pixels, rounded to an even number: one more or less, and never fewer than
// two.
void expect_near(int rounded, double exact) {
  ASSERT_LE(std::abs(rounded - std::max(2.0, exact)), 1.0 + 1e-6);
}

TEST(PlacementProperties, AnyPictureKeepsItsProportionsAndFillsTheFrameAsTheFitSays) {
  for (std::uint64_t seed = 1; seed <= 40'000; ++seed) {
    std::mt19937_64 random{seed};
    const auto picture = any_picture(random);
    const auto fit = std::array{Fit::Letterbox, Fit::Crop, Fit::Stretch}[random() % 3];
    const auto into = frame(any_even_side(random), any_even_side(random), fit, random() % 2 == 0);
    const auto placed = place(picture, into);
    SCOPED_TRACE(testing::Message()
                 << "seed " << seed << ": " << picture.width << 'x' << picture.height << " of "
                 << picture.par_num << ':' << picture.par_den << " into " << into.width << 'x'
                 << into.height << " fit " << static_cast<int>(fit) << " upscale " << into.upscale
                 << ": " << testing::PrintToString(placed));
    ASSERT_NO_FATAL_FAILURE(expect_whole(picture, into, placed));

    const double shape = static_cast<double>(picture.par_num) / picture.par_den;
    const double wide = picture.width * shape;
    if (!into.upscale) {  // an odd side becomes even
      ASSERT_LE(placed.width, std::max(2.0, wide + 1));
      ASSERT_LE(placed.height, std::max(2, picture.height + 1));
    }
    const int columns = picture.width - placed.crop_left - placed.crop_right;
    const int rows = picture.height - placed.crop_top - placed.crop_bottom;
    if (fit != Fit::Crop) {
      ASSERT_EQ(columns, picture.width);
      ASSERT_EQ(rows, picture.height);
    }
    if (fit == Fit::Stretch) {
      ASSERT_NO_FATAL_FAILURE(expect_near(
          placed.width, into.upscale ? into.width : std::min<double>(wide, into.width)));
      ASSERT_NO_FATAL_FAILURE(expect_near(
          placed.height, into.upscale ? into.height : std::min(picture.height, into.height)));
      continue;
    }
    const double across = into.width / wide;
    const double down = static_cast<double>(into.height) / picture.height;
    double scale = fit == Fit::Letterbox ? std::min(across, down) : std::max(across, down);
    if (!into.upscale)
      scale = std::min(scale, 1.0);
    ASSERT_NO_FATAL_FAILURE(expect_near(placed.width, std::min<double>(into.width, wide * scale)));
    ASSERT_NO_FATAL_FAILURE(
        expect_near(placed.height, std::min<double>(into.height, picture.height * scale)));
    // What is seen is the part that the frame has room for, to half a pixel, and one pixel at
    // least.
    ASSERT_LE(
        std::abs(columns - std::clamp(into.width / (shape * scale), 1.0, 1.0 * picture.width)),
        0.5 + 1e-6);
    ASSERT_LE(std::abs(rows - std::clamp(into.height / scale, 1.0, 1.0 * picture.height)),
              0.5 + 1e-6);
  }
}

}  // namespace
}  // namespace test
}  // namespace onair
