// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace live {

// One of IPv4 or IPv6; the first is kept as the second has it (::ffff:a.b.c.d), so that both ways to write it are equal.
class IpAddress {
 public:
  static constexpr unsigned kBits = 128;

  // 192.0.2.1, 2001:db8::1; nothing that has a port, brackets or a zone.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  // The first so many bits, the others 0.
  [[nodiscard]] IpAddress prefix(unsigned bits) const;
  [[nodiscard]] bool is_ipv4() const;
  // As parse() reads it.
  [[nodiscard]] std::string text() const;
  // Who is told apart from others by limits: whoever has one address of IPv6 has 2^64 of them.
  [[nodiscard]] IpAddress holder() const { return is_ipv4() ? *this : prefix(kBits / 2); }
  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, kBits / 8> bytes_{};
};

class IpNetworks {
 public:
  // Addresses and networks (10.0.0.0/8), with commas or blanks between them; else a sentence for a person.
  [[nodiscard]] static std::variant<IpNetworks, std::string> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const;

 private:
  struct Network {
    IpAddress prefix;
    unsigned bits;
  };
  std::vector<Network> networks_;
};

}  // namespace live
