// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// Session descriptions (RFC 8866) as lines, read strictly and written back unchanged. GstSDPMessage
// reads anything at all and webrtcbin asserts on some of it, so what a stranger sends goes through
// here first; only what has passed is given to GStreamer.
namespace onair::sdp {

struct Line {
  char type = 'a';
  std::string value;
};

// The value of the first `a=name:value` (empty for a bare `a=name`), if there is one.
std::optional<std::string_view> attribute(const std::vector<Line>& lines, std::string_view name);
// The values of all `a=name:value`, in order.
std::vector<std::string_view> attributes(const std::vector<Line>& lines, std::string_view name);

// A line "a=name:value", or "a=name" when `value` is empty.
Line make_attribute(std::string_view name, std::string_view value = {});
// The name of an `a=` line: what stands before the colon. Empty for other lines.
std::string_view attribute_name(const Line& line);

struct Media {
  std::string kind;  // audio, video, application, …
  unsigned port = 0;
  std::string proto;
  std::vector<std::string> formats;
  std::vector<Line> lines;  // all below the m= line
};

struct Description {
  std::vector<Line> lines;  // all above the first m= line
  std::vector<Media> media;
};

struct SyntaxError {
  std::size_t line = 0;  // counted from 1
  std::string what;
};

// Lines end with CRLF or LF. Checked: the form of each line, the order v o s … t, six fields in o=,
// four or more in m=, ports up to 65535, names of attributes, no control characters.
std::variant<Description, SyntaxError> parse(std::string_view text);

std::string to_text(const Description& description);

// RFC 8866 section 9: what names and mids may be made of.
bool is_token(std::string_view text);
// Whether a byte is one that no line may hold: C0 other than tab, and DEL.
bool is_control(char c);

// The lines of `text`, ended by CRLF or LF; what stands behind the last end is a line too, unless it
// is empty. Line n is at index n - 1.
std::vector<std::string_view> lines_of(std::string_view text);
// Parts of `text` between single separators; empty parts are left out.
std::vector<std::string_view> split(std::string_view text, char separator);
// A decimal number without sign, up to `max`; nothing when it is anything else.
std::optional<unsigned> to_number(std::string_view text, unsigned max);

}  // namespace onair::sdp
