// SPDX-License-Identifier: LGPL-2.1-or-later
#include "key_frames.hpp"

#include <algorithm>

namespace onair {

bool KeyFrames::is_one(RunningTime one, std::uint32_t its_count, RunningTime at,
                       std::uint32_t count) {
  const auto apart = one > at ? one - at : at - one;
  return apart < kOneFrame || (its_count == count && apart < kOneBoundary);
}

void KeyFrames::ask(const Request& request) {
  const auto& [rendition, at, count] = request;
  if (!at) {
    is_overdue_ = true;
    return;
  }
  // The last key frame was for the same boundary: this rendition has it, too.
  if (last_ &&
      (is_one(last_->at, last_->count, *at, count) || (*at >= last_->from && *at <= last_->at)))
    return;
  auto same = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& one) {
    return is_one(one.at, one.count, *at, count);
  });
  if (same == pending_.end()) {
    if (pending_.size() == kMostPending)
      return;
    same = pending_.insert(pending_.end(), {.at = *at, .count = count, .askers = {}});
  }
  same->at = std::max(same->at, *at);
  // Once for each, or somebody who repeats himself would fill the memory.
  const auto known = std::find_if(same->askers.begin(), same->askers.end(),
                                  [&](const auto& asker) { return asker.first == rendition; });
  if (known == same->askers.end())
    same->askers.emplace_back(rendition, *at);
}

bool KeyFrames::holds_back(std::size_t rendition, RunningTime at) const {
  return std::any_of(pending_.begin(), pending_.end(), [&](const Pending& one) {
    return std::any_of(one.askers.begin(), one.askers.end(), [&](const auto& asker) {
      return asker.first == rendition && asker.second <= at && at < one.at;
    });
  });
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
