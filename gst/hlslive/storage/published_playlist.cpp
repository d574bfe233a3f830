// SPDX-License-Identifier: LGPL-2.1-or-later
#include "storage/published_playlist.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "playlist/tag_values.hpp"
#include "storage/storage.hpp"

namespace onair {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;

// An archive of a hundred days in segments of a second, each of which takes a hundred bytes.
constexpr std::size_t kLongestText = 1U << 30U;
constexpr std::size_t kMostSegments = 10'000'000;
constexpr std::size_t kMostParts = 1'000;

// "2026-01-31T23:59:59.999Z": RFC 3339, in UTC.
std::optional<std::chrono::sys_time<Duration>> to_date_time(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= kForm.size() || text.back() != 'Z')
    return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !is_digit : text[i] != kForm[i])
      return std::nullopt;
  }
  const auto field = [&](std::size_t at, std::size_t size) {
    return static_cast<unsigned>(to_number(text.substr(at, size), 9999).value_or(0));
  };
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(field(0, 4))},
                                         std::chrono::month{field(5, 2)},
                                         std::chrono::day{field(8, 2)}};
  const auto hour = field(11, 2);
  const auto minute = field(14, 2);
  const auto second = to_seconds(text.substr(17, text.size() - 18), 59);
  // Nanoseconds of 64 bits since 1970 end in 2262.
  if (!date.ok() || field(0, 4) < 1970 || field(0, 4) > 2261 || hour > 23 || minute > 59 || !second)
    return std::nullopt;
  return sys_days{date} + hours{hour} + minutes{minute} + *second;
}

std::optional<std::array<std::uint8_t, 16>> to_iv(std::string_view text) {
  std::array<std::uint8_t, 16> iv{};
  if (text.size() != 2 + 2 * iv.size() || !(text.starts_with("0x") || text.starts_with("0X")))
    return std::nullopt;
  for (std::size_t i = 0; i < iv.size(); ++i) {
    const auto* digits = text.data() + 2 + 2 * i;
    const auto [stopped, code] = std::from_chars(digits, digits + 2, iv[i], 16);
    if (code != std::errc{} || stopped != digits + 2)
      return std::nullopt;
  }
  return iv;
}

bool is_printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return code < 0x20 || code == 0x7f;
  });
}

class Parser {
 public:
  std::variant<PublishedPlaylist, PlaylistSyntaxError> parse(std::string_view text) {
    if (text.size() > kLongestText)
      return PlaylistSyntaxError{1, "the text is too long"};
    while (!text.empty() && !error_) {
      ++line_;
      const auto end = text.find('\n');
      if (end == std::string_view::npos)
        return PlaylistSyntaxError{line_, "the line has no end"};
      take(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    if (!error_ && line_ == 0)
      fail("nothing there");
    if (!error_ && next_duration_)
      fail("EXTINF without a segment");
    if (!error_ && !target_duration_)
      fail("no EXT-X-TARGETDURATION");
    if (error_)
      return *std::move(error_);
    playlist_.target_duration = *target_duration_;
    playlist_.media_sequence = media_sequence_.value_or(0);
    playlist_.discontinuity_sequence = discontinuity_sequence_.value_or(0);
    if (!begun_.parts.empty()) {
      const auto [duration, is_gap] = std::pair{begun_.segment.duration, begun_.segment.is_gap};
      begun_.segment = std::move(next_);
      begun_.segment.duration = duration;
      begun_.segment.is_gap = is_gap;
      begun_.segment.key = key_;
      begun_.segment.map = map_;
      playlist_.begun = std::move(begun_);
    }
    return std::move(playlist_);
  }

 private:
  void fail(std::string what) {
    if (!error_)
      error_ = PlaylistSyntaxError{line_, std::move(what)};
  }

  void take(std::string_view line) {
    if (line_ == 1 && line != "#EXTM3U")
      fail("not a playlist");
    else if (!is_printable(line))
      fail("a control character");
    else if (line.starts_with('#'))
      take_tag(line.substr(1));
    else if (!line.empty())
      take_uri(line);
  }

  void take_tag(std::string_view tag) {
    const auto colon = std::min(tag.find(':'), tag.size());
    const auto name = tag.substr(0, colon);
    const auto value = tag.substr(std::min(colon + 1, tag.size()));
    if (name == "EXTINF")
      take_duration(value);
    else if (name == "EXT-X-PROGRAM-DATE-TIME")
      take_date_time(value);
    else if (name == "EXT-X-DISCONTINUITY")
      next_.is_discontinuity = true;
    else if (name == "EXT-X-GAP")
      next_.is_gap = true;
    else if (name == "EXT-X-KEY")
      take_key(value);
    else if (name == "EXT-X-MAP")
      take_map(value);
    else if (name == "EXT-X-PART")
      take_listed_part(name, value);
    else if (name == "EXT-X-PRELOAD-HINT")
      take_hint(name, value);
    else
      take_header(name, value);
  }

  void take_header(std::string_view name, std::string_view value) {
    if (name == "EXT-X-TARGETDURATION")
      set(target_duration_, name, value, kLongestSegment);
    else if (name == "EXT-X-MEDIA-SEQUENCE")
      set_sequence(media_sequence_, name, value);
    else if (name == "EXT-X-DISCONTINUITY-SEQUENCE")
      set_sequence(discontinuity_sequence_, name, value);
    else if (name == "EXT-X-PLAYLIST-TYPE")
      playlist_.is_event = value == "EVENT";
    else if (name == "EXT-X-ENDLIST")
      playlist_.has_ended = true;
    else if (name == "EXT-X-SKIP")
      fail("EXT-X-SKIP: not a whole playlist");
    else if (name == "EXT-X-STREAM-INF" || name == "EXT-X-MEDIA")
      fail("not a media playlist");
  }

  void set(std::optional<std::uint64_t>& field, std::string_view name, std::string_view value,
           std::uint64_t max) {
    if (field)
      return fail(std::string{name} + ": twice");
    field = to_number(value, max);
    if (!field)
      fail(std::string{name} + ": not a number");
  }

  void set_sequence(std::optional<std::uint64_t>& field, std::string_view name,
                    std::string_view value) {
    if (!playlist_.segments.empty())  // sections 4.3.3.2, 4.3.3.3: before the first segment
      return fail(std::string{name} + ": behind a segment");
    set(field, name, value, kGreatestSequence);
  }

  void take_duration(std::string_view value) {
    if (next_duration_)
      return fail("EXTINF: twice");
    next_duration_ = to_seconds(value.substr(0, value.find(',')), kLongestSegment);
    if (!next_duration_)
      fail("EXTINF: not a duration");
  }

  void take_date_time(std::string_view value) {
    next_.program_date_time = to_date_time(value);
    if (!next_.program_date_time)
      fail("EXT-X-PROGRAM-DATE-TIME: not a time");
  }

  void take_key(std::string_view value) {
    const auto attributes = to_attributes(value);
    const auto* method = attributes ? find(*attributes, "METHOD", false) : nullptr;
    if (method == nullptr)
      return fail("EXT-X-KEY: no METHOD");
    key_.reset();
    if (method->value == "NONE")
      return;
    const auto* uri = find(*attributes, "URI", true);
    if (method->value != "AES-128" || uri == nullptr || uri->value.empty())
      return fail("EXT-X-KEY: not a key of ours");
    key_ = PublishedPlaylist::Key{std::string{uri->value}, std::nullopt};
    if (const auto* iv = find(*attributes, "IV", false)) {
      key_->iv = to_iv(iv->value);
      if (!key_->iv)
        fail("EXT-X-KEY: not an IV");
    }
  }

  void take_map(std::string_view value) {
    const auto attributes = to_attributes(value);
    const auto* uri = attributes ? find(*attributes, "URI", true) : nullptr;
    if (uri == nullptr || !is_resource_name(uri->value))
      return fail("EXT-X-MAP: not a name");
    map_ = std::string{uri->value};
  }

  void take_part(std::string_view name, std::string_view value) {
    const auto attributes = to_attributes(value);
    const auto* uri = attributes ? find(*attributes, "URI", true) : nullptr;
    if (uri == nullptr || !is_resource_name(uri->value))
      return fail(std::string{name} + ": not a name");
    if (playlist_.unfinished_parts.size() == kMostParts)
      return fail(std::string{name} + ": too many");
    playlist_.unfinished_parts.emplace_back(uri->value);
  }

  void take_listed_part(std::string_view name, std::string_view value) {
    take_part(name, value);
    const auto attributes = to_attributes(value);
    const auto* text = attributes ? find(*attributes, "DURATION", false) : nullptr;
    const auto duration = text ? to_seconds(text->value, kLongestSegment) : std::nullopt;
    if (!duration)
      return fail(std::string{name} + ": no duration");
    if (error_)
      return;
    const auto* gap = find(*attributes, "GAP", false);
    begun_.segment.is_gap |= gap != nullptr && gap->value == "YES";
    begun_.segment.duration += *duration;
    begun_.parts.push_back(playlist_.unfinished_parts.back());
  }

  void take_hint(std::string_view name, std::string_view value) {
    const auto attributes = to_attributes(value);
    const auto* type = attributes ? find(*attributes, "TYPE", false) : nullptr;
    if (type != nullptr && type->value == "PART")
      take_part(name, value);
  }

  void take_uri(std::string_view uri) {
    if (!next_duration_)
      return fail("a segment without EXTINF");
    if (!is_resource_name(uri))
      return fail("a segment: not a name");
    if (playlist_.segments.size() == kMostSegments)
      return fail("a segment: too many");
    next_.uri = uri;
    next_.duration = *std::exchange(next_duration_, std::nullopt);
    next_.key = key_;
    next_.map = map_;
    playlist_.segments.push_back(std::exchange(next_, {}));
    playlist_.unfinished_parts.clear();
    begun_ = {};
  }

  PublishedPlaylist playlist_;
  PublishedPlaylist::Segment next_;
  PublishedPlaylist::Begun begun_;
  std::optional<Duration> next_duration_;
  std::optional<PublishedPlaylist::Key> key_;
  std::optional<std::string> map_;
  std::optional<std::uint64_t> target_duration_;
  std::optional<std::uint64_t> media_sequence_;
  std::optional<std::uint64_t> discontinuity_sequence_;
  std::optional<PlaylistSyntaxError> error_;
  std::size_t line_ = 0;
};

}  // namespace

std::uint64_t PublishedPlaylist::next_media_sequence() const {
  return media_sequence + segments.size();
}

std::uint64_t PublishedPlaylist::next_discontinuity_sequence() const {
  return discontinuity_sequence + static_cast<std::uint64_t>(std::count_if(
                                      segments.begin(), segments.end(),
                                      [](const Segment& s) { return s.is_discontinuity; }));
}

void PublishedPlaylist::catch_up(const PublishedPlaylist& ahead, std::string_view rendition,
                                 std::uint64_t& next_number) {
  const auto next = next_media_sequence();
  if (next < ahead.media_sequence)
    return;
  for (auto index = next - ahead.media_sequence; index < ahead.segments.size(); ++index) {
    auto gap = ahead.segments[index];
    const auto& uri = ahead.segments[index].uri;
    gap.uri = std::string{rendition} + '-' + std::to_string(next_number++) +
              uri.substr(std::min(uri.rfind('.'), uri.size()));
    gap.is_gap = true;
    gap.key = segments.empty() ? std::nullopt : segments.back().key;
    gap.map = segments.empty() ? std::nullopt : segments.back().map;
    segments.push_back(std::move(gap));
  }
}

std::variant<PublishedPlaylist, PlaylistSyntaxError> parse_published_playlist(
    std::string_view text) {
  return Parser{}.parse(text);
}

std::string to_text(const PlaylistSyntaxError& error) {
  return "line " + std::to_string(error.line) + ": " + error.what;
}

}  // namespace onair
