// SPDX-License-Identifier: LGPL-2.1-or-later
// Our offer, and the publisher's answer to it.
#include "rtcingest/offer.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/rtcingest/offers.hpp"

namespace onair {
namespace {

using sdp::attribute;
using sdp::attributes;
using test::replaced;
using test::with_crlf;
using test::without;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

sdp::Description parsed(const std::string& text) {
  auto result = sdp::parse(text);
  if (const auto* error = std::get_if<sdp::SyntaxError>(&result)) {
    ADD_FAILURE() << "the test's own SDP is none, line " << error->line << ": " << error->what;
    return {};
  }
  return std::get<sdp::Description>(std::move(result));
}

// As webrtcbin 1.22 makes it.
std::string made_by_webrtcbin() {
  return with_crlf(R"(v=0
o=- 2150451576894957945 0 IN IP4 0.0.0.0
s=-
t=0 0
a=ice-options:trickle
a=group:BUNDLE audio0 video1
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=setup:actpass
a=ice-ufrag:ours
a=ice-pwd:MdpeE/wiQYcAd9bbo2rl6SHv
a=rtcp-mux
a=recvonly
a=rtpmap:111 OPUS/48000/2
a=fmtp:111 sprop-stereo=1
a=rtcp-fb:111 transport-cc
a=mid:audio0
a=candidate:1 1 UDP 2015363327 192.0.2.7 40000 typ host
m=video 0 UDP/TLS/RTP/SAVPF 102 97
c=IN IP4 0.0.0.0
a=setup:actpass
a=bundle-only
a=rtcp-mux
a=recvonly
a=rtpmap:102 H264/90000
a=rtcp-fb:102 nack
a=rtcp-fb:102 nack pli
a=fmtp:102 packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=102
a=mid:video1
)");
}

sdp::Description our_offer(const Offering& offering = {.audio = true, .video = true}) {
  return finish_offer(offering, complete_offer(parsed(made_by_webrtcbin())), true);
}

// As Chromium answers it.
std::string answer() {
  return with_crlf(R"(v=0
o=- 7 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE audio0 video1
a=msid-semantic: WMS x
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF
a=setup:active
a=mid:audio0
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
m=video 9 UDP/TLS/RTP/SAVPF 102 97
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF
a=setup:active
a=mid:video1
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=sendonly
a=rtcp-mux
a=rtpmap:102 H264/90000
a=rtcp-fb:102 nack
a=rtcp-fb:102 nack pli
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=102
)");
}

std::string simulcast_answer() {
  return answer() + with_crlf(R"(a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
a=rid:r0 send
a=rid:r1 send
a=rid:r2 send
a=simulcast:send r0;r1;r2
)");
}

std::variant<Plan, Refusal> planned(const std::string& text, const Wishes& wishes = {}) {
  return plan_answer(our_offer(), parsed(text), wishes);
}

Plan plan_of(const std::string& text, const Wishes& wishes = {}) {
  auto result = planned(text, wishes);
  if (const auto* refusal = std::get_if<Refusal>(&result)) {
    ADD_FAILURE() << "refused: " << refusal->detail;
    return {};
  }
  return std::get<Plan>(std::move(result));
}

std::string refused_because(const std::string& text) {
  const auto result = planned(text);
  const auto* refusal = std::get_if<Refusal>(&result);
  return refusal ? (refusal->is_malformed ? "malformed: " : "unsupported: ") + refusal->detail
                 : "taken";
}

TEST(Offer, CapsAskForTheFeedbackThatBrowsersGive) {
  const auto video = transceiver_caps({.profile_level_id = "640028"}, MediaKind::Video);
  for (const auto* part : {"H264", "rtcp-fb-nack-pli", "rtcp-fb-ccm-fir", "rtcp-fb-transport-cc",
                           "profile-level-id=(string)640028"})
    EXPECT_THAT(video, HasSubstr(part));
  EXPECT_THAT(transceiver_caps({}, MediaKind::Audio), HasSubstr("OPUS"));
}

TEST(Offer, HeaderExtensionsAreTheSameInAllLines) {
  const auto offer = complete_offer(parsed(made_by_webrtcbin()));
  const auto extensions = attributes(offer.media[0].lines, "extmap");
  EXPECT_THAT(extensions, Contains(HasSubstr("transport-wide-cc")));
  EXPECT_THAT(extensions, Not(Contains(HasSubstr("video-orientation"))));
  EXPECT_EQ(attributes(offer.media[1].lines, "extmap"), extensions);
}

TEST(Offer, OpusIsAskedForInStereoWithFec) {
  EXPECT_THAT(attributes(our_offer().media[0].lines, "fmtp"),
              ElementsAre("111 minptime=10;stereo=1;useinbandfec=1"));
}

TEST(Offer, TheMostThatIsToBeSentIsSaidWhereBrowsersLook) {
  const auto offer =
      our_offer({.audio = true, .video = true, .audio_kbps = 64, .video_kbps = 2500});
  EXPECT_THAT(attributes(offer.media[0].lines, "fmtp"),
              ElementsAre(HasSubstr(";maxaveragebitrate=64000")));
  // RFC 8866 section 5: c=, b=, a=.
  EXPECT_THAT(sdp::to_text(offer), HasSubstr("c=IN IP4 0.0.0.0\r\nb=TIAS:2500000\r\na=setup"));
  EXPECT_THAT(sdp::to_text(our_offer()), Not(HasSubstr("b=")));
}

TEST(Offer, LayersAreAskedForByTheirRids) {
  const auto offer = our_offer({.audio = true, .video = true, .rids = {"r0", "r1", "r2"}});
  const auto& lines = offer.media[1].lines;
  EXPECT_EQ(attribute(lines, "simulcast"), "recv r0;r1;r2");
  EXPECT_THAT(attributes(lines, "rid"), ElementsAre("r0 recv", "r1 recv", "r2 recv"));
  EXPECT_THAT(attributes(lines, "extmap"),
              Contains("10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"));
  EXPECT_FALSE(attribute(offer.media[0].lines, "simulcast"));
  EXPECT_FALSE(attribute(our_offer().media[1].lines, "simulcast"));
}

TEST(Offer, CandidatesAreCalledCompleteWhenTheyAre) {
  EXPECT_TRUE(attribute(our_offer().media[0].lines, "end-of-candidates"));
  EXPECT_FALSE(attribute(our_offer().media[1].lines, "end-of-candidates"));  // it has none
  const auto unfinished = finish_offer({}, parsed(made_by_webrtcbin()), false);
  EXPECT_FALSE(attribute(unfinished.media[0].lines, "end-of-candidates"));
}

TEST(Offer, MidsAreFoundByKind) {
  EXPECT_EQ(mid_of(our_offer(), MediaKind::Audio), "audio0");
  EXPECT_EQ(mid_of(our_offer(), MediaKind::Video), "video1");
  EXPECT_EQ(mid_of({}, MediaKind::Video), "");
}

TEST(Answer, OfABrowserIsTakenAsItIs) {
  const auto plan = plan_of(answer());
  ASSERT_EQ(plan.media.size(), 2u);
  EXPECT_EQ(plan.media[0].kind, MediaKind::Audio);
  EXPECT_EQ(plan.media[0].payload_type, 111u);
  EXPECT_EQ(plan.media[1].payload_type, 102u);
  EXPECT_EQ(plan.media[1].rtx_payload_type, 97u);
  EXPECT_EQ(plan.remote.ufrag, "abcd");
  ASSERT_EQ(plan.fingerprints.size(), 1u);
  EXPECT_EQ(plan.fingerprints[0].hash, "sha-256");
  EXPECT_EQ(attribute(plan.offer_for_us.lines, "group"), "BUNDLE audio0 video1");
  for (const auto& media : plan.offer_for_us.media) {
    EXPECT_TRUE(attribute(media.lines, "sendonly"));
    EXPECT_EQ(attribute(media.lines, "setup"), "active");
    EXPECT_FALSE(attribute(media.lines, "msid"));
  }
}

TEST(Answer, WithoutACameraKeepsTheLineForTheTransport) {
  // The video is given back twice as broken as it may be: rejected, and not in the BUNDLE.
  auto text = replaced(answer(), "BUNDLE audio0 video1", "BUNDLE audio0");
  text = replaced(text, "m=video 9", "m=video 0");
  const auto plan = plan_of(text);
  ASSERT_EQ(plan.media.size(), 1u);
  EXPECT_EQ(plan.media[0].kind, MediaKind::Audio);
  ASSERT_EQ(plan.offer_for_us.media.size(), 2u);
  const auto& idle = plan.offer_for_us.media[1];
  EXPECT_TRUE(attribute(idle.lines, "inactive"));
  EXPECT_EQ(attribute(idle.lines, "mid"), "video1");
  EXPECT_EQ(attribute(idle.lines, "ice-ufrag"), "abcd");
  EXPECT_EQ(idle.formats, (std::vector<std::string>{"102"}));
  EXPECT_EQ(idle.port, 9u);
}

TEST(Answer, WithoutAMicrophoneTakesTheTransportFromTheOther) {
  auto text = answer();
  text.replace(text.find("a=sendonly"), 10, "a=inactive");
  const auto plan = plan_of(text);
  ASSERT_EQ(plan.media.size(), 1u);
  EXPECT_EQ(plan.media[0].kind, MediaKind::Video);
  EXPECT_TRUE(attribute(plan.offer_for_us.media[0].lines, "inactive"));
}

TEST(Answer, ThatSendsNothingIsRefused) {
  EXPECT_EQ(refused_because(replaced(answer(), "a=sendonly", "a=recvonly")),
            "unsupported: The answer sends neither audio nor video.");
}

TEST(Answer, MustHaveTheLinesOfTheOfferInTheirOrder) {
  const auto text = answer();
  EXPECT_EQ(refused_because(text.substr(0, text.find("m=video"))),
            "malformed: The answer has 1 m= lines and the offer 2.");
  EXPECT_THAT(refused_because(replaced(text, "m=video", "m=audio")),
              HasSubstr("not those of the offer, in their order"));
  EXPECT_THAT(refused_because(replaced(text, "a=mid:video1", "a=mid:video2")),
              HasSubstr("not those of the offer, in their order"));
  EXPECT_THAT(refused_because(without(text, "a=mid:video1")), HasSubstr("in their order"));
}

TEST(Answer, MustStayWithTheFormatsOfTheOffer) {
  EXPECT_EQ(refused_because(replaced(replaced(answer(), "SAVPF 111", "SAVPF 96"), ":111 ", ":96 ")),
            "malformed: The answer's payload type 96 was not offered.");
  EXPECT_THAT(refused_because(replaced(answer(), "102 H264/90000", "102 VP8/90000")),
              HasSubstr("only H.264"));
  // A retransmission nobody offered is none.
  const auto plan =
      plan_of(replaced(replaced(replaced(answer(), "102 97", "102 98"), "rtpmap:97", "rtpmap:98"),
                       "fmtp:97", "fmtp:98"));
  EXPECT_FALSE(plan.media[1].rtx_payload_type);
}

TEST(Answer, DecidesWhoBeginsTheHandshake) {
  EXPECT_THAT(refused_because(replaced(answer(), "setup:active", "setup:actpass")),
              HasSubstr("malformed: a=setup of an answer"));
  EXPECT_EQ(
      attribute(
          plan_of(replaced(answer(), "setup:active", "setup:passive")).offer_for_us.media[0].lines,
          "setup"),
      "passive");
}

TEST(Answer, MustBringWhatTheTransportNeeds) {
  EXPECT_THAT(refused_because(without(answer(), "a=fingerprint:")), HasSubstr("a=fingerprint"));
  EXPECT_THAT(refused_because(without(answer(), "a=ice-pwd:")), HasSubstr("a=ice-pwd"));
  EXPECT_THAT(refused_because(without(answer(), "a=group:")), HasSubstr("one transport"));
}

TEST(Answer, HeaderExtensionsMeanWhatTheOfferSays) {
  const auto plan = plan_of(replaced(answer(), "a=extmap:4 urn", "a=extmap:5 urn"));
  EXPECT_THAT(attributes(plan.offer_for_us.media[0].lines, "extmap"),
              ElementsAre(HasSubstr("3 http://www.ietf.org")));
}

TEST(Answer, LayersAreThoseThatItSays) {
  const auto plan = plan_of(simulcast_answer(), {.simulcast = true});
  ASSERT_TRUE(plan.media[1].simulcast);
  EXPECT_EQ(rid_list(*plan.media[1].simulcast), "r0;r1;r2");
  EXPECT_EQ(plan.media[1].simulcast->rid_extension, 10);
  EXPECT_FALSE(attribute(plan.offer_for_us.media[1].lines, "simulcast"));
  EXPECT_FALSE(plan_of(simulcast_answer()).media[1].simulcast);
  EXPECT_FALSE(plan_of(answer(), {.simulcast = true}).media[1].simulcast);
}

}  // namespace
}  // namespace onair
