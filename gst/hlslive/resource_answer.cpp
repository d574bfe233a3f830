// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resource_answer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "file_name.hpp"
#include "glue/gsttime.hpp"
#include "playlist/playlist_request.hpp"

namespace onair {
namespace {

using std::chrono::seconds;

constexpr const char* kForEver = "public, max-age=31536000, immutable";

enum Status : guint { kOk = 200, kNotYet = 202, kBad = 400, kMissing = 404, kUnavailable = 503 };

StructurePtr answer(Status status) {
  return StructurePtr{gst_structure_new("hls-resource", "status", G_TYPE_UINT, status, nullptr)};
}

StructurePtr refusal(Status status, std::string_view reason) {
  auto refused = answer(status);
  gst_structure_set(refused.get(), "reason", G_TYPE_STRING, std::string{reason}.c_str(), nullptr);
  return refused;
}

// The bytes are shared, and live for as long as the buffer does.
void add_memory(GstBuffer* buffer, std::shared_ptr<const void> owner, Bytes bytes) {
  if (bytes.empty())
    return;
  auto* kept = new std::shared_ptr<const void>{std::move(owner)};
  gst_buffer_append_memory(
      buffer, gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, const_cast<std::byte*>(bytes.data()),
                                     bytes.size(), 0, bytes.size(), kept, [](gpointer data) {
                                       delete static_cast<std::shared_ptr<const void>*>(data);
                                     }));
}

StructurePtr content(GstPtr<GstBuffer> data, const char* type, const std::string& cache_control,
                     bool is_complete) {
  auto found = answer(kOk);
  gst_structure_set(found.get(), "data", GST_TYPE_BUFFER, data.get(), "complete", G_TYPE_BOOLEAN,
                    is_complete, "content-type", G_TYPE_STRING, type, "cache-control",
                    G_TYPE_STRING, cache_control.c_str(), nullptr);
  return found;
}

// RFC 8216 section 4 and Apple's authoring specification.
const char* content_type(std::string_view name) {
  if (name.ends_with(".ts"))
    return "video/mp2t";
  if (name.ends_with(".m4s") || name.ends_with(".mp4"))
    return "video/mp4";
  return name.ends_with(kPlaylistEnding) ? "application/vnd.apple.mpegurl"
                                         : "application/octet-stream";
}

// Of a playlist. Varnish would give out what has expired for ten seconds more (RFC 5861 section 3).
std::string max_age(Duration duration) {
  return "public, max-age=" + std::to_string(std::chrono::floor<seconds>(duration).count()) +
         ", stale-while-revalidate=0";
}

}  // namespace

ResourceTarget::ResourceTarget(std::string_view target) {
  const auto end_of_name = std::min(target.find('?'), target.size());
  name = target.substr(0, end_of_name);
  query = target.substr(std::min(end_of_name + 1, target.size()));
}

StructurePtr answer_not_yet(const std::string& name, Duration patience) {
  auto wait = answer(kNotYet);
  gst_structure_set(wait.get(), "wait-for", G_TYPE_STRING, name.c_str(), "patience", G_TYPE_UINT64,
                    to_gst(patience), nullptr);
  return wait;
}

StructurePtr answer_missing() {
  return refusal(kMissing, "there is no such file");
}

StructurePtr answer_unavailable(std::string_view reason) {
  return refusal(kUnavailable, reason);
}

StructurePtr answer_playlist(const std::string& name, const PlaylistView& view,
                             std::string_view query, Duration target_duration) {
  const auto parsed = PlaylistRequest::parse(view.is_master ? std::string_view{} : query);
  if (const auto* bad = std::get_if<PlaylistRequest::Bad>(&parsed))
    return refusal(kBad, bad->reason);
  const auto& request = std::get<PlaylistRequest>(parsed);
  bool has_directives = false;
  if (!view.is_master) {
    const auto verdict = request.answer(view.edge);
    if (const auto* bad = std::get_if<PlaylistRequest::Bad>(&verdict))
      return refusal(kBad, bad->reason);
    if (std::holds_alternative<PlaylistRequest::Wait>(verdict))
      return answer_next(name, target_duration);
    has_directives = request.sequence.has_value();
  }
  const auto& text = request.wants_delta && view.delta ? view.delta : view.full;
  auto data = GstPtr<GstBuffer>::adopt(gst_buffer_new());
  add_memory(data.get(), text, bytes_of(*text));
  // What a directive asked for stays as good as it is (section 6.2.5.2 wants six target durations);
  // otherwise a playlist is out of date with the next part or segment.
  const bool is_low_latency = view.edge.part_target.has_value();
  const auto age = view.edge.has_ended ? Duration{std::chrono::hours(1)}
                   : has_directives    ? 6 * target_duration
                   : view.is_master    ? target_duration
                   : is_low_latency    ? Duration{0}
                                       : target_duration / 2;
  return content(std::move(data), content_type(name), max_age(age), true);
}

StructurePtr answer_file(std::string_view name, const std::vector<Chunk>& chunks,
                         bool is_complete) {
  auto data = GstPtr<GstBuffer>::adopt(gst_buffer_new());
  for (const auto& chunk : chunks)
    add_memory(data.get(), chunk.owner, chunk.bytes);
  return content(std::move(data), content_type(name), kForEver, is_complete);
}

}  // namespace onair
