// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/sdp.hpp"

#include <algorithm>
#include <charconv>

namespace onair::sdp {
namespace {

constexpr std::size_t kOriginFields = 6;  // RFC 8866 section 5.2
constexpr std::size_t kMediaFields = 4;   // RFC 8866 section 5.14

// The m= line, or what is wrong with it.
std::variant<Media, std::string> parse_media(std::string_view value) {
  const auto fields = split(value, ' ');
  if (fields.size() < kMediaFields)
    return "an m= line needs a kind, a port, a protocol and at least one format";
  // "<port>/<number of ports>" is legal SDP; nothing in WebRTC uses it.
  const auto port = to_number(fields[1], 65535);
  if (!port)
    return "the port of an m= line is not a number from 0 to 65535";
  Media media{.kind = std::string{fields[0]},
              .port = *port,
              .proto = std::string{fields[2]},
              .formats = {},
              .lines = {}};
  media.formats.assign(fields.begin() + 3, fields.end());
  return media;
}

// The session part begins v=, o=, s= and holds a t=; the rest of its order does not matter to us.
std::optional<SyntaxError> check_session(const std::vector<Line>& lines, std::size_t last_line) {
  constexpr std::string_view kOpening = "vos";
  for (std::size_t i = 0; i < kOpening.size(); ++i) {
    if (i >= lines.size() || lines[i].type != kOpening[i])
      return SyntaxError{i + 1, std::string{"expected a line "} + kOpening[i] + "="};
  }
  if (lines[0].value != "0")
    return SyntaxError{1, "the version is not 0"};
  if (split(lines[1].value, ' ').size() != kOriginFields)
    return SyntaxError{2, "the o= line does not have six fields"};
  if (std::none_of(lines.begin(), lines.end(), [](const Line& line) { return line.type == 't'; }))
    return SyntaxError{last_line, "there is no t= line before the first m= line"};
  return std::nullopt;
}

}  // namespace

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`{|}~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (end > 0)
      parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::optional<unsigned> to_number(std::string_view text, unsigned max) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || number > max)
    return std::nullopt;
  return number;
}

std::string_view attribute_name(const Line& line) {
  if (line.type != 'a')
    return {};
  const std::string_view value = line.value;
  return value.substr(0, value.find(':'));
}

std::vector<std::string_view> attributes(const std::vector<Line>& lines, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& line : lines) {
    if (line.type != 'a' || attribute_name(line) != name)
      continue;
    const std::string_view value = line.value;
    values.push_back(value.size() > name.size() ? value.substr(name.size() + 1)
                                                : std::string_view{});
  }
  return values;
}

std::optional<std::string_view> attribute(const std::vector<Line>& lines, std::string_view name) {
  const auto values = attributes(lines, name);
  return values.empty() ? std::nullopt : std::optional{values.front()};
}

Line make_attribute(std::string_view name, std::string_view value) {
  std::string text{name};
  if (!value.empty())
    text.append(":").append(value);
  return Line{'a', std::move(text)};
}

std::variant<Description, SyntaxError> parse(std::string_view text) {
  const auto lines = lines_of(text);
  Description description;
  std::size_t number = 0;
  for (const auto line : lines) {
    ++number;
    if (line.empty() && number == lines.size())
      break;  // a blank line at the very end does no harm
    if (line.size() < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z')
      return SyntaxError{number, "a line is not of the form letter=value"};
    const auto value = line.substr(2);
    if (std::any_of(value.begin(), value.end(), is_control))
      return SyntaxError{number, "a line holds control characters"};
    if (line[0] == 'm') {
      auto media = parse_media(value);
      if (const auto* wrong = std::get_if<std::string>(&media))
        return SyntaxError{number, *wrong};
      description.media.push_back(std::get<Media>(std::move(media)));
      continue;
    }
    Line parsed{line[0], std::string{value}};
    if (parsed.type == 'a' && !is_token(attribute_name(parsed)))
      return SyntaxError{number, "an attribute has no proper name"};
    auto& target = description.media.empty() ? description.lines : description.media.back().lines;
    target.push_back(std::move(parsed));
  }
  if (number == 0)
    return SyntaxError{1, "it is empty"};
  if (auto error = check_session(description.lines, number))
    return *std::move(error);
  return description;
}

std::string to_text(const Description& description) {
  std::string text;
  const auto write = [&](const std::vector<Line>& lines) {
    for (const auto& line : lines)
      text.append(1, line.type).append("=").append(line.value).append("\r\n");
  };
  write(description.lines);
  for (const auto& media : description.media) {
    text.append("m=").append(media.kind).append(" ").append(std::to_string(media.port));
    text.append(" ").append(media.proto);
    for (const auto& format : media.formats)
      text.append(" ").append(format);
    text.append("\r\n");
    write(media.lines);
  }
  return text;
}

}  // namespace onair::sdp
