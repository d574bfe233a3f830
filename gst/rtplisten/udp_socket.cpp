// SPDX-License-Identifier: LGPL-2.1-or-later
#include "udp_socket.hpp"

#include <algorithm>

namespace onair::rtplisten {
namespace {

constexpr Address kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kMappedPrefixSize = 12;

Address to_address(GInetAddress* inet) {
  Address address = kMappedPrefix;
  const auto size = g_inet_address_get_native_size(inet);
  const guint8* bytes = g_inet_address_to_bytes(inet);
  std::copy(bytes, bytes + size,
            address.begin() + static_cast<std::ptrdiff_t>(address.size() - size));
  return address;
}

}  // namespace

std::variant<GstPtr<GSocket>, std::string> bind_udp(const std::string& address, guint port) {
  const auto inet = GstPtr<GInetAddress>::adopt(g_inet_address_new_from_string(address.c_str()));
  if (!inet)
    return "'" + address + "' is not an IP address";
  GError* raw = nullptr;
  auto socket = GstPtr<GSocket>::adopt(g_socket_new(
      g_inet_address_get_family(inet.get()), G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, &raw));
  const auto failure = [&] { return std::string{ErrorPtr{raw} -> message}; };
  if (!socket)
    return failure();
  // Several may listen to a group, but two on one address would take packets from each other.
  const bool is_group = g_inet_address_get_is_multicast(inet.get()) == TRUE;
  const auto where = GstPtr<GSocketAddress>::adopt(
      g_inet_socket_address_new(inet.get(), static_cast<guint16>(port)));
  if (!g_socket_bind(socket.get(), where.get(), is_group ? TRUE : FALSE, &raw))
    return failure();
  if (is_group && !g_socket_join_multicast_group(socket.get(), inet.get(), FALSE, nullptr, &raw))
    return failure();
  return socket;
}

guint local_port(GSocket* socket) {
  const auto address = GstPtr<GSocketAddress>::adopt(g_socket_get_local_address(socket, nullptr));
  return address && G_IS_INET_SOCKET_ADDRESS(address.get())
             ? g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address.get()))
             : 0;
}

std::optional<Address> to_address(const std::string& text) {
  const auto inet = GstPtr<GInetAddress>::adopt(g_inet_address_new_from_string(text.c_str()));
  return inet ? std::optional{to_address(inet.get())} : std::nullopt;
}

std::optional<Sender> to_sender(GSocketAddress* address) {
  if (!G_IS_INET_SOCKET_ADDRESS(address))
    return std::nullopt;
  auto* inet = G_INET_SOCKET_ADDRESS(address);
  return Sender{.address = to_address(g_inet_socket_address_get_address(inet)),
                .port = g_inet_socket_address_get_port(inet)};
}

std::string to_text(const Address& address) {
  const bool is_mapped =
      std::equal(address.begin(), address.begin() + kMappedPrefixSize, kMappedPrefix.begin());
  const auto inet = GstPtr<GInetAddress>::adopt(
      g_inet_address_new_from_bytes(address.data() + (is_mapped ? kMappedPrefixSize : 0),
                                    is_mapped ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6));
  return GMemory<char>{g_inet_address_to_string(inet.get())}.get();
}

}  // namespace onair::rtplisten
