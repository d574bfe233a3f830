// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/simulcast.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace onair {
namespace {

using sdp::attributes;
using sdp::split;

constexpr std::string_view kRidUri = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
constexpr std::string_view kRepairedRidUri =
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";

// RFC 8851 section 5. `depend` is of encodings that need each other, which a rendition must not.
constexpr std::array<std::string_view, 7> kRestrictions{
    "max-width", "max-height", "max-fps", "max-fs", "max-br", "max-pps", "max-bpp"};

// RFC 8851 section 10, as RFC 8852 section 3 has it in packets; the length is that of a one-byte header
// extension.
bool is_rid(std::string_view text) {
  constexpr std::size_t kLongest = 16;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

// Ids 1 to 14 fit either form of header extension (RFC 8285 section 4.2). One with a direction is
// not for what we need it for.
std::optional<std::uint8_t> extension_id(const sdp::Media& media, std::string_view uri) {
  constexpr unsigned kLargest = 14;
  for (const auto extension : attributes(media.lines, "extmap")) {
    const auto words = split(extension, ' ');
    if (words.size() < 2 || words[1] != uri)
      continue;
    const auto id = sdp::to_number(words[0], kLargest);
    return id && *id > 0 ? std::optional{static_cast<std::uint8_t>(*id)} : std::nullopt;
  }
  return std::nullopt;
}

// What follows "send" in the one a=simulcast: alternatives of streams. Nothing where it is not there or
// does not follow RFC 8853 section 5.1.
std::optional<std::string_view> sent_streams(const sdp::Media& media) {
  const auto lines = attributes(media.lines, "simulcast");
  if (lines.size() != 1)
    return std::nullopt;
  const auto words = split(lines.front(), ' ');
  if (words.size() != 2 && words.size() != 4)
    return std::nullopt;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    if (words[i] == "send")
      return words[i + 1];
  }
  return std::nullopt;
}

// The restrictions of `a=rid:<rid> send …`, when all are known and allow `format`.
std::optional<std::string> restrictions_of(const sdp::Media& media, std::string_view rid,
                                           std::string_view format) {
  std::optional<std::string> found;
  for (const auto line : attributes(media.lines, "rid")) {
    const auto words = split(line, ' ');
    if (words.size() < 2 || words[0] != rid)
      continue;
    if (found || words[1] != "send" || words.size() > 3)
      return std::nullopt;  // RFC 8851 section 4: a rid stands for one thing
    found.emplace();
    for (const auto restriction : split(words.size() == 3 ? words[2] : "", ';')) {
      const auto name = restriction.substr(0, restriction.find('='));
      const auto value = restriction.substr(std::min(name.size() + 1, restriction.size()));
      if (name == "pt") {
        const auto formats = split(value, ',');
        if (std::find(formats.begin(), formats.end(), format) == formats.end())
          return std::nullopt;
        *found += (found->empty() ? "pt=" : ";pt=") + std::string{format};
      } else if (std::find(kRestrictions.begin(), kRestrictions.end(), name) !=
                 kRestrictions.end()) {
        *found += (found->empty() ? "" : ";") + std::string{restriction};
      } else {
        return std::nullopt;
      }
    }
  }
  return found;
}

// The first of the alternatives "h,~hh" that can be taken and is not yet.
std::optional<Layer> choose_layer(const sdp::Media& media, std::string_view alternatives,
                                  std::string_view format, const std::vector<Layer>& taken) {
  for (auto rid : split(alternatives, ',')) {
    const bool is_paused = rid.starts_with('~');
    rid.remove_prefix(is_paused ? 1 : 0);
    const bool is_taken = std::any_of(taken.begin(), taken.end(),
                                      [&](const Layer& layer) { return layer.rid == rid; });
    if (!is_rid(rid) || is_taken)
      continue;
    if (auto restrictions = restrictions_of(media, rid, format))
      return Layer{std::string{rid}, *std::move(restrictions), is_paused};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Simulcast> plan_simulcast(const sdp::Media& offered, std::string_view format) {
  const auto streams = sent_streams(offered);
  const auto rid_extension = extension_id(offered, kRidUri);
  if (!streams || !rid_extension)
    return std::nullopt;
  Simulcast simulcast{.layers = {},
                      .rid_extension = *rid_extension,
                      .repaired_rid_extension = extension_id(offered, kRepairedRidUri)};
  if (simulcast.repaired_rid_extension == rid_extension)
    return std::nullopt;
  for (const auto alternatives : split(*streams, ';')) {
    if (simulcast.layers.size() == Simulcast::kMostLayers)
      break;
    if (auto layer = choose_layer(offered, alternatives, format, simulcast.layers))
      simulcast.layers.push_back(*std::move(layer));
  }
  if (simulcast.layers.empty())
    return std::nullopt;
  // RFC 8853 section 5.3.2: what is paused stays so, unless nothing at all would come.
  if (std::all_of(simulcast.layers.begin(), simulcast.layers.end(),
                  [](const Layer& layer) { return layer.is_paused; }))
    simulcast.layers.front().is_paused = false;
  return simulcast;
}

std::vector<sdp::Line> answer_lines(const Simulcast& simulcast) {
  std::vector<sdp::Line> lines;
  const auto add_extension = [&](std::uint8_t id, std::string_view uri) {
    lines.push_back(sdp::make_attribute("extmap", std::to_string(id) + " " + std::string{uri}));
  };
  add_extension(simulcast.rid_extension, kRidUri);
  if (simulcast.repaired_rid_extension)
    add_extension(*simulcast.repaired_rid_extension, kRepairedRidUri);
  std::string streams;
  for (const auto& layer : simulcast.layers) {
    lines.push_back(sdp::make_attribute(
        "rid", layer.rid + " recv" + (layer.restrictions.empty() ? "" : " " + layer.restrictions)));
    streams += (streams.empty() ? "" : ";") + std::string{layer.is_paused ? "~" : ""} + layer.rid;
  }
  lines.push_back(sdp::make_attribute("simulcast", "recv " + streams));
  return lines;
}

std::string rid_list(const Simulcast& simulcast) {
  std::string list;
  for (const auto& layer : simulcast.layers)
    list += (list.empty() ? "" : ";") + layer.rid;
  return list;
}

}  // namespace onair
