// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onair {

// Whose codecs may be used, and whose are preferred.
//
// "" leaves it to the element; "x264,openh264" allows these two, in this order; "-nvidia" all but
// these.
class Families {
 public:
  Families() = default;
  // Nothing when a list both allows and forbids.
  static std::optional<Families> parse(std::string_view text);

  // The place of a family in the order, from 0; nothing when it is not to be used.
  [[nodiscard]] std::optional<std::size_t> rank(std::string_view family) const;

 private:
  bool forbids_ = true;  // what is named, rather than all else
  std::vector<std::string> names_;
};

}  // namespace onair
