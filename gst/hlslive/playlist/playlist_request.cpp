// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/playlist_request.hpp"

#include <charconv>
#include <chrono>
#include <system_error>

namespace onair {
namespace {

// A decimal-integer (section 4.2): digits, up to 2^64-1.
std::optional<std::uint64_t> decimal_integer(std::string_view text) {
  std::uint64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end)
    return {};
  return value;
}

// How many parts beyond the last one may be asked for (section 6.2.5.2): three, or 3 s of short
// ones.
std::uint64_t advance_part_limit(Duration part_target) {
  using std::chrono::seconds;
  if (part_target <= Duration::zero() || part_target >= seconds(1))
    return 3;
  return static_cast<std::uint64_t>(seconds(3) / part_target);
}

}  // namespace

std::variant<PlaylistRequest, PlaylistRequest::Bad> PlaylistRequest::parse(std::string_view query) {
  PlaylistRequest request;
  bool has_skip = false;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto parameter = query.substr(0, end);
    query = end == query.npos ? std::string_view{} : query.substr(end + 1);
    const auto equals = parameter.find('=');
    const auto name = parameter.substr(0, equals);
    const auto value = equals == parameter.npos ? std::string_view{} : parameter.substr(equals + 1);
    if (name == "_HLS_msn" || name == "_HLS_part") {
      auto& field = name == "_HLS_msn" ? request.sequence : request.part;
      if (field)
        return Bad{"a delivery directive is there twice"};
      field = decimal_integer(value);
      if (!field)
        return Bad{"_HLS_msn and _HLS_part are decimal integers"};
    } else if (name == "_HLS_skip") {
      if (has_skip)
        return Bad{"a delivery directive is there twice"};
      has_skip = true;
      // v2 wants EXT-X-DATERANGEs skipped too, of which there are none. To what else may come, the
      // whole playlist is never a wrong answer.
      request.wants_delta = value == "YES" || value == "v2";
    }
  }
  if (request.part && !request.sequence)
    return Bad{"_HLS_part without _HLS_msn"};
  return request;
}

PlaylistRequest::Answer PlaylistRequest::answer(const LiveEdge& edge) const {
  if (!sequence || edge.has_ended || !edge.can_block_reload)
    return Ready{};
  // The last segment's number and two more.
  if (*sequence > edge.next_sequence && *sequence - edge.next_sequence > 1)
    return Bad{"_HLS_msn is too far ahead"};
  if (!part || !edge.part_target) {
    if (*sequence < edge.next_sequence)
      return Ready{};
    return Wait{};
  }
  // Behind the last part of a segment comes the first one of the next. Of older segments it is
  // there.
  auto wanted_sequence = *sequence;
  auto wanted_part = *part;
  if (wanted_sequence + 1 == edge.next_sequence && wanted_part >= edge.last_parts) {
    wanted_sequence = edge.next_sequence;
    wanted_part = 0;
  }
  if (wanted_sequence < edge.next_sequence)
    return Ready{};
  const bool is_next = wanted_sequence == edge.next_sequence;
  if (is_next && wanted_part < edge.next_parts)
    return Ready{};
  const auto first_missing = is_next ? edge.next_parts : 0;
  if (wanted_part - first_missing >= advance_part_limit(*edge.part_target))
    return Bad{"_HLS_part is too far ahead"};
  return Wait{};
}

}  // namespace onair
