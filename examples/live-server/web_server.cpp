// SPDX-License-Identifier: LGPL-2.1-or-later
#include "web_server.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

namespace live {
namespace {

using onair::ErrorPtr;
using onair::GMemory;
using onair::GstPtr;

struct Type {
  std::string_view suffix;
  const char* mime;
};
constexpr std::array<Type, 5> kTypes{{{".html", "text/html; charset=utf-8"},
                                      {".js", "text/javascript; charset=utf-8"},
                                      {".css", "text/css; charset=utf-8"},
                                      {".svg", "image/svg+xml"},
                                      {".json", "application/json"}}};

const char* mime_of(std::string_view name) {
  const auto* const type = std::find_if(
      kTypes.begin(), kTypes.end(), [&](const Type& one) { return name.ends_with(one.suffix); });
  return type == kTypes.end() ? nullptr : type->mime;
}

// Browsers ask each time whether it has changed.
constexpr const char* kPageCaching = "no-cache";

// One name in a folder: no separators, nothing hidden, so that no path leads out of it.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return g_ascii_isalnum(c) || c == '.' || c == '-' || c == '_'; });
}

void set_header(SoupServerMessage* message, const char* name, const std::string& value) {
  soup_message_headers_replace(soup_server_message_get_response_headers(message), name,
                               value.c_str());
}

void send_text(SoupServerMessage* message, unsigned status, const char* type,
               const std::string& text) {
  soup_server_message_set_status(message, status, nullptr);
  soup_server_message_set_response(message, type, SOUP_MEMORY_COPY, text.data(), text.size());
}

void send_error(SoupServerMessage* message, unsigned status, const std::string& text) {
  set_header(message, "Cache-Control", "no-store");
  send_text(message, status, "text/plain; charset=utf-8", text + "\n");
}

// libsoup makes 206 of it where Range asks for a part.
void send_file(SoupServerMessage* message, const std::string& path) {
  const char* type = mime_of(path);
  GMappedFile* raw = type ? g_mapped_file_new(path.c_str(), FALSE, nullptr) : nullptr;
  if (!raw)
    return send_error(message, 404, "There is no such file.");
  GBytes* bytes = g_mapped_file_get_bytes(raw);
  g_mapped_file_unref(raw);

  const GMemory<char> hash{g_compute_checksum_for_bytes(G_CHECKSUM_MD5, bytes)};
  const std::string etag = "\"" + std::string{hash.get()} + "\"";
  set_header(message, "ETag", etag);
  set_header(message, "Cache-Control", kPageCaching);
  set_header(message, "Accept-Ranges", "bytes");
  const char* known = soup_message_headers_get_list(
      soup_server_message_get_request_headers(message), "If-None-Match");
  if (known && std::string_view{known}.find(etag) != std::string_view::npos) {
    soup_server_message_set_status(message, 304, nullptr);
    g_bytes_unref(bytes);
    return;
  }
  soup_server_message_set_status(message, 200, nullptr);
  auto* headers = soup_server_message_get_response_headers(message);
  soup_message_headers_set_content_type(headers, type, nullptr);
  // For HEAD libsoup sends the headers alone.
  soup_message_body_append_bytes(soup_server_message_get_response_body(message), bytes);
  soup_message_body_complete(soup_server_message_get_response_body(message));
  g_bytes_unref(bytes);
}

}  // namespace

WebServer::WebServer(Config config, std::function<Channel::Status()> status)
    : config_{std::move(config)}, status_{std::move(status)} {}

std::string WebServer::listen(const std::string& address, unsigned port) {
  server_ = GstPtr<SoupServer>::adopt(soup_server_new("server-header", "gst-onair", nullptr));
  const auto on_request = [](SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                             gpointer self) {
    static_cast<WebServer*>(self)->on_request(message, path);
  };
  soup_server_add_handler(server_.get(), nullptr, on_request, this, nullptr);
  const auto where =
      GstPtr<GSocketAddress>::adopt(g_inet_socket_address_new_from_string(address.c_str(), port));
  if (!where)
    return "'" + address + "' is not an IP address";
  GError* raw = nullptr;
  if (!soup_server_listen(server_.get(), where.get(), SoupServerListenOptions{}, &raw)) {
    const ErrorPtr error{raw};
    return error->message;
  }
  GSList* uris = soup_server_get_uris(server_.get());
  port_ = uris ? static_cast<unsigned>(g_uri_get_port(static_cast<GUri*>(uris->data))) : 0;
  g_slist_free_full(uris, [](gpointer uri) { g_uri_unref(static_cast<GUri*>(uri)); });
  return {};
}

void WebServer::on_request(SoupServerMessage* message, const std::string& path) {
  set_header(message, "Access-Control-Allow-Origin", "*");
  set_header(message, "Access-Control-Expose-Headers", "Content-Length, Content-Range, Date, ETag");
  const std::string_view method = soup_server_message_get_method(message);
  if (method == "OPTIONS") {
    set_header(message, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
    set_header(message, "Access-Control-Allow-Headers", "Range, If-None-Match");
    soup_server_message_set_status(message, 204, nullptr);
    return;
  }
  if (method != "GET" && method != "HEAD") {
    set_header(message, "Allow", "GET, HEAD, OPTIONS");
    return send_error(message, 405, "Only GET and HEAD are possible here.");
  }
  if (path == "/" || path == "/publish" || path == "/watch") {
    const auto page = path == "/" ? std::string{"/index"} : path;
    return send_file(message, config_.pages + page + ".html");
  }
  if (path == "/status")
    return send_status(message);

  constexpr std::string_view kAssets = "/assets/";
  if (path.starts_with(kAssets)) {
    const auto name = path.substr(kAssets.size());
    if (name == "hls.js")
      return send_file(message, config_.pages + "/node_modules/hls.js/dist/hls.min.js");
    if (is_plain_name(name))
      return send_file(message, config_.pages + "/" + name);
  }
  send_error(message, 404, "There is nothing at " + path + ".");
}

void WebServer::send_status(SoupServerMessage* message) {
  const auto status = status_();
  auto streams = nlohmann::ordered_json::object();
  for (const auto& stream : status.streams)
    streams[stream.kind] = {{"buffer_ms", stream.buffer_ms},
                            {"lost", stream.lost},
                            {"repaired", stream.repaired},
                            {"late", stream.late}};
  auto segments = nlohmann::ordered_json::object();
  constexpr double kMs = 1e6;
  auto latency = nlohmann::ordered_json::object();
  if (const auto& made = status.output) {
    segments = {{"begun", made->begun},
                {"missed", made->missed},
                {"error_ms", static_cast<double>(made->error_ns) / kMs},
                {"worst_error_ms", static_cast<double>(made->worst_error_ns) / kMs}};
    latency = {{"parts", made->parts},
               {"delay_ms", static_cast<double>(made->delay_ns) / kMs},
               {"worst_delay_ms", static_cast<double>(made->worst_delay_ns) / kMs}};
  }
  auto renditions = nlohmann::ordered_json::array();
  for (const auto& encoding : status.renditions) {
    auto rendition = nlohmann::ordered_json::object();
    if (encoding)
      rendition["video"] = {
          {"encoder", encoding->encoder}, {"fps", encoding->fps}, {"dropped", encoding->dropped}};
    renditions.push_back(std::move(rendition));
  }
  const nlohmann::ordered_json document{{"state", to_string(status.state)},
                                        {"broadcast", status.broadcasts},
                                        {"playlist", playlist_url(message)},
                                        {"whip", {{"port", config_.whip_port}, {"path", "/whip"}}},
                                        {"target_duration", config_.target_duration},
                                        {"streams", streams},
                                        {"segments", segments},
                                        {"latency", latency},
                                        {"renditions", renditions},
                                        {"message", status.message}};
  set_header(message, "Cache-Control", "no-store");
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
  send_text(message, 200, "application/json", document.dump(-1, ' ', false, kReplace));
}

// Relative to the page's own scheme: the origin is the same host by another port.
std::string WebServer::playlist_url(SoupServerMessage* message) const {
  const std::string host = g_uri_get_host(soup_server_message_get_uri(message));
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return "//" + (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(config_.hls_port) +
         "/master.m3u8";
}

}  // namespace live
