// SPDX-License-Identifier: LGPL-2.1-or-later
#include "web_server.hpp"

#include <utility>

#include "http_reply.hpp"
#include "status_json.hpp"

namespace live {

WebServer::WebServer(Config config, std::function<Channel::Status()> status)
    : config_{std::move(config)},
      status_{std::move(status)},
      pages_{config_.pages},
      server_{[this](SoupServerMessage* message, const std::string& path) {
        on_request(message, path);
      }} {}

void WebServer::on_request(SoupServerMessage* message, const std::string& path) {
  if (answer_to_method(message))
    return;
  if (path == "/")
    return pages_.send(message, "index");
  if (path == "/publish" || path == "/watch")
    return pages_.send(message, path.substr(1));
  if (path == "/status")
    return send_status(message);
  if (!pages_.answer(message, path))
    send_error(message, 404, "There is nothing at " + path + ".");
}

void WebServer::send_status(SoupServerMessage* message) {
  auto document = to_json(status_());
  document["playlist"] = playlist_url(message);
  document["whip"] = {{"port", config_.whip_port}, {"path", "/whip"}};
  document["target_duration"] = config_.target_duration;
  send_json(message, 200, document);
}

// Relative to the page's own scheme: the origin is the same host by another port.
std::string WebServer::playlist_url(SoupServerMessage* message) const {
  const std::string host = g_uri_get_host(soup_server_message_get_uri(message));
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return "//" + (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(config_.hls_port) +
         "/master.m3u8";
}

}  // namespace live
