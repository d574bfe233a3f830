// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "rendition.hpp"

namespace onair {

// Where a picture of any size and pixel shape goes within a frame of square pixels.
struct PictureSize {
  int width = 0;
  int height = 0;
  int par_num = 1;  // pixel aspect ratio
  int par_den = 1;
  friend bool operator==(const PictureSize&, const PictureSize&) = default;
};

struct Placement {
  // What of the picture is left out, in its own pixels.
  int crop_left = 0;
  int crop_right = 0;
  int crop_top = 0;
  int crop_bottom = 0;
  // The size that the rest is scaled to, and what is black around it within the frame.
  int width = 0;
  int height = 0;
  int border_left = 0;
  int border_right = 0;
  int border_top = 0;
  int border_bottom = 0;

  friend bool operator==(const Placement&, const Placement&) = default;
};

// The picture has at least one pixel. All numbers of the result are even, as 4:2:0 samples colours
// at every second pixel, but for what is cropped.
Placement place(const PictureSize& picture, const VideoRendition& frame);

}  // namespace onair
