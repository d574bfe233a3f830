// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "playlist.hpp"

namespace onair::segments {

// In seconds, over all segments but the last, which ends where the programme does.
struct Score {
  std::size_t segments = 0;
  double mean = 0;  // EXTINF
  double shortest = 0;
  double longest = 0;
  double end_error = 0;         // |ΣEXTINF − n·T| at the end
  double worst_error = 0;       // the largest of them, for any n
  double start_difference = 0;  // between the first sound and the first picture, at worst
};

Score measure(const std::vector<Segment>& segments, double target);

}  // namespace onair::segments
