// SPDX-License-Identifier: LGPL-2.1-or-later
#include "layers.hpp"

#include <algorithm>

namespace onair {

std::vector<std::size_t> LayerRequests::ask(std::size_t layer, std::uint32_t count) {
  if (std::find(layers_.begin(), layers_.end(), layer) == layers_.end())
    return {};  // removed meanwhile
  if (count == 0)
    return {layer};
  const auto known = std::find_if(boundaries_.begin(), boundaries_.end(),
                                  [count](const Boundary& its) { return its.count == count; });
  if (known == boundaries_.end()) {
    boundaries_.push_back({count, layers_});
    std::erase(boundaries_.back().served, layer);
    if (boundaries_.size() > kRemembered)
      boundaries_.pop_front();
    return layers_;
  }
  if (std::erase(known->served, layer) > 0)
    return {};
  return {layer};
}

}  // namespace onair
