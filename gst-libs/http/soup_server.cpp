// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http/soup_server.hpp"

#include "glue/gstptr.hpp"

namespace onair {

std::string listen_on(SoupServer* server, const std::string& address, guint port) {
  const auto socket_address =
      GstPtr<GSocketAddress>::adopt(g_inet_socket_address_new_from_string(address.c_str(), port));
  if (!socket_address)
    return "'" + address + "' is not an IP address";
  GError* raw = nullptr;
  if (soup_server_listen(server, socket_address.get(), SoupServerListenOptions{}, &raw))
    return {};
  const ErrorPtr error{raw};
  return error->message;
}

guint port_of(SoupServer* server) {
  GSList* uris = soup_server_get_uris(server);
  const auto port = uris ? static_cast<guint>(g_uri_get_port(static_cast<GUri*>(uris->data))) : 0;
  g_slist_free_full(uris, [](gpointer uri) { g_uri_unref(static_cast<GUri*>(uri)); });
  return port;
}

std::string host_of(SoupServerMessage* message) {
  const char* host = soup_server_message_get_remote_host(message);
  return host ? host : "unknown";
}

}  // namespace onair
