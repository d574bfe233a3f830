// SPDX-License-Identifier: LGPL-2.1-or-later
#include "layers.hpp"

#include <algorithm>

#include "cut/video_pace.hpp"

namespace onair {

std::vector<std::size_t> LayerRequests::ask(std::size_t layer, std::uint32_t count,
                                            RunningTime at) {
  if (std::find(layers_.begin(), layers_.end(), layer) == layers_.end())
    return {};  // removed meanwhile
  if (count == 0)
    return {layer};
  const auto known = std::find_if(boundaries_.begin(), boundaries_.end(),
                                  [count](const Boundary& its) { return its.count == count; });
  if (known == boundaries_.end()) {
    boundaries_.push_back({count, layers_});
    std::erase(boundaries_.back().served, layer);
    distance_ = newest_ ? std::optional{at - *newest_} : std::nullopt;
    newest_ = at;
    if (boundaries_.size() > kRemembered)
      boundaries_.pop_front();
    return layers_;
  }
  if (std::erase(known->served, layer) > 0)
    return {};
  return {layer};
}

bool LayerRequests::leaves_room(RunningTime at) const {
  const auto is_near = [at](RunningTime other) {
    return std::chrono::abs(at - other) < KeyFrameRequests::kApart;
  };
  return !newest_ || (!is_near(*newest_) && (!distance_ || !is_near(*newest_ + *distance_)));
}

void LayerRequests::reset() {
  boundaries_.clear();
  newest_.reset();
  distance_.reset();
}

}  // namespace onair
