// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rtcingest/sdp.hpp"
#include "rtcingest/sdpfrag.hpp"
#include "rtcingest/simulcast.hpp"

// What we take of a publisher's offer, decided before webrtcbin sees it. webrtcbin is given only
// the m-lines and formats that we want, so it can neither choose another codec nor trip over what
// it does not know; the answer gets the refused m-lines back, as RFC 3264 section 6 demands.
namespace onair {

enum class MediaKind { Audio, Video };
const char* to_string(MediaKind kind);

struct Refusal {
  bool is_malformed = false;  // breaks a rule of SDP or WebRTC, rather than being beyond us
  std::string detail;         // a sentence for the publisher's developer
};

struct AcceptedMedia {
  MediaKind kind = MediaKind::Audio;
  std::string mid;
  unsigned payload_type = 0;
  std::optional<unsigned> rtx_payload_type;
  std::optional<Simulcast> simulcast;  // of a video that is sent in several layers
};

struct Fingerprint {
  std::string hash;    // lower case: sha-256
  std::string digest;  // upper case: AB:CD:…
};

// Where we offer, `offer` is the publisher's answer.
struct Plan {
  sdp::Description offer;                 // as the publisher sent it
  sdp::Description offer_for_us;          // what webrtcbin gets
  std::vector<AcceptedMedia> media;       // that the publisher sends, in the order of offer_for_us
  std::vector<bool> is_accepted;          // per m-line of `offer`
  IceCredentials remote;                  // of the transport
  std::vector<Fingerprint> fingerprints;  // one of them must be that of the DTLS certificate
};

struct Wishes {
  bool simulcast =
      false;  // all layers of a video, rather than the one that is sent without an answer
};

// At most one audio (Opus) and one video (H.264: Baseline, Main or High, packetization-mode 0 or 1)
// that the publisher sends; the first acceptable format wins, as the order is its preference. All
// on one transport (BUNDLE, rtcp-mux). Other m-lines are refused, and header extensions, feedback
// and formats that we have no use for are left out. webrtcbin sees nothing of simulcast: to it, layers
// are streams of one m-line whose SSRCs nobody has announced.
std::variant<Plan, Refusal> plan_session(const sdp::Description& offer, const Wishes& wishes = {});

// webrtcbin's answer with what it leaves out, before it is set: header extensions, and the profile of
// the chosen format (RFC 6184 section 8.2.2 wants it the same on both sides).
sdp::Description complete_answer(const Plan& plan, sdp::Description answer);

// The answer for the publisher, made of webrtcbin's: with the refused m-lines in their places, Opus
// asked for in stereo with in-band FEC (RFC 7587 section 6.1), the layers that we take, and trickle ICE
// announced.
sdp::Description finish_answer(const Plan& plan, sdp::Description answer, bool gathering_is_done);

// The publisher's answer to `offer`, which is ours: it has an m-line for each of the offer's, in the formats that
// were offered. One that the publisher does not send stays in what webrtcbin gets, as inactive, since its
// transport may be the one that all share.
std::variant<Plan, Refusal> plan_answer(const sdp::Description& offer,
                                        const sdp::Description& answer, const Wishes& wishes = {});

}  // namespace onair
