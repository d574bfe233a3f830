// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/ip_address.hpp"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

namespace live {
namespace {

constexpr unsigned kMappedBits = 96;  // in front of an address of IPv4
constexpr std::string_view kBetween = ", \t";

std::optional<unsigned> number_in(std::string_view text) {
  unsigned number = 0;
  const auto* end = text.data() + text.size();
  const auto [read_to, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && read_to == end ? std::optional{number} : std::nullopt;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated{text};
  if (terminated.find('\0') != std::string::npos)
    return std::nullopt;
  IpAddress address;
  auto* bytes = address.bytes_.data();
  if (::inet_pton(AF_INET6, terminated.c_str(), bytes) == 1)
    return address;
  address.bytes_.fill(0);
  address.bytes_[10] = address.bytes_[11] = 0xff;
  if (::inet_pton(AF_INET, terminated.c_str(), bytes + kMappedBits / 8) == 1)
    return address;
  return std::nullopt;
}

IpAddress IpAddress::prefix(unsigned bits) const {
  auto masked = *this;
  for (unsigned i = 0; i < masked.bytes_.size(); ++i) {
    const unsigned kept = std::clamp(bits, i * 8, i * 8 + 8) - i * 8;
    masked.bytes_[i] &= static_cast<std::uint8_t>(0xff00U >> kept);
  }
  return masked;
}

bool IpAddress::is_ipv4() const {
  static const auto kMapped = *parse("::ffff:0.0.0.0");
  return prefix(kMappedBits) == kMapped;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto* bytes = bytes_.data();
  if (is_ipv4())
    ::inet_ntop(AF_INET, bytes + kMappedBits / 8, text.data(), text.size());
  else
    ::inet_ntop(AF_INET6, bytes, text.data(), text.size());
  return text.data();
}

std::variant<IpNetworks, std::string> IpNetworks::parse(std::string_view text) {
  IpNetworks networks;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
    if (text.empty())
      return networks;
    const auto word = text.substr(0, text.find_first_of(kBetween));
    text.remove_prefix(word.size());
    const auto slash = word.find('/');
    const auto address = IpAddress::parse(word.substr(0, slash));
    if (!address)
      return "'" + std::string{word} +
             "' is neither an IP address nor a network such as 10.0.0.0/8";
    const unsigned skipped =
        word.substr(0, slash).find(':') == std::string_view::npos ? kMappedBits : 0;
    auto bits = std::optional{IpAddress::kBits};
    if (slash != std::string_view::npos)
      bits = number_in(word.substr(slash + 1));
    if (slash != std::string_view::npos && bits)
      *bits += skipped;
    if (!bits || *bits < skipped || *bits > IpAddress::kBits)
      return "'" + std::string{word} + "' must have 0 to " +
             std::to_string(IpAddress::kBits - skipped) + " bits behind its slash";
    if (address->prefix(*bits) != *address)
      return "'" + std::string{word} +
             "' is an address within a network; its bits behind the first " +
             std::to_string(*bits - skipped) + " must be 0";
    networks.networks_.push_back({.prefix = *address, .bits = *bits});
  }
}

bool IpNetworks::contains(const IpAddress& address) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    return address.prefix(network.bits) == network.prefix;
  });
}

}  // namespace live
