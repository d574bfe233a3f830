// SPDX-License-Identifier: LGPL-2.1-or-later
#include "placement.hpp"

#include <algorithm>
#include <cmath>

namespace onair {
namespace {

// To the nearest even number, of at least two and at most `limit`, which is even.
int even(double value, int limit) {
  return std::max(2, 2 * static_cast<int>(std::lround(std::min<double>(value, limit) / 2)));
}

// How many of so many pixels are left out when so large a part is seen: never all.
int unseen(int pixels, double part) {
  return pixels - std::max(1, static_cast<int>(std::lround(pixels * std::min(1.0, part))));
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
    placed.width = frame.upscale ? frame.width : even(wide, frame.width);
    placed.height = frame.upscale ? frame.height : even(high, frame.height);
  } else {
    double scale = frame.fit == Fit::Crop ? std::max(across, down) : std::min(across, down);
    if (!frame.upscale)
      scale = std::min(scale, 1.0);
    placed.width = even(wide * scale, frame.width);
    placed.height = even(high * scale, frame.height);
    // What does not fit goes, half of it on each side.
    if (frame.fit == Fit::Crop) {
      const int columns = unseen(picture.width, across / scale);
      const int rows = unseen(picture.height, down / scale);
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
