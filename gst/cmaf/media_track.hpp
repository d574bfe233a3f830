// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <variant>

#include "box_writer.hpp"

namespace onair {

// H.264 (ISO/IEC 14496-15).
struct AvcCodec {
  bool has_parameters_in_band = false;  // sample entry avc3; else avc1
  Bytes configuration;                  // AVCDecoderConfigurationRecord
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  std::uint32_t pixel_width = 1;  // shape of a pixel
  std::uint32_t pixel_height = 1;
  bool operator==(const AvcCodec&) const = default;
};

// Sound in an elementary stream descriptor (ISO/IEC 14496-1, 7.2.6.6).
enum class AudioObject : std::uint8_t { Aac = 0x40, Mpeg2Audio = 0x69, Mpeg1Audio = 0x6B };
struct Mp4AudioCodec {
  AudioObject object = AudioObject::Aac;
  Bytes specific_configuration;  // AudioSpecificConfig of AAC; MPEG audio has none
  std::uint16_t channels = 2;
  std::uint32_t rate = 48000;
  bool operator==(const Mp4AudioCodec&) const = default;
};

// What the init segment says of a stream.
struct MediaTrack {
  std::uint32_t id = 1;  // from 1 on
  std::variant<AvcCodec, Mp4AudioCodec> codec;

  [[nodiscard]] bool is_video() const { return std::holds_alternative<AvcCodec>(codec); }
  // Sound in samples, so that its times are exact; picture as in MPEG-TS.
  [[nodiscard]] std::uint32_t timescale() const {
    const auto* audio = std::get_if<Mp4AudioCodec>(&codec);
    return audio ? audio->rate : 90000;
  }
  bool operator==(const MediaTrack&) const = default;
};

}  // namespace onair
