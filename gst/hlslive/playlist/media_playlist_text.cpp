// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string_view>

#include "playlist/attribute_list.hpp"
#include "playlist/media_playlist.hpp"
#include "playlist/text.hpp"

namespace onair {
namespace {

constexpr unsigned kVersionOfSkip = 9;        // section 8; no other tag here needs more
constexpr std::size_t kLengthOfSegment = 96;  // in bytes, roughly: the tags of one without parts

void write_number(std::string& out, std::string_view name, std::uint64_t value) {
  out.append("#").append(name).append(":").append(std::to_string(value)).append("\n");
}

void write_key(std::string& out, const std::optional<EncryptionKey>& key) {
  AttributeList attributes;
  if (key) {
    attributes.word("METHOD", "AES-128").uri("URI", key->uri);
    if (key->iv)
      attributes.hex("IV", *key->iv);
  } else {
    attributes.word("METHOD", "NONE");
  }
  write_tag(out, "EXT-X-KEY", attributes);
}

void write_part(std::string& out, const PartialSegment& part, bool is_gap) {
  AttributeList attributes;
  attributes.seconds("DURATION", part.duration).uri("URI", part.uri);
  if (part.is_independent)
    attributes.word("INDEPENDENT", "YES");
  if (is_gap)
    attributes.word("GAP", "YES");
  write_tag(out, "EXT-X-PART", attributes);
}

// Writes segments one behind the other: of keys and media initialization sections what changes.
class SegmentWriter {
 public:
  explicit SegmentWriter(std::string& out) : out_{out} {}

  // It is in a client's hands already. The next one says again what applies to it: hls.js looks for
  // keys in the delta alone.
  void skip(const SegmentHead& head) {
    key_ = &head.key;
    must_repeat_ = true;
  }

  // It stands right in front of what is written.
  void follow(const SegmentHead& head) {
    key_ = &head.key;
    map_ = head.map;
  }

  void write(const MediaSegment& segment) {
    write_head(segment.head);
    write_parts(segment.parts, segment.is_gap);
    if (segment.is_gap)
      out_ += "#EXT-X-GAP\n";
    out_.append("#EXTINF:").append(decimal_seconds(segment.duration)).append(",\n");
    out_.append(uri_reference(segment.uri)).append("\n");
  }

  // Of a segment that has not ended.
  void write_unfinished(const SegmentHead& head, const std::vector<PartialSegment>& parts) {
    if (parts.empty())
      return;
    write_head(head);
    write_parts(parts, false);
  }

 private:
  void write_head(const SegmentHead& head) {
    if (head.is_discontinuous)
      out_ += "#EXT-X-DISCONTINUITY\n";
    if (!head.map.empty() && head.map != map_) {
      // A section behind a key is encrypted with it (section 4.4.4.5), and these are not.
      if (key_ && *key_) {
        key_ = nullptr;
        write_key(out_, {});
      }
      map_ = head.map;
      write_tag(out_, "EXT-X-MAP", AttributeList{}.uri("URI", head.map));
    }
    const bool is_under_same_key = key_ ? *key_ == head.key : !head.key;
    if (!is_under_same_key || (must_repeat_ && head.key))
      write_key(out_, head.key);
    key_ = &head.key;
    must_repeat_ = false;
    if (head.date)
      out_.append("#EXT-X-PROGRAM-DATE-TIME:").append(iso_8601(*head.date)).append("\n");
  }

  void write_parts(const std::vector<PartialSegment>& parts, bool are_gaps) {
    for (const auto& part : parts)
      write_part(out_, part, part.is_gap || are_gaps);
  }

  std::string& out_;
  const std::optional<EncryptionKey>* key_ = nullptr;  // of the segment before
  std::string_view map_;
  bool must_repeat_ = false;
};

void write_report(std::string& out, const MediaPlaylist::RenditionReport& report) {
  const auto& edge = report.edge;
  AttributeList attributes;
  attributes.uri("URI", report.uri);
  // LAST-MSN is that of the last part, where there are parts (section 4.4.5.4).
  if (edge.next_parts > 0)
    attributes.number("LAST-MSN", edge.next_sequence).number("LAST-PART", edge.next_parts - 1);
  else if (edge.has_segments)
    attributes.number("LAST-MSN", edge.next_sequence - 1);
  else
    return;
  if (edge.next_parts == 0 && edge.last_parts > 0)
    attributes.number("LAST-PART", edge.last_parts - 1);
  write_tag(out, "EXT-X-RENDITION-REPORT", attributes);
}

}  // namespace

void MediaPlaylist::write_header(std::string& out, unsigned version) const {
  out += "#EXTM3U\n";
  write_number(out, "EXT-X-VERSION", version);
  write_number(out, "EXT-X-TARGETDURATION",
               static_cast<std::uint64_t>(target_duration_ / std::chrono::seconds(1)));
  if (config_.has_independent_segments)
    out += "#EXT-X-INDEPENDENT-SEGMENTS\n";
  if (has_ended_)
    out += "#EXT-X-PLAYLIST-TYPE:VOD\n";
  else if (config_.type == Type::Event)
    out += "#EXT-X-PLAYLIST-TYPE:EVENT\n";
  // Of a recording, everyone begins at its beginning.
  if (config_.start && !has_ended_) {
    AttributeList attributes;
    attributes.seconds("TIME-OFFSET", config_.start->offset);
    if (config_.start->is_precise)
      attributes.word("PRECISE", "YES");
    write_tag(out, "EXT-X-START", attributes);
  }
  if (!has_ended_)
    write_low_latency(out);
  write_number(out, "EXT-X-MEDIA-SEQUENCE", first_sequence_);
  write_number(out, "EXT-X-DISCONTINUITY-SEQUENCE", discontinuity_sequence_);
}

void MediaPlaylist::write_low_latency(std::string& out) const {
  AttributeList control;
  if (config_.can_block_reload)
    control.word("CAN-BLOCK-RELOAD", "YES");
  if (config_.can_skip_until)
    control.seconds("CAN-SKIP-UNTIL", *config_.can_skip_until);
  if (config_.hold_back)
    control.seconds("HOLD-BACK", *config_.hold_back);
  if (config_.part_hold_back)
    control.seconds("PART-HOLD-BACK", *config_.part_hold_back);
  if (!control.is_empty())
    write_tag(out, "EXT-X-SERVER-CONTROL", control);
  if (config_.part_target)
    write_tag(out, "EXT-X-PART-INF", AttributeList{}.seconds("PART-TARGET", *config_.part_target));
}

std::string MediaPlaylist::header() const {
  std::string out;
  write_header(out, version_);
  return out;
}

std::string MediaPlaylist::newest() const {
  std::string out;
  SegmentWriter writer{out};
  if (segments_.size() > 1)
    writer.follow(segments_[segments_.size() - 2].head);
  writer.write(segments_.back());
  return out;
}

std::string MediaPlaylist::text(Form form, std::span<const RenditionReport> others) const {
  const auto skipped = form == Form::Delta ? skippable() : 0;
  std::string out;
  out.reserve((segments_.size() - skipped + 8) * kLengthOfSegment);
  write_header(out, skipped > 0 ? kVersionOfSkip : version_);
  SegmentWriter writer{out};
  if (skipped > 0) {
    write_tag(out, "EXT-X-SKIP", AttributeList{}.number("SKIPPED-SEGMENTS", skipped));
    writer.skip(segments_[skipped - 1].head);
  }
  for (auto index = skipped; index < segments_.size(); ++index)
    writer.write(segments_[index]);
  if (has_ended_)
    return out + "#EXT-X-ENDLIST\n";
  writer.write_unfinished(next_head_, next_parts_);
  if (hint_)
    write_tag(out, "EXT-X-PRELOAD-HINT", AttributeList{}.word("TYPE", "PART").uri("URI", *hint_));
  for (const auto& report : others)
    write_report(out, report);
  return out;
}

}  // namespace onair
