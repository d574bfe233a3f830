// SPDX-License-Identifier: LGPL-2.1-or-later
#include "header_extension.hpp"

namespace onair {

namespace {

constexpr std::uint16_t kOneByteForm = 0xbede;
constexpr std::uint16_t kTwoByteForm = 0x1000;
constexpr std::uint16_t kTwoByteMask = 0xfff0;  // the rest is the application's
constexpr std::uint8_t kPadding = 0;
constexpr unsigned kReservedId = 15;  // of the one-byte form: ends it

constexpr std::size_t kTimestampSize = 8;
constexpr std::size_t kTimestampAndOffsetSize = 16;

}  // namespace

std::optional<std::span<const std::uint8_t>> find_header_extension(
    std::uint16_t profile, std::span<const std::uint8_t> elements, std::uint8_t id) {
  const bool is_one_byte = profile == kOneByteForm;
  if (id == kPadding || (!is_one_byte && (profile & kTwoByteMask) != kTwoByteForm))
    return std::nullopt;
  while (!elements.empty()) {
    const std::uint8_t first = elements[0];
    if (first == kPadding) {
      elements = elements.subspan(1);
      continue;
    }
    std::size_t header = 1;
    std::size_t length = (first & 0x0fu) + 1u;
    unsigned its_id = first >> 4;
    if (!is_one_byte) {
      if (elements.size() < 2)
        return std::nullopt;
      header = 2;
      length = elements[1];
      its_id = first;
    } else if (its_id == kPadding || its_id == kReservedId) {
      return std::nullopt;  // section 4.2: nothing behind it counts
    }
    if (elements.size() < header + length)
      return std::nullopt;
    if (its_id == id)
      return elements.subspan(header, length);
    elements = elements.subspan(header + length);
  }
  return std::nullopt;
}

std::optional<NtpTime> parse_ntp_time(std::span<const std::uint8_t> element) {
  if (element.size() != kTimestampSize)
    return std::nullopt;
  std::uint64_t time = 0;  // seconds, 32.32 fixed point
  for (const std::uint8_t byte : element)
    time = time << 8 | byte;
  if (time == 0)
    return std::nullopt;
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t whole = (time >> 32) * kSecond;
  const std::uint64_t fraction = (time & 0xffff'ffff) * kSecond >> 32;
  return NtpTime{Duration{static_cast<Duration::rep>(whole + fraction)}};
}

std::optional<NtpTime> parse_capture_time(std::span<const std::uint8_t> element) {
  if (element.size() == kTimestampAndOffsetSize)
    element = element.first(kTimestampSize);
  return parse_ntp_time(element);
}

}  // namespace onair
