// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/variant_set.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace onair {
namespace {

constexpr const char* kGroup = "audio";

void add_codecs(std::vector<std::string>& codecs, const VariantSet::Stream& stream) {
  std::copy_if(stream.codecs.begin(), stream.codecs.end(), std::back_inserter(codecs),
               [](const auto& codec) { return !codec.empty(); });
}

MasterPlaylist::Variant variant_of(const VariantSet::Stream& stream) {
  MasterPlaylist::Variant variant{.uri = stream.uri,
                                  .bandwidth = stream.bandwidth,
                                  .average_bandwidth = stream.average_bandwidth,
                                  .resolution = stream.resolution,
                                  .frame_rate = stream.frame_rate};
  add_codecs(variant.codecs, stream);
  return variant;
}

}  // namespace

bool VariantSet::describe(const Stream& stream) {
  const auto [known, is_new] = streams_.try_emplace(stream.uri, stream);
  if (!is_new && known->second == stream)
    return false;
  known->second = stream;
  return true;
}

MasterPlaylist VariantSet::master() const {
  std::vector<const Stream*> sounds;
  std::vector<const Stream*> others;
  for (const auto& [uri, stream] : streams_)
    (stream.is_group ? sounds : others).push_back(&stream);
  for (auto* streams : {&sounds, &others})
    std::sort(streams->begin(), streams->end(),
              [](const auto* a, const auto* b) { return a->number < b->number; });

  MasterPlaylist master;
  for (const auto* sound : sounds)
    master.audio.push_back({.group = kGroup,
                            .name = "Audio " + std::to_string(master.audio.size() + 1),
                            .uri = sound->uri,
                            .is_default = sound == sounds.front(),
                            .is_autoselect = true,
                            .channels = sound->channels});
  for (const auto* stream : others) {
    auto variant = variant_of(*stream);
    if (!sounds.empty()) {
      const auto& sound = *sounds.front();
      variant.bandwidth += sound.bandwidth;
      *variant.average_bandwidth += sound.average_bandwidth;
      add_codecs(variant.codecs, sound);
      variant.audio_group = kGroup;
    }
    master.variants.push_back(std::move(variant));
  }
  // Sound that is shared is a variant too where there is nothing else.
  if (others.empty())
    for (const auto* sound : sounds)
      master.variants.push_back(variant_of(*sound));
  return master;
}

}  // namespace onair
