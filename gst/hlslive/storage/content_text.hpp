// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "storage/storage.hpp"

namespace onair {

// All of its bytes.
inline std::string text_of(const Content& content) {
  std::string text;
  for (const auto& chunk : content.chunks)
    text.append(reinterpret_cast<const char*>(chunk.bytes.data()), chunk.bytes.size());
  return text;
}

}  // namespace onair
