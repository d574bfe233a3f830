// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pages.hpp"

#include <algorithm>
#include <string_view>

#include "http_reply.hpp"

namespace live {
namespace {

// One name in a folder: no separators, nothing hidden, so that no path leads out of it.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return g_ascii_isalnum(c) || c == '.' || c == '-' || c == '_'; });
}

}  // namespace

void Pages::send(SoupServerMessage* message, const std::string& name) const {
  send_file(message, folder_ + "/" + name + ".html");
}

bool Pages::answer(SoupServerMessage* message, const std::string& path) const {
  constexpr std::string_view kAssets = "/assets/";
  if (!path.starts_with(kAssets))
    return false;
  const auto name = path.substr(kAssets.size());
  if (name == "hls.js")
    send_file(message, folder_ + "/node_modules/hls.js/dist/hls.min.js");
  else if (is_plain_name(name))
    send_file(message, folder_ + "/" + name);
  else
    return false;
  return true;
}

bool answer_to_method(SoupServerMessage* message) {
  set_header(message, "Access-Control-Allow-Origin", "*");
  set_header(message, "Access-Control-Expose-Headers", "Content-Length, Content-Range, Date, ETag");
  const std::string_view method = soup_server_message_get_method(message);
  if (method == "GET" || method == "HEAD")
    return false;
  if (method == "OPTIONS") {
    set_header(message, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
    set_header(message, "Access-Control-Allow-Headers", "Range, If-None-Match");
    soup_server_message_set_status(message, 204, nullptr);
    return true;
  }
  set_header(message, "Allow", "GET, HEAD, OPTIONS");
  send_error(message, 405, "Only GET and HEAD are possible here.");
  return true;
}

}  // namespace live
