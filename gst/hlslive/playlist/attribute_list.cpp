// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/attribute_list.hpp"

#include "playlist/text.hpp"

namespace onair {

AttributeList& AttributeList::add(std::string_view name, std::string_view value) {
  if (!text_.empty())
    text_ += ',';
  text_.append(name).append("=").append(value);
  return *this;
}

AttributeList& AttributeList::word(std::string_view name, std::string_view value) {
  return add(name, value);
}

AttributeList& AttributeList::number(std::string_view name, std::uint64_t value) {
  return add(name, std::to_string(value));
}

AttributeList& AttributeList::seconds(std::string_view name, Duration value) {
  return add(name, decimal_seconds(value));
}

AttributeList& AttributeList::hex(std::string_view name, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kHex{"0123456789ABCDEF"};
  std::string value{"0x"};
  for (const auto byte : bytes) {
    value += kHex[byte >> 4];
    value += kHex[byte & 15];
  }
  return add(name, value);
}

AttributeList& AttributeList::quoted(std::string_view name, std::string_view value) {
  std::string text{'"'};
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    text += c == '"' || byte < ' ' || byte == 0x7F ? ' ' : c;
  }
  text += '"';
  return add(name, text);
}

AttributeList& AttributeList::uri(std::string_view name, std::string_view value) {
  return quoted(name, uri_reference(value));
}

void write_tag(std::string& out, std::string_view name, const AttributeList& attributes) {
  out.append("#").append(name).append(":").append(attributes.text()).append("\n");
}

}  // namespace onair
