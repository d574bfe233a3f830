// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rtcingest/negotiation.hpp"
#include "rtcingest/sdp.hpp"

// The offer where it is us who offer and the publisher who answers. webrtcbin makes it of the caps that we
// give it, and is spared what it does not know, as in an answer.
namespace onair {

// What a publisher is asked to send.
struct Offering {
  bool audio = false;                       // Opus
  bool video = false;                       // H.264
  std::string profile_level_id = "42e01f";  // RFC 6184 section 8.1; the level binds nobody
  std::vector<std::string> rids;            // of the layers of a simulcast; none: one stream
  std::optional<unsigned> audio_kbps;       // the most that it shall send
  std::optional<unsigned> video_kbps;
};

// Caps of the transceiver. Without the feedback in them webrtcbin offers none.
std::string transceiver_caps(const Offering& offering, MediaKind kind);

// webrtcbin's offer with the header extensions that it leaves out, before it is set.
sdp::Description complete_offer(sdp::Description offer);

// The offer for the publisher, made of webrtcbin's: Opus asked for in stereo with in-band FEC, the layers that
// we want, and nothing of RTCP on ports of its own.
sdp::Description finish_offer(const Offering& offering, sdp::Description offer,
                              bool gathering_is_done);

// The a=mid of the m-line of this kind; empty when there is none.
std::string mid_of(const sdp::Description& offer, MediaKind kind);

}  // namespace onair
