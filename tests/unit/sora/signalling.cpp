// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signalling.hpp"

#include <random>
#include <string>
#include <string_view>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace onair::sora {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

#ifdef __SANITIZE_ADDRESS__
constexpr int kRounds = 5'000;  // ten seconds
#else
constexpr int kRounds = 20'000;
#endif

constexpr ClockTime kStart{1h};
constexpr Signalling::Config kConfig{
    .connect_timeout = 15s, .ping_interval = 5s, .pong_timeout = 60s, .most_candidates = 3};
const std::string kCandidate = "candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host";
const Identity kIdentity{.session_id = "SESSION", .connection_id = "CONNECTION"};

const json kConnect{{"type", "connect"}, {"role", "sendonly"}, {"channel_id", "live"}};
const json kCandidateMessage{{"type", "candidate"}, {"candidate", kCandidate}};
const json kAnswer{{"type", "answer"},
                   {"sdp", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"}};

json with(json message, const json& more) {
  message.update(more);
  return message;
}

Signalling::Event heard(Signalling& signalling, const json& message, ClockTime now = kStart) {
  return signalling.on_text(message.dump(), now);
}

// What a connect comes to, at once.
ConnectRequest request_of(const json& connect) {
  Signalling signalling{kConfig, kStart};
  auto event = heard(signalling, connect);
  if (const auto* close = std::get_if<Close>(&event))
    ADD_FAILURE() << close->reason;
  auto* request = std::get_if<ConnectRequest>(&event);
  return request ? *request : ConnectRequest{};
}

// "4490 NAME: detail", or what it was instead.
std::string text_of(const Signalling::Event& event) {
  const auto* close = std::get_if<Close>(&event);
  return close ? std::to_string(close->code) + " " + close->reason
               : "event " + std::to_string(event.index());
}
std::string refused(const json& message) {
  Signalling signalling{kConfig, kStart};
  return text_of(heard(signalling, message));
}
std::string refused_connect(const json& more) {
  return refused(with(kConnect, more));
}

sdp::Description some_offer() {
  return std::get<sdp::Description>(
      sdp::parse("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
                 "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:audio0\r\n"
                 "m=video 9 UDP/TLS/RTP/SAVPF 102\r\na=mid:video1\r\n"));
}

// One that has said connect, and got its offer.
Signalling offered(const json& connect = kConnect, ClockTime now = kStart) {
  Signalling signalling{kConfig, kStart};
  EXPECT_TRUE(std::holds_alternative<ConnectRequest>(heard(signalling, connect)));
  (void)signalling.offer({.sdp = some_offer(), .identity = kIdentity}, now);
  return signalling;
}

json offer_of(const json& connect, OfferMessage message) {
  Signalling signalling{kConfig, kStart};
  (void)heard(signalling, connect);
  return json::parse(signalling.offer(message, kStart));
}

bool is_nothing(const auto& event) {
  return std::holds_alternative<Signalling::Nothing>(event);
}

TEST(SoraConnect, TheLeastOfItAsksForBothMedia) {
  const auto request = request_of(kConnect);
  EXPECT_EQ(request.channel_id, "live");
  EXPECT_EQ(request.role, Role::SendOnly);
  EXPECT_TRUE(request.audio);
  EXPECT_TRUE(request.video);
  EXPECT_FALSE(request.simulcast);
  EXPECT_FALSE(request.is_redirected);
  EXPECT_EQ(request.metadata, "null");
  EXPECT_EQ(request.profile_level_id, "42e01f");
  EXPECT_THAT(request.client_id, IsEmpty());
}

TEST(SoraConnect, EverythingThatIsUsedIsRead) {
  const auto request =
      request_of(with(kConnect, {{"role", "sendrecv"},
                                 {"client_id", "camera"},
                                 {"bundle_id", "both"},
                                 {"metadata", {{"access_token", "secret"}, {"n", 1}}},
                                 {"audio", {{"codec_type", "OPUS"}, {"bit_rate", 64}}},
                                 {"video",
                                  {{"codec_type", "H264"},
                                   {"bit_rate", 2500},
                                   {"h264_params", {{"profile_level_id", "640028"}}}}},
                                 {"simulcast", true},
                                 {"redirect", true},
                                 {"multistream", true},
                                 {"sora_client", "Sora JavaScript SDK"}}));
  EXPECT_EQ(request.role, Role::SendRecv);
  EXPECT_EQ(request.client_id, "camera");
  EXPECT_EQ(request.bundle_id, "both");
  EXPECT_EQ(request.metadata, R"({"access_token":"secret","n":1})");
  EXPECT_EQ(request.access_token, "secret");
  EXPECT_EQ(request.audio_kbps, 64u);
  EXPECT_EQ(request.video_kbps, 2500u);
  EXPECT_EQ(request.profile_level_id, "640028");
  EXPECT_TRUE(request.simulcast);
  EXPECT_TRUE(request.is_redirected);
}

TEST(SoraConnect, AMediumMayBeLeftOutButNotBoth) {
  EXPECT_FALSE(request_of(with(kConnect, {{"audio", false}})).audio);
  EXPECT_FALSE(request_of(with(kConnect, {{"video", false}})).video);
  EXPECT_EQ(
      refused_connect({{"audio", false}, {"video", false}}),
      "4490 INVALID-MESSAGE: \"audio\" and \"video\" are both false: there is nothing to publish.");
}

TEST(SoraConnect, OnlyPublishersAreTaken) {
  EXPECT_EQ(
      refused_connect({{"role", "recvonly"}}),
      "4490 UNSUPPORTED-ROLE: Nothing is sent from here: publish as sendonly or sendrecv, not "
      "recvonly.");
  EXPECT_EQ(refused_connect({{"role", nullptr}}),
            "4490 INVALID-MESSAGE: \"connect\" has no \"role\".");
  EXPECT_EQ(refused_connect({{"role", 1}}), "4490 INVALID-MESSAGE: \"connect\" has no \"role\".");
}

TEST(SoraConnect, OtherCodecsAreRefusedByName) {
  for (const auto* codec : {"VP8", "VP9", "AV1", "H265"})
    EXPECT_EQ(refused_connect({{"video", {{"codec_type", codec}}}}),
              "4490 UNSUPPORTED-CODEC: The only video taken here is H264, and " +
                  std::string{codec} + " was asked for.");
  EXPECT_THAT(refused_connect({{"audio", {{"codec_type", "LYRA"}}}}),
              HasSubstr("UNSUPPORTED-CODEC: The only audio taken here is OPUS, and LYRA"));
  EXPECT_THAT(refused_connect({{"video", {{"codec_type", 264}}}}),
              StartsWith("4490 INVALID-MESSAGE"));
}

TEST(SoraConnect, ProfilesOfH264AreThoseThatAreNegotiated) {
  const auto profile = [](const char* text) {
    return with(kConnect, {{"video", {{"h264_params", {{"profile_level_id", text}}}}}});
  };
  for (const auto* text : {"42001f", "42e01f", "4d001f", "4D001F", "640032"})
    EXPECT_EQ(request_of(profile(text)).profile_level_id, text);
  for (const auto* text : {"f4001f", "42001", "42001f0", "42001g", "42;x=1"})
    EXPECT_THAT(refused(profile(text)), StartsWith("4490 UNSUPPORTED-CODEC")) << text;
}

TEST(SoraConnect, BitRatesHaveSorasLimits) {
  const auto rate = [](const char* medium, const json& kbps) {
    return with(kConnect, {{medium, {{"bit_rate", kbps}}}});
  };
  EXPECT_EQ(request_of(rate("video", 1)).video_kbps, 1u);
  EXPECT_EQ(request_of(rate("video", 50'000)).video_kbps, 50'000u);
  EXPECT_EQ(request_of(rate("audio", 510)).audio_kbps, 510u);
  for (const auto& kbps : {json(0), json(50'001), json(-1), json(1.5), json("1"), json(1e30)})
    EXPECT_THAT(refused(rate("video", kbps)), StartsWith("4490 INVALID-MESSAGE: \"bit_rate\""))
        << kbps;
  EXPECT_THAT(refused(rate("audio", 511)), HasSubstr("from 1 to 510 kbit/s"));
}

TEST(SoraConnect, IdsAreTextOf1To255BytesWithoutControlCharacters) {
  EXPECT_THAT(request_of(with(kConnect, {{"channel_id", std::string(255, 'x')}})).channel_id,
              SizeIs(255));
  const std::string missing =
      "4490 INVALID-MESSAGE: \"channel_id\" is missing, or not text of 1 to 255 bytes.";
  for (const auto& id : {json(std::string(256, 'x')), json(""), json(nullptr), json(7),
                         json("a\nb"), json("a\tb"), json(std::string("a\0b", 3)), json("\x7f")})
    EXPECT_EQ(refused_connect({{"channel_id", id}}), missing) << id;
  EXPECT_THAT(refused_connect({{"client_id", ""}}), HasSubstr("\"client_id\""));
  EXPECT_THAT(refused_connect({{"bundle_id", json::array()}}), HasSubstr("\"bundle_id\""));
}

TEST(SoraConnect, OnlyATextIsAnAccessToken) {
  EXPECT_EQ(request_of(with(kConnect, {{"metadata", {{"access_token", 5}}}})).access_token, "");
  EXPECT_EQ(request_of(with(kConnect, {{"metadata", "secret"}})).access_token, "");
  EXPECT_EQ(request_of(with(kConnect, {{"metadata", "secret"}})).metadata, "\"secret\"");
}

TEST(SoraAdmission, ChannelAndTokenMustBeRightWhereTheyAreSet) {
  const auto refuse = [](const ConnectRequest& request, const Rules& rules) {
    const auto close = check_admission(request, rules);
    return close ? close->reason.substr(0, close->reason.find(':')) : "in";
  };
  ConnectRequest request{.channel_id = "live", .access_token = "secret"};
  EXPECT_EQ(refuse(request, {.is_ready = true}), "in");
  EXPECT_EQ(refuse(request, {.is_ready = false}), "NOT-READY");
  EXPECT_EQ(refuse(request, {.is_ready = true, .channel_id = "live", .token = "secret"}), "in");
  EXPECT_EQ(refuse(request, {.is_ready = true, .channel_id = "other", .token = "secret"}),
            "CHANNEL-ID-NOT-FOUND");
  EXPECT_EQ(refuse(request, {.is_ready = true, .channel_id = "live", .token = "secret2"}),
            "AUTH-FAILURE");
  request.access_token.clear();
  EXPECT_EQ(refuse(request, {.is_ready = true, .token = "secret"}), "AUTH-FAILURE");
}

TEST(SoraOffering, SimulcastNeedsBothSides) {
  const auto asks = request_of(with(kConnect, {{"simulcast", true}}));
  EXPECT_THAT(offering_for(asks, true).rids, ElementsAre("r0", "r1", "r2"));
  EXPECT_THAT(offering_for(asks, false).rids, IsEmpty());
  EXPECT_THAT(offering_for(request_of(kConnect), true).rids, IsEmpty());
  const auto deaf = request_of(with(kConnect, {{"simulcast", true}, {"video", false}}));
  EXPECT_THAT(offering_for(deaf, true).rids, IsEmpty());
}

TEST(SoraOffer, HoldsWhatClientsLookFor) {
  const auto offer =
      offer_of(kConnect, {.sdp = some_offer(), .identity = kIdentity, .version = "1"});
  EXPECT_EQ(offer["type"], "offer");
  EXPECT_EQ(offer["version"], "1");
  EXPECT_EQ(offer["channel_id"], "live");
  EXPECT_EQ(offer["session_id"], "SESSION");
  EXPECT_EQ(offer["connection_id"], "CONNECTION");
  EXPECT_EQ(offer["client_id"], "CONNECTION");  // where it has none of its own
  EXPECT_EQ(offer["bundle_id"], "CONNECTION");
  EXPECT_EQ(offer["mid"], (json{{"audio", "audio0"}, {"video", "video1"}}));
  EXPECT_EQ(offer["sdp"], sdp::to_text(some_offer()));
  EXPECT_EQ(offer["config"]["iceServers"], json::array());
  EXPECT_EQ(offer["simulcast"], false);
  EXPECT_FALSE(offer.contains("encodings"));
  EXPECT_FALSE(offer.contains("data_channel_signaling"));
}

TEST(SoraOffer, SimulcastNamesItsEncodings) {
  const auto offer =
      offer_of(kConnect, {.sdp = some_offer(), .is_simulcast = true, .identity = kIdentity});
  EXPECT_EQ(offer["simulcast"], true);
  ASSERT_EQ(offer["encodings"].size(), 3u);
  EXPECT_EQ(offer["encodings"][0]["rid"], "r0");
  EXPECT_EQ(offer["encodings"][0]["scaleResolutionDownBy"], 4);
  EXPECT_EQ(offer["encodings"][2]["rid"], "r2");
  EXPECT_EQ(offer["encodings"][2]["scaleResolutionDownBy"], 1);
}

TEST(SoraOffer, IceServersAreThoseOfRtcConfiguration) {
  const auto offer =
      offer_of(kConnect, {.sdp = some_offer(),
                          .identity = kIdentity,
                          .ice_servers = ice_servers("stun://stun.example.org:3478",
                                                     "turn://u:p@turn.example.org:3478")});
  EXPECT_EQ(offer["config"]["iceServers"], json::parse(R"([{"urls":["stun:stun.example.org:3478"]},
                {"urls":["turn:turn.example.org:3478"],"username":"u","credential":"p"}])"));
}

TEST(SoraCreated, NamesTheConnectionByWhichTheClientKnowsItself) {
  auto signalling = offered(with(kConnect, {{"role", "sendrecv"}, {"client_id", "camera"}}));
  const auto created = json::parse(signalling.created(kIdentity));
  EXPECT_EQ(created["type"], "notify");
  EXPECT_EQ(created["event_type"], "connection.created");
  EXPECT_EQ(created["connection_id"], "CONNECTION");
  EXPECT_EQ(created["client_id"], "camera");
  EXPECT_EQ(created["role"], "sendrecv");
  EXPECT_EQ(created["channel_sendrecv_connections"], 1);
  EXPECT_EQ(created["channel_sendonly_connections"], 0);
}

TEST(SoraMessages, WhatIsNoJsonIsCalledSo) {
  for (const auto* text : {"", "hello", "{", "{\"type\":\"connect\"", "\xff\xfe", "{\"type\":}"}) {
    Signalling signalling{kConfig, kStart};
    EXPECT_EQ(text_of(signalling.on_text(text, kStart)),
              "4490 INVALID-JSON: The message can't be read as JSON.")
        << text;
  }
}

TEST(SoraMessages, JsonMayBeNestedAsDeepAsItIsSafeToWriteItAgain) {
  const auto nested = [](int levels) {
    const auto depth = static_cast<std::size_t>(levels);
    return R"({"type":"connect","role":"sendonly","channel_id":"live","metadata":)" +
           std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  Signalling first{kConfig, kStart};
  EXPECT_TRUE(std::holds_alternative<ConnectRequest>(first.on_text(nested(31), kStart)));
  for (const int levels : {33, 30'000}) {
    Signalling signalling{kConfig, kStart};
    EXPECT_THAT(text_of(signalling.on_text(nested(levels), kStart)),
                StartsWith("4490 INVALID-JSON"));
  }
}

TEST(SoraMessages, WhatHasNoTypeIsCalledSo) {
  for (const auto* text : {"1", "[]", "null", "{}", R"({"type":null})", R"({"type":7})"}) {
    Signalling signalling{kConfig, kStart};
    EXPECT_EQ(text_of(signalling.on_text(text, kStart)),
              "4490 INVALID-MESSAGE: The message has no \"type\".")
        << text;
  }
}

TEST(SoraMessages, TheFirstIsConnectAndItComesOnce) {
  EXPECT_EQ(refused(kAnswer),
            "4490 INVALID-MESSAGE: The first message must be \"connect\", and \"answer\" came.");
  Signalling signalling{kConfig, kStart};
  (void)heard(signalling, kConnect);
  EXPECT_EQ(text_of(heard(signalling, kConnect)), "4490 INVALID-MESSAGE: \"connect\" came twice.");
}

TEST(SoraMessages, AnswerAndCandidateFollowTheOffer) {
  Signalling signalling{kConfig, kStart};
  (void)heard(signalling, kConnect);
  EXPECT_EQ(text_of(heard(signalling, kAnswer)),
            "4490 INVALID-MESSAGE: \"answer\" came before there was an offer.");
  EXPECT_EQ(text_of(heard(signalling, kCandidateMessage)),
            "4490 INVALID-MESSAGE: \"candidate\" came before there was an offer.");
}

TEST(SoraMessages, AnAnswerIsReadOnce) {
  auto signalling = offered();
  EXPECT_TRUE(std::holds_alternative<Signalling::Answer>(heard(signalling, kAnswer)));
  EXPECT_EQ(text_of(heard(signalling, kAnswer)), "4490 INVALID-MESSAGE: \"answer\" came twice.");
}

TEST(SoraMessages, AnAnswerThatIsNoSdpIsToldWhere) {
  auto signalling = offered();
  EXPECT_EQ(text_of(heard(signalling, {{"type", "answer"}, {"sdp", "v=1\r\n"}})).substr(0, 25),
            "4490 INVALID-SDP: Line 2:");
  auto other = offered();
  EXPECT_EQ(text_of(heard(other, {{"type", "answer"}})),
            "4490 INVALID-MESSAGE: \"answer\" has no \"sdp\".");
}

TEST(SoraMessages, CandidatesAreTakenUpToTheirLimit) {
  auto signalling = offered();
  for (std::size_t i = 0; i < kConfig.most_candidates; ++i) {
    const auto event = heard(signalling, kCandidateMessage);
    const auto* candidate = std::get_if<Signalling::Candidate>(&event);
    ASSERT_TRUE(candidate);
    EXPECT_EQ(candidate->candidate, kCandidate);
  }
  EXPECT_TRUE(is_nothing(heard(signalling, {{"type", "candidate"}, {"candidate", ""}})));
  EXPECT_EQ(text_of(heard(signalling, kCandidateMessage)),
            "4490 INVALID-MESSAGE: More than 3 candidates came.");
}

TEST(SoraMessages, ACandidateThatIsNoneIsCalledSo) {
  auto signalling = offered();
  EXPECT_EQ(text_of(heard(signalling, {{"type", "candidate"}, {"candidate", "candidate:\r\na=b"}})),
            "4490 INVALID-MESSAGE: The candidate does not follow RFC 8839.");
  EXPECT_EQ(text_of(heard(signalling, {{"type", "candidate"}})),
            "4490 INVALID-MESSAGE: \"candidate\" has no \"candidate\".");
}

TEST(SoraMessages, UnknownOnesAreNamed) {
  auto signalling = offered();
  EXPECT_EQ(text_of(heard(signalling, {{"type", "re-answer"}})),
            "4490 INVALID-MESSAGE: A message of the type \"re-answer\" has no meaning here.");
}

TEST(SoraMessages, DisconnectIsAGoodbyeAtAnyTime) {
  Signalling early{kConfig, kStart};
  auto late = offered();
  for (auto* signalling : {&early, &late}) {
    const auto event = heard(*signalling, {{"type", "disconnect"}, {"reason", "NO-ERROR"}});
    const auto* goodbye = std::get_if<Signalling::Goodbye>(&event);
    ASSERT_TRUE(goodbye);
    EXPECT_EQ(goodbye->reason, "NO-ERROR");
  }
}

TEST(SoraTime, ConnectHasItsTimeToTheNanosecond) {
  Signalling signalling{kConfig, kStart};
  EXPECT_TRUE(is_nothing(signalling.tick(kStart + 15s)));
  const auto due = signalling.tick(kStart + 15s + 1ns);
  const auto* close = std::get_if<Close>(&due);
  ASSERT_TRUE(close);
  EXPECT_EQ(close->code, 4490);
  EXPECT_EQ(close->reason, "CONNECT-TIMEOUT: No \"connect\" came within 15 s.");
}

TEST(SoraTime, WhoWaitsForItsOfferIsLeftAlone) {
  Signalling signalling{kConfig, kStart};
  (void)heard(signalling, kConnect);
  EXPECT_TRUE(is_nothing(signalling.tick(kStart + 1h)));
}

TEST(SoraTime, PingsComeInTheirInterval) {
  auto signalling = offered();
  EXPECT_TRUE(is_nothing(signalling.tick(kStart + 5s - 1ns)));
  const auto due = signalling.tick(kStart + 5s);
  const auto* ping = std::get_if<std::string>(&due);
  ASSERT_TRUE(ping);
  EXPECT_EQ(json::parse(*ping), (json{{"type", "ping"}, {"stats", false}}));
  EXPECT_TRUE(is_nothing(signalling.tick(kStart + 10s - 1ns)));
  EXPECT_TRUE(std::holds_alternative<std::string>(signalling.tick(kStart + 10s)));
}

TEST(SoraTime, WithoutAPongItEndsToTheNanosecond) {
  auto signalling = offered();
  EXPECT_FALSE(std::holds_alternative<Close>(signalling.tick(kStart + 60s)));
  auto due = signalling.tick(kStart + 60s + 1ns);
  ASSERT_TRUE(std::holds_alternative<Close>(due));
  EXPECT_EQ(std::get<Close>(due).reason, "PONG-TIMEOUT: No \"pong\" came within 60 s.");
}

TEST(SoraTime, APongStartsTheTimeAnew) {
  auto signalling = offered();
  EXPECT_TRUE(is_nothing(heard(signalling, {{"type", "pong"}}, kStart + 50s)));
  EXPECT_FALSE(std::holds_alternative<Close>(signalling.tick(kStart + 110s)));
  EXPECT_TRUE(std::holds_alternative<Close>(signalling.tick(kStart + 110s + 1ns)));
}

TEST(SoraTime, WithoutATimeoutItNeverEnds) {
  Signalling signalling{{.connect_timeout = 15s, .ping_interval = 5s, .pong_timeout = 0s}, kStart};
  (void)heard(signalling, kConnect);
  (void)signalling.offer({.sdp = some_offer(), .identity = kIdentity}, kStart);
  EXPECT_FALSE(std::holds_alternative<Close>(signalling.tick(kStart + 24h)));
}

TEST(SoraClose, AReasonIsCutWhereTheFrameEndsAndNotInsideACharacter) {
  EXPECT_EQ(refusal("X", std::string(120, 'y')).reason.size(), 123u);
  EXPECT_EQ(refusal("X", std::string(121, 'y')).reason, "X: " + std::string(120, 'y'));
  // Two bytes each: the 61st would end at the 125th byte.
  std::string umlauts;
  for (int i = 0; i < 61; ++i)
    umlauts += "\xc3\xa4";
  EXPECT_EQ(refusal("X", umlauts).reason, "X: " + umlauts.substr(0, 120));
  EXPECT_EQ(refusal("XY", umlauts).reason, "XY: " + umlauts.substr(0, 118));
}

TEST(SoraClose, EachEndOfASessionHasItsCode) {
  const auto text = [](EndReason reason) {
    const auto close = farewell(reason, "Why.");
    return std::to_string(close.code) + " " + close.reason;
  };
  EXPECT_EQ(text(EndReason::Deleted), "1000 TYPE-DISCONNECT");
  EXPECT_EQ(text(EndReason::Application), "1000 DISCONNECTED-API");
  EXPECT_EQ(text(EndReason::Stopped), "1000 SHUTDOWN");
  EXPECT_EQ(text(EndReason::IceFailed), "4490 ICE-FAILED: Why.");
  EXPECT_EQ(text(EndReason::Replaced), "4490 REPLACED: Why.");
  EXPECT_EQ(text(EndReason::IdleTimeout), "4490 IDLE-TIMEOUT: Why.");
}

TEST(SoraRedirect, NamesTheLocation) {
  EXPECT_EQ(json::parse(redirect("wss://b.example.org/signaling")),
            (json{{"type", "redirect"}, {"location", "wss://b.example.org/signaling"}}));
}

// Damaged messages, thousands of times and each time the same: nothing may crash, and whatever is said in
// return is a text that a WebSocket can carry.
TEST(SoraMutations, NothingThatAStrangerSendsDoesHarm) {
  const auto full = with(kConnect, {{"client_id", "camera"},
                                    {"metadata", {{"access_token", "secret"}}},
                                    {"audio", {{"codec_type", "OPUS"}, {"bit_rate", 64}}},
                                    {"video", {{"codec_type", "H264"}, {"bit_rate", 2500}}},
                                    {"simulcast", true}});
  const std::string samples[] = {full.dump(), kAnswer.dump(), kCandidateMessage.dump(),
                                 R"({"type":"pong","stats":[{"id":"a"}]})"};
  constexpr std::string_view kBytes = "{}[]\",:0-1e9nulltrue\\u0000\xff\x80\n ";
  std::mt19937 random{20261122};
  for (int round = 0; round < kRounds; ++round) {
    auto text = samples[random() % std::size(samples)];
    for (auto edits = random() % 4 + 1; edits > 0 && !text.empty(); --edits) {
      const auto at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = kBytes[random() % kBytes.size()];
          break;
        case 1:
          text.erase(at, random() % 20);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 20));
      }
    }
    auto signalling = random() % 2 == 0 ? Signalling{kConfig, kStart} : offered();
    const auto event = signalling.on_text(text, kStart);
    if (const auto* close = std::get_if<Close>(&event)) {
      ASSERT_LE(close->reason.size(), Close::kLongestReason) << text;
      ASSERT_NO_THROW((void)json(close->reason).dump()) << text;  // is UTF-8
    }
    if (const auto* request = std::get_if<ConnectRequest>(&event)) {
      ASSERT_TRUE(json::accept(request->metadata)) << text;
      ASSERT_EQ(request->channel_id.find('\0'), std::string::npos) << text;
    }
  }
}

}  // namespace
}  // namespace onair::sora
