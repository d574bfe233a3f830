// SPDX-License-Identifier: LGPL-2.1-or-later
#include "part_plan.hpp"

#include <algorithm>

namespace onair {

PartPlan::PartPlan(Duration segment, Duration part, AudioFrames::Format frames)
    : segment_{segment}, format_{frames} {
  const auto wanted = std::max<std::int64_t>(1, (segment + part / 2) / part);
  // One part is a segment, and has nothing to keep.
  for (std::int64_t off = 0; off < wanted; ++off)
    for (const auto count : {wanted - off, wanted + off}) {
      divide(count);
      if (keeps_promise())
        return;
    }
}

void PartPlan::divide(std::int64_t count) {
  count_ = count;
  shortest_ = frames(1, Rounding::Down);
  longest_ = std::max(frames(1, Rounding::Up), frames_to(count) - frames_to(count - 1));
}

bool PartPlan::keeps_promise() const {
  return count_ == 1 || (shortest_ > 0 && shortest() * 100 >= longest() * 85);
}

// In so many parts.
std::int64_t PartPlan::frames(std::int64_t parts, Rounding rounding) const {
  return detail::scale(segment_.count() * parts, format_.rate,
                       count_ * format_.length * 1'000'000'000, rounding);
}

std::int64_t PartPlan::frames_to(std::int64_t part) const {
  return frames(part, part < count_ ? Rounding::Nearest : Rounding::Up);
}

// Ends are rounded to nanoseconds, and the distance of two may be one longer than the frames between them.
Duration PartPlan::longest() const {
  return std::chrono::ceil<std::chrono::microseconds>(
      to_duration(longest_ * format_.length, format_.rate, Rounding::Up));
}

Duration PartPlan::in_time(std::int64_t frames) const {
  return to_duration(frames * format_.length, format_.rate);
}

}  // namespace onair
