// SPDX-License-Identifier: LGPL-2.1-or-later
#include "layer_switch.hpp"

#include <algorithm>

namespace onair {

void LayerSwitch::add(std::size_t layer) {
  layers_.try_emplace(layer);
}

void LayerSwitch::remove(std::size_t layer) {
  layers_.erase(layer);
  for (auto& [index, its] : layers_)
    if (its.source == layer)
      its.source.reset();
}

void LayerSwitch::resize(std::size_t layer, long pixels) {
  if (const auto its = layers_.find(layer); its != layers_.end())
    its->second.pixels = pixels;
}

void LayerSwitch::reset() {
  first_.reset();
  for (auto& [index, its] : layers_)
    its = Layer{.pixels = its.pixels, .newest = {}, .source = {}, .newest_out = {}};
}

std::optional<std::size_t> LayerSwitch::source_of(std::size_t rendition) const {
  const auto its = layers_.find(rendition);
  return its == layers_.end() ? std::nullopt : its->second.source;
}

// At the start layers come one after the other.
bool LayerSwitch::is_sent(const Layer& layer, RunningTime at) const {
  return at - layer.newest.value_or(*first_) <= kSilence;
}

std::optional<std::size_t> LayerSwitch::stand_in(std::size_t rendition, RunningTime at) const {
  const auto wanted = layers_.at(rendition).pixels;
  std::optional<std::size_t> best;
  const auto is_better = [&](long one, long other) {
    const bool fits = one <= wanted;
    const bool other_fits = other <= wanted;
    return fits != other_fits ? fits : fits ? one > other : one < other;
  };
  for (const auto& [index, layer] : layers_)
    if (index != rendition && layer.newest && is_sent(layer, at) &&
        (!best || is_better(layer.pixels, layers_.at(*best).pixels)))
      best = index;
  return best;
}

// With a key frame of `layer`.
bool LayerSwitch::takes_over(std::size_t rendition, std::size_t layer, RunningTime at) const {
  const auto& its = layers_.at(rendition);
  if (layer == rendition)
    return true;
  if (is_sent(its, at))
    return false;
  const bool has_another = its.source && its.source != rendition && layers_.contains(*its.source);
  if (has_another && is_sent(layers_.at(*its.source), at))
    return false;
  return stand_in(rendition, at) == layer;
}

std::vector<std::size_t> LayerSwitch::on_frame(std::size_t layer, RunningTime at, bool is_key) {
  std::vector<std::size_t> takers;
  const auto sender = layers_.find(layer);
  if (sender == layers_.end())
    return takers;
  if (!first_)
    first_ = at;
  sender->second.newest = std::max(sender->second.newest.value_or(at), at);
  for (auto& [rendition, its] : layers_) {
    if (its.source != layer) {
      const bool is_past = its.newest_out && at <= *its.newest_out;
      if (!is_key || is_past || !takes_over(rendition, layer, at))
        continue;
      its.source = layer;
    }
    its.newest_out = std::max(its.newest_out.value_or(at), at);
    takers.push_back(rendition);
  }
  return takers;
}

}  // namespace onair
