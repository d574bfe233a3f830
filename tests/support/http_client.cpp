// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http_client.hpp"

#include <gst/gst.h>
#include <libsoup/soup.h>

#include "glue/gstptr.hpp"

namespace onair::test {
namespace {

constexpr guint kTimeoutSeconds = 60;  // a sanitizer on a busy machine takes its time

void copy_header(const char* name, const char* value, gpointer data) {
  auto& headers = *static_cast<std::map<std::string, std::string>*>(data);
  const GMemory<char> lower{g_ascii_strdown(name, -1)};
  auto& joined = headers[lower.get()];
  joined += (joined.empty() ? "" : ", ") + std::string{value};
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

HttpResponse http_request(std::string_view method, const std::string& url,
                          const HttpHeaders& headers, std::string_view body, BodyLength length) {
  // Tests talk to this machine only; a proxy from the environment has no business here.
  const auto session = GstPtr<SoupSession>::adopt(soup_session_new_with_options(
      "timeout", kTimeoutSeconds, "proxy-resolver", nullptr, nullptr));
  const auto message =
      GstPtr<SoupMessage>::adopt(soup_message_new(std::string{method}.c_str(), url.c_str()));
  if (!message)
    return {.status = 0, .headers = {}, .body = "not a URL: " + url};
  auto* request = soup_message_get_request_headers(message.get());
  std::string type;
  for (const auto& [name, value] : headers) {
    if (g_ascii_strcasecmp(name.c_str(), "Content-Type") == 0)
      type = value;
    else
      soup_message_headers_append(request, name.c_str(), value.c_str());
  }
  if (!body.empty() || !type.empty()) {
    const auto stream = GstPtr<GInputStream>::adopt(g_memory_input_stream_new_from_data(
        g_memdup2(body.data(), body.size()), static_cast<gssize>(body.size()), g_free));
    const auto size = length == BodyLength::Chunked ? gssize{-1} : static_cast<gssize>(body.size());
    soup_message_set_request_body(message.get(), type.empty() ? nullptr : type.c_str(),
                                  stream.get(), size);
  }
  GError* raw = nullptr;
  GBytes* bytes = soup_session_send_and_read(session.get(), message.get(), nullptr, &raw);
  const ErrorPtr error{raw};
  if (!bytes)
    return {.status = 0, .headers = {}, .body = error ? error->message : "no response"};
  HttpResponse response{
      .status = soup_message_get_status(message.get()), .headers = {}, .body = {}};
  soup_message_headers_foreach(soup_message_get_response_headers(message.get()), copy_header,
                               &response.headers);
  gsize size = 0;
  if (const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size)))
    response.body.assign(data, size);
  g_bytes_unref(bytes);
  return response;
}

void http_send_and_hang_up(const std::string& host, unsigned port, std::string_view bytes) {
  const auto client = GstPtr<GSocketClient>::adopt(g_socket_client_new());
  const auto connection = GstPtr<GSocketConnection>::adopt(g_socket_client_connect_to_host(
      client.get(), host.c_str(), static_cast<guint16>(port), nullptr, nullptr));
  if (!connection)
    return;
  auto* output = g_io_stream_get_output_stream(G_IO_STREAM(connection.get()));
  g_output_stream_write_all(output, bytes.data(), bytes.size(), nullptr, nullptr, nullptr);
  g_io_stream_close(G_IO_STREAM(connection.get()), nullptr, nullptr);
}

}  // namespace onair::test
