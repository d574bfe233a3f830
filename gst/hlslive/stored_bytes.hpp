// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace onair {

// How much room segments take.
class StoredBytes {
 public:
  // Counted once, however often it is told.
  void add(const std::string& name, std::uint64_t bytes) {
    const auto [at, is_new] = sizes_.try_emplace(name, bytes);
    total_ += is_new ? bytes : 0;
  }
  void remove(std::string_view name) {
    const auto found = sizes_.find(name);
    if (found == sizes_.end())
      return;
    total_ -= found->second;
    sizes_.erase(found);
  }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  std::map<std::string, std::uint64_t, std::less<>> sizes_;
  std::uint64_t total_ = 0;
};

}  // namespace onair
