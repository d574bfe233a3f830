// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/bearer_tokens.hpp"

#include <utility>

#include "api/ascii.hpp"

namespace live {
namespace {

// Every byte is compared, wherever the first difference is.
bool equals_in_constant_time(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned char>(secret[i % secret.size()]);
  return difference == 0;
}

}  // namespace

BearerTokens::BearerTokens(std::vector<std::string> tokens) : tokens_{std::move(tokens)} {
  std::erase(tokens_, "");
}

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (!equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  return trimmed(authorization.substr(kScheme.size()));
}

BearerTokens::Verdict BearerTokens::check(std::string_view authorization) const {
  const auto given = bearer_token(authorization);
  if (!given)
    return Verdict::Missing;
  bool is_one = false;
  for (const auto& token : tokens_)
    is_one |= equals_in_constant_time(*given, token);
  return is_one ? Verdict::Right : Verdict::Wrong;
}

}  // namespace live
