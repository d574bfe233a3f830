// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/forwarded.hpp"

#include <algorithm>
#include <vector>

#include "api/ascii.hpp"
#include "api/http_url.hpp"

namespace live {
namespace {

// From the right.
std::vector<std::string_view> entries_of(std::string_view list) {
  std::vector<std::string_view> entries;
  while (!trimmed(list).empty()) {
    const auto comma = list.rfind(',');
    const bool is_last = comma == std::string_view::npos;
    entries.push_back(trimmed(is_last ? list : list.substr(comma + 1)));
    list = is_last ? std::string_view{} : list.substr(0, comma);
  }
  return entries;
}

// Some add the port: 192.0.2.1:4711, [2001:db8::1]:4711.
std::optional<IpAddress> address_in(std::string_view entry) {
  if (entry.starts_with('['))
    return IpAddress::parse(entry.substr(1, std::min(entry.find(']'), entry.size()) - 1));
  const auto colon = entry.find(':');
  const bool has_port = colon != std::string_view::npos && colon == entry.rfind(':');
  return IpAddress::parse(has_port ? entry.substr(0, colon) : entry);
}

bool is_authority(std::string_view text) {
  return text.find_first_of("/?#") == std::string_view::npos &&
         is_http_url("http://" + std::string{text});
}

// What the same proxy has said as the one who has named the client; fewer entries are of proxies that replace them.
std::string_view entry_at(std::string_view list, std::size_t hop) {
  const auto entries = entries_of(list);
  return entries.empty() ? std::string_view{} : entries[std::min(hop, entries.size() - 1)];
}

}  // namespace

Client client_of(const ReceivedRequest& request, const IpNetworks& trusted) {
  Client client{.address = request.peer,
                .scheme = std::string{request.scheme},
                .host = std::string{is_authority(request.host) ? request.host : ""}};
  if (!request.peer || !trusted.contains(*request.peer))
    return client;
  std::size_t hop = 0;  // of the proxy that names the client
  const auto entries = entries_of(request.forwarded_for);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto address = address_in(entries[i]);
    if (!address)
      break;  // what a proxy does not know says nothing of who is behind it
    hop = i;
    client.address = address;
    if (!trusted.contains(*address))
      break;
  }
  for (const auto* scheme : {"http", "https"})
    if (equals_ignoring_case(entry_at(request.forwarded_proto, hop), scheme))
      client.scheme = scheme;
  if (const auto host = entry_at(request.forwarded_host, hop); is_authority(host))
    client.host = host;
  return client;
}

}  // namespace live
