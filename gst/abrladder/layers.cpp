// SPDX-License-Identifier: LGPL-2.1-or-later
#include "layers.hpp"

#include <algorithm>

namespace onair {

std::vector<std::size_t> LayerRequests::ask(std::size_t layer, std::uint32_t count) {
  const auto known = std::find_if(boundaries_.begin(), boundaries_.end(),
                                  [count](const Boundary& its) { return its.count == count; });
  if (known == boundaries_.end()) {
    boundaries_.push_back({count, {layer}});
    if (boundaries_.size() > kRemembered)
      boundaries_.pop_front();
    return layers_;
  }
  auto& asked = known->asked_by;
  if (std::find(asked.begin(), asked.end(), layer) != asked.end())
    return {layer};
  asked.push_back(layer);
  return {};
}

}  // namespace onair
