// SPDX-License-Identifier: LGPL-2.1-or-later
#include "segment_keys.hpp"

#include <charconv>
#include <utility>

#include <glib.h>

#include "glue/gstptr.hpp"

namespace live {
namespace {

constexpr std::size_t kCheckDigits = 16;

// HMAC-SHA256 (RFC 2104), in hexadecimal digits.
std::string hmac(const std::string& secret, const std::string& text) {
  const onair::GMemory<char> digits{g_compute_hmac_for_data(
      G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(secret.data()), secret.size(),
      reinterpret_cast<const guchar*>(text.data()), text.size())};
  return digits.get();
}

std::string digits_of(const SegmentKeys::Key& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const auto byte : key) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// As to_string() writes it, so that each key has one name.
std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [read_to, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || read_to != end || std::to_string(number) != text)
    return std::nullopt;
  return number;
}

}  // namespace

SegmentKeys::Key SegmentKeys::key(std::uint64_t number) const {
  const auto text = hmac(secret, "key " + std::to_string(number));
  Key key;
  for (std::size_t i = 0; i < key.size(); ++i)
    key[i] = static_cast<std::uint8_t>(g_ascii_xdigit_value(text[2 * i]) << 4 |
                                       g_ascii_xdigit_value(text[2 * i + 1]));
  return key;
}

std::string KeyChain::check_of(const std::string& channel) const {
  return hmac(secret_, "check " + channel).substr(0, kCheckDigits);
}

std::string KeyChain::secret_of(const std::string& channel) const {
  return hmac(secret_, "channel " + channel);
}

SegmentKeys KeyChain::of(const std::string& channel, const std::string& uri) const {
  // What is behind a '#' is not sent (RFC 3986 section 3.5).
  const auto sent = uri.substr(0, uri.find('#'));
  return {.uri = sent + (sent.find('?') == std::string::npos ? "?kid=" : "&kid=") + channel + "." +
                 check_of(channel) + ".{kid}",
          .secret = secret_of(channel)};
}

std::optional<std::string> KeyChain::key(std::string_view kid) const {
  const auto first = kid.find('.');
  const auto last = kid.rfind('.');
  if (first == std::string_view::npos || first == last)
    return std::nullopt;
  const std::string channel{kid.substr(0, first)};
  const auto number = number_of(kid.substr(last + 1));
  if (!number || kid.substr(first + 1, last - first - 1) != check_of(channel))
    return std::nullopt;
  return digits_of(SegmentKeys{.uri = {}, .secret = secret_of(channel)}.key(*number));
}

}  // namespace live
