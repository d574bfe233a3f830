// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_sender.hpp"

#include <chrono>
#include <utility>

#include <gtest/gtest.h>

#include "patience.hpp"

namespace onair::test {
namespace {

GstPtr<GSocketAddress> address_of(const std::string& host, guint port) {
  return GstPtr<GSocketAddress>::adopt(g_inet_socket_address_new_from_string(host.c_str(), port));
}

}  // namespace

RtpSender::RtpSender(Config config)
    : config_{std::move(config)},
      socket_{GstPtr<GSocket>::adopt(g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM,
                                                  G_SOCKET_PROTOCOL_UDP, nullptr))} {
  EXPECT_TRUE(g_socket_bind(socket_.get(), address_of(config_.address, 0).get(), FALSE, nullptr));
  g_socket_set_timeout(socket_.get(), static_cast<guint>(std::chrono::seconds{kPatience}.count()));
}

guint RtpSender::port() const {
  const auto local =
      GstPtr<GSocketAddress>::adopt(g_socket_get_local_address(socket_.get(), nullptr));
  return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(local.get()));
}

void RtpSender::become(std::uint32_t ssrc, unsigned payload_type) {
  config_.ssrc = ssrc;
  config_.payload_type = payload_type;
}

void RtpSender::send(guint port, unsigned count) {
  for (; count > 0; --count) {
    Bytes bytes{0x80, static_cast<std::uint8_t>(0x80 | config_.payload_type)};
    const auto append = [&](std::uint32_t value, unsigned size) {
      for (; size > 0; --size)
        bytes.push_back(static_cast<std::uint8_t>(value >> (8 * (size - 1))));
    };
    append(sequence_++, 2);
    append(timestamp_, 4);
    append(config_.ssrc, 4);
    bytes.insert(bytes.end(), config_.payload.begin(), config_.payload.end());
    timestamp_ += config_.ticks;
    send_bytes(port, bytes);
  }
}

void RtpSender::send_bytes(guint port, const Bytes& bytes) {
  GError* raw = nullptr;
  g_socket_send_to(socket_.get(), address_of("127.0.0.1", port).get(),
                   reinterpret_cast<const gchar*>(bytes.data()), bytes.size(), nullptr, &raw);
  const ErrorPtr error{raw};
  EXPECT_FALSE(error) << error->message;
}

std::optional<RtpSender::Bytes> RtpSender::receive() {
  Bytes bytes(2048);
  const auto size = g_socket_receive(socket_.get(), reinterpret_cast<gchar*>(bytes.data()),
                                     bytes.size(), nullptr, nullptr);
  if (size < 0)
    return std::nullopt;
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

}  // namespace onair::test
