// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/playlist_outline.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "playlist/attribute_list.hpp"
#include "playlist/tag_values.hpp"

namespace onair {
namespace {

constexpr std::uint64_t kVersionOfSkip = 9;  // section 8
constexpr Duration kLongestPlaylist = std::chrono::hours(24 * 366 * 100);

// Lines come with their ends, so that they can be written as they are.
struct Segment {
  std::size_t begin = 0;
  std::size_t end = 0;
  Duration duration{};
  std::string_view key;  // that applies; empty: none
  std::string_view map;
};

bool names(std::string_view line, std::string_view tag) {
  return line.starts_with(tag) && (line.size() == tag.size() || line[tag.size()] == ':');
}

class Outliner {
 public:
  explicit Outliner(std::string_view text) : text_{text} {}

  std::optional<PlaylistOutline> outline() {
    while (at_ < text_.size() && !has_failed_) {
      const auto end = text_.find('\n', at_);
      if (end == text_.npos)
        return std::nullopt;
      const auto line = text_.substr(at_, end - at_);
      if (at_ == 0)
        check(line == "#EXTM3U");
      else if (line.starts_with('#'))
        take_tag(line.substr(1), text_.substr(at_, end + 1 - at_));
      else if (!line.empty())
        take_uri(end + 1);
      at_ = end + 1;
    }
    check(target_duration_ > 0 && !duration_);
    if (has_failed_)
      return std::nullopt;
    outline_.target_duration = std::chrono::seconds{static_cast<std::int64_t>(target_duration_)};
    outline_.edge.next_sequence = media_sequence_.value_or(0) + segments_.size();
    outline_.edge.next_parts = parts_;
    outline_.edge.has_segments = !segments_.empty();
    outline_.delta = delta();
    return std::move(outline_);
  }

 private:
  void check(bool is_right) { has_failed_ |= !is_right; }

  // What is there, or a failure.
  template <typename T>
  T required(const std::optional<T>& value) {
    check(value.has_value());
    return value.value_or(T{});
  }

  void take_tag(std::string_view tag, std::string_view line) {
    const auto colon = std::min(tag.find(':'), tag.size());
    const auto name = tag.substr(0, colon);
    const auto value = tag.substr(std::min(colon + 1, tag.size()));
    if (!take_header(name, value) && !take_segment_tag(name, value, line) && !take_end(name, value))
      note_other();
  }

  bool take_header(std::string_view name, std::string_view value) {
    if (name == "EXT-X-VERSION") {
      check(version_line_ == 0);
      version_line_ = at_;
      version_ = required(to_number(value, 1'000));
    } else if (name == "EXT-X-TARGETDURATION") {
      check(target_duration_ == 0);
      target_duration_ = required(to_number(value, kLongestSegment));
    } else if (name == "EXT-X-MEDIA-SEQUENCE") {
      check(!media_sequence_ && segments_.empty());
      media_sequence_ = required(to_number(value, kGreatestSequence));
    } else if (name == "EXT-X-SERVER-CONTROL") {
      take_control(required(to_attributes(value)));
    } else if (name == "EXT-X-PART-INF") {
      const auto attributes = required(to_attributes(value));
      const auto* target = find(attributes, "PART-TARGET", false);
      outline_.edge.part_target =
          required(target ? to_seconds(target->value, kLongestSegment) : std::nullopt);
    } else if (name == "EXT-X-STREAM-INF" || name == "EXT-X-MEDIA" || name == "EXT-X-SKIP") {
      check(false);  // not a media playlist, or not a whole one
    } else {
      return false;
    }
    // A header behind segments: another writer's ways.
    if (body_)
      note_other();
    return true;
  }

  void take_control(const std::vector<Attribute>& attributes) {
    const auto* blocks = find(attributes, "CAN-BLOCK-RELOAD", false);
    outline_.edge.can_block_reload = blocks && blocks->value == "YES";
    if (const auto* until = find(attributes, "CAN-SKIP-UNTIL", false))
      can_skip_until_ = required(to_seconds(until->value, kLongestSegment));
  }

  bool take_segment_tag(std::string_view name, std::string_view value, std::string_view line) {
    if (name == "EXTINF") {
      check(!duration_);
      duration_ = required(to_seconds(value.substr(0, value.find(',')), kLongestSegment));
    } else if (name == "EXT-X-PART") {
      take_part(required(to_attributes(value)));
    } else if (name == "EXT-X-KEY") {
      take_key(required(to_attributes(value)), line);
    } else if (name == "EXT-X-MAP") {
      map_ = line;
    } else if (name != "EXT-X-DISCONTINUITY" && name != "EXT-X-PROGRAM-DATE-TIME" &&
               name != "EXT-X-GAP") {
      return false;
    }
    begin_body();
    return true;
  }

  void take_part(const std::vector<Attribute>& attributes) {
    const auto* duration = find(attributes, "DURATION", false);
    add(parts_duration_,
        required(duration ? to_seconds(duration->value, kLongestSegment) : std::nullopt));
    ++parts_;
  }

  // Other kinds of keys stand beside one another.
  void take_key(const std::vector<Attribute>& attributes, std::string_view line) {
    begin_body();
    const auto* method = find(attributes, "METHOD", false);
    check(method != nullptr);
    if (!method || find(attributes, "KEYFORMAT", true) ||
        (method->value != "AES-128" && method->value != "NONE"))
      note_other();
    else
      key_ = method->value == "NONE" ? std::string_view{} : line;
  }

  bool take_end(std::string_view name, std::string_view value) {
    if (name == "EXT-X-ENDLIST") {
      outline_.edge.has_ended = true;
    } else if (name == "EXT-X-PRELOAD-HINT") {
      const auto attributes = required(to_attributes(value));
      const auto* type = find(attributes, "TYPE", false);
      const auto* uri = find(attributes, "URI", true);
      if (type && type->value == "PART" && uri && !find(attributes, "BYTERANGE-START", false))
        outline_.hint = uri->value;
    } else {
      return name == "EXT-X-RENDITION-REPORT";
    }
    return true;
  }

  void take_uri(std::size_t end) {
    check(duration_.has_value());
    begin_body();
    add(listed_, duration_.value_or(Duration{}));
    segments_.push_back({.begin = segments_.empty() ? *body_ : segments_.back().end,
                         .end = end,
                         .duration = duration_.value_or(Duration{}),
                         .key = key_,
                         .map = map_});
    duration_.reset();
    outline_.edge.last_parts = std::exchange(parts_, 0);
    parts_duration_ = {};
  }

  void add(Duration& sum, Duration more) {
    sum += more;
    check(sum <= kLongestPlaylist);
    sum = std::min(sum, kLongestPlaylist);
  }

  void begin_body() {
    if (!body_)
      body_ = at_;
  }

  void note_other() {
    if (body_ && !other_)
      other_ = at_;
  }

  // As MediaPlaylist counts them.
  [[nodiscard]] std::size_t skippable() const {
    if (!can_skip_until_ || outline_.edge.has_ended)
      return 0;
    auto to_end = listed_ + parts_duration_;
    const auto first_kept =
        std::find_if(segments_.begin(), segments_.end(), [&](const auto& segment) {
          to_end -= segment.duration;
          return to_end < *can_skip_until_;
        });
    return static_cast<std::size_t>(first_kept - segments_.begin());
  }

  [[nodiscard]] std::string delta() const {
    const auto skipped = skippable();
    if (skipped == 0 || skipped == segments_.size() || version_line_ == 0)
      return {};
    const auto& first = segments_[skipped];
    if (version_line_ > *body_ || (other_ && *other_ < first.end))
      return {};
    std::string out{text_.substr(0, version_line_)};
    out.append("#EXT-X-VERSION:").append(std::to_string(std::max(version_, kVersionOfSkip)));
    const auto rest_of_header = text_.find('\n', version_line_);
    out += text_.substr(rest_of_header, *body_ - rest_of_header);
    write_tag(out, "EXT-X-SKIP", AttributeList{}.number("SKIPPED-SEGMENTS", skipped));
    write_first(out, segments_[skipped - 1], first);
    return out.append(text_.substr(first.end));
  }

  // Behind what is skipped all that applies is said again; see SegmentWriter of media_playlist_text.
  void write_first(std::string& out, const Segment& before, const Segment& first) const {
    auto lines = text_.substr(first.begin, first.end - first.begin);
    std::string others;
    while (!lines.empty()) {
      const auto line = lines.substr(0, lines.find('\n') + 1);
      lines.remove_prefix(line.size());
      const auto tag = line.substr(0, line.size() - 1);
      if (names(tag, "#EXT-X-DISCONTINUITY"))
        out += line;
      else if (!names(tag, "#EXT-X-KEY") && !names(tag, "#EXT-X-MAP"))
        others += line;
    }
    const bool ends_key = !before.key.empty() && (!first.map.empty() || first.key.empty());
    out.append(ends_key ? "#EXT-X-KEY:METHOD=NONE\n" : "");
    out.append(first.map).append(first.key).append(others);
  }

  const std::string_view text_;
  std::size_t at_ = 0;  // where the line begins that is read
  bool has_failed_ = false;
  PlaylistOutline outline_;
  std::size_t version_line_ = 0;  // never the first
  std::uint64_t version_ = 0;
  std::uint64_t target_duration_ = 0;  // seconds
  std::optional<std::uint64_t> media_sequence_;
  std::optional<Duration> can_skip_until_;
  std::optional<std::size_t> body_;   // where the header ends
  std::optional<std::size_t> other_;  // in the body, the first tag that is unknown here
  std::vector<Segment> segments_;
  Duration listed_{};
  // Of the segment that is not whole yet.
  std::optional<Duration> duration_;
  std::uint64_t parts_ = 0;
  Duration parts_duration_{};
  // That apply.
  std::string_view key_;
  std::string_view map_;
};

}  // namespace

std::optional<PlaylistOutline> outline_of(std::string_view text) {
  return Outliner{text}.outline();
}

}  // namespace onair
