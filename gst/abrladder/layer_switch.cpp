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
  for (auto& [index, its] : layers_) {
    const auto pixels = its.pixels;
    its = Layer{};
    its.pixels = pixels;
  }
}

std::optional<std::size_t> LayerSwitch::source_of(std::size_t rendition) const {
  const auto its = layers_.find(rendition);
  return its == layers_.end() ? std::nullopt : its->second.source;
}

// While nothing is sent at all nobody is missed.
bool LayerSwitch::is_sent(const Layer& layer, RunningTime at) const {
  return !layer.missed || at - layer.missed->at <= kSilence || now_ - layer.missed->now <= kSilence;
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
    if (index != rendition && layer.has_come && is_sent(layer, at) &&
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

std::vector<LayerSwitch::Taker> LayerSwitch::on_frame(std::size_t layer, RunningTime at,
                                                      bool is_key, ClockTime now) {
  std::vector<Taker> takers;
  now_ = std::max(now_, now);
  if (!layers_.contains(layer))
    return takers;
  for (auto& [index, its] : layers_) {
    if (index == layer) {
      its.has_come = true;
      its.missed.reset();
    } else if (!its.missed) {
      its.missed = {at, now_};
    }
  }
  for (auto& [rendition, its] : layers_) {
    if (its.source != layer) {
      const bool is_past = its.newest_out && at < *its.newest_out - kMostBehind;
      if (!is_key || is_past || !takes_over(rendition, layer, at))
        continue;
      its.source = layer;
      its.asked_at.reset();
    }
    its.newest_out = its.newest_out ? std::max(at, *its.newest_out + kStep) : at;
    takers.push_back({rendition, *its.newest_out});
  }
  return takers;
}

bool LayerSwitch::take_request(std::size_t layer, RunningTime at) {
  if (!layers_.contains(layer))
    return false;
  bool is_wanted = false;
  for (auto& [rendition, its] : layers_) {
    if (!its.newest_out || its.source == layer || at < *its.newest_out - kMostBehind ||
        !takes_over(rendition, layer, at) || (its.asked_at && at - *its.asked_at < kRepeat))
      continue;
    its.asked_at = at;
    is_wanted = true;
  }
  return is_wanted;
}

}  // namespace onair
