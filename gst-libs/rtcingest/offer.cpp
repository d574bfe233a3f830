// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/offer.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace onair {
namespace {

// As browsers number them, which saves whoever compares two logs a thought.
constexpr const char* kOpus =
    "application/x-rtp, media=(string)audio, encoding-name=(string)OPUS, payload=(int)111, "
    "clock-rate=(int)48000, encoding-params=(string)2, rtcp-fb-transport-cc=(boolean)true";
constexpr const char* kH264 =
    "application/x-rtp, media=(string)video, encoding-name=(string)H264, payload=(int)102, "
    "clock-rate=(int)90000, packetization-mode=(string)1, level-asymmetry-allowed=(string)1, "
    "rtcp-fb-nack-pli=(boolean)true, rtcp-fb-ccm-fir=(boolean)true, "
    "rtcp-fb-transport-cc=(boolean)true, profile-level-id=(string)";

// Numbered likewise, and the same in all m-lines, as those of a BUNDLE must be (RFC 9143 section 8.2).
constexpr std::array<std::string_view, 3> kExtensions{
    "1 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "4 urn:ietf:params:rtp-hdrext:sdes:mid"};
constexpr std::uint8_t kRidExtension = 10;
constexpr std::uint8_t kRepairedRidExtension = 11;

}  // namespace

std::string transceiver_caps(const Offering& offering, MediaKind kind) {
  return kind == MediaKind::Audio ? kOpus : kH264 + offering.profile_level_id;
}

sdp::Description complete_offer(sdp::Description offer) {
  for (auto& media : offer.media) {
    for (const auto extension : kExtensions)
      media.lines.push_back(sdp::make_attribute("extmap", extension));
  }
  return offer;
}

sdp::Description finish_offer(const Offering& offering, sdp::Description offer,
                              bool gathering_is_done) {
  for (auto& media : offer.media) {
    if (media.kind == "audio" && !media.formats.empty()) {
      // RFC 7587 section 6.1: stereo=1 says that we prefer to receive stereo.
      const auto& format = media.formats.front();
      std::erase_if(media.lines, [&](const sdp::Line& line) {
        return line.type == 'a' && line.value.starts_with("fmtp:" + format + " ");
      });
      auto parameters = format + " minptime=10;stereo=1;useinbandfec=1";
      if (offering.audio_kbps)
        parameters += ";maxaveragebitrate=" + std::to_string(*offering.audio_kbps * 1000);
      media.lines.push_back(sdp::make_attribute("fmtp", parameters));
    }
    // RFC 3890 section 6.2. Behind the c= line, where the grammar has it.
    if (media.kind == "video" && offering.video_kbps) {
      const auto behind = std::find_if(media.lines.begin(), media.lines.end(),
                                       [](const sdp::Line& line) { return line.type == 'a'; });
      media.lines.insert(behind, {'b', "TIAS:" + std::to_string(*offering.video_kbps * 1000)});
    }
    if (media.kind == "video" && !offering.rids.empty()) {
      Simulcast simulcast{.layers = {},
                          .rid_extension = kRidExtension,
                          .repaired_rid_extension = kRepairedRidExtension};
      for (const auto& rid : offering.rids)
        simulcast.layers.push_back({.rid = rid, .restrictions = {}, .is_paused = false});
      for (auto& line : answer_lines(simulcast))
        media.lines.push_back(std::move(line));
    }
    if (gathering_is_done && !sdp::attributes(media.lines, "candidate").empty())
      media.lines.push_back(sdp::make_attribute("end-of-candidates"));
  }
  return offer;
}

std::string mid_of(const sdp::Description& offer, MediaKind kind) {
  for (const auto& media : offer.media) {
    if (media.kind == to_string(kind))
      return std::string{sdp::attribute(media.lines, "mid").value_or("")};
  }
  return {};
}

}  // namespace onair
