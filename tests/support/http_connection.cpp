// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http_connection.hpp"

#include <array>

#include "patience.hpp"

namespace onair::test {
namespace {

constexpr std::string_view kEndOfLine = "\r\n";

std::string lower(const std::string& text) {
  const GMemory<char> result{g_ascii_strdown(text.c_str(), -1)};
  return result.get();
}

// Nobody vouches for the certificates of tests.
void trust_anybody(GSocketClient*, GSocketClientEvent event, GSocketConnectable*,
                   GIOStream* connection, gpointer) {
  const auto accept = +[](GTlsConnection*, GTlsCertificate*, GTlsCertificateFlags,
                          gpointer) -> gboolean { return TRUE; };
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    g_signal_connect(connection, "accept-certificate", G_CALLBACK(accept), nullptr);
}

}  // namespace

HttpConnection::HttpConnection(unsigned port, Transport transport) {
  const auto client = GstPtr<GSocketClient>::adopt(g_socket_client_new());
  g_socket_client_set_enable_proxy(client.get(), FALSE);
  g_socket_client_set_timeout(client.get(), static_cast<guint>(kPatience.count()));
  if (transport == Transport::Tls) {
    g_socket_client_set_tls(client.get(), TRUE);
    g_signal_connect(client.get(), "event", G_CALLBACK(trust_anybody), nullptr);
  }
  connection_ = GstPtr<GSocketConnection>::adopt(g_socket_client_connect_to_host(
      client.get(), "127.0.0.1", static_cast<guint16>(port), nullptr, nullptr));
}

bool HttpConnection::is_with(const char* certificate) const {
  if (!G_IS_TCP_WRAPPER_CONNECTION(connection_.get()))
    return false;
  auto* tls =
      g_tcp_wrapper_connection_get_base_io_stream(G_TCP_WRAPPER_CONNECTION(connection_.get()));
  const auto wanted =
      GstPtr<GTlsCertificate>::adopt(g_tls_certificate_new_from_pem(certificate, -1, nullptr));
  return g_tls_certificate_is_same(g_tls_connection_get_peer_certificate(G_TLS_CONNECTION(tls)),
                                   wanted.get());
}

void HttpConnection::write(std::string_view bytes) {
  auto* output = g_io_stream_get_output_stream(G_IO_STREAM(connection_.get()));
  g_output_stream_write_all(output, bytes.data(), bytes.size(), nullptr, nullptr, nullptr);
}

void HttpConnection::ask(std::string_view target, const HttpHeaders& headers,
                         std::string_view method) {
  auto request = std::string{method} + " " + std::string{target} + " HTTP/1.1\r\nHost: origin\r\n";
  for (const auto& [name, value] : headers)
    request += name + ": " + value + "\r\n";
  write(request + "\r\n");
}

bool HttpConnection::fill() {
  std::array<char, 65536> buffer;
  auto* input = g_io_stream_get_input_stream(G_IO_STREAM(connection_.get()));
  const auto got = g_input_stream_read(input, buffer.data(), buffer.size(), nullptr, nullptr);
  if (got > 0)
    unread_.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

std::string HttpConnection::take(std::size_t size) {
  while (unread_.size() < size) {
    if (!fill()) {
      was_cut_off_ = true;
      return {};
    }
  }
  auto taken = unread_.substr(0, size);
  unread_.erase(0, size);
  return taken;
}

std::string HttpConnection::take_line() {
  while (unread_.find(kEndOfLine) == std::string::npos) {
    if (!fill()) {
      was_cut_off_ = true;
      return {};
    }
  }
  const auto line = take(unread_.find(kEndOfLine));
  take(kEndOfLine.size());
  return line;
}

HttpResponse HttpConnection::read_headers() {
  HttpResponse response;
  const auto status_line = take_line();
  if (status_line.size() < 12)
    return response;
  response.status = static_cast<unsigned>(std::stoul(status_line.substr(9, 3)));
  for (auto line = take_line(); !line.empty(); line = take_line()) {
    const auto colon = line.find(": ");
    auto& value = response.headers[lower(line.substr(0, colon))];
    value += (value.empty() ? "" : ", ") + line.substr(colon + 2);
  }
  return response;
}

std::string HttpConnection::read_chunk() {
  const auto line = take_line();
  if (line.empty())
    return {};
  const auto chunk = take(std::stoul(line, nullptr, 16));
  take(kEndOfLine.size());
  return chunk;
}

std::string HttpConnection::read_to_end() {
  while (fill()) {
  }
  return std::exchange(unread_, {});
}

HttpResponse HttpConnection::read(std::string_view method) {
  auto response = read_headers();
  if (method == "HEAD" || response.status == 304 || response.status == 204)
    return response;
  if (response.header("transfer-encoding") == "chunked") {
    for (auto chunk = read_chunk(); !chunk.empty(); chunk = read_chunk())
      response.body += chunk;
  } else if (!response.header("content-length").empty()) {
    response.body = take(std::stoul(response.header("content-length")));
  } else {
    response.body = read_to_end();
  }
  if (was_cut_off_)
    response.status = 0;
  return response;
}

void HttpConnection::close() {
  g_io_stream_close(G_IO_STREAM(connection_.get()), nullptr, nullptr);
}

}  // namespace onair::test
