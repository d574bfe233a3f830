// SPDX-License-Identifier: LGPL-2.1-or-later
#include "placement.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace onair {
namespace {

// a * b / c, rounded, to an even number of at least two.
int even(double value) {
  return std::max(2, 2 * static_cast<int>(std::lround(value / 2)));
}

}  // namespace

Placement place(const PictureSize& picture, const VideoRendition& frame) {
  // In square pixels, as wide as they are shown; the height stays.
  const double wide =
      static_cast<double>(picture.width) * picture.par_num / std::max(1, picture.par_den);
  const double high = picture.height;
  const double across = frame.width / wide;
  const double down = frame.height / high;

  Placement placed;
  if (frame.fit == Fit::Stretch) {
    placed.width = frame.upscale ? frame.width : std::min(frame.width, even(wide));
    placed.height = frame.upscale ? frame.height : std::min(frame.height, even(high));
  } else {
    double scale = frame.fit == Fit::Crop ? std::max(across, down) : std::min(across, down);
    if (!frame.upscale)
      scale = std::min(scale, 1.0);
    placed.width = std::min(frame.width, even(wide * scale));
    placed.height = std::min(frame.height, even(high * scale));
    // What does not fit goes, half of it on each side.
    const double seen_wide = std::min(1.0, frame.width / (wide * scale));
    const double seen_high = std::min(1.0, frame.height / (high * scale));
    if (frame.fit == Fit::Crop) {
      const int columns = picture.width - static_cast<int>(std::lround(picture.width * seen_wide));
      const int rows = picture.height - static_cast<int>(std::lround(picture.height * seen_high));
      placed.crop_left = columns / 2;
      placed.crop_right = columns - columns / 2;
      placed.crop_top = rows / 2;
      placed.crop_bottom = rows - rows / 2;
    }
  }
  const int beside = frame.width - placed.width;
  const int above = frame.height - placed.height;
  placed.border_left = beside / 4 * 2;
  placed.border_right = beside - placed.border_left;
  placed.border_top = above / 4 * 2;
  placed.border_bottom = above - placed.border_top;
  return placed;
}

}  // namespace onair
