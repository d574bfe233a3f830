// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

// What a master playlist says of a stream in CODECS (RFC 6381), from the stream's own headers. Nothing
// is read behind the end of them, whatever they claim; nothing is said of what makes no sense.
namespace onair::codecs {

// H.264: avc1.PPCCLL, the three bytes behind the header of the first sequence parameter set (RFC 6381
// section 3.3). From a stream with start codes, or from an AVCDecoderConfigurationRecord (ISO/IEC
// 14496-15 section 5.3.3.1).
std::optional<std::string> h264_from_byte_stream(std::span<const std::uint8_t> stream);
std::optional<std::string> h264_from_configuration(std::span<const std::uint8_t> record);

// AAC: mp4a.40.N, from an AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1). N is the audio object
// type, or 5 for spectral band replication and 29 for parametric stereo where either is signalled
// explicitly: in front, or behind where old decoders don't look.
std::optional<std::string> aac_from_configuration(std::span<const std::uint8_t> config);
// The same from an ADTS header, which knows the first four types.
std::optional<std::string> aac_from_adts(std::span<const std::uint8_t> header);

// MP3, object type 34. Its older names, mp4a.69 and mp4a.6B, and "mp3" say the same, and hls.js 1.7 ends
// with manifestIncompatibleCodecsError on each of them; this one it and Chromium 156 both play, though
// MediaSource and canPlayType() deny it. Leaving it out makes Chromium's own player silent.
inline constexpr char kMp3[] = "mp4a.40.34";

}  // namespace onair::codecs
