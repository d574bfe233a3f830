// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace onair {

// The attributes of a tag in their order (section 4.2): `NAME=value,NAME="value"`. Nothing that is
// given can end a quoted string or a line.
class AttributeList {
 public:
  // An enumerated string, or a number that is text already.
  AttributeList& word(std::string_view name, std::string_view value);
  AttributeList& number(std::string_view name, std::uint64_t value);
  AttributeList& seconds(std::string_view name, Duration value);
  AttributeList& hex(std::string_view name, std::span<const std::uint8_t> bytes);
  // There is no way to escape what would end it, so that becomes a space, as control characters do.
  AttributeList& quoted(std::string_view name, std::string_view value);
  AttributeList& uri(std::string_view name, std::string_view value);

  [[nodiscard]] bool is_empty() const { return text_.empty(); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  AttributeList& add(std::string_view name, std::string_view value);

  std::string text_;
};

// `#NAME:attributes` and the end of the line.
void write_tag(std::string& out, std::string_view name, const AttributeList& attributes);

}  // namespace onair
