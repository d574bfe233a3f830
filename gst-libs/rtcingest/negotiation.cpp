// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/negotiation.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string_view>
#include <utility>

namespace onair {
namespace {

using sdp::attribute;
using sdp::attributes;
using sdp::split;

constexpr std::array<std::string_view, 4> kRtpProtocols{"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP",
                                                        "TCP/TLS/RTP/SAVPF", "RTP/SAVPF"};

// Header extensions that we read or that congestion control lives on. Others would only be parsed
// for nothing; video-orientation above all must not be negotiated: without it the browser turns the
// picture before it encodes.
constexpr std::array<std::string_view, 3> kExtensions{
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:sdes:mid"};

constexpr std::array<std::string_view, 4> kFeedback{"nack", "nack pli", "ccm fir", "transport-cc"};

// Attributes of simulcast, which finish_answer() answers, and of features that nobody does.
constexpr std::array<std::string_view, 4> kDroppedAttributes{"rid", "simulcast", "msid",
                                                             "extmap-allow-mixed"};

// What webrtcbin looks for in each m-line by itself, wherever the offer said it: written anew.
constexpr std::array<std::string_view, 12> kRewrittenAttributes{
    "mid",      "setup",    "ice-ufrag", "ice-pwd",  "fingerprint", "rtcp-mux",
    "sendonly", "sendrecv", "recvonly",  "inactive", "group",       "bundle-only"};

template <typename Range>
bool contains(const Range& range, std::string_view what) {
  return std::find(range.begin(), range.end(), what) != range.end();
}

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string upper(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

Refusal malformed(std::string detail) {
  return {true, std::move(detail)};
}
Refusal unsupported(std::string detail) {
  return {false, std::move(detail)};
}

// "a=<name>:<pt> rest": the rest, for one payload type.
std::optional<std::string_view> for_format(const sdp::Media& media, std::string_view name,
                                           std::string_view format) {
  for (auto value : attributes(media.lines, name)) {
    const auto space = value.find(' ');
    if (space != std::string_view::npos && value.substr(0, space) == format)
      return value.substr(space + 1);
  }
  return std::nullopt;
}

// The value of one parameter in "a=1;b=2"; parameter names don't mind case.
std::optional<std::string> fmtp_parameter(const sdp::Media& media, std::string_view format,
                                          std::string_view name) {
  const auto fmtp = for_format(media, "fmtp", format);
  if (!fmtp)
    return std::nullopt;
  for (auto part : split(*fmtp, ';')) {
    while (part.starts_with(' '))
      part.remove_prefix(1);
    const auto equals = part.find('=');
    if (equals != std::string_view::npos && lower(part.substr(0, equals)) == name)
      return std::string{part.substr(equals + 1)};
  }
  return std::nullopt;
}

std::string encoding_name(const sdp::Media& media, std::string_view format) {
  const auto rtpmap = for_format(media, "rtpmap", format);
  return rtpmap ? lower(rtpmap->substr(0, rtpmap->find('/'))) : std::string{};
}

bool is_opus(const sdp::Media& media, std::string_view format) {
  const auto rtpmap = for_format(media, "rtpmap", format);
  return rtpmap && lower(*rtpmap) == "opus/48000/2";  // RFC 7587 section 4.1: always these
}

// RFC 6184 section 8.1: the first byte of profile-level-id is profile_idc. Decoders of every player
// know Baseline (66), Main (77) and High (100); High 10 and 4:2:2 no phone decodes.
bool is_h264(const sdp::Media& media, std::string_view format) {
  const auto rtpmap = for_format(media, "rtpmap", format);
  if (!rtpmap || lower(*rtpmap) != "h264/90000")
    return false;
  const auto mode = fmtp_parameter(media, format, "packetization-mode").value_or("0");
  if (mode != "0" && mode != "1")  // 2 is interleaved; no browser sends it
    return false;
  const auto profile = fmtp_parameter(media, format, "profile-level-id").value_or("42000a");
  unsigned bits = 0;
  const auto [end, error] =
      std::from_chars(profile.data(), profile.data() + profile.size(), bits, 16);
  if (profile.size() != 6 || error != std::errc{} || end != profile.data() + profile.size())
    return false;
  const unsigned profile_idc = bits >> 16;
  return profile_idc == 66 || profile_idc == 77 || profile_idc == 100;
}

std::optional<MediaKind> kind_of(const sdp::Media& media) {
  if (media.kind == "audio")
    return MediaKind::Audio;
  if (media.kind == "video")
    return MediaKind::Video;
  return std::nullopt;
}

bool is_sent(const sdp::Description& offer, const sdp::Media& media) {
  for (const auto* lines : {&media.lines, &offer.lines}) {
    for (const auto* direction : {"sendonly", "sendrecv"}) {
      if (attribute(*lines, direction))
        return true;
    }
    for (const auto* direction : {"recvonly", "inactive"}) {
      if (attribute(*lines, direction))
        return false;
    }
  }
  return true;  // RFC 8866 section 6.7: sendrecv where nothing is said
}

// The formats of an m-line in words: "VP8, VP9".
std::string codec_list(const sdp::Media& media) {
  std::string list;
  std::vector<std::string> seen;
  for (const auto& format : media.formats) {
    const auto rtpmap = for_format(media, "rtpmap", format);
    const std::string name{rtpmap ? rtpmap->substr(0, rtpmap->find('/')) : format};
    if (contains(seen, name) || lower(name) == "rtx")
      continue;
    seen.push_back(name);
    list += (list.empty() ? "" : ", ") + name;
  }
  return list;
}

// As one writes it: 96, not 096.
std::optional<unsigned> to_payload_type(std::string_view format) {
  const auto number = sdp::to_number(format, 127);
  return number && std::to_string(*number) == format ? number : std::nullopt;
}

std::variant<AcceptedMedia, Refusal> choose_format(const sdp::Media& media, MediaKind kind) {
  const auto is_wanted = kind == MediaKind::Audio ? is_opus : is_h264;
  const auto chosen = std::find_if(media.formats.begin(), media.formats.end(),
                                   [&](const auto& format) { return is_wanted(media, format); });
  if (chosen == media.formats.end()) {
    return kind == MediaKind::Audio
               ? unsupported("The audio is offered as " + codec_list(media) +
                             ", and only Opus (opus/48000/2) is taken here.")
               : unsupported("The video is offered as " + codec_list(media) +
                             ", and only H.264 (Baseline, Main or High, packetization-mode 0 or 1)"
                             " is taken here. Offer H.264, in a browser by setCodecPreferences.");
  }
  const auto payload_type = to_payload_type(*chosen);
  if (!payload_type)
    return malformed("The payload type " + *chosen + " is not a number from 0 to 127.");

  AcceptedMedia accepted{.kind = kind,
                         .mid = std::string{attribute(media.lines, "mid").value_or("")},
                         .payload_type = *payload_type,
                         .rtx_payload_type = std::nullopt,
                         .simulcast = std::nullopt};
  for (const auto& format : media.formats) {
    if (!accepted.rtx_payload_type && encoding_name(media, format) == "rtx" &&
        fmtp_parameter(media, format, "apt") == *chosen)
      accepted.rtx_payload_type = to_payload_type(format);
  }
  return accepted;
}

struct Transport {
  IceCredentials credentials;
  std::string setup;
  std::vector<Fingerprint> fingerprints;
};

// What webrtcbin looks for in each m-line.
void add_transport(sdp::Media& media, const std::string& mid, const Transport& transport) {
  const auto& fingerprint = transport.fingerprints.front();
  for (const auto& [name, value] : {std::pair<std::string_view, std::string>{"mid", mid},
                                    {"setup", transport.setup},
                                    {"ice-ufrag", transport.credentials.ufrag},
                                    {"ice-pwd", transport.credentials.pwd},
                                    {"fingerprint", fingerprint.hash + " " + fingerprint.digest},
                                    {"rtcp-mux", ""}})
    media.lines.push_back(sdp::make_attribute(name, value));
}

// The m-line as webrtcbin shall see it.
sdp::Media reduce(const sdp::Media& media, const AcceptedMedia& accepted,
                  const Transport& transport) {
  sdp::Media out{.kind = media.kind,
                 .port = 9,
                 .proto = "UDP/TLS/RTP/SAVPF",
                 .formats = {std::to_string(accepted.payload_type)},
                 .lines = {}};
  if (accepted.rtx_payload_type)
    out.formats.push_back(std::to_string(*accepted.rtx_payload_type));

  for (const auto& line : media.lines) {
    const auto name = sdp::attribute_name(line);
    const auto value =
        std::string_view{line.value}.substr(std::min(name.size() + 1, line.value.size()));
    const auto first = value.substr(0, value.find(' '));
    const auto rest = value.substr(std::min(first.size() + 1, value.size()));
    if (line.type == 'k' || contains(kRewrittenAttributes, name) ||
        contains(kDroppedAttributes, name))
      continue;
    if (name == "rtpmap" || name == "fmtp") {
      if (!contains(out.formats, first))
        continue;
    } else if (name == "rtcp-fb") {
      if (!(first == "*" || contains(out.formats, first)) || !contains(kFeedback, rest))
        continue;
    } else if (name == "candidate") {
      if (!has_ip_address(line.value))
        continue;
    } else if (name == "extmap") {
      if (!contains(kExtensions, rest.substr(0, rest.find(' '))))
        continue;
    }
    out.lines.push_back(line);
  }
  add_transport(out, accepted.mid, transport);
  out.lines.push_back(sdp::make_attribute("sendonly"));
  return out;
}

// An m-line on which nothing comes.
sdp::Media keep_idle(const sdp::Media& offered, const Transport& transport) {
  sdp::Media out{.kind = offered.kind,
                 .port = 9,
                 .proto = offered.proto,
                 .formats = {offered.formats.front()},
                 .lines = {{'c', "IN IP4 0.0.0.0"}}};
  if (const auto rtpmap = for_format(offered, "rtpmap", offered.formats.front()))
    out.lines.push_back(
        sdp::make_attribute("rtpmap", offered.formats.front() + " " + std::string{*rtpmap}));
  add_transport(out, std::string{attribute(offered.lines, "mid").value_or("")}, transport);
  out.lines.push_back(sdp::make_attribute("inactive"));
  return out;
}

// Looks where JSEP allows it: in the m-line, else in the session part.
std::string transport_attribute(const sdp::Description& offer, const sdp::Media& media,
                                std::string_view name) {
  return std::string{
      attribute(media.lines, name).value_or(attribute(offer.lines, name).value_or(""))};
}

std::vector<Fingerprint> fingerprints_of(const sdp::Description& offer, const sdp::Media& media) {
  auto values = attributes(media.lines, "fingerprint");
  if (values.empty())
    values = attributes(offer.lines, "fingerprint");
  constexpr std::array<std::pair<std::string_view, std::size_t>, 4> kHashes{
      {{"sha-1", 20}, {"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}}};
  std::vector<Fingerprint> fingerprints;
  for (const auto value : values) {
    const auto parts = split(value, ' ');
    if (parts.size() != 2)
      continue;
    const auto hash = lower(parts[0]);
    const auto known = std::find_if(kHashes.begin(), kHashes.end(),
                                    [&](const auto& entry) { return entry.first == hash; });
    if (known == kHashes.end() || parts[1].size() != known->second * 3 - 1)
      continue;
    fingerprints.push_back({hash, upper(parts[1])});
  }
  return fingerprints;
}

// The m-line whose transport all share: the first of the BUNDLE group (RFC 9143 section 7.2), or
// the only one that was accepted.
const sdp::Media& transport_line(const sdp::Description& offer, const AcceptedMedia& only) {
  std::string_view mid = only.mid;
  for (const auto group : attributes(offer.lines, "group")) {
    const auto mids = split(group, ' ');
    if (mids.size() > 1 && mids.front() == "BUNDLE" && contains(mids, only.mid))
      mid = mids[1];
  }
  const auto line_of = [&](std::string_view wanted) {
    return std::find_if(offer.media.begin(), offer.media.end(),
                        [&](const auto& media) { return attribute(media.lines, "mid") == wanted; });
  };
  const auto first = line_of(mid);
  return first != offer.media.end() ? *first
                                    : *line_of(only.mid);  // a group may name what isn't there
}

std::variant<Transport, Refusal> read_transport(const sdp::Description& offer,
                                                const sdp::Media& media) {
  if (!attribute(media.lines, "rtcp-mux") && media.kind != "application")
    return unsupported("RTCP on a port of its own is not supported; offer a=rtcp-mux.");
  Transport transport{.credentials = {transport_attribute(offer, media, "ice-ufrag"),
                                      transport_attribute(offer, media, "ice-pwd")},
                      .setup = transport_attribute(offer, media, "setup"),
                      .fingerprints = fingerprints_of(offer, media)};
  if (transport.setup != "actpass" && transport.setup != "active" && transport.setup != "passive")
    return malformed("a=setup is missing or none of actpass, active, passive.");
  if (!is_valid(transport.credentials))
    return malformed("a=ice-ufrag or a=ice-pwd is missing or not as RFC 8839 demands.");
  if (transport.fingerprints.empty())
    return malformed("a=fingerprint is missing or not a known hash of the right length.");
  return transport;
}

std::optional<Refusal> check_line(const sdp::Media& media) {
  if (!contains(kRtpProtocols, media.proto))
    return unsupported("The protocol " + media.proto +
                       " is not DTLS-SRTP; offer UDP/TLS/RTP/SAVPF.");
  if (!attribute(media.lines, "rtcp-mux") && !attribute(media.lines, "bundle-only"))
    return unsupported("RTCP on a port of its own is not supported; offer a=rtcp-mux.");
  const auto mid = attribute(media.lines, "mid");
  if (!mid || mid->empty())
    return malformed("An m= line has no a=mid.");
  if (!sdp::is_token(*mid))
    return malformed("The a=mid of an m= line is not a token.");
  for (const auto candidate : attributes(media.lines, "candidate")) {
    if (!is_candidate("candidate:" + std::string{candidate}))
      return malformed("A line a=candidate does not follow RFC 8839.");
  }
  return std::nullopt;
}

// The session part as webrtcbin shall see it.
std::vector<sdp::Line> reduce_session(const sdp::Description& theirs, std::string_view bundle) {
  std::vector<sdp::Line> lines;
  for (const auto& line : theirs.lines) {
    const auto name = sdp::attribute_name(line);
    if (line.type != 'k' && !contains(kRewrittenAttributes, name) &&
        !contains(kDroppedAttributes, name))
      lines.push_back(line);
  }
  lines.push_back(sdp::make_attribute("group", bundle));
  return lines;
}

// All accepted m-lines must share one transport.
std::optional<Refusal> check_bundle(const sdp::Description& offer,
                                    const std::vector<AcceptedMedia>& media) {
  if (media.size() < 2)
    return std::nullopt;
  for (const auto group : attributes(offer.lines, "group")) {
    const auto mids = split(group, ' ');
    if (!mids.empty() && mids.front() == "BUNDLE" &&
        std::all_of(media.begin(), media.end(),
                    [&](const auto& one) { return contains(mids, one.mid); }))
      return std::nullopt;
  }
  return unsupported("Audio and video must share one transport; offer a=group:BUNDLE with both.");
}

}  // namespace

const char* to_string(MediaKind kind) {
  return kind == MediaKind::Audio ? "audio" : "video";
}

std::variant<Plan, Refusal> plan_session(const sdp::Description& offer, const Wishes& wishes) {
  Plan plan{.offer = offer,
            .offer_for_us = {},
            .media = {},
            .is_accepted = std::vector<bool>(offer.media.size(), false),
            .remote = {},
            .fingerprints = {}};
  if (offer.media.empty())
    return malformed("There is no m= line.");

  std::vector<const sdp::Media*> lines;  // of plan.media
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const auto& media = offer.media[i];
    const auto kind = kind_of(media);
    const bool is_rejected = media.port == 0 && !attribute(media.lines, "bundle-only");
    if (!kind || is_rejected || !is_sent(offer, media))
      continue;
    if (std::any_of(plan.media.begin(), plan.media.end(),
                    [&](const auto& one) { return one.kind == *kind; }))
      return unsupported(std::string{"More than one "} + to_string(*kind) +
                         " track is offered; send one audio and one video at most.");
    auto accepted = choose_format(media, *kind);
    if (auto* refusal = std::get_if<Refusal>(&accepted))
      return std::move(*refusal);
    if (auto refusal = check_line(media))
      return *std::move(refusal);
    auto& taken = plan.media.emplace_back(std::get<AcceptedMedia>(std::move(accepted)));
    if (wishes.simulcast && *kind == MediaKind::Video)
      taken.simulcast = plan_simulcast(media, std::to_string(taken.payload_type));
    plan.is_accepted[i] = true;
    lines.push_back(&media);
  }
  if (plan.media.empty())
    return unsupported("The offer sends neither audio nor video.");
  if (plan.media.size() == 2 && plan.media[0].mid == plan.media[1].mid)
    return malformed("Two m= lines have the same a=mid.");
  if (auto refusal = check_bundle(offer, plan.media))
    return *std::move(refusal);
  auto transport = read_transport(offer, transport_line(offer, plan.media.front()));
  if (auto* refusal = std::get_if<Refusal>(&transport))
    return std::move(*refusal);
  const auto& shared = std::get<Transport>(transport);
  plan.remote = shared.credentials;
  plan.fingerprints = shared.fingerprints;

  std::string bundle = "BUNDLE";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    plan.offer_for_us.media.push_back(reduce(*lines[i], plan.media[i], shared));
    bundle += " " + plan.media[i].mid;
  }
  plan.offer_for_us.lines = reduce_session(offer, bundle);
  return plan;
}

namespace {

// Its payload types are the offer's, as in every answer of a browser.
std::variant<AcceptedMedia, Refusal> choose_answered_format(const sdp::Media& offered,
                                                            const sdp::Media& answered,
                                                            MediaKind kind) {
  auto chosen = choose_format(answered, kind);
  auto* accepted = std::get_if<AcceptedMedia>(&chosen);
  if (!accepted)
    return chosen;
  if (!contains(offered.formats, std::to_string(accepted->payload_type)))
    return malformed("The answer's payload type " + std::to_string(accepted->payload_type) +
                     " was not offered.");
  if (accepted->rtx_payload_type &&
      !contains(offered.formats, std::to_string(*accepted->rtx_payload_type)))
    accepted->rtx_payload_type.reset();
  return chosen;
}

// A header extension means what the offer says, or is not there.
sdp::Media reduce_answered(const sdp::Media& offered, const sdp::Media& answered,
                           const AcceptedMedia& accepted, const Transport& transport) {
  auto out = reduce(answered, accepted, transport);
  const auto known = attributes(offered.lines, "extmap");
  std::erase_if(out.lines, [&](const sdp::Line& line) {
    return sdp::attribute_name(line) == "extmap" &&
           !contains(known, attribute({line}, "extmap").value_or(""));
  });
  return out;
}

}  // namespace

std::variant<Plan, Refusal> plan_answer(const sdp::Description& offer,
                                        const sdp::Description& answer, const Wishes& wishes) {
  Plan plan{.offer = answer,
            .offer_for_us = {},
            .media = {},
            .is_accepted = std::vector<bool>(answer.media.size(), false),
            .remote = {},
            .fingerprints = {}};
  if (answer.media.size() != offer.media.size())
    return malformed("The answer has " + std::to_string(answer.media.size()) +
                     " m= lines and the offer " + std::to_string(offer.media.size()) + ".");
  const sdp::Media* first = nullptr;  // that is sent
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const auto& offered = offer.media[i];
    const auto& answered = answer.media[i];
    if (answered.kind != offered.kind ||
        attribute(answered.lines, "mid") != attribute(offered.lines, "mid"))
      return malformed("The m= lines of the answer are not those of the offer, in their order.");
    const auto kind = kind_of(offered);
    if (!kind || answered.port == 0 || !is_sent(answer, answered))
      continue;
    auto accepted = choose_answered_format(offered, answered, *kind);
    if (auto* refusal = std::get_if<Refusal>(&accepted))
      return std::move(*refusal);
    if (auto refusal = check_line(answered))
      return *std::move(refusal);
    auto& taken = plan.media.emplace_back(std::get<AcceptedMedia>(std::move(accepted)));
    if (wishes.simulcast && *kind == MediaKind::Video)
      taken.simulcast = plan_simulcast(answered, std::to_string(taken.payload_type));
    plan.is_accepted[i] = true;
    first = first ? first : &answered;
  }
  if (!first)
    return unsupported("The answer sends neither audio nor video.");
  if (auto refusal = check_bundle(answer, plan.media))
    return *std::move(refusal);
  auto transport = read_transport(answer, transport_line(answer, plan.media.front()));
  if (auto* refusal = std::get_if<Refusal>(&transport))
    return std::move(*refusal);
  const auto& shared = std::get<Transport>(transport);
  if (shared.setup == "actpass")
    return malformed("a=setup of an answer must be active or passive (RFC 8842 section 5.3).");
  plan.remote = shared.credentials;
  plan.fingerprints = shared.fingerprints;

  std::string bundle = "BUNDLE";
  auto taken = plan.media.begin();
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    plan.offer_for_us.media.push_back(
        plan.is_accepted[i] ? reduce_answered(offer.media[i], answer.media[i], *taken++, shared)
                            : keep_idle(offer.media[i], shared));
    bundle += " " + std::string{attribute(offer.media[i].lines, "mid").value_or("")};
  }
  plan.offer_for_us.lines = reduce_session(answer, bundle);
  return plan;
}

sdp::Description complete_answer(const Plan& plan, sdp::Description answer) {
  for (std::size_t i = 0; i < answer.media.size() && i < plan.media.size(); ++i) {
    auto& lines = answer.media[i].lines;
    const auto& offered = plan.offer_for_us.media[i];
    const auto format = std::to_string(plan.media[i].payload_type);
    std::erase_if(lines, [&](const sdp::Line& line) {
      return sdp::attribute_name(line) == "extmap" ||
             (line.type == 'a' && line.value.starts_with("fmtp:" + format + " "));
    });
    for (const auto extension : attributes(offered.lines, "extmap"))
      lines.push_back(sdp::make_attribute("extmap", extension));
    if (const auto fmtp = for_format(offered, "fmtp", format))
      lines.push_back(sdp::make_attribute("fmtp", format + " " + std::string{*fmtp}));
  }
  return answer;
}

sdp::Description finish_answer(const Plan& plan, sdp::Description answer, bool gathering_is_done) {
  sdp::Description out{.lines = std::move(answer.lines), .media = {}};
  std::erase_if(out.lines,
                [](const sdp::Line& line) { return sdp::attribute_name(line) == "ice-options"; });
  out.lines.push_back(sdp::make_attribute("ice-options", "trickle"));

  auto ours = answer.media.begin();
  auto taken = plan.media.begin();
  for (std::size_t i = 0; i < plan.offer.media.size(); ++i) {
    const auto& offered = plan.offer.media[i];
    if (!plan.is_accepted[i] || ours == answer.media.end()) {
      sdp::Media refused{.kind = offered.kind,
                         .port = 0,
                         .proto = offered.proto,
                         .formats = offered.formats,
                         .lines = {{'c', "IN IP4 0.0.0.0"}, sdp::make_attribute("inactive")}};
      if (const auto mid = attribute(offered.lines, "mid"))
        refused.lines.push_back(sdp::make_attribute("mid", *mid));
      out.media.push_back(std::move(refused));
      continue;
    }
    auto media = std::move(*ours++);
    const auto& accepted = *taken++;
    media.proto = offered.proto;  // RFC 9429 section 5.3.1: the very same
    if (media.kind == "audio" && !media.formats.empty()) {
      // RFC 7587 section 6.1: stereo=1 says that we prefer to receive stereo.
      const auto& format = media.formats.front();
      std::erase_if(media.lines,
                    [](const sdp::Line& line) { return sdp::attribute_name(line) == "fmtp"; });
      media.lines.push_back(
          sdp::make_attribute("fmtp", format + " minptime=10;stereo=1;useinbandfec=1"));
    }
    if (accepted.simulcast) {
      for (auto& line : answer_lines(*accepted.simulcast))
        media.lines.push_back(std::move(line));
    }
    if (gathering_is_done && !attributes(media.lines, "candidate").empty())
      media.lines.push_back(sdp::make_attribute("end-of-candidates"));
    out.media.push_back(std::move(media));
  }
  return out;
}

}  // namespace onair
