// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>

namespace onair::rtplisten {

// Whether a packet on a port for RTP is RTCP all the same (RFC 5761 section 4): its type stands where RTP has
// marker and payload type, and payload types 64 to 95 are given up for that.
bool is_rtcp(std::span<const std::uint8_t> packet);

// Whether an RTP payload can be H.264 (RFC 6184, packetization modes 0 and 1): a NAL unit, a STAP-A whose
// lengths add up, or an FU-A. One of VP8, VP9 or of RED normally can't.
bool is_h264(std::span<const std::uint8_t> payload);

// Whether an RTP payload (RFC 7587) is an Opus packet that obeys RFC 6716 section 3.4.
bool is_opus(std::span<const std::uint8_t> payload);

}  // namespace onair::rtplisten
