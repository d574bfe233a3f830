// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace onair {

// Files that no playlist lists any more, and that clients may still fetch for a while. They leave
// in the order in which they came: one that is due earlier than those before it waits for them.
class Retirement {
 public:
  void add(std::string uri, ClockTime until);
  // Appends to `due` what nobody may ask for any more.
  void take_due(ClockTime now, std::vector<std::string>& due);
  // The one that came first, though somebody may still ask for it.
  [[nodiscard]] std::optional<std::string> take_first();

 private:
  struct Entry {
    std::string uri;
    ClockTime until;
  };
  std::deque<Entry> entries_;
};

}  // namespace onair
