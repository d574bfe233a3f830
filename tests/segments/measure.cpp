// SPDX-License-Identifier: LGPL-2.1-or-later
#include "measure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace onair::segments {
namespace {

double in_seconds(std::int64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(kTicksPerSecond);
}

}  // namespace

Score measure(const std::vector<Segment>& segments, double target) {
  Score score{.shortest = std::numeric_limits<double>::infinity()};
  double sum = 0;
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    const auto& [duration, media] = segments[i];
    ++score.segments;
    sum += duration;
    score.shortest = std::min(score.shortest, duration);
    score.longest = std::max(score.longest, duration);
    score.end_error = std::abs(sum - static_cast<double>(score.segments) * target);
    score.worst_error = std::max(score.worst_error, score.end_error);
    if (!media.video.empty() && !media.audio.empty())
      score.start_difference =
          std::max(score.start_difference,
                   std::abs(in_seconds(media.audio.front().pts - media.video.front().pts)));
  }
  score.mean = sum / static_cast<double>(score.segments);
  return score;
}

}  // namespace onair::segments
