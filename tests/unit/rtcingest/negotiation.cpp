// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/negotiation.hpp"

#include <algorithm>
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
using test::chromium_offer;
using test::data_channel_section;
using test::firefox_offer;
using test::obs_offer;
using test::replaced;
using test::section;
using test::without;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

std::variant<Plan, Refusal> planned(const std::string& offer) {
  auto parsed = sdp::parse(offer);
  if (const auto* error = std::get_if<sdp::SyntaxError>(&parsed)) {
    ADD_FAILURE() << "the test's own offer is no SDP, line " << error->line << ": " << error->what;
    return Refusal{};
  }
  return plan_session(std::get<sdp::Description>(parsed));
}

Plan plan_of(const std::string& offer) {
  auto result = planned(offer);
  if (const auto* refusal = std::get_if<Refusal>(&result)) {
    ADD_FAILURE() << "refused: " << refusal->detail;
    return {};
  }
  return std::get<Plan>(std::move(result));
}

// What a publisher is told; the two kinds become 400 and 422.
std::string malformed_because(const std::string& offer) {
  const auto result = planned(offer);
  const auto* refusal = std::get_if<Refusal>(&result);
  return !refusal ? "taken" : refusal->is_malformed ? refusal->detail : "not called malformed";
}
std::string unsupported_because(const std::string& offer) {
  const auto result = planned(offer);
  const auto* refusal = std::get_if<Refusal>(&result);
  return !refusal ? "taken" : refusal->is_malformed ? "called malformed" : refusal->detail;
}

// An offer with one m-line for the video, its formats given as rtpmap and fmtp lines.
std::string h264_offer(std::string_view formats, std::string_view lines) {
  auto offer = replaced(obs_offer(), "m=video 63120 UDP/TLS/RTP/SAVPF 96",
                        "m=video 63120 UDP/TLS/RTP/SAVPF " + std::string{formats});
  offer = without(without(without(offer, "a=rtpmap:96"), "a=fmtp:96"), "a=rtcp-fb:96");
  return offer + test::with_crlf(lines);
}

std::string h264_with(std::string_view fmtp) {
  return h264_offer("96", "a=rtpmap:96 H264/90000\na=fmtp:96 " + std::string{fmtp} + "\n");
}

const sdp::Media& video_of(const Plan& plan) {
  return plan.offer_for_us.media.at(1);
}

// --- What is taken ---

TEST(Negotiation, OfAChromiumOfferOpusAndTheFirstH264WithItsRtxAreTaken) {
  const auto plan = plan_of(chromium_offer());
  ASSERT_EQ(plan.media.size(), 2u);
  EXPECT_EQ(plan.media[0].kind, MediaKind::Audio);
  EXPECT_EQ(plan.media[0].mid, "0");
  EXPECT_EQ(plan.media[0].payload_type, 111u);
  EXPECT_EQ(plan.media[0].rtx_payload_type, std::nullopt);
  EXPECT_EQ(plan.media[1].kind, MediaKind::Video);
  EXPECT_EQ(plan.media[1].mid, "1");
  EXPECT_EQ(plan.media[1].payload_type, 102u);
  EXPECT_EQ(plan.media[1].rtx_payload_type, 103u);
  EXPECT_THAT(plan.is_accepted, ElementsAre(true, true));
  EXPECT_EQ(plan.remote, (IceCredentials{"hK+7", "dT3mW/q9zLxB2vYcR8nFpEo1"}));
  ASSERT_EQ(plan.fingerprints.size(), 1u);
  EXPECT_EQ(plan.fingerprints[0].hash, "sha-256");
  EXPECT_THAT(plan.fingerprints[0].digest, StartsWith("C8:A0:4E:4E:"));
  EXPECT_EQ(sdp::to_text(plan.offer), chromium_offer()) << "kept as it was sent";
}

TEST(Negotiation, OfAFirefoxOfferItsOwnNumbersAreTaken) {
  const auto plan = plan_of(firefox_offer());
  ASSERT_EQ(plan.media.size(), 2u);
  EXPECT_EQ(plan.media[0].payload_type, 109u);
  EXPECT_EQ(plan.media[1].payload_type, 126u);
  EXPECT_EQ(plan.media[1].rtx_payload_type, 127u);
  EXPECT_EQ(plan.fingerprints.size(), 1u) << "from the session part";
}

TEST(Negotiation, OfAnObsOfferH264WithoutRtxIsTaken) {
  const auto plan = plan_of(obs_offer());
  ASSERT_EQ(plan.media.size(), 2u);
  EXPECT_EQ(plan.media[1].payload_type, 96u);
  EXPECT_EQ(plan.media[1].rtx_payload_type, std::nullopt);
  EXPECT_THAT(video_of(plan).formats, ElementsAre("96"));
}

TEST(Negotiation, WebrtcbinSeesOnlyTheChosenFormats) {
  const auto plan = plan_of(chromium_offer());
  EXPECT_THAT(plan.offer_for_us.media[0].formats, ElementsAre("111"));
  EXPECT_THAT(video_of(plan).formats, ElementsAre("102", "103"));
  EXPECT_THAT(attributes(video_of(plan).lines, "rtpmap"),
              ElementsAre("102 H264/90000", "103 rtx/90000"));
  EXPECT_THAT(attributes(video_of(plan).lines, "fmtp"),
              ElementsAre("102 level-asymmetry-allowed=1;packetization-mode=1;"
                          "profile-level-id=42001f",
                          "103 apt=102"));
  const auto text = sdp::to_text(plan.offer_for_us);
  for (const auto* codec :
       {"VP8", "VP9", "AV1", "red/", "ulpfec", "G722", "PCMU", "CN/", "telephone"})
    EXPECT_THAT(text, Not(HasSubstr(codec)));
}

TEST(Negotiation, WebrtcbinSeesOnlyTheExtensionsThatWeUse) {
  const auto plan = plan_of(chromium_offer());
  for (const auto& media : plan.offer_for_us.media)
    EXPECT_THAT(attributes(media.lines, "extmap"),
                ElementsAre("3 http://www.ietf.org/id/"
                            "draft-holmer-rmcat-transport-wide-cc-extensions-01",
                            "4 urn:ietf:params:rtp-hdrext:sdes:mid"));
  EXPECT_THAT(sdp::to_text(plan.offer_for_us), Not(HasSubstr("video-orientation")));
}

// Browsers offer it where the page asks them to.
TEST(Negotiation, CaptureTimesAreTakenAndAnsweredByTheirId) {
  const std::string extension{"9 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"};
  const auto plan = plan_of(h264_offer("96", "a=rtpmap:96 H264/90000\na=extmap:" + extension +
                                                 "\na=extmap:10 urn:3gpp:video-orientation\n"));
  EXPECT_THAT(attributes(video_of(plan).lines, "extmap"), ElementsAre(extension));
  const auto answer = complete_answer(plan, plan.offer_for_us);
  EXPECT_THAT(attributes(answer.media.back().lines, "extmap"), ElementsAre(extension));
}

TEST(Negotiation, WebrtcbinSeesOnlyTheFeedbackThatWeUse) {
  const auto plan = plan_of(chromium_offer());
  EXPECT_THAT(attributes(video_of(plan).lines, "rtcp-fb"),
              ElementsAre("102 transport-cc", "102 ccm fir", "102 nack", "102 nack pli"));
  EXPECT_THAT(attributes(plan.offer_for_us.media[0].lines, "rtcp-fb"),
              ElementsAre("111 transport-cc"));
}

TEST(Negotiation, FeedbackForAllFormatsIsKept) {
  const auto plan = plan_of(h264_offer("96",
                                       "a=rtpmap:96 H264/90000\na=rtcp-fb:* nack pli\n"
                                       "a=rtcp-fb:* goog-remb\n"));
  EXPECT_THAT(attributes(video_of(plan).lines, "rtcp-fb"), ElementsAre("* nack pli"));
}

TEST(Negotiation, WhatTheTransportNeedsIsKept) {
  for (const auto& media : plan_of(chromium_offer()).offer_for_us.media) {
    EXPECT_EQ(attribute(media.lines, "ice-ufrag"), "hK+7");
    EXPECT_EQ(attribute(media.lines, "setup"), "actpass");
    EXPECT_TRUE(attribute(media.lines, "rtcp-mux"));
    EXPECT_TRUE(attribute(media.lines, "fingerprint"));
    EXPECT_TRUE(attribute(media.lines, "sendonly"));
    EXPECT_FALSE(attribute(media.lines, "msid"));
  }
}

TEST(Negotiation, TheBundleGroupNamesWhatIsTakenAndNoOtherGroupStays) {
  EXPECT_THAT(attributes(plan_of(obs_offer()).offer_for_us.lines, "group"),
              ElementsAre("BUNDLE 0 1"));
  const auto with_data =
      replaced(chromium_offer(), "BUNDLE 0 1", "BUNDLE 0 1 2") + data_channel_section();
  EXPECT_THAT(attributes(plan_of(with_data).offer_for_us.lines, "group"),
              ElementsAre("BUNDLE 0 1"));
}

TEST(Negotiation, AudioAloneAndVideoAloneAreTaken) {
  const auto audio = replaced(obs_offer(), section(obs_offer(), "m=video"), "");
  const auto video = replaced(obs_offer(), section(obs_offer(), "m=audio"), "");
  ASSERT_EQ(plan_of(audio).media.size(), 1u);
  EXPECT_EQ(plan_of(audio).media[0].kind, MediaKind::Audio);
  ASSERT_EQ(plan_of(video).media.size(), 1u);
  EXPECT_EQ(plan_of(video).media[0].kind, MediaKind::Video);
  EXPECT_THAT(plan_of(without(video, "a=group:BUNDLE")).media, testing::SizeIs(1))
      << "one m-line needs no group";
}

TEST(Negotiation, VideoBeforeAudioKeepsItsOrder) {
  const auto audio = section(obs_offer(), "m=audio");
  const auto plan = plan_of(replaced(obs_offer(), audio, "") + audio);
  ASSERT_EQ(plan.media.size(), 2u);
  EXPECT_EQ(plan.media[0].kind, MediaKind::Video);
  EXPECT_EQ(plan.offer_for_us.media[0].kind, "video");
  EXPECT_THAT(attributes(plan.offer_for_us.lines, "group"), ElementsAre("BUNDLE 1 0"));
}

TEST(Negotiation, NamesOfCodecsDoNotMindCase) {
  auto offer = replaced(obs_offer(), "opus/48000/2", "OPUS/48000/2");
  EXPECT_EQ(plan_of(replaced(offer, "H264/90000", "h264/90000")).media.size(), 2u);
}

TEST(Negotiation, ThePublishersOrderIsThePreference) {
  const auto plan = plan_of(h264_offer("98 96 97", R"(a=rtpmap:96 H264/90000
a=rtpmap:98 H264/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=fmtp:96 profile-level-id=42e01f;packetization-mode=1
a=fmtp:98 profile-level-id=640028;packetization-mode=1
)"));
  EXPECT_EQ(plan.media.at(1).payload_type, 98u) << "first in the m-line, not among the rtpmaps";
  EXPECT_EQ(plan.media.at(1).rtx_payload_type, std::nullopt) << "97 repairs 96";
}

// --- H.264 ---

TEST(Negotiation, PacketizationModes0And1AreTakenAnd2IsNot) {
  EXPECT_EQ(plan_of(h264_with("packetization-mode=0;profile-level-id=42e01f")).media.size(), 2u);
  EXPECT_EQ(plan_of(h264_with("packetization-mode=1;profile-level-id=42e01f")).media.size(), 2u);
  EXPECT_EQ(plan_of(h264_with("profile-level-id=42e01f")).media.size(), 2u) << "0 when unsaid";
  EXPECT_THAT(unsupported_because(h264_with("packetization-mode=2;profile-level-id=42e01f")),
              HasSubstr("packetization-mode 0 or 1"));
}

TEST(Negotiation, BaselineMainAndHighAreTakenAndOtherProfilesAreNot) {
  const auto is_taken = [](std::string_view profile_level_id) {
    return std::holds_alternative<Plan>(planned(
        h264_with("packetization-mode=1;profile-level-id=" + std::string{profile_level_id})));
  };
  EXPECT_TRUE(is_taken("42001f")) << "Baseline";
  EXPECT_TRUE(is_taken("42e01f")) << "Constrained Baseline";
  EXPECT_TRUE(is_taken("4d001f")) << "Main";
  EXPECT_TRUE(is_taken("640028")) << "High";
  EXPECT_TRUE(is_taken("640C1F")) << "Constrained High, in capitals";
  EXPECT_FALSE(is_taken("58001f")) << "Extended";
  EXPECT_FALSE(is_taken("6e0028")) << "High 10";
  EXPECT_FALSE(is_taken("7a0028")) << "High 4:2:2";
  EXPECT_FALSE(is_taken("f40028")) << "High 4:4:4";
  EXPECT_FALSE(is_taken("41001f")) << "65: one below Baseline";
  EXPECT_FALSE(is_taken("43001f")) << "67: one above it";
}

TEST(Negotiation, AProfileLevelIdIsSixHexadecimalDigits) {
  for (const auto* wrong : {"42e01", "42e01f0", "42e01g", "-2e01f", "0x42e0"})
    EXPECT_THAT(unsupported_because(h264_with("profile-level-id=" + std::string{wrong})),
                HasSubstr("only H.264"))
        << wrong;
  EXPECT_EQ(plan_of(h264_offer("96", "a=rtpmap:96 H264/90000\n")).media.size(), 2u)
      << "Baseline when unsaid, RFC 6184 section 8.1";
}

TEST(Negotiation, AFlavourThatIsRefusedGivesWayToTheNext) {
  const auto plan = plan_of(h264_offer("96 97", R"(a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=2;profile-level-id=42e01f
a=rtpmap:97 H264/90000
a=fmtp:97 packetization-mode=1; Profile-Level-Id=42e01f
)"));
  EXPECT_EQ(plan.media.at(1).payload_type, 97u);
}

TEST(Negotiation, AnOfferWithoutH264IsToldWhatItOffered) {
  auto offer = chromium_offer();
  offer = replaced(offer, " H264/90000", " H265/90000");
  EXPECT_EQ(unsupported_because(offer),
            "The video is offered as VP8, H265, AV1, VP9, red, ulpfec, and only H.264 (Baseline, "
            "Main or High, packetization-mode 0 or 1) is taken here. Offer H.264, in a browser by "
            "setCodecPreferences.");
}

TEST(Negotiation, AnOfferWithoutOpusIsToldWhatItOffered) {
  EXPECT_EQ(unsupported_because(replaced(firefox_offer(), "opus/48000/2", "L16/48000/2")),
            "The audio is offered as L16, G722, PCMU, PCMA, telephone-event, and only Opus "
            "(opus/48000/2) is taken here.");
  EXPECT_THAT(unsupported_because(replaced(obs_offer(), "opus/48000/2", "opus/48000")),
              HasSubstr("only Opus"))
      << "RFC 7587 section 4.1: always two channels";
}

// --- What is refused ---

TEST(Negotiation, AnMLineWithoutMidIsMalformed) {
  // webrtcbin asserts on it.
  for (const auto* mid : {"a=mid:0", "a=mid:1", "a=mid:"})
    EXPECT_EQ(malformed_because(without(chromium_offer(), mid)), "An m= line has no a=mid.") << mid;
  EXPECT_EQ(malformed_because(replaced(chromium_offer(), "a=mid:1", "a=mid:")),
            "An m= line has no a=mid.");
  EXPECT_EQ(malformed_because(replaced(chromium_offer(), "a=mid:1", "a=mid")),
            "An m= line has no a=mid.");
}

TEST(Negotiation, AMidIsOneToken) {
  // RFC 5888 section 4. With a space in it, "BUNDLE a b" names two m-lines that don't exist.
  for (const auto* mid : {"a b", " ", "a\tb", "\xc3\xa4"}) {
    auto offer = replaced(obs_offer(), "a=mid:1", "a=mid:" + std::string{mid});
    offer = replaced(offer, section(offer, "m=audio"), "");
    EXPECT_NE(malformed_because(offer), "taken") << "'" << mid << "'";
  }
}

TEST(Negotiation, TwoMLinesWithTheSameMidAreMalformed) {
  EXPECT_EQ(malformed_because(replaced(chromium_offer(), "a=mid:1", "a=mid:0")),
            "Two m= lines have the same a=mid.");
}

TEST(Negotiation, WithoutABundleOfBothAudioAndVideoAreRefused) {
  const std::string why =
      "Audio and video must share one transport; offer a=group:BUNDLE with both.";
  EXPECT_EQ(unsupported_because(without(chromium_offer(), "a=group")), why);
  EXPECT_EQ(unsupported_because(replaced(chromium_offer(), "BUNDLE 0 1", "BUNDLE 0")), why);
  EXPECT_EQ(unsupported_because(replaced(chromium_offer(), "BUNDLE 0 1", "BUNDLE 01")), why);
  EXPECT_EQ(unsupported_because(replaced(chromium_offer(), "BUNDLE 0 1", "LS 0 1")), why);
}

TEST(Negotiation, WithoutRtcpMuxAnOfferIsRefused) {
  EXPECT_THAT(unsupported_because(without(chromium_offer(), "a=rtcp-mux")),
              HasSubstr("offer a=rtcp-mux"));
}

TEST(Negotiation, TwoOfAKindAreRefused) {
  const auto second_video = replaced(section(obs_offer(), "m=video"), "a=mid:1", "a=mid:2");
  EXPECT_EQ(unsupported_because(obs_offer() + second_video),
            "More than one video track is offered; send one audio and one video at most.");
  const auto second_audio = replaced(section(obs_offer(), "m=audio"), "a=mid:0", "a=mid:2");
  EXPECT_EQ(unsupported_because(obs_offer() + second_audio),
            "More than one audio track is offered; send one audio and one video at most.");
}

TEST(Negotiation, ASecondVideoThatIsNotSentDoesNotCount) {
  const auto second_video = replaced(section(obs_offer(), "m=video"), "a=mid:1", "a=mid:2");
  for (const auto& unsent : {replaced(second_video, "a=sendonly", "a=inactive"),
                             replaced(second_video, "a=sendonly", "a=recvonly"),
                             replaced(second_video, "m=video 63120", "m=video 0")}) {
    const auto plan = plan_of(obs_offer() + unsent);
    EXPECT_EQ(plan.media.size(), 2u);
    EXPECT_THAT(plan.is_accepted, ElementsAre(true, true, false));
  }
}

TEST(Negotiation, AnOfferThatOnlyReceivesIsRefused) {
  const std::string why = "The offer sends neither audio nor video.";
  EXPECT_EQ(unsupported_because(replaced(chromium_offer(), "a=sendonly", "a=recvonly")), why);
  EXPECT_EQ(unsupported_because(replaced(chromium_offer(), "a=sendonly", "a=inactive")), why);
}

TEST(Negotiation, ADirectionInTheSessionPartHoldsWhereTheMLineSaysNothing) {
  const auto silent = without(obs_offer(), "a=sendonly");
  EXPECT_EQ(plan_of(silent).media.size(), 2u) << "sendrecv, RFC 8866 section 6.7";
  EXPECT_EQ(plan_of(replaced(silent, "t=0 0\r\n", "t=0 0\r\na=sendonly\r\n")).media.size(), 2u);
  EXPECT_EQ(unsupported_because(replaced(silent, "t=0 0\r\n", "t=0 0\r\na=recvonly\r\n")),
            "The offer sends neither audio nor video.");
  EXPECT_EQ(plan_of(replaced(obs_offer(), "t=0 0\r\n", "t=0 0\r\na=recvonly\r\n")).media.size(),
            2u);
}

TEST(Negotiation, ADescriptionWithoutAnyMLineIsMalformed) {
  EXPECT_EQ(malformed_because("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"),
            "There is no m= line.");
}

TEST(Negotiation, APortOfZeroIsARejectedMLineUnlessItIsBundleOnly) {
  const auto zero = replaced(obs_offer(), "m=video 63120", "m=video 0");
  EXPECT_THAT(plan_of(zero).is_accepted, ElementsAre(true, false));
  const auto bundle_only = replaced(zero, "a=mid:1", "a=mid:1\r\na=bundle-only");
  EXPECT_THAT(plan_of(bundle_only).is_accepted, ElementsAre(true, true));
  EXPECT_NE(video_of(plan_of(bundle_only)).port, 0u) << "webrtcbin would take it as rejected";
}

// RFC 9429 section 5.2.1: transport attributes appear only in m-sections that are not bundle-only.
// WHIP clients use the max-bundle policy (RFC 9725 section 4.4.1).
TEST(Negotiation, ABundleOnlyMLineTakesItsTransportFromTheBundle) {
  auto offer = replaced(obs_offer(), "m=video 63120", "m=video 0");
  offer = replaced(offer, "a=mid:1", "a=mid:1\r\na=bundle-only");
  auto bare = section(offer, "m=video");
  for (const auto* line : {"a=ice-ufrag", "a=ice-pwd", "a=setup", "a=rtcp-mux"})
    bare = without(bare, line);
  offer = replaced(offer, section(offer, "m=video"), bare);
  EXPECT_THAT(plan_of(offer).is_accepted, ElementsAre(true, true));
}

TEST(Negotiation, TheTransportIsDtlsSrtp) {
  for (const auto* proto : {"RTP/AVP", "RTP/AVPF", "UDP", "udp/tls/rtp/savpf"})
    EXPECT_THAT(unsupported_because(replaced(obs_offer(), "UDP/TLS/RTP/SAVPF", proto)),
                HasSubstr("is not DTLS-SRTP"))
        << proto;
  for (const auto* proto : {"UDP/TLS/RTP/SAVP", "TCP/TLS/RTP/SAVPF", "RTP/SAVPF"})
    EXPECT_EQ(plan_of(replaced(obs_offer(), "UDP/TLS/RTP/SAVPF", proto)).media.size(), 2u) << proto;
}

TEST(Negotiation, BrokenTransportAttributesAreMalformed) {
  const auto offer = obs_offer();
  EXPECT_THAT(malformed_because(without(offer, "a=setup")), StartsWith("a=setup is missing"));
  EXPECT_THAT(malformed_because(replaced(offer, "a=setup:actpass", "a=setup:holdconn")),
              StartsWith("a=setup is missing"));
  EXPECT_THAT(malformed_because(without(offer, "a=ice-ufrag")), StartsWith("a=ice-ufrag or"));
  EXPECT_THAT(malformed_because(without(offer, "a=ice-pwd")), StartsWith("a=ice-ufrag or"));
  EXPECT_THAT(malformed_because(replaced(offer, "a=ice-ufrag:6QOZ", "a=ice-ufrag:6QO")),
              StartsWith("a=ice-ufrag or"));
  EXPECT_THAT(malformed_because(replaced(offer, "candidate:1 1 UDP", "candidate:1 UDP")),
              StartsWith("A line a=candidate"));
  for (const auto* setup : {"active", "passive"})
    EXPECT_EQ(plan_of(replaced(offer, "setup:actpass", std::string{"setup:"} + setup)).media.size(),
              2u);
}

TEST(Negotiation, AFingerprintIsAKnownHashOfTheRightLength) {
  const auto offer = obs_offer();
  const std::string why = "a=fingerprint is missing or not a known hash of the right length.";
  EXPECT_EQ(malformed_because(without(offer, "a=fingerprint")), why);
  EXPECT_EQ(malformed_because(replaced(offer, "sha-256 C8:", "sha-256 ")), why) << "31 bytes";
  EXPECT_EQ(malformed_because(replaced(offer, "sha-256 C8:", "sha-256 C8:C8:")), why) << "33 bytes";
  EXPECT_EQ(malformed_because(replaced(offer, "sha-256 C8:", "md5 C8:")), why);
  EXPECT_EQ(malformed_because(replaced(offer, "sha-256 C8:", "sha-384 C8:")), why);
}

TEST(Negotiation, AFingerprintIsComparedWithoutMindingCase) {
  const auto plan = plan_of(replaced(obs_offer(), "sha-256 C8:A0:4E", "SHA-256 c8:a0:4e"));
  ASSERT_EQ(plan.fingerprints.size(), 1u);
  EXPECT_EQ(plan.fingerprints[0].hash, "sha-256");
  EXPECT_THAT(plan.fingerprints[0].digest, StartsWith("C8:A0:4E:4E:"));
}

TEST(Negotiation, OfSeveralFingerprintsAllKnownOnesAreKept) {
  const auto plan = plan_of(
      replaced(obs_offer(), "a=fingerprint:sha-256",
               "a=fingerprint:sha-1 31:15:A4:0B:81:43:C1:9D:41:76:52:BB:9E:9D:8A:B8:E4:A1:4F:C9\r\n"
               "a=fingerprint:md2 00\r\na=fingerprint:sha-256"));
  ASSERT_EQ(plan.fingerprints.size(), 2u);
  EXPECT_EQ(plan.fingerprints[0].hash, "sha-1");
  EXPECT_EQ(plan.fingerprints[1].hash, "sha-256");
}

TEST(Negotiation, APayloadTypeIsANumberUpTo127) {
  const auto with = [](const std::string& format) {
    return h264_offer(format, "a=rtpmap:" + format + " H264/90000\n");
  };
  EXPECT_EQ(plan_of(with("127")).media.at(1).payload_type, 127u);
  EXPECT_EQ(malformed_because(with("128")), "The payload type 128 is not a number from 0 to 127.");
  EXPECT_EQ(malformed_because(with("x")), "The payload type x is not a number from 0 to 127.");
}

TEST(Negotiation, APayloadTypeWithLeadingZerosIsRefusedOrKeepsItsRtpmap) {
  // 096 = 96, but only as a number: "a=rtpmap:096" must not get lost on the way to webrtcbin.
  const auto result = planned(h264_offer("096", "a=rtpmap:096 H264/90000\n"));
  if (const auto* plan = std::get_if<Plan>(&result)) {
    EXPECT_THAT(attributes(video_of(*plan).lines, "rtpmap"), testing::SizeIs(1));
  }
}

TEST(Negotiation, AnRtxFormatThatIsNoPayloadTypeIsLeftOut) {
  const auto plan = plan_of(h264_offer("96 97 x", R"(a=rtpmap:96 H264/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:x rtx/90000
a=fmtp:x apt=96
)"));
  EXPECT_EQ(plan.media.at(1).rtx_payload_type, 97u);
}

// --- What webrtcbin demands: validate_sdp() and its way of reading directions, tried with 1.22 ---
// It looks into each m-line by itself, and an offer that it refuses ends as "something inside broke".

TEST(Negotiation, EachMLineForWebrtcbinSaysItsDirectionOnce) {
  // webrtcbin takes no direction, and two of them, as "none", and answers with port 0.
  const auto silent = without(obs_offer(), "a=sendonly");
  for (const auto& offer :
       {silent, replaced(silent, "t=0 0\r\n", "t=0 0\r\na=sendonly\r\n"),
        replaced(obs_offer(), "a=sendonly\r\n", "a=sendonly\r\na=recvonly\r\n")}) {
    const auto result = planned(offer);
    const auto* plan = std::get_if<Plan>(&result);
    if (!plan)
      continue;  // to refuse the contradiction is right, too
    for (const auto& media : plan->offer_for_us.media) {
      std::vector<std::string> directions;
      for (const auto* name : {"sendonly", "sendrecv", "recvonly", "inactive"}) {
        for (std::size_t n = attributes(media.lines, name).size(); n > 0; --n)
          directions.emplace_back(name);
      }
      EXPECT_THAT(directions, ElementsAre(testing::AnyOf("sendonly", "sendrecv"))) << media.kind;
    }
  }
}

TEST(Negotiation, EachMLineForWebrtcbinHasASetupOfItsOwn) {
  const auto offer =
      replaced(without(obs_offer(), "a=setup"), "t=0 0\r\n", "t=0 0\r\na=setup:actpass\r\n");
  for (const auto& media : plan_of(offer).offer_for_us.media)
    EXPECT_EQ(attribute(media.lines, "setup"), "actpass");
}

TEST(Negotiation, AllMLinesForWebrtcbinHaveTheCredentialsOfTheirOneTransport) {
  // A browser with the "balanced" policy may offer a transport for each m-line; the
  // bundle then lives on the first. webrtcbin refuses credentials that differ within a bundle.
  auto video = section(firefox_offer(), "m=video");
  video = replaced(video, "a=ice-ufrag:4e5d6c7b", "a=ice-ufrag:77778888");
  const auto plan = plan_of(replaced(firefox_offer(), section(firefox_offer(), "m=video"), video));
  EXPECT_EQ(plan.remote.ufrag, "4e5d6c7b");
  for (const auto& media : plan.offer_for_us.media)
    EXPECT_EQ(attribute(media.lines, "ice-ufrag"), "4e5d6c7b");
}

TEST(Negotiation, WebrtcbinSeesOneFingerprintOrTheOfferIsRefused) {
  // "Fingerprint in media 1 differs from global fingerprint."
  const auto line = "a=fingerprint:sha-256 " + plan_of(obs_offer()).fingerprints.at(0).digest;
  const auto both = replaced(obs_offer(), "a=rtcp-mux\r\n", "a=rtcp-mux\r\n" + line + "\r\n");
  const auto video = section(both, "m=video");
  const auto result = planned(replaced(both, video, replaced(video, "sha-256 C8", "sha-256 00")));
  const auto* plan = std::get_if<Plan>(&result);
  if (!plan)
    return;
  auto seen = attributes(plan->offer_for_us.lines, "fingerprint");
  for (const auto& media : plan->offer_for_us.media) {
    for (const auto one : attributes(media.lines, "fingerprint"))
      seen.push_back(one);
  }
  EXPECT_THAT(seen, Each(seen.at(0)));
}

TEST(Negotiation, WebrtcbinSeesNoKeyLine) {
  const auto plan = plan_of(replaced(obs_offer(), "t=0 0\r\n", "t=0 0\r\nk=clear:secret\r\n"));
  for (const auto& line : plan.offer_for_us.lines)
    EXPECT_NE(line.type, 'k');
}

TEST(Negotiation, WhatWebrtcbinSeesWouldBeTakenAgain) {
  for (const auto& offer : {chromium_offer(), firefox_offer(), obs_offer()}) {
    const auto plan = plan_of(offer);
    const auto again = plan_of(sdp::to_text(plan.offer_for_us));
    EXPECT_EQ(sdp::to_text(again.offer_for_us), sdp::to_text(plan.offer_for_us));
  }
}

// --- The answer ---

// webrtcbin's answer in all that matters here.
sdp::Description answer_to(const Plan& plan, std::string_view candidates = {}) {
  std::string text =
      "v=0\r\no=- 5 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-options:trickle\r\n"
      "a=group:BUNDLE 0 1\r\n";
  for (const auto& media : plan.offer_for_us.media) {
    const auto& format = media.formats.front();
    text += "m=" + media.kind + " 9 " + media.proto + " " + format + "\r\nc=IN IP4 0.0.0.0\r\n";
    text += "a=mid:" + std::string{attribute(media.lines, "mid").value_or("")} + "\r\n";
    text +=
        "a=recvonly\r\na=rtpmap:" + format +
        (media.kind == "audio" ? " OPUS/48000/2\r\na=fmtp:" + format + " useinbandfec=0\r\n"
                               : " H264/90000\r\na=fmtp:" + format + " packetization-mode=1\r\n");
    text.append(candidates);
  }
  auto parsed = sdp::parse(text);
  return std::get<sdp::Description>(std::move(parsed));
}

TEST(Answer, OpusIsAskedForInStereoWithInBandFec) {
  for (const auto& offer : {chromium_offer(), firefox_offer(), obs_offer()}) {
    const auto plan = plan_of(offer);
    const auto answer = finish_answer(plan, answer_to(plan), true);
    const auto fmtp = attributes(answer.media.at(0).lines, "fmtp");
    ASSERT_EQ(fmtp.size(), 1u);
    EXPECT_THAT(std::string{fmtp[0]},
                AllOf(StartsWith(std::to_string(plan.media[0].payload_type) + " "),
                      HasSubstr("stereo=1;useinbandfec=1")));
  }
}

TEST(Answer, TheVideoStaysAsWebrtcbinWroteIt) {
  const auto plan = plan_of(chromium_offer());
  const auto answer = finish_answer(plan, answer_to(plan), true);
  EXPECT_THAT(attributes(answer.media.at(1).lines, "fmtp"),
              ElementsAre("102 packetization-mode=1"));
}

TEST(Answer, TrickleIceIsAnnouncedOnce) {
  const auto plan = plan_of(chromium_offer());
  const auto answer = finish_answer(plan, answer_to(plan), true);
  EXPECT_THAT(attributes(answer.lines, "ice-options"), ElementsAre("trickle"));
}

TEST(Answer, ARefusedMLineStandsInItsPlaceWithPortZero) {
  const auto audio = section(chromium_offer(), "m=audio");
  const auto video = section(chromium_offer(), "m=video");
  const auto head = replaced(chromium_offer().substr(0, chromium_offer().find("m=")), "BUNDLE 0 1",
                             "BUNDLE 0 1 2");
  const auto data = data_channel_section();
  const std::vector<std::vector<std::string>> orders{
      {data, audio, video}, {audio, data, video}, {audio, video, data}};
  for (std::size_t place = 0; place < orders.size(); ++place) {
    std::string offer = head;
    for (const auto& part : orders[place])
      offer += part;
    const auto plan = plan_of(offer);
    ASSERT_EQ(plan.media.size(), 2u);
    const auto answer = finish_answer(plan, answer_to(plan), true);
    ASSERT_EQ(answer.media.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(answer.media[i].kind, plan.offer.media[i].kind);
      EXPECT_EQ(attribute(answer.media[i].lines, "mid"),
                attribute(plan.offer.media[i].lines, "mid"));
      EXPECT_EQ(answer.media[i].port == 0, i == place);
    }
    const auto& refused = answer.media[place];
    EXPECT_EQ(refused.proto, "UDP/DTLS/SCTP");
    EXPECT_THAT(refused.formats, ElementsAre("webrtc-datachannel"));
    EXPECT_TRUE(attribute(refused.lines, "inactive"));
  }
}

TEST(Answer, ARefusedMLineIsInNoBundle) {
  // RFC 9143 section 7.3.3: an answerer who rejects an m-section takes its mid out of the group.
  const auto offer =
      replaced(chromium_offer(), "BUNDLE 0 1", "BUNDLE 0 1 2") + data_channel_section();
  const auto plan = plan_of(offer);
  EXPECT_THAT(attributes(finish_answer(plan, answer_to(plan), true).lines, "group"),
              ElementsAre("BUNDLE 0 1"));
}

TEST(Answer, TheProtocolIsTheOfferedOneExactly) {
  // RFC 9429 section 5.3.1; webrtcbin was shown UDP/TLS/RTP/SAVPF whatever was offered.
  for (const auto* proto : {"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF"}) {
    const auto plan = plan_of(replaced(obs_offer(), "UDP/TLS/RTP/SAVPF", proto));
    for (const auto& media : finish_answer(plan, answer_to(plan), true).media)
      EXPECT_EQ(media.proto, proto);
  }
}

TEST(Answer, TheEndOfCandidatesIsSaidWhenTheGatheringIsDone) {
  const auto plan = plan_of(chromium_offer());
  const auto with = answer_to(plan, "a=candidate:1 1 UDP 2015363327 192.0.2.1 4000 typ host\r\n");
  for (const auto& media : finish_answer(plan, with, true).media)
    EXPECT_THAT(attributes(media.lines, "end-of-candidates"), ElementsAre(""));
  for (const auto& media : finish_answer(plan, with, false).media)
    EXPECT_THAT(attributes(media.lines, "end-of-candidates"), IsEmpty());
}

TEST(Answer, WhatWebrtcbinLeavesOutIsRefused) {
  const auto plan = plan_of(chromium_offer());
  auto answer = answer_to(plan);
  answer.media.pop_back();
  const auto finished = finish_answer(plan, answer, true);
  ASSERT_EQ(finished.media.size(), 2u);
  EXPECT_NE(finished.media[0].port, 0u);
  EXPECT_EQ(finished.media[1].port, 0u);
}

TEST(Answer, ItIsSdp) {
  const auto offer =
      replaced(chromium_offer(), "BUNDLE 0 1", "BUNDLE 0 1 2") + data_channel_section();
  const auto plan = plan_of(offer);
  const auto text = sdp::to_text(finish_answer(plan, answer_to(plan), true));
  const auto parsed = sdp::parse(text);
  ASSERT_TRUE(std::holds_alternative<sdp::Description>(parsed));
  EXPECT_EQ(sdp::to_text(std::get<sdp::Description>(parsed)), text);
}

TEST(Negotiation, KindsHaveTheNamesOfSdp) {
  EXPECT_STREQ(to_string(MediaKind::Audio), "audio");
  EXPECT_STREQ(to_string(MediaKind::Video), "video");
}

}  // namespace
}  // namespace onair
