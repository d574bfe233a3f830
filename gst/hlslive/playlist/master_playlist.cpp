// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/master_playlist.hpp"

#include "playlist/attribute_list.hpp"
#include "playlist/text.hpp"

namespace onair {
namespace {

void write_audio(std::string& out, const MasterPlaylist::Audio& audio) {
  AttributeList attributes;
  attributes.word("TYPE", "AUDIO").quoted("GROUP-ID", audio.group).quoted("NAME", audio.name);
  if (!audio.language.empty())
    attributes.quoted("LANGUAGE", audio.language);
  attributes.word("DEFAULT", audio.is_default ? "YES" : "NO");
  attributes.word("AUTOSELECT", audio.is_default || audio.is_autoselect ? "YES" : "NO");
  if (audio.channels)
    attributes.quoted("CHANNELS", std::to_string(*audio.channels));
  if (!audio.uri.empty())
    attributes.uri("URI", audio.uri);
  write_tag(out, "EXT-X-MEDIA", attributes);
}

void write_variant(std::string& out, const MasterPlaylist::Variant& variant) {
  AttributeList attributes;
  attributes.number("BANDWIDTH", variant.bandwidth);
  if (variant.average_bandwidth)
    attributes.number("AVERAGE-BANDWIDTH", *variant.average_bandwidth);
  if (!variant.codecs.empty()) {
    std::string codecs;
    for (const auto& codec : variant.codecs)
      codecs.append(codecs.empty() ? "" : ",").append(codec);
    attributes.quoted("CODECS", codecs);
  }
  if (const auto& size = variant.resolution)
    attributes.word("RESOLUTION", std::to_string(size->width) + 'x' + std::to_string(size->height));
  if (const auto& rate = variant.frame_rate; rate && rate->numerator > 0 && rate->denominator > 0)
    attributes.word("FRAME-RATE", frame_rate(rate->numerator, rate->denominator));
  if (!variant.audio_group.empty())
    attributes.quoted("AUDIO", variant.audio_group);
  write_tag(out, "EXT-X-STREAM-INF", attributes);
  out.append(uri_reference(variant.uri)).append("\n");
}

}  // namespace

std::string MasterPlaylist::text() const {
  std::string out{"#EXTM3U\n"};
  // Clients of version 1 ignore groups; section 8 suggests 4 where there are any. Nothing else here
  // needs one.
  if (!audio.empty())
    out += "#EXT-X-VERSION:4\n";
  if (has_independent_segments)
    out += "#EXT-X-INDEPENDENT-SEGMENTS\n";
  for (const auto& rendition : audio)
    write_audio(out, rendition);
  for (const auto& variant : variants)
    write_variant(out, variant);
  return out;
}

}  // namespace onair
