// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace live {

// The keys of one channel's encrypted segments: AES-128 (RFC 8216 section 4.3.2.4), each made from a secret of the
// channel and the key's number, so that none has to be kept.
struct SegmentKeys {
  using Key = std::array<std::uint8_t, 16>;

  std::string uri;     // as hlslivesink's encrypt-key-uri takes it: where players ask for one
  std::string secret;  // of the channel

  [[nodiscard]] Key key(std::uint64_t number) const;
};

// The same of all channels that are or have been: their secrets are made from one. What players send as `kid` is
// CHANNEL.CHECK.NUMBER, of which the check says that the channel is one of ours.
class KeyChain {
 public:
  explicit KeyChain(std::string secret) : secret_{std::move(secret)} {}

  // `uri` is the channel's encrypt_key_uri.
  [[nodiscard]] SegmentKeys of(const std::string& channel, const std::string& uri) const;
  // In hexadecimal digits; nothing for what none of our channels has told to players.
  [[nodiscard]] std::optional<std::string> key(std::string_view kid) const;

 private:
  [[nodiscard]] std::string check_of(const std::string& channel) const;
  [[nodiscard]] std::string secret_of(const std::string& channel) const;

  std::string secret_;
};

}  // namespace live
