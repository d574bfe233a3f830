// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace live {

// Of a header Authorization (RFC 6750); nothing where it has no such thing.
std::optional<std::string_view> bearer_token(std::string_view authorization);

// Those that are valid at a time: several, so that one can take the place of another without a gap.
class BearerTokens {
 public:
  enum class Verdict { Right, Missing, Wrong };

  // Where there are none, nobody has the right one.
  explicit BearerTokens(std::vector<std::string> tokens);
  // Of a header Authorization, empty where there is none. How long it takes tells
  // nothing but how long what was given is.
  [[nodiscard]] Verdict check(std::string_view authorization) const;

 private:
  std::vector<std::string> tokens_;
};

}  // namespace live
