// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/ascii.hpp"
#include "json_text.hpp"

// HTTP without a network: a request goes in, what is answered comes out.
namespace live {

struct IgnoringCase {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
      return ascii_lower(x) < ascii_lower(y);
    });
  }
};

struct ApiRequest {
  std::string method;  // as sent
  std::string path;    // percent-decoded, without the query
  std::map<std::string, std::string, IgnoringCase>
      headers;  // Authorization, Content-Type, X-Sora-Target
  std::string body;
  std::string
      base_url;  // how whoever asks has reached the server: "https://live.example.com", no slash behind it

  // Empty where there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view{} : std::string_view{found->second};
  }
};

struct ApiReply {
  unsigned status = 500;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content_type;  // empty where there is no body
  std::string body;
};

// What went wrong, before it takes the form of either face.
struct ApiError {
  unsigned status = 500;
  std::string detail;  // a sentence for the client's developer
  std::string field;   // the path of the one that is wrong, if one is
  std::vector<std::pair<std::string, std::string>> headers;
};

// Answers hold tokens: no cache may keep them.
ApiReply json_reply(unsigned status, const Json& json);
// An RFC 9457 problem document.
ApiReply problem_reply(ApiError error);
// What somebody sent, between quotation marks, and no more of it than fits a sentence.
std::string in_quotes(std::string_view text);

}  // namespace live
