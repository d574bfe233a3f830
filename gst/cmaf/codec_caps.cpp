// SPDX-License-Identifier: LGPL-2.1-or-later
#include "codec_caps.hpp"

#include <string_view>

namespace onair {
namespace {

Bytes codec_data_of(const GstStructure* structure) {
  const GValue* value = gst_structure_get_value(structure, "codec_data");
  GstBuffer* buffer = value ? gst_value_get_buffer(value) : nullptr;
  if (!buffer)
    return {};
  Bytes bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

std::optional<AvcCodec> avc_of(const GstStructure* structure) {
  gint width = 0;
  gint height = 0;
  gint pixel_width = 1;
  gint pixel_height = 1;
  gst_structure_get_int(structure, "width", &width);
  gst_structure_get_int(structure, "height", &height);
  gst_structure_get_fraction(structure, "pixel-aspect-ratio", &pixel_width, &pixel_height);
  const char* format = gst_structure_get_string(structure, "stream-format");
  AvcCodec codec{.has_parameters_in_band = g_strcmp0(format, "avc3") == 0,
                 .configuration = codec_data_of(structure),
                 .width = static_cast<std::uint16_t>(width),
                 .height = static_cast<std::uint16_t>(height),
                 .pixel_width = static_cast<std::uint32_t>(pixel_width),
                 .pixel_height = static_cast<std::uint32_t>(pixel_height)};
  const bool has_shape = pixel_width > 0 && pixel_height > 0;
  if (codec.configuration.empty() || width <= 0 || width > G_MAXUINT16 || height <= 0 ||
      height > G_MAXUINT16 || !has_shape)
    return std::nullopt;
  return codec;
}

std::optional<Mp4AudioCodec> audio_of(const GstStructure* structure) {
  gint version = 0;
  gint layer_version = 1;
  gint channels = 0;
  gint rate = 0;
  gst_structure_get_int(structure, "mpegversion", &version);
  gst_structure_get_int(structure, "mpegaudioversion", &layer_version);
  gst_structure_get_int(structure, "channels", &channels);
  gst_structure_get_int(structure, "rate", &rate);
  if (channels <= 0 || channels > G_MAXUINT16 || rate <= 0)
    return std::nullopt;
  Mp4AudioCodec codec{.channels = static_cast<std::uint16_t>(channels),
                      .rate = static_cast<std::uint32_t>(rate)};
  if (version == 1) {
    codec.object = layer_version == 1 ? AudioObject::Mpeg1Audio : AudioObject::Mpeg2Audio;
    return codec;
  }
  codec.specific_configuration = codec_data_of(structure);
  return codec.specific_configuration.empty() ? std::nullopt : std::optional{codec};
}

}  // namespace

std::optional<MediaTrack> track_of(const GstCaps* caps, std::uint32_t id) {
  const auto* structure = gst_caps_get_structure(caps, 0);
  if (std::string_view{gst_structure_get_name(structure)} == "video/x-h264") {
    const auto codec = avc_of(structure);
    return codec ? std::optional{MediaTrack{.id = id, .codec = *codec}} : std::nullopt;
  }
  const auto codec = audio_of(structure);
  return codec ? std::optional{MediaTrack{.id = id, .codec = *codec}} : std::nullopt;
}

}  // namespace onair
