// SPDX-License-Identifier: LGPL-2.1-or-later
#include "storage/storage.hpp"

#include <algorithm>

namespace onair {

std::string to_text(const StorageError& error) {
  std::string text{"cannot "};
  text += error.attempt;
  text += ' ';
  text += error.name;
  text += ": ";
  text += error.code.message();
  return text;
}

std::shared_ptr<std::byte[]> make_room(std::size_t size) {
  return std::make_shared_for_overwrite<std::byte[]>(size);
}

bool is_resource_name(std::string_view name) {
  constexpr std::size_t kLongest = 200;  // NAME_MAX is 255, and unfinished files have longer names
  return !name.empty() && name.size() <= kLongest && name.front() != '.' &&
         std::none_of(name.begin(), name.end(), [](char c) {
           const auto code = static_cast<unsigned char>(c);
           return code < 0x20 || code == 0x7f || c == '/';
         });
}

}  // namespace onair
