// SPDX-License-Identifier: LGPL-2.1-or-later
#include "key_frames.hpp"

#include <algorithm>

namespace onair {

bool KeyFrames::Boundary::includes(const Asker& asker) const {
  // Measured over all of them: who asks for a little later each time would put it off for ever.
  if (std::max(at, asker.at) - std::min(from, asker.at) >= kOneBoundary)
    return false;
  return std::any_of(askers.begin(), askers.end(), [&asker](const Asker& its) {
    return its.count == asker.count || std::chrono::abs(its.at - asker.at) < kOneFrame;
  });
}

void KeyFrames::Boundary::add(const Asker& asker) {
  from = std::min(from, asker.at);
  at = std::max(at, asker.at);
  // Once for each, or somebody who repeats himself would fill the memory.
  const bool is_known = std::any_of(askers.begin(), askers.end(), [&asker](const Asker& its) {
    return its.rendition == asker.rendition;
  });
  if (!is_known)
    askers.push_back(asker);
}

// The last key frame was for the same boundary: this rendition has it, too. It does not begin one
// that is asked for at a later instant.
bool KeyFrames::is_answered(const Asker& asker) const {
  return last_ && asker.at <= last_->at &&
         (asker.at >= last_->boundary.from || last_->boundary.includes(asker));
}

void KeyFrames::ask(const Request& request) {
  if (!request.at) {
    overdue_ = request;
    return;
  }
  const Asker asker{.rendition = request.rendition, .at = *request.at, .count = request.count};
  if (is_answered(asker))
    return;
  const auto same =
      std::find_if(pending_.begin(), pending_.end(),
                   [&asker](const Boundary& boundary) { return boundary.includes(asker); });
  if (same != pending_.end()) {
    same->add(asker);
    return;
  }
  pending_.push_back({.from = asker.at, .at = asker.at, .askers = {asker}});
  if (pending_.size() > kMostPending)
    pending_.erase(
        std::max_element(pending_.begin(), pending_.end(),
                         [](const Boundary& a, const Boundary& b) { return a.at < b.at; }));
}

bool KeyFrames::holds_back(std::size_t rendition, RunningTime at) const {
  return std::any_of(pending_.begin(), pending_.end(), [&](const Boundary& boundary) {
    return at < boundary.at &&
           std::any_of(boundary.askers.begin(), boundary.askers.end(), [&](const Asker& asker) {
             return asker.rendition == rendition && asker.at <= at;
           });
  });
}

bool KeyFrames::on_frame(RunningTime at) {
  std::optional<Boundary> made;
  const auto answer = [&made](const Boundary& boundary) {
    if (!made)
      made = boundary;
    for (const auto& asker : boundary.askers)
      made->add(asker);
  };
  // One that is on its way answers those who miss it, too.
  const bool is_on_its_way = last_ && at >= last_->at && at - last_->at < kOneBoundary;
  if (overdue_ && !is_on_its_way)
    answer({.from = at,
            .at = at,
            .askers = {{.rendition = overdue_->rendition, .at = at, .count = overdue_->count}}});
  overdue_.reset();
  std::erase_if(pending_, [&](const Boundary& boundary) {
    const bool is_due = boundary.at <= at;
    if (is_due)
      answer(boundary);
    return is_due;
  });
  if (made)
    last_ = Made{.at = at, .boundary = *made};
  return made.has_value();
}

void KeyFrames::reset() {
  pending_.clear();
  last_.reset();
  overdue_.reset();
}

}  // namespace onair
