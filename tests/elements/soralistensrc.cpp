// SPDX-License-Identifier: LGPL-2.1-or-later
// soralistensrc with a client of Sora's signalling: what is offered, what comes out, who is refused and how it
// ends. What is behind the signalling is that of whiplistensrc, and tested there.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>
#include <libsoup/soup.h>

#include "broadcast.hpp"
#include "gst_environment.hpp"
#include "http_connection.hpp"
#include "sora_publisher.hpp"

namespace onair::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;
using testing::UnorderedElementsAre;
using End = WebSocketClient::End;

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

// A listener that is PLAYING and a publisher that has connected.
struct Live {
  explicit Live(const std::string& properties = {}, SoraPublisher::Config config = {})
      : server{properties} {
    EXPECT_EQ(server.reach(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
    publish(std::move(config));
  }
  void publish(SoraPublisher::Config config = {}) {
    publisher = std::make_unique<SoraPublisher>(server, std::move(config));
    EXPECT_TRUE(publisher->publish());
    EXPECT_TRUE(publisher->media().wait_until_connected());
  }

  SoraPipeline server;
  std::unique_ptr<SoraPublisher> publisher;
};

// How a WebSocket ends that begins with this message.
End end_of(SoraPipeline& server, const json& message) {
  WebSocketClient client{server.socket_url()};
  client.send(message.dump());
  return client.wait_for_end();
}

End refused(const std::string& reason) {
  return {.code = 4490, .reason = reason};
}

const End kInUse = refused("CHANNEL-IN-USE: Another publisher is live here.");

TEST(SoraListenSrc, AudioAndVideoFlowFromPadsOfTheirOwn) {
  for (const auto* role : {"sendonly", "sendrecv"}) {
    Live live{{}, {.connect = connect_message({{"role", role}})}};
    REQUIRE_PAD(audio, live.server, "audio_0");
    REQUIRE_PAD(video, live.server, "video_0");
    EXPECT_TRUE(audio->wait_for_more(kPlenty));
    EXPECT_TRUE(video->wait([](const auto& seen) { return seen.idrs > 0; }));
    EXPECT_TRUE(video->wait_for_more(kPlenty));
    EXPECT_EQ(audio->seen().missing, 0);
    EXPECT_EQ(video->seen().missing, 0);
    EXPECT_TRUE(live.server.errors().empty());
  }
}

TEST(SoraListenSrc, OffersWhatLossAndCongestionNeed) {
  Live live;
  const std::string offer = live.publisher->offer()["sdp"];
  for (const auto* line : {"a=rtcp-fb:102 nack\r\n", "a=rtcp-fb:102 nack pli\r\n",
                           "a=rtcp-fb:102 ccm fir\r\n", "a=rtcp-fb:102 transport-cc\r\n",
                           "rtx/90000", "a=setup:actpass", "a=candidate:", "useinbandfec=1"})
    EXPECT_THAT(offer, HasSubstr(line));
  EXPECT_THAT(offer, testing::Not(HasSubstr("a=simulcast")));
  EXPECT_TRUE(live.publisher->media().wait_for_congestion_feedback());
}

TEST(SoraListenSrc, RetransmissionBringsLostPacketsBack) {
  Live live{"latency=2000"};
  REQUIRE_PAD(video, live.server, "video_0");
  ASSERT_TRUE(video->wait([](const auto& seen) { return seen.idrs > 0; }));
  live.publisher->media().lose_every(7);
  EXPECT_TRUE(video->wait_for_more(2 * kPlenty));
  EXPECT_GE(live.publisher->media().lost(), 5u);
  EXPECT_EQ(video->seen().missing, 0);
}

TEST(SoraListenSrc, ConsumersKeyframeRequestReachesThePublisher) {
  Live live;
  REQUIRE_PAD(video, live.server, "video_0");
  ASSERT_TRUE(video->wait([](const auto& seen) { return seen.idrs > 0; }));
  const auto before = video->seen().idrs;
  const auto ask = [&] {
    gst_pad_push_event(video->pad(),
                       gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
    return video->wait([before](const auto& seen) { return seen.idrs > before; },
                       std::chrono::seconds{2});
  };
  EXPECT_TRUE(ask() || ask() || ask());
}

TEST(SoraListenSrc, PublisherOfOneMediumIsOfferedThatAlone) {
  SoraPipeline server;
  server.reach(GST_STATE_PLAYING);
  for (const bool is_audio : {true, false}) {
    SoraPublisher publisher{server,
                            {.connect = connect_message({{is_audio ? "video" : "audio", false}}),
                             .media = {.has_audio = is_audio, .has_video = !is_audio}}};
    ASSERT_TRUE(publisher.publish());
    EXPECT_EQ(publisher.offer()["mid"].contains("audio"), is_audio);
    EXPECT_EQ(publisher.offer()["mid"].contains("video"), !is_audio);
    const std::string name = is_audio ? "audio_0" : "video_0";
    REQUIRE_PAD(sink, server, name);
    EXPECT_TRUE(sink->wait_for_more(1));
    publisher.say({{"type", "disconnect"}});
    EXPECT_TRUE(server.wait_until_gone(name));
  }
}

TEST(SoraListenSrc, PublisherThatSendsOneOfTwoMediaIsTaken) {
  for (const bool is_audio : {true, false}) {
    Live live{{}, {.media = {.has_audio = is_audio, .has_video = !is_audio}}};
    REQUIRE_PAD(sink, live.server, is_audio ? "audio_0" : "video_0");
    EXPECT_TRUE(sink->wait_for_more(1));
    EXPECT_TRUE(live.server.errors().empty());
  }
}

TEST(SoraListenSrc, BitRatesThatAreAskedForAreInTheOffer) {
  SoraPipeline server;
  server.reach(GST_STATE_PLAYING);
  SoraPublisher publisher{server};
  publisher.say(connect_message({{"audio", {{"bit_rate", 64}}}, {"video", {{"bit_rate", 2500}}}}));
  const std::string sdp = publisher.hear("offer")["sdp"];
  EXPECT_THAT(sdp, HasSubstr("maxaveragebitrate=64000"));
  EXPECT_THAT(sdp, HasSubstr("b=TIAS:2500000\r\n"));
}

TEST(SoraListenSrc, LayersHaveThePadsOfSorasOrder) {
  const auto edit = [](const std::string& answer) { return with_simulcast(answer, "r0;r1;r2"); };
  Live live{"simulcast=true",
            {.connect = connect_message({{"simulcast", true}, {"audio", false}}),
             .media = {.has_audio = false, .layers = {"r2", "r0"}},
             .edit_answer = edit}};
  EXPECT_EQ(live.publisher->offer()["simulcast"], true);
  EXPECT_THAT(live.publisher->offer()["sdp"].get<std::string>(),
              HasSubstr("a=simulcast:recv r0;r1;r2\r\n"));
  REQUIRE_PAD(high, live.server, "video_2");
  REQUIRE_PAD(low, live.server, "video_0");
  EXPECT_TRUE(high->wait_for_more(kPlenty));
  EXPECT_TRUE(low->wait_for_more(kPlenty));
  EXPECT_THAT(high->seen().caps, HasSubstr("rid=(string)r2"));
  EXPECT_THAT(low->seen().caps, HasSubstr("rid=(string)r0"));
  EXPECT_THAT(live.server.pad_history(), UnorderedElementsAre("+video_0", "+video_2"));
  EXPECT_EQ(text_field(live.server.wait_for_session("connected").get(), "layers"), "r0;r1;r2");
}

TEST(SoraListenSrc, SimulcastIsOfferedWhenItIsAllowedAndNotOtherwise) {
  SoraPipeline server;
  server.reach(GST_STATE_PLAYING);
  SoraPublisher publisher{server, {.connect = connect_message({{"simulcast", true}})}};
  ASSERT_TRUE(publisher.publish());
  EXPECT_EQ(publisher.offer()["simulcast"], false);
  EXPECT_FALSE(publisher.offer().contains("encodings"));
  REQUIRE_PAD(video, server, "video_0");
  EXPECT_TRUE(video->wait_for_more(1));
}

TEST(SoraListenSrcSessions, MessagesTellWhoComesAndGoes) {
  Live live{{}, {.connect = connect_message({{"client_id", "camera"}})}};
  const auto offered = live.server.wait_for_session("offered");
  ASSERT_TRUE(offered);
  EXPECT_EQ(live.publisher->offer()["session_id"], text_field(offered.get(), "session-id"));
  EXPECT_EQ(text_field(offered.get(), "channel-id"), "live");
  EXPECT_EQ(text_field(offered.get(), "client-id"), "camera");
  EXPECT_EQ(text_field(offered.get(), "role"), "sendonly");
  const GMemory<char> text{gst_structure_to_string(offered.get())};
  EXPECT_THAT(text.get(), testing::Not(HasSubstr("secret")));
  EXPECT_EQ(text_field(offered.get(), "remote-address"), "127.0.0.1");
  EXPECT_EQ(live.server.next_session_message(), "connected");
  const auto created = live.publisher->hear("notify");
  EXPECT_EQ(created["event_type"], "connection.created");
  EXPECT_EQ(created["connection_id"], live.publisher->offer()["connection_id"]);
  EXPECT_EQ(text_field(live.server.stats().get(), "state"), "connected");

  live.publisher->say({{"type", "disconnect"}, {"reason", "NO-ERROR"}});
  EXPECT_EQ(live.publisher->socket().wait_for_end(), (End{1000, "TYPE-DISCONNECT"}));
  const auto ended = live.server.wait_for_session("ended");
  ASSERT_TRUE(ended);
  EXPECT_EQ(text_field(ended.get(), "reason"), "deleted");
  EXPECT_EQ(text_field(ended.get(), "session-id"), text_field(offered.get(), "session-id"));
  EXPECT_EQ(text_field(live.server.stats().get(), "state"), "idle");
}

TEST(SoraListenSrcSessions, EosComesAfterTheLastPacketWhenItIsAskedForAndTheNextIsTaken) {
  Live live{"send-eos=true"};
  REQUIRE_PAD(video, live.server, "video_0");
  ASSERT_TRUE(video->wait_for_more(1));
  live.publisher->say({{"type", "disconnect"}});
  EXPECT_TRUE(video->wait([](const auto& seen) { return seen.has_eos; }));
  EXPECT_TRUE(live.server.wait_until_gone("video_0"));
  EXPECT_TRUE(live.server.wait_until_gone("audio_0"));
  live.publish();
  REQUIRE_PAD(second, live.server, "video_0");
  EXPECT_TRUE(second->wait_for_more(1));
  EXPECT_EQ(uint64_field(live.server.stats().get(), "sessions"), 2u);
}

TEST(SoraListenSrcSessions, AClosedWebSocketEndsTheSession) {
  Live live;
  live.publisher->socket().close();
  EXPECT_EQ(text_field(live.server.wait_for_session("ended").get(), "reason"), "signalling-lost");
}

TEST(SoraListenSrcSessions, EndSessionTellsThePublisher) {
  Live live;
  g_signal_emit_by_name(live.server.element(), "end-session");
  EXPECT_EQ(live.publisher->socket().wait_for_end(), (End{1000, "DISCONNECTED-API"}));
  EXPECT_EQ(text_field(live.server.wait_for_session("ended").get(), "reason"), "application");
  EXPECT_TRUE(live.server.errors().empty());
}

TEST(SoraListenSrcSessions, WhoeverIsConnectedHearsThatTheElementStops) {
  Live live;
  WebSocketClient waiting{live.server.socket_url()};
  ASSERT_TRUE(waiting.is_open());
  EXPECT_EQ(live.server.reach(GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  EXPECT_EQ(live.publisher->socket().wait_for_end(), (End{1000, "SHUTDOWN"}));
  EXPECT_EQ(waiting.wait_for_end(), (End{1000, "SHUTDOWN"}));
  EXPECT_EQ(text_field(live.server.wait_for_session("ended").get(), "reason"), "stopped");
  EXPECT_EQ(live.server.reach(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  live.publish();
}

TEST(SoraListenSrcSessions, SilentPublisherLosesItsPlaceAfterTheTakeoverTimeAndNotBefore) {
  SoraPipeline server{"takeover-time=2000000000 idle-timeout=0 latency=0 pong-timeout=0"};
  server.use_test_clock();
  server.reach(GST_STATE_PLAYING);
  SoraPublisher publisher{server};
  ASSERT_TRUE(publisher.publish());
  ASSERT_TRUE(publisher.media().wait_until_connected());
  REQUIRE_PAD(video, server, "video_0");
  ASSERT_TRUE(video->wait_for_more(1));
  publisher.media().vanish();
  EXPECT_EQ(end_of(server, connect_message()), kInUse);
  server.advance_clock(2 * GST_SECOND);
  EXPECT_EQ(end_of(server, connect_message()), kInUse);
  server.advance_clock(1);
  SoraPublisher next{server};
  EXPECT_TRUE(next.publish());
  EXPECT_THAT(publisher.socket().wait_for_end().reason, StartsWith("REPLACED: "));
  EXPECT_EQ(text_field(server.wait_for_session("ended").get(), "reason"), "replaced");
}

TEST(SoraListenSrcSessions, SilenceIsToldBeforeThePublisherIsGivenUp) {
  Live live{"silence-time=200000000 idle-timeout=1000000000"};
  REQUIRE_PAD(video, live.server, "video_0");
  ASSERT_TRUE(video->wait_for_more(1));
  live.publisher->media().vanish();
  // A busy machine may have made it stutter before.
  std::string last;
  for (auto next = live.server.next_session_message();
       next == "offered" || next == "connected" || next == "silent" || next == "resumed";
       next = live.server.next_session_message())
    last = next;
  EXPECT_EQ(last, "silent");
  EXPECT_EQ(text_field(live.server.stats().get(), "state"), "idle");
}

TEST(SoraListenSrcSessions, WithoutAPongThePublisherIsGone) {
  SoraPipeline server{"idle-timeout=0 connect-timeout=3600000000000"};
  server.use_test_clock();
  server.reach(GST_STATE_PLAYING);
  SoraPublisher publisher{server};
  ASSERT_TRUE(publisher.publish());
  server.advance_clock(5 * GST_SECOND);
  EXPECT_EQ(publisher.hear("ping"), (json{{"type", "ping"}, {"stats", false}}));
  server.advance_clock(55 * GST_SECOND + 1);
  EXPECT_EQ(publisher.socket().wait_for_end(),
            refused("PONG-TIMEOUT: No \"pong\" came within 60 s."));
  EXPECT_EQ(text_field(server.wait_for_session("ended").get(), "reason"), "signalling-lost");
}

TEST(SoraListenSrcSessions, WhoDoesNotSayConnectIsClosed) {
  SoraPipeline server{"connect-timeout=3000000000"};
  server.use_test_clock();
  server.reach(GST_STATE_PLAYING);
  WebSocketClient client{server.socket_url()};
  ASSERT_TRUE(client.is_open());
  // The client hears of it before the server's time begins.
  while (uint64_field(server.stats().get(), "connections") == 0)
    std::this_thread::yield();
  server.advance_clock(3 * GST_SECOND + 1);
  EXPECT_EQ(client.wait_for_end(), refused("CONNECT-TIMEOUT: No \"connect\" came within 3 s."));
}

TEST(SoraListenSrcSessions, WhoDoesNotAnswerItsOfferLosesThePlace) {
  SoraPipeline server{"connect-timeout=3000000000"};
  server.use_test_clock();
  server.reach(GST_STATE_PLAYING);
  SoraPublisher publisher{server};
  publisher.say(connect_message());
  ASSERT_FALSE(publisher.hear("offer").is_null());
  EXPECT_EQ(end_of(server, connect_message()), kInUse);
  server.advance_clock(3 * GST_SECOND + 1);
  EXPECT_THAT(publisher.socket().wait_for_end().reason, StartsWith("ICE-FAILED: "));
  SoraPublisher next{server};
  EXPECT_TRUE(next.publish());
}

TEST(SoraListenSrcSessions, WrongFingerprintEndsTheSessionAndNotThePipeline) {
  SoraPipeline server;
  server.reach(GST_STATE_PLAYING);
  SoraPublisher publisher{server, {.edit_answer = with_wrong_fingerprint}};
  ASSERT_TRUE(publisher.publish());
  EXPECT_THAT(publisher.socket().wait_for_end().reason, StartsWith("DTLS-FAILED: "));
  EXPECT_EQ(text_field(server.wait_for_session("ended").get(), "reason"), "dtls-failed");
  EXPECT_TRUE(server.pad_history().empty());
  EXPECT_TRUE(server.errors().empty());
}

TEST(SoraListenSrcSessions, AnswerThatCannotBeTakenIsToldWhy) {
  SoraPipeline server;
  server.reach(GST_STATE_PLAYING);
  const auto end_with = [&](const std::function<std::string(std::string)>& edit) {
    SoraPublisher publisher{server, {.edit_answer = edit}};
    EXPECT_TRUE(publisher.publish());
    const auto end = publisher.socket().wait_for_end();
    EXPECT_EQ(text_field(server.wait_for_session("ended").get(), "reason"), "error");
    return end;
  };
  EXPECT_EQ(end_with([](const auto&) { return "v=0\r\n"; }).code, 4490u);
  EXPECT_THAT(end_with([](const auto& answer) {
                return replaced(answer, "a=setup:active", "a=setup:actpass");
              }).reason,
              StartsWith("INVALID-SDP: a=setup"));
  EXPECT_THAT(end_with([](const auto& answer) {
                return replaced(replaced(answer, "a=sendonly", "a=recvonly"), "a=sendonly",
                                "a=recvonly");
              }).reason,
              StartsWith("UNSUPPORTED-SDP: The answer sends neither"));
  EXPECT_TRUE(server.errors().empty());
}

TEST(SoraListenSrcAdmission, RefusalsHaveACodeAndAReason) {
  SoraPipeline server;
  server.reach(GST_STATE_PLAYING);
  const auto connect = [&](const json& more) { return end_of(server, connect_message(more)); };
  EXPECT_EQ(connect({{"channel_id", "other"}}),
            refused("CHANNEL-ID-NOT-FOUND: There is no such channel here."));
  EXPECT_EQ(connect({{"metadata", {{"access_token", "wrong"}}}}),
            refused("AUTH-FAILURE: The access token is not the one of this channel."));
  EXPECT_EQ(connect({{"metadata", nullptr}}),
            refused("AUTH-FAILURE: Send the publisher's token as metadata.access_token."));
  EXPECT_THAT(connect({{"role", "recvonly"}}).reason, StartsWith("UNSUPPORTED-ROLE: "));
  EXPECT_THAT(connect({{"video", {{"codec_type", "VP8"}}}}).reason,
              StartsWith("UNSUPPORTED-CODEC: "));
  EXPECT_EQ(uint64_field(server.stats().get(), "refused-connections"), 5u);
  EXPECT_EQ(uint64_field(server.stats().get(), "sessions"), 0u);
}

TEST(SoraListenSrcAdmission, WhoHasNoRightIsNotToldThatSomebodyIsLive) {
  Live live;
  EXPECT_THAT(end_of(live.server, connect_message({{"metadata", nullptr}})).reason,
              StartsWith("AUTH-FAILURE: "));
  EXPECT_EQ(end_of(live.server, connect_message()), kInUse);
  REQUIRE_PAD(video, live.server, "video_0");
  EXPECT_TRUE(video->wait_for_more(kPlenty));
}

TEST(SoraListenSrcAdmission, NobodyIsTakenBeforePlaying) {
  SoraPipeline server;
  server.reach(GST_STATE_PAUSED);
  EXPECT_THAT(end_of(server, connect_message()).reason, StartsWith("NOT-READY: "));
}

// An application that answers every question with this structure.
class Application {
 public:
  Application(SoraPipeline& server, const std::string& verdict) : verdict_{verdict} {
    const auto on_question =
        +[](GstElement*, GstStructure* question, gpointer data) -> GstStructure* {
      auto* self = static_cast<Application*>(data);
      const GMemory<char> text{gst_structure_to_string(question)};
      self->question_ = text.get();
      return self->verdict_.empty() ? nullptr
                                    : gst_structure_from_string(self->verdict_.c_str(), nullptr);
    };
    g_signal_connect(server.element(), "authenticate", G_CALLBACK(on_question), this);
  }
  [[nodiscard]] const std::string& question() const { return question_; }

 private:
  const std::string verdict_;
  std::string question_;  // read when the WebSocket has ended
};

TEST(SoraListenSrcAdmission, TheApplicationRefusesWithItsOwnWords) {
  SoraPipeline server;
  const Application application{server,
                                "verdict, allowed=false, reason=(string)\"Not on Sundays.\""};
  server.reach(GST_STATE_PLAYING);
  EXPECT_EQ(end_of(server, connect_message({{"client_id", "camera"}, {"redirect", true}})),
            refused("AUTH-FAILURE: Not on Sundays."));
  for (const auto* field :
       {"sora-connect", "channel-id=(string)live", "client-id=(string)camera",
        "role=(string)sendonly", "access_token", "audio=(boolean)true", "video=(boolean)true",
        "simulcast=(boolean)false", "redirected=(boolean)true", "remote-address=(string)127.0.0.1"})
    EXPECT_THAT(application.question(), HasSubstr(field));
}

TEST(SoraListenSrcAdmission, TheApplicationIsAskedAboutThoseAloneThatThePropertiesLetIn) {
  SoraPipeline server;
  const Application application{server, {}};
  server.reach(GST_STATE_PLAYING);
  EXPECT_THAT(end_of(server, connect_message({{"metadata", nullptr}})).reason,
              StartsWith("AUTH-FAILURE: "));
  EXPECT_EQ(application.question(), "");
  SoraPublisher publisher{server};
  EXPECT_TRUE(publisher.publish());  // NULL lets it in
  EXPECT_NE(application.question(), "");
}

TEST(SoraListenSrcAdmission, TheApplicationSendsAPublisherElsewhere) {
  SoraPipeline server;
  const Application application{server,
                                "verdict, location=(string)\"wss://b.example.org/signaling\""};
  server.reach(GST_STATE_PLAYING);
  SoraPublisher publisher{server};
  publisher.say(connect_message());
  EXPECT_EQ(publisher.hear("redirect")["location"], "wss://b.example.org/signaling");
  EXPECT_EQ(publisher.socket().wait_for_end(), (End{1000, "REDIRECT"}));
}

TEST(SoraListenSrcStrangers, WhatIsNoMessageIsCalledSo) {
  SoraPipeline server;
  server.reach(GST_STATE_PLAYING);
  for (const auto* text : {"", "hello", "[]", "{}"}) {
    WebSocketClient client{server.socket_url()};
    client.send(text);
    EXPECT_EQ(client.wait_for_end().code, 4490u) << text;
  }
  WebSocketClient binary{server.socket_url()};
  binary.send_binary(connect_message().dump());
  EXPECT_EQ(binary.wait_for_end(), (End{1003, "INVALID-MESSAGE: Messages are text."}));
}

TEST(SoraListenSrcStrangers, AMessageThatIsTooLongClosesItsWebSocketAlone) {
  Live live{"max-message-size=16384"};
  WebSocketClient client{live.server.socket_url()};
  client.send(connect_message({{"metadata", std::string(20'000, 'x')}}).dump());
  const End end{1009, "INVALID-MESSAGE: A message was longer than 16384 bytes."};
  EXPECT_EQ(client.wait_for_end(), end);
  REQUIRE_PAD(video, live.server, "video_0");
  EXPECT_TRUE(video->wait_for_more(kPlenty));
  live.publisher->say({{"type", "pong"}, {"stats", std::string(20'000, 'x')}});
  EXPECT_EQ(live.publisher->socket().wait_for_end(), end);
  EXPECT_EQ(text_field(live.server.wait_for_session("ended").get(), "reason"), "error");
  live.publish();
}

// RFC 6455 section 5.2, with a mask of zeros.
std::string frame(unsigned char opcode, const std::string& payload) {
  const auto size = payload.size();
  std::string bytes{static_cast<char>(opcode), static_cast<char>(0x80 | 126),
                    static_cast<char>(size >> 8), static_cast<char>(size & 0xff)};
  return bytes + std::string(4, '\0') + payload;
}

TEST(SoraListenSrcStrangers, AMessageInEndlessFragmentsIsCutOff) {
  SoraPipeline server{"max-message-size=16384"};
  server.reach(GST_STATE_PLAYING);
  HttpConnection client{server.port()};
  client.ask("/signaling", {{"Upgrade", "websocket"},
                            {"Connection", "Upgrade"},
                            {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                            {"Sec-WebSocket-Version", "13"}});
  ASSERT_EQ(client.read_headers().status, 101u);
  constexpr unsigned char kText = 0x01;
  constexpr unsigned char kContinuation = 0x00;
  client.write(frame(kText, std::string(16'000, ' ')));
  for (int i = 0; i < 20; ++i)
    client.write(frame(kContinuation, std::string(16'000, ' ')));
  const auto heard = client.read_to_end();  // or without end
  // libsoup 3.8 counts whole messages itself, and closes at once: what has not been read then resets the connection, often
  // before the reason is there.
  if (!soup_check_version(3, 7, 0)) {
    EXPECT_THAT(heard, HasSubstr("\x03\xf1"));  // 1009, whoever finds out first
  }
}

TEST(SoraListenSrcStrangers, WebSocketsOfOneAddressHaveABudget) {
  SoraPipeline server;
  server.use_test_clock();  // nothing is earned meanwhile
  server.reach(GST_STATE_PLAYING);
  End last;
  for (int i = 0; i <= 50 && last.reason.find("TOO-MANY") == std::string::npos; ++i)
    last = end_of(server, "no connect");
  EXPECT_EQ(last, refused("TOO-MANY-CONNECTIONS: Too many from this address; wait."));
  server.advance_clock(GST_SECOND);
  EXPECT_THAT(end_of(server, "no connect").reason, StartsWith("INVALID-MESSAGE: "));
}

TEST(SoraListenSrcStrangers, OnlySoManyWaitAtATime) {
  Live live;
  std::vector<std::unique_ptr<WebSocketClient>> waiting;
  for (int i = 0; i < 31; ++i)
    waiting.push_back(std::make_unique<WebSocketClient>(live.server.socket_url()));
  EXPECT_EQ(WebSocketClient{live.server.socket_url()}.wait_for_end(),
            refused("TOO-MANY-CONNECTIONS: Others are waiting; try again later."));
  EXPECT_TRUE(waiting.back()->is_open());
  REQUIRE_PAD(video, live.server, "video_0");
  EXPECT_TRUE(video->wait_for_more(kPlenty));
}

TEST(SoraListenSrcStrangers, WhatIsNoWebSocketIsToldWhereToFindIt) {
  SoraPipeline server;
  server.reach(GST_STATE_PLAYING);
  EXPECT_EQ(http_request("GET", server.base_url() + "/signaling").status, 400u);
  const auto elsewhere = http_request("GET", server.base_url() + "/");
  EXPECT_EQ(elsewhere.status, 404u);
  EXPECT_THAT(elsewhere.body, HasSubstr("/signaling"));
  EXPECT_EQ(WebSocketClient{server.base_url() + "/other"}.wait_for_end().code, 1006u);
}

TEST(SoraListenSrcStrangers, CandidatesThatAreNoneEndTheirSession) {
  Live live;
  live.publisher->say(
      {{"type", "candidate"}, {"candidate", "candidate:1 1 udp 1 x.local 1 typ host"}});
  live.publisher->say({{"type", "candidate"}, {"candidate", "candidate:\r\na=b"}});
  EXPECT_EQ(live.publisher->socket().wait_for_end(),
            refused("INVALID-MESSAGE: The candidate does not follow RFC 8839."));
  EXPECT_EQ(text_field(live.server.wait_for_session("ended").get(), "reason"), "error");
  EXPECT_TRUE(live.server.errors().empty());
}

}  // namespace
}  // namespace onair::test
