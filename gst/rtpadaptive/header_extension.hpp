// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.hpp"

namespace onair {

// RTP header extensions (RFC 8285): many small elements in what RFC 3550 calls the extension.

// As many bytes as the one-byte form can fill with its 14 elements; more are not looked at.
inline constexpr std::size_t kMostExtensionBytes = 14 * (1 + 16);

// The first element `id` of an extension. `profile` says its form: one-byte (0xBEDE), two-byte
// (0x1000 to 0x100f); in another there are none. `elements` may end early: an element that is not
// there as a whole is not there, and nothing behind it is.
std::optional<std::span<const std::uint8_t>> find_header_extension(
    std::uint16_t profile, std::span<const std::uint8_t> elements, std::uint8_t id);

inline constexpr const char* kCaptureTimeUri =
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

inline constexpr const char* kNtpTimeUri = "urn:ietf:params:rtp-hdrext:ntp-64";

// The element ntp-64 (RFC 6051): the sender's wall clock at the packet's RTP time, as its reports say it.
// Nothing for another length, or for zero, which NTP means as "unknown".
std::optional<NtpTime> parse_ntp_time(std::span<const std::uint8_t> element);

// The element abs-capture-time: the capture system's wall clock when what is in the packet was
// captured, the same clock that its sender reports go by. Nothing for another length, or for zero,
// which NTP means as "unknown". The optional clock offset, of relays that have a wall clock of their
// own, is not looked at: sound and picture of one capture system need none.
std::optional<NtpTime> parse_capture_time(std::span<const std::uint8_t> element);

}  // namespace onair
