// SPDX-License-Identifier: LGPL-2.1-or-later
#include "key_frames.hpp"

#include <algorithm>

namespace onair {

bool KeyFrames::is_one(const Pending& one, RunningTime at, std::uint32_t count) {
  const auto apart = one.at > at ? one.at - at : at - one.at;
  return apart < kOneFrame || (one.count == count && apart < kOneBoundary);
}

void KeyFrames::ask(const Request& request) {
  if (!request.at) {
    is_overdue_ = true;
    return;
  }
  // The last key frame was for the same boundary: this rendition has it, too.
  if (last_ && (is_one({last_->at, last_->count}, *request.at, request.count) ||
                (*request.at >= last_->from && *request.at <= last_->at)))
    return;
  const auto same = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& one) {
    return is_one(one, *request.at, request.count);
  });
  if (same != pending_.end())
    same->at = std::max(same->at, *request.at);
  else if (pending_.size() < kMostPending)
    pending_.push_back({*request.at, request.count});
}

bool KeyFrames::on_frame(RunningTime at) {
  std::optional<Made> made;
  // One that is on its way answers those who miss it, too.
  const bool is_on_its_way = last_ && at >= last_->at && at - last_->at < kOneBoundary;
  if (is_overdue_ && !is_on_its_way)
    made = Made{.from = at, .at = at, .count = last_ ? last_->count : 0};
  std::erase_if(pending_, [&](const Pending& one) {
    if (one.at > at)
      return false;
    made = Made{.from = made ? std::min(made->from, one.at) : one.at, .at = at, .count = one.count};
    return true;
  });
  is_overdue_ = false;
  if (made)
    last_ = made;
  return made.has_value();
}

void KeyFrames::reset() {
  pending_.clear();
  last_.reset();
  is_overdue_ = false;
}

}  // namespace onair
