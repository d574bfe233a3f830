// SPDX-License-Identifier: LGPL-2.1-or-later
#include "init_segment.hpp"

#include <algorithm>

#include "sample_flags.hpp"

namespace onair {
namespace {

constexpr std::uint32_t kMovieTimescale = 1000;  // of durations that are all 0
constexpr unsigned kUndetermined = 0x55C4;       // "und", three letters of 5 bits

void write_matrix(BoxWriter& to) {  // nothing turned, nothing scaled
  for (const std::uint32_t value : {0x10000u, 0u, 0u, 0u, 0x10000u, 0u, 0u, 0u, 0x40000000u})
    to.u32(value);
}

void write_ftyp(BoxWriter& to, bool is_cmaf) {
  to.box("ftyp", [&] {
    to.text("iso6");  // default-base-is-moof
    to.u32(0);
    to.text("iso6mp41");
    // A CMAF track file has one track (ISO/IEC 23000-19, 7.3.1).
    if (is_cmaf)
      to.text("cmfc");
  });
}

void write_tkhd(BoxWriter& to, const MediaTrack& track) {
  constexpr std::uint32_t kEnabled = 1;
  constexpr std::uint32_t kInMovie = 2;
  const auto* video = std::get_if<AvcCodec>(&track.codec);
  to.full_box("tkhd", 0, kEnabled | kInMovie, [&] {
    to.zeros(8);  // made, changed
    to.u32(track.id);
    to.zeros(4 + 4 + 8 + 2);           // reserved, duration, reserved, layer
    to.u16(track.is_video() ? 0 : 1);  // players may choose one of a group
    to.u16(track.is_video() ? 0 : 0x0100);
    to.zeros(2);
    write_matrix(to);
    // As shown, in 16.16.
    to.u32(video ? static_cast<std::uint32_t>((std::uint64_t{video->width} << 16) *
                                              video->pixel_width / video->pixel_height)
                 : 0);
    to.u32(video ? std::uint32_t{video->height} << 16 : 0);
  });
}

void write_entry(BoxWriter& to, const AvcCodec& codec) {
  to.box(codec.has_parameters_in_band ? "avc3" : "avc1", [&] {
    to.zeros(6);
    to.u16(1);  // data reference
    to.zeros(16);
    to.u16(codec.width);
    to.u16(codec.height);
    to.u32(0x480000);  // 72 dpi, as all say
    to.u32(0x480000);
    to.zeros(4);
    to.u16(1);  // frame a sample
    to.zeros(32);
    to.u16(0x18);
    to.u16(0xFFFF);
    to.box("avcC", [&] { to.append(codec.configuration); });
    if (codec.pixel_width != codec.pixel_height)
      to.box("pasp", [&] {
        to.u32(codec.pixel_width);
        to.u32(codec.pixel_height);
      });
  });
}

// A tag, its length in four bytes of 7 bits, and what is in it (ISO/IEC 14496-1, 8.3.3).
template <typename Body>
void write_descriptor(BoxWriter& to, unsigned tag, Body&& body) {
  BoxWriter inner;
  body(inner);
  const auto bytes = inner.take();
  to.u8(tag);
  for (int shift = 21; shift >= 0; shift -= 7)
    to.u8(static_cast<unsigned>(bytes.size() >> shift & 0x7F) | (shift > 0 ? 0x80 : 0));
  to.append(bytes);
}

void write_entry(BoxWriter& to, const Mp4AudioCodec& codec) {
  constexpr unsigned kEsDescriptor = 3;
  constexpr unsigned kDecoderConfig = 4;
  constexpr unsigned kDecoderSpecificInfo = 5;
  constexpr unsigned kSyncLayerConfig = 6;
  constexpr unsigned kAudioStream = 5 << 2 | 1;
  to.box("mp4a", [&] {
    to.zeros(6);
    to.u16(1);  // data reference
    to.zeros(8);
    to.u16(codec.channels);
    to.u16(16);
    to.zeros(4);
    to.u32(codec.rate < 0x10000 ? codec.rate << 16 : 0);
    to.full_box("esds", 0, 0, [&] {
      write_descriptor(to, kEsDescriptor, [&](BoxWriter& es) {
        es.zeros(3);
        write_descriptor(es, kDecoderConfig, [&](BoxWriter& config) {
          config.u8(static_cast<unsigned>(codec.object));
          config.u8(kAudioStream);
          config.zeros(3 + 4 + 4);  // buffer size and bit rates: unknown
          if (!codec.specific_configuration.empty())
            write_descriptor(config, kDecoderSpecificInfo,
                             [&](BoxWriter& info) { info.append(codec.specific_configuration); });
        });
        write_descriptor(es, kSyncLayerConfig, [](BoxWriter& sl) { sl.u8(2); });  // as for MP4
      });
    });
  });
}

void write_stbl(BoxWriter& to, const MediaTrack& track) {
  to.box("stbl", [&] {
    to.full_box("stsd", 0, 0, [&] {
      to.u32(1);
      std::visit([&](const auto& codec) { write_entry(to, codec); }, track.codec);
    });
    // All samples are in fragments.
    for (const auto* type : {"stts", "stsc"})
      to.full_box(type, 0, 0, [&] { to.u32(0); });
    to.full_box("stsz", 0, 0, [&] { to.zeros(8); });
    to.full_box("stco", 0, 0, [&] { to.u32(0); });
  });
}

void write_minf(BoxWriter& to, const MediaTrack& track) {
  constexpr std::uint32_t kInThisFile = 1;
  to.box("minf", [&] {
    if (track.is_video())
      to.full_box("vmhd", 0, 1, [&] { to.zeros(8); });
    else
      to.full_box("smhd", 0, 0, [&] { to.zeros(4); });
    to.box("dinf", [&] {
      to.full_box("dref", 0, 0, [&] {
        to.u32(1);
        to.full_box("url ", 0, kInThisFile, [] {});
      });
    });
    write_stbl(to, track);
  });
}

void write_trak(BoxWriter& to, const MediaTrack& track) {
  to.box("trak", [&] {
    write_tkhd(to, track);
    // No edit list: a sample is shown at its own time.
    to.box("mdia", [&] {
      to.full_box("mdhd", 0, 0, [&] {
        to.zeros(8);
        to.u32(track.timescale());
        to.u32(0);
        to.u16(kUndetermined);
        to.u16(0);
      });
      to.full_box("hdlr", 0, 0, [&] {
        to.zeros(4);
        to.text(track.is_video() ? "vide" : "soun");
        to.zeros(12);
        to.u8(0);  // no name
      });
      write_minf(to, track);
    });
  });
}

}  // namespace

Bytes init_segment(std::span<const MediaTrack> tracks) {
  BoxWriter to;
  write_ftyp(to, tracks.size() == 1);
  to.box("moov", [&] {
    to.full_box("mvhd", 0, 0, [&] {
      to.zeros(8);
      to.u32(kMovieTimescale);
      to.u32(0);
      to.u32(0x10000);  // speed
      to.u16(0x0100);   // volume
      to.zeros(10);
      write_matrix(to);
      to.zeros(24);
      std::uint32_t next_id = 1;
      for (const auto& track : tracks)
        next_id = std::max(next_id, track.id + 1);
      to.u32(next_id);
    });
    for (const auto& track : tracks)
      write_trak(to, track);
    to.box("mvex", [&] {
      for (const auto& track : tracks)
        to.full_box("trex", 0, 0, [&] {
          to.u32(track.id);
          to.u32(1);    // sample description
          to.zeros(8);  // duration and size: each fragment says
          to.u32(track.is_video() ? kDependentSample : kIndependentSample);
        });
    });
  });
  return to.take();
}

}  // namespace onair
