// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/api_message.hpp"

#include <array>

namespace live {
namespace {

struct Title {
  unsigned status;
  const char* text;
};
constexpr std::array<Title, 11> kTitles{{{400, "Bad Request"},
                                         {401, "Unauthorized"},
                                         {403, "Forbidden"},
                                         {404, "Not Found"},
                                         {405, "Method Not Allowed"},
                                         {409, "Conflict"},
                                         {413, "Content Too Large"},
                                         {415, "Unsupported Media Type"},
                                         {429, "Too Many Requests"},
                                         {500, "Internal Server Error"},
                                         {503, "Service Unavailable"}}};

const char* title_of(unsigned status) {
  const auto* const title = std::find_if(kTitles.begin(), kTitles.end(),
                                         [&](const Title& one) { return one.status == status; });
  return title == kTitles.end() ? "Error" : title->text;
}

}  // namespace

ApiReply json_reply(unsigned status, const Json& json) {
  return {.status = status,
          .headers = {{"Cache-Control", "no-store"}},
          .content_type = "application/json",
          .body = json_text(json)};
}

ApiReply problem_reply(ApiError error) {
  Json document{{"type", "about:blank"},
                {"title", title_of(error.status)},
                {"status", error.status},
                {"detail", error.detail}};
  if (!error.field.empty())
    document["field"] = error.field;
  auto reply = json_reply(error.status, document);
  reply.content_type = "application/problem+json";
  reply.headers.insert(reply.headers.end(), std::make_move_iterator(error.headers.begin()),
                       std::make_move_iterator(error.headers.end()));
  return reply;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMost = 64;
  // What is cut in the middle of a character is replaced, as all that is not UTF-8.
  return json_text(std::string{text.substr(0, kMost)} + (text.size() > kMost ? "..." : ""));
}

}  // namespace live
