// SPDX-License-Identifier: LGPL-2.1-or-later
#include "acceptor.hpp"

#include <algorithm>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace onair {
namespace {

constexpr int kBacklog = 1024;  // viewers come all at once; GLib's 10 would make them wait for 1 s
constexpr int kAcceptedAtOnce = 64;  // then others have their turn
constexpr const char* kSocketKey = "onair-socket";

std::size_t most_connections(guint wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return wanted;
  return std::min<std::size_t>(wanted, static_cast<std::size_t>(limit.rlim_cur) * 3 / 4);
}

// The client has closed its side, or neither has sent anything for so long. (A client that closes one
// way only and then waits for an answer is not told apart; no player does.)
bool is_over(GSocket* socket, Duration timeout) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(g_socket_get_fd(socket), IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
    return false;
  const auto silence = std::min(info.tcpi_last_data_sent, info.tcpi_last_data_recv);
  return info.tcpi_state == TCP_CLOSE_WAIT || info.tcpi_state == TCP_CLOSE ||
         std::chrono::milliseconds{silence} >= timeout;
}

// libsoup attaches its listener to the thread's default context. This one never runs, so libsoup has a
// listener, without which it keeps no connection alive, and accepts nothing.
bool announce_listener(SoupServer* server, GSocket* socket, GError** error) {
  GMainContext* still = g_main_context_new();
  g_main_context_push_thread_default(still);
  const bool is_listening =
      soup_server_listen_socket(server, socket, SoupServerListenOptions{}, error) == TRUE;
  g_main_context_pop_thread_default(still);
  g_main_context_unref(still);
  return is_listening;
}

}  // namespace

Acceptor::Acceptor(SoupServer* server, Config config)
    : server_{server}, config_{std::move(config)} {}

Acceptor::~Acceptor() {
  stop();
}

void Acceptor::stop() {
  if (auto* watch = std::exchange(watch_, nullptr)) {
    g_source_destroy(watch);
    g_source_unref(watch);
  }
  socket_.reset();
}

std::string Acceptor::listen() {
  const auto address = GstPtr<GSocketAddress>::adopt(
      g_inet_socket_address_new_from_string(config_.address.c_str(), config_.port));
  if (!address)
    return "'" + config_.address + "' is not an IP address";
  GError* raw = nullptr;
  socket_ = GstPtr<GSocket>::adopt(g_socket_new(g_socket_address_get_family(address.get()),
                                                G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &raw));
  if (socket_) {
    g_socket_set_blocking(socket_.get(), FALSE);
    g_socket_set_listen_backlog(socket_.get(), kBacklog);
  }
  const bool is_listening = socket_ && g_socket_bind(socket_.get(), address.get(), TRUE, &raw) &&
                            g_socket_listen(socket_.get(), &raw) &&
                            announce_listener(server_, socket_.get(), &raw);
  const ErrorPtr error{raw};
  if (!is_listening)
    return error ? error->message : "unknown error";

  const auto bound =
      GstPtr<GSocketAddress>::adopt(g_socket_get_local_address(socket_.get(), nullptr));
  port_ = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound.get()));
  most_ = most_connections(config_.max_connections);
  watch();
  return {};
}

void Acceptor::watch() {
  watch_ = g_socket_create_source(socket_.get(), G_IO_IN, nullptr);
  const auto on_connection = +[](GSocket*, GIOCondition, gpointer data) -> gboolean {
    auto* self = static_cast<Acceptor*>(data);
    auto outcome = Outcome::Accepted;
    for (int i = 0; i < kAcceptedAtOnce && outcome == Outcome::Accepted; ++i)
      outcome = self->accept();
    if (outcome != Outcome::NoRoom)
      return G_SOURCE_CONTINUE;
    g_source_unref(std::exchange(self->watch_, nullptr));
    return G_SOURCE_REMOVE;  // until resume()
  };
  g_source_set_callback(watch_, G_SOURCE_FUNC(on_connection), this, nullptr);
  g_source_attach(watch_, g_main_context_get_thread_default());
}

Acceptor::Outcome Acceptor::accept() {
  if (connections_.size() >= most_)
    forget_closed();
  if (connections_.size() >= most_)
    return Outcome::NoRoom;  // newcomers wait in the backlog
  GError* raw = nullptr;
  const auto socket = GstPtr<GSocket>::adopt(g_socket_accept(socket_.get(), nullptr, &raw));
  const ErrorPtr error{raw};
  if (!socket)
    return g_error_matches(raw, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? Outcome::Nobody
                                                                    : Outcome::NoRoom;
  auto connection =
      GstPtr<GSocketConnection>::adopt(g_socket_connection_factory_create_connection(socket.get()));
  const auto local =
      GstPtr<GSocketAddress>::adopt(g_socket_get_local_address(socket.get(), nullptr));
  const auto remote =
      GstPtr<GSocketAddress>::adopt(g_socket_get_remote_address(socket.get(), nullptr));
  if (!remote)
    return Outcome::Accepted;  // it is gone already
  auto stream = GstPtr<GIOStream>::share(G_IO_STREAM(connection.get()));
  if (certificate_) {  // with the first bytes that libsoup reads
    stream = GstPtr<GIOStream>::adopt(
        g_tls_server_connection_new(stream.get(), certificate_.get(), nullptr));
    if (!stream)
      return Outcome::Accepted;
  }
  // libsoup tells the socket of what its own listener accepted only. It lives as long as any message.
  g_object_set_data(G_OBJECT(remote.get()), kSocketKey, socket.get());
  soup_server_accept_iostream(server_, stream.get(), local.get(), remote.get(), nullptr);
  connections_.push_back({.stream = std::move(connection)});
  open_ = connections_.size();
  return Outcome::Accepted;
}

void Acceptor::resume() {
  forget_closed();
  if (socket_ && !watch_ && connections_.size() < most_)
    watch();
}

void Acceptor::forget_closed() {
  std::erase_if(connections_, [](const Connection& one) {
    return g_io_stream_is_closed(G_IO_STREAM(one.stream.get()));
  });
  open_ = connections_.size();
}

// In two steps: libsoup closes a socket that has been shut down, if it looks at it at all.
void Acceptor::end_idle() {
  for (auto& [stream, is_ended] : connections_) {
    auto* socket = g_socket_connection_get_socket(stream.get());
    if (g_io_stream_is_closed(G_IO_STREAM(stream.get())))
      continue;
    if (is_ended)
      g_io_stream_close(G_IO_STREAM(stream.get()), nullptr, nullptr);
    else if (is_over(socket, config_.idle_timeout))
      is_ended = g_socket_shutdown(socket, TRUE, TRUE, nullptr) == TRUE;
  }
  forget_closed();
}

void Acceptor::cut_off(SoupServerMessage* message) {
  auto* remote = soup_server_message_get_remote_address(message);
  auto* socket = remote ? g_object_get_data(G_OBJECT(remote), kSocketKey) : nullptr;
  if (socket)
    g_socket_shutdown(G_SOCKET(socket), TRUE, TRUE, nullptr);
}

}  // namespace onair
