// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/layer_router.hpp"

#include <algorithm>

namespace onair {

std::optional<std::size_t> LayerRouter::named(const RtpHeader& header, std::uint8_t id) const {
  const auto rid = extension_text(header, id);
  if (!rid)
    return std::nullopt;
  const auto at = std::find(config_.rids.begin(), config_.rids.end(), *rid);
  return at == config_.rids.end()
             ? std::nullopt
             : std::optional{static_cast<std::size_t>(std::distance(config_.rids.begin(), at))};
}

bool LayerRouter::learn(Sources& sources, std::uint32_t ssrc, std::size_t layer) {
  const auto known = std::count_if(sources.layers.begin(), sources.layers.end(),
                                   [layer](const auto& one) { return one.second == layer; });
  if (static_cast<std::size_t>(known) >= kMostSources)
    return false;
  sources.layers.emplace(ssrc, layer);
  sources.newest.insert_or_assign(layer, ssrc);
  return true;
}

LayerRouter::Route LayerRouter::on_packet(const RtpHeader& header) {
  const bool is_repair = config_.rtx_payload_type == header.payload_type;
  const bool is_media = !is_repair && config_.payload_type == header.payload_type;
  if (config_.rids.empty() || (!is_media && !is_repair))
    return Route::Pass;
  auto& ours = is_repair ? repair_ : media_;
  const auto& others = is_repair ? media_ : repair_;
  if (ours.layers.contains(header.ssrc))
    return Route::Pass;
  // RFC 4588 section 4: a stream and its retransmission never share an SSRC here.
  if (others.layers.contains(header.ssrc))
    return Route::Drop;
  if (is_repair) {
    // Without a rid it is associated by sequence numbers (RFC 4588 section 5.3), which is not ours.
    const auto layer = config_.repaired_rid_extension
                           ? named(header, *config_.repaired_rid_extension)
                           : std::nullopt;
    const bool is_paired =
        layer && learn(repair_, header.ssrc, *layer) && media_.newest.contains(*layer);
    return is_paired ? Route::Paired : Route::Pass;
  }
  const auto layer = named(header, config_.rid_extension);
  if (!layer || !learn(media_, header.ssrc, *layer))
    return Route::Drop;
  return repair_.newest.contains(*layer) ? Route::Paired : Route::Pass;
}

std::optional<std::size_t> LayerRouter::layer_of(std::uint32_t ssrc) const {
  const auto at = media_.layers.find(ssrc);
  return at == media_.layers.end() ? std::nullopt : std::optional{at->second};
}

std::vector<LayerRouter::Pair> LayerRouter::pairs() const {
  std::vector<Pair> pairs;
  for (const auto& [layer, media] : media_.newest) {
    if (const auto repair = repair_.newest.find(layer); repair != repair_.newest.end())
      pairs.push_back({media, repair->second});
  }
  return pairs;
}

}  // namespace onair
