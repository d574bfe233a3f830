// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http_reply.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "glue/gstptr.hpp"

namespace live {
namespace {

using onair::GMemory;

struct Type {
  std::string_view suffix;
  const char* mime;
};
constexpr std::array<Type, 6> kTypes{{{".html", "text/html; charset=utf-8"},
                                      {".js", "text/javascript; charset=utf-8"},
                                      {".css", "text/css; charset=utf-8"},
                                      {".svg", "image/svg+xml"},
                                      {".jpg", "image/jpeg"},
                                      {".json", "application/json"}}};

const char* mime_of(std::string_view name) {
  const auto* const type = std::find_if(
      kTypes.begin(), kTypes.end(), [&](const Type& one) { return name.ends_with(one.suffix); });
  return type == kTypes.end() ? nullptr : type->mime;
}

// Browsers ask each time whether it has changed.
constexpr const char* kPageCaching = "no-cache";

}  // namespace

void set_header(SoupServerMessage* message, const char* name, const std::string& value) {
  soup_message_headers_replace(soup_server_message_get_response_headers(message), name,
                               value.c_str());
}

void send_text(SoupServerMessage* message, unsigned status, const char* type,
               const std::string& text) {
  soup_server_message_set_status(message, status, nullptr);
  soup_server_message_set_response(message, type, SOUP_MEMORY_COPY, text.data(), text.size());
}

void send_json(SoupServerMessage* message, unsigned status, const Json& document) {
  set_header(message, "Cache-Control", "no-store");
  send_text(message, status, "application/json",
            document.dump(-1, ' ', false, Json::error_handler_t::replace));
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

}  // namespace live
