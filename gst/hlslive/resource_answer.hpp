// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "glue/gstptr.hpp"
#include "playlist/live_edge.hpp"
#include "storage/storage.hpp"

// How players are answered: the structure `hls-resource` of request-resource (see hlslivesink), whoever keeps
// what they ask for.
namespace onair {

// A playlist as readers get it.
struct PlaylistView {
  std::shared_ptr<const std::string> full;
  std::shared_ptr<const std::string> delta;
  LiveEdge edge;
  bool is_master = false;
  std::string hint;  // the part that comes next
};

// What a target asks for.
struct ResourceTarget {
  explicit ResourceTarget(std::string_view target);
  std::string name;
  std::string_view query;  // of the target's text
};

[[nodiscard]] StructurePtr answer_playlist(const std::string& name, const PlaylistView& view,
                                           std::string_view query, Duration target_duration);
// Of a name that is never used again.
[[nodiscard]] StructurePtr answer_file(std::string_view name, const std::vector<Chunk>& chunks,
                                       bool is_complete);
// Comes with a change of `name`.
[[nodiscard]] StructurePtr answer_not_yet(const std::string& name, Duration patience);
// Before the first segment.
[[nodiscard]] inline StructurePtr answer_soon(const std::string& name, Duration target_duration) {
  return answer_not_yet(name, 3 * target_duration + std::chrono::seconds(2));
}
// Section 6.2.5.2 of the draft: 503 after three target durations.
[[nodiscard]] inline StructurePtr answer_next(const std::string& name, Duration target_duration) {
  return answer_not_yet(name, 3 * target_duration);
}
[[nodiscard]] StructurePtr answer_missing();
[[nodiscard]] StructurePtr answer_unavailable(std::string_view reason);

}  // namespace onair
