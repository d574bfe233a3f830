// SPDX-License-Identifier: LGPL-2.1-or-later
// What whiplistensrc promises to every WHIP client (RFC 9725), seen from outside over HTTP.
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <gio/gio.h>
#include <gst/sdp/sdp.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gst_environment.hpp"
#include "http_client.hpp"
#include "sdp_offers.hpp"
#include "whip_pipeline.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

constexpr const char* kSdp = "application/sdp";
constexpr const char* kFragment = "application/trickle-ice-sdpfrag";

struct SdpFree {
  void operator()(GstSDPMessage* message) const { gst_sdp_message_free(message); }
};
using SdpPtr = std::unique_ptr<GstSDPMessage, SdpFree>;

SdpPtr parse_sdp(const std::string& text) {
  GstSDPMessage* message = nullptr;
  if (gst_sdp_message_new_from_text(text.c_str(), &message) != GST_SDP_OK)
    return nullptr;
  return SdpPtr{message};
}

// All values of an attribute of one m-line.
std::vector<std::string> attributes(const GstSDPMessage* sdp, guint media, const char* name) {
  std::vector<std::string> values;
  const auto* line = gst_sdp_message_get_media(sdp, media);
  for (guint i = 0;; ++i) {
    const char* value = gst_sdp_media_get_attribute_val_n(line, name, i);
    if (!value)
      return values;
    values.emplace_back(value);
  }
}

bool has_value_with(const std::vector<std::string>& values, std::string_view part) {
  return std::any_of(values.begin(), values.end(), [&](const std::string& value) {
    return value.find(part) != std::string::npos;
  });
}

// 413 and 429 come before the request is understood; everything else that is refused looks the
// same.
void expect_problem(const HttpResponse& response, unsigned status) {
  SCOPED_TRACE("response: " + std::to_string(response.status) + " " + response.body);
  EXPECT_EQ(response.status, status);
  EXPECT_EQ(response.header("content-type"), "application/problem+json");
  EXPECT_EQ(response.header("access-control-allow-origin"), "*");
  const auto document = nlohmann::json::parse(response.body, nullptr, false);
  ASSERT_TRUE(document.is_object());
  EXPECT_EQ(document.value("type", ""), "about:blank");
  EXPECT_FALSE(document.value("title", "").empty());
  EXPECT_EQ(document.value("status", 0u), status);
  EXPECT_FALSE(document.value("detail", "").empty());
}

// A resolver that knows no names, asks nobody and counts.
std::atomic<int> lookups = 0;

void lookup_async(GResolver* resolver, const char*, GCancellable* cancellable,
                  GAsyncReadyCallback ready, gpointer data) {
  ++lookups;
  const auto task = GstPtr<GTask>::adopt(g_task_new(resolver, cancellable, ready, data));
  g_task_return_new_error(task.get(), G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND,
                          "no names here");
}

GList* lookup_finish(GResolver*, GAsyncResult* result, GError** error) {
  return static_cast<GList*>(g_task_propagate_pointer(G_TASK(result), error));
}

GResolver* new_silent_resolver() {
  const auto init = +[](gpointer klass, gpointer) {
    auto* resolver_class = G_RESOLVER_CLASS(klass);
    resolver_class->lookup_by_name_async = lookup_async;
    resolver_class->lookup_by_name_finish = lookup_finish;
  };
  static const GType type =
      g_type_register_static_simple(G_TYPE_RESOLVER, "OnairSilentResolver", sizeof(GResolverClass),
                                    init, sizeof(GResolver), nullptr, GTypeFlags{});
  lookups = 0;
  return G_RESOLVER(g_object_new(type, nullptr));
}

// An endpoint that is PLAYING, and the requests that a client makes.
class Whip : public testing::Test {
 protected:
  Whip() { start(); }

  void start(const std::string& properties = {}) {
    whip_ = std::make_unique<WhipPipeline>(properties);
    ASSERT_NE(whip_->set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    ASSERT_NE(gst_element_get_state(whip_->pipeline(), nullptr, nullptr, 30 * GST_SECOND),
              GST_STATE_CHANGE_FAILURE);
  }

  HttpResponse post(const std::string& offer, const HttpHeaders& more = {}) {
    HttpHeaders headers{{"Authorization", "Bearer secret"}, {"Content-Type", kSdp}};
    headers.insert(headers.end(), more.begin(), more.end());
    return http_request("POST", whip_->url(), headers, offer);
  }
  HttpResponse patch(const HttpResponse& session, const std::string& if_match,
                     const std::string& fragment) {
    HttpHeaders headers{{"Authorization", "Bearer secret"}, {"Content-Type", kFragment}};
    if (!if_match.empty())
      headers.emplace_back("If-Match", if_match);
    return http_request("PATCH", session_url(session), headers, fragment);
  }
  HttpResponse remove(const HttpResponse& session) {
    return http_request("DELETE", session_url(session), {{"Authorization", "Bearer secret"}});
  }
  std::string session_url(const HttpResponse& session) {
    return whip_->base_url() + session.header("location");
  }

  std::unique_ptr<WhipPipeline> whip_;
};

const std::string kTrickled =
    "a=ice-ufrag:4ZcD\r\n"
    "a=ice-pwd:2/1muCWoOi3uLifh0NuRHlFw\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    "a=mid:0\r\n"
    "a=candidate:3885250869 1 udp 2122260223 127.0.0.1 54322 typ host generation 0\r\n"
    "a=end-of-candidates\r\n";

const std::string kRestart =
    "a=ice-ufrag:9Xyz\r\n"
    "a=ice-pwd:anotherpasswordof24chars\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    "a=mid:0\r\n"
    "a=candidate:3885250869 1 udp 2122260223 127.0.0.1 54323 typ host generation 1\r\n";

TEST_F(Whip, OfferIsAnsweredWith201AndTheSessionsUrlAndEntityTag) {
  const auto response = post(chromium_offer());
  ASSERT_EQ(response.status, 201u) << response.body;
  EXPECT_EQ(response.header("content-type"), kSdp);
  EXPECT_TRUE(response.header("location").starts_with("/whip/"));
  // 128 random bits: whoever knows the URL may end the session.
  EXPECT_GE(response.header("location").size(), std::string{"/whip/"}.size() + 32);
  const auto etag = response.header("etag");
  ASSERT_GE(etag.size(), 3u);
  EXPECT_EQ(etag.front(), '"');
  EXPECT_EQ(etag.back(), '"');
  EXPECT_EQ(response.header("accept-patch"), kFragment);
}

TEST_F(Whip, AnswerTakesOpusAndTheFirstAcceptableH264WithRetransmission) {
  const auto response = post(chromium_offer());
  ASSERT_EQ(response.status, 201u) << response.body;
  const auto answer = parse_sdp(response.body);
  ASSERT_TRUE(answer) << response.body;
  ASSERT_EQ(gst_sdp_message_medias_len(answer.get()), 2u);
  EXPECT_TRUE(has_value_with(attributes(answer.get(), 0, "rtpmap"), "111 opus/48000/2") ||
              has_value_with(attributes(answer.get(), 0, "rtpmap"), "111 OPUS/48000/2"))
      << response.body;
  EXPECT_TRUE(has_value_with(attributes(answer.get(), 0, "fmtp"), "stereo=1"));
  EXPECT_TRUE(has_value_with(attributes(answer.get(), 0, "fmtp"), "useinbandfec=1"));
  const auto video = attributes(answer.get(), 1, "rtpmap");
  EXPECT_TRUE(has_value_with(video, "103 H264/90000")) << response.body;
  EXPECT_TRUE(has_value_with(video, "104 rtx/90000") || has_value_with(video, "104 RTX/90000"));
  EXPECT_FALSE(has_value_with(video, "VP8"));
  const auto feedback = attributes(answer.get(), 1, "rtcp-fb");
  EXPECT_TRUE(has_value_with(feedback, "103 nack pli")) << response.body;
  EXPECT_NE(std::find(feedback.begin(), feedback.end(), "103 nack"), feedback.end());
  EXPECT_TRUE(has_value_with(feedback, "103 transport-cc"));
}

TEST_F(Whip, AnswerOnlyReceivesAndIsPassiveOrActiveButNeverActpass) {
  const auto response = post(chromium_offer());
  const auto answer = parse_sdp(response.body);
  ASSERT_TRUE(answer);
  for (guint i = 0; i < 2; ++i) {
    const auto* media = gst_sdp_message_get_media(answer.get(), i);
    EXPECT_TRUE(gst_sdp_media_get_attribute_val(media, "recvonly")) << response.body;
    EXPECT_TRUE(gst_sdp_media_get_attribute_val(media, "rtcp-mux"));
    const std::string setup = gst_sdp_media_get_attribute_val(media, "setup");
    EXPECT_TRUE(setup == "active" || setup == "passive") << setup;
    EXPECT_EQ(attributes(answer.get(), i, "mid"), std::vector{std::to_string(i)});
  }
}

TEST_F(Whip, AnswerCarriesAllCandidatesBecauseAServerCannotTrickle) {
  const auto response = post(chromium_offer());
  const auto answer = parse_sdp(response.body);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(attributes(answer.get(), 0, "candidate").empty()) << response.body;
  EXPECT_FALSE(attributes(answer.get(), 0, "end-of-candidates").empty()) << response.body;
  EXPECT_FALSE(attributes(answer.get(), 0, "ice-ufrag").empty());
  EXPECT_FALSE(attributes(answer.get(), 0, "fingerprint").empty());
}

TEST_F(Whip, VideoOrientationIsNotNegotiatedSoThatTheBrowserTurnsThePicture) {
  const auto response = post(chromium_offer());
  ASSERT_EQ(response.status, 201u);
  EXPECT_EQ(response.body.find("video-orientation"), std::string::npos) << response.body;
}

TEST_F(Whip, FeedbackForCongestionControlIsAnsweredWithItsHeaderExtensionOrNotAtAll) {
  const auto response = post(chromium_offer());
  ASSERT_EQ(response.status, 201u);
  // a=rtcp-fb transport-cc without the extension that numbers the packets leaves the sender with
  // neither this feedback nor REMB.
  EXPECT_EQ(response.body.find("transport-cc") != std::string::npos,
            response.body.find("transport-wide-cc-extensions") != std::string::npos)
      << response.body;
}

TEST_F(Whip, RefusedMLinesStayInTheirPlacesWithPortZero) {
  const auto response = post(chromium_offer_with_data_channel());
  ASSERT_EQ(response.status, 201u) << response.body;
  const auto answer = parse_sdp(response.body);
  ASSERT_TRUE(answer);
  ASSERT_EQ(gst_sdp_message_medias_len(answer.get()), 3u) << response.body;
  const auto* data = gst_sdp_message_get_media(answer.get(), 2);
  EXPECT_STREQ(gst_sdp_media_get_media(data), "application");
  EXPECT_EQ(gst_sdp_media_get_port(data), 0u);
  // RFC 8843 section 7.3.3: what is refused is not in the BUNDLE group.
  EXPECT_STREQ(gst_sdp_message_get_attribute_val(answer.get(), "group"), "BUNDLE 0 1");
}

TEST_F(Whip, VideoBeforeAudioIsAnsweredInTheOffersOrder) {
  const auto offer = chromium_offer();
  const auto audio_at = offer.find("m=audio");
  const auto video_at = offer.find("m=video");
  const auto response = post(offer.substr(0, audio_at) + offer.substr(video_at) +
                             offer.substr(audio_at, video_at - audio_at));
  ASSERT_EQ(response.status, 201u) << response.body;
  const auto answer = parse_sdp(response.body);
  ASSERT_TRUE(answer);
  EXPECT_STREQ(gst_sdp_media_get_media(gst_sdp_message_get_media(answer.get(), 0)), "video");
  EXPECT_STREQ(gst_sdp_media_get_media(gst_sdp_message_get_media(answer.get(), 1)), "audio");
}

TEST_F(Whip, AudioAloneIsTaken) {
  const auto offer = chromium_offer();
  const auto response =
      post(replaced(offer.substr(0, offer.find("m=video")), "BUNDLE 0 1", "BUNDLE 0"));
  EXPECT_EQ(response.status, 201u) << response.body;
}

TEST_F(Whip, OfferWithLineFeedsOnlyIsTaken) {
  auto offer = chromium_offer();
  std::erase(offer, '\r');
  EXPECT_EQ(post(offer).status, 201u);
}

TEST_F(Whip, ContentTypeMayCarryParametersAndCapitals) {
  const auto response = http_request(
      "POST", whip_->url(),
      {{"Authorization", "bearer secret"}, {"Content-Type", "Application/SDP; charset=utf-8"}},
      chromium_offer());
  EXPECT_EQ(response.status, 201u) << response.body;
}

TEST_F(Whip, StunAndTurnServersAreLinkedForThePublisher) {
  start(
      "stun-server=stun://127.0.0.1:9 turn-server=turn://user:word@127.0.0.1:9 "
      "gathering-timeout=200000000");
  const auto response = post(chromium_offer());
  ASSERT_EQ(response.status, 201u) << response.body;
  const auto link = response.header("link");
  EXPECT_NE(link.find("<stun:127.0.0.1:9>; rel=\"ice-server\""), std::string::npos) << link;
  EXPECT_NE(link.find("<turn:127.0.0.1:9>; rel=\"ice-server\"; username=\"user\"; "
                      "credential=\"word\"; credential-type=\"password\""),
            std::string::npos)
      << link;
}

TEST_F(Whip, WithoutStunOrTurnServerThereIsNoLink) {
  EXPECT_EQ(post(chromium_offer()).header("link"), "");
}

TEST_F(Whip, EveryResponseLetsPagesFromOtherOriginsIn) {
  const auto created = post(chromium_offer());
  for (const auto& response :
       {created, post("nonsense"), http_request("OPTIONS", whip_->url()), remove(created)}) {
    EXPECT_EQ(response.header("access-control-allow-origin"), "*");
    for (const auto* name : {"Location", "ETag", "Link"})
      EXPECT_NE(response.header("access-control-expose-headers").find(name), std::string::npos);
  }
}

// libsoup before 3.4 never closes the socket of a client that has left between two requests.
TEST_F(Whip, EveryResponseEndsItsConnection) {
  EXPECT_EQ(http_request("OPTIONS", whip_->url()).header("connection"), "close");
  EXPECT_EQ(http_request("GET", whip_->url()).header("connection"), "close");
}

TEST_F(Whip, OptionsIsAnsweredWithoutAToken) {
  const auto endpoint = http_request("OPTIONS", whip_->url(),
                                     {{"Origin", "https://studio.example"},
                                      {"Access-Control-Request-Method", "POST"},
                                      {"Access-Control-Request-Headers", "authorization"}});
  EXPECT_EQ(endpoint.status, 204u);
  EXPECT_EQ(endpoint.header("accept-post"), kSdp);
  EXPECT_NE(endpoint.header("access-control-allow-methods").find("POST"), std::string::npos);
  for (const auto* name : {"Authorization", "Content-Type", "If-Match"})
    EXPECT_NE(endpoint.header("access-control-allow-headers").find(name), std::string::npos);
  const auto session = http_request("OPTIONS", whip_->url() + "/whatever");
  EXPECT_EQ(session.status, 204u);
  EXPECT_EQ(session.header("accept-patch"), kFragment);
  EXPECT_NE(session.header("access-control-allow-methods").find("DELETE"), std::string::npos);
}

TEST_F(Whip, TrickledCandidatesAreTakenWith204AndNoEntityTag) {
  const auto session = post(chromium_offer());
  const auto response = patch(session, session.header("etag"), kTrickled);
  EXPECT_EQ(response.status, 204u) << response.body;
  EXPECT_EQ(response.header("etag"), "");  // RFC 9725 section 4.3.2
  EXPECT_EQ(response.body, "");
}

TEST_F(Whip, HiddenMdnsCandidatesAreTakenAndNotLookedUp) {
  const auto resolver = GstPtr<GResolver>::adopt(new_silent_resolver());
  const auto usual = GstPtr<GResolver>::adopt(g_resolver_get_default());
  g_resolver_set_default(resolver.get());
  constexpr const char* kHidden = "5b2c7f0e-8a0e-4c7b-9a53-2f8f7f3d1c55.local";
  const auto session = post(
      replaced(chromium_offer(), "2122260223 127.0.0.1", std::string{"2122260223 "} + kHidden));
  EXPECT_EQ(session.status, 201u) << session.body;
  const auto response =
      patch(session, session.header("etag"), replaced(kTrickled, "127.0.0.1", kHidden));
  EXPECT_EQ(response.status, 204u) << response.body;
  EXPECT_EQ(remove(session).status, 200u);
  // webrtcbin would hand a name to the resolver as it takes the candidate. Only the publisher's own
  // network knows a hidden one, and no publisher may choose what this host asks the DNS.
  EXPECT_EQ(lookups, 0);
  g_resolver_set_default(usual.get());
}

TEST_F(Whip, DeleteEndsTheSessionOnceAndIsNotFoundTwice) {
  const auto session = post(chromium_offer());
  EXPECT_EQ(remove(session).status, 200u);
  expect_problem(remove(session), 404);
  EXPECT_EQ(post(chromium_offer()).status, 201u);
}

TEST_F(Whip, MissingTokenIsChallengedWithoutAnError) {
  const auto response =
      http_request("POST", whip_->url(), {{"Content-Type", kSdp}}, chromium_offer());
  expect_problem(response, 401);
  // RFC 6750 section 3.1: no error code where no credentials were given.
  EXPECT_EQ(response.header("www-authenticate"), "Bearer realm=\"whip\"");
}

TEST_F(Whip, WrongTokenIsChallengedAsInvalid) {
  for (const auto* token : {"Bearer wrong!", "Bearer secre", "Bearer secrets", "Bearer "}) {
    const auto response = http_request(
        "POST", whip_->url(), {{"Authorization", token}, {"Content-Type", kSdp}}, chromium_offer());
    SCOPED_TRACE(token);
    expect_problem(response, 401);
    EXPECT_TRUE(response.header("www-authenticate").starts_with("Bearer realm=\"whip\""));
  }
  const auto response = http_request(
      "POST", whip_->url(), {{"Authorization", "Bearer wrong!"}, {"Content-Type", kSdp}}, "v=0");
  EXPECT_NE(response.header("www-authenticate").find("error=\"invalid_token\""), std::string::npos);
}

TEST_F(Whip, SessionsAreGuardedByTheTokenToo) {
  const auto session = post(chromium_offer());
  expect_problem(http_request("DELETE", session_url(session)), 401);
  expect_problem(
      http_request("PATCH", session_url(session),
                   {{"Content-Type", kFragment}, {"If-Match", session.header("etag")}}, kTrickled),
      401);
  EXPECT_EQ(remove(session).status, 200u);
}

TEST_F(Whip, OtherPathsAreNotFound) {
  for (const auto* path : {"/", "/whipp", "/whep", "/whi", "/other/whip"}) {
    SCOPED_TRACE(path);
    expect_problem(http_request("POST", whip_->base_url() + path,
                                {{"Authorization", "Bearer secret"}, {"Content-Type", kSdp}},
                                chromium_offer()),
                   404);
  }
  const auto session = post(chromium_offer());
  expect_problem(http_request("DELETE", whip_->url() + "/0123456789abcdef0123456789abcdef",
                              {{"Authorization", "Bearer secret"}}),
                 404);
}

TEST_F(Whip, OtherMethodsAreNotAllowedAndTheAllowedOnesAreNamed) {
  for (const auto* method : {"GET", "PUT", "PATCH", "DELETE"}) {
    SCOPED_TRACE(method);
    const auto response = http_request(method, whip_->url());
    expect_problem(response, 405);
    EXPECT_EQ(response.header("allow"), "POST, OPTIONS");
  }
  const auto session = post(chromium_offer());
  const auto response = http_request("GET", session_url(session));
  expect_problem(response, 405);
  EXPECT_EQ(response.header("allow"), "PATCH, DELETE, OPTIONS");
  EXPECT_EQ(http_request("HEAD", whip_->url()).status, 405u);
}

TEST_F(Whip, AcceptThatRulesSdpOutIsNotAcceptable) {
  expect_problem(post(chromium_offer(), {{"Accept", "application/json"}}), 406);
  expect_problem(post(chromium_offer(), {{"Accept", "application/sdp;q=0, text/plain"}}), 406);
  EXPECT_EQ(post(chromium_offer(), {{"Accept", "text/html, application/sdp;q=0.5"}}).status, 201u);
}

TEST_F(Whip, SecondPublisherIsRefusedWhileTheFirstHoldsThePlace) {
  const auto first = post(chromium_offer());
  ASSERT_EQ(first.status, 201u);
  const auto second = post(chromium_offer());
  expect_problem(second, 409);
  EXPECT_FALSE(second.header("retry-after").empty());
  EXPECT_EQ(patch(first, first.header("etag"), kTrickled).status, 204u);
}

TEST_F(Whip, StaleEntityTagFailsThePrecondition) {
  const auto session = post(chromium_offer());
  expect_problem(patch(session, "\"stale\"", kTrickled), 412);
  // RFC 9110 section 13.1.1: If-Match compares strongly.
  expect_problem(patch(session, "W/" + session.header("etag"), kTrickled), 412);
  EXPECT_EQ(patch(session, "\"stale\", " + session.header("etag"), kTrickled).status, 204u);
}

TEST_F(Whip, PatchWithoutEntityTagIsAskedForOne) {
  const auto session = post(chromium_offer());
  expect_problem(patch(session, "", kTrickled), 428);
}

TEST_F(Whip, BodyBeyondTheLimitIsTooLargeHoweverItsLengthIsTold) {
  const std::string body(1024 * 1024, 'a');
  const HttpHeaders headers{{"Authorization", "Bearer secret"}, {"Content-Type", kSdp}};
  expect_problem(http_request("POST", whip_->url(), headers, body), 413);
  expect_problem(http_request("POST", whip_->url(), headers, body, BodyLength::Chunked), 413);
  EXPECT_EQ(post(chromium_offer()).status, 201u);
}

TEST_F(Whip, BodyOfTheLimitIsReadAndOneByteMoreIsNot) {
  start("max-request-size=8192");
  auto offer = chromium_offer();
  ASSERT_LT(offer.size(), 8000u);
  const auto padding = [&](std::size_t size) {
    return "a=x-padding:" + std::string(size - offer.size() - 14, 'x') + "\r\n";
  };
  expect_problem(post(offer + padding(8193)), 413);
  EXPECT_EQ(post(offer + padding(8192)).status, 201u);
}

TEST_F(Whip, EndlessBodyIsCutOff) {
  const std::string body(16 * 1024 * 1024, 'a');
  const auto response = http_request("POST", whip_->url(),
                                     {{"Authorization", "Bearer secret"}, {"Content-Type", kSdp}},
                                     body, BodyLength::Chunked);
  EXPECT_TRUE(response.status == 0 || response.status == 413) << response.status;
  EXPECT_EQ(post(chromium_offer()).status, 201u);
}

TEST_F(Whip, OtherContentTypesAreUnsupportedAndTheRightOneIsNamed) {
  const auto post_of = [&](const HttpHeaders& headers) {
    return http_request("POST", whip_->url(), headers, chromium_offer());
  };
  const auto json =
      post_of({{"Authorization", "Bearer secret"}, {"Content-Type", "application/json"}});
  expect_problem(json, 415);
  EXPECT_EQ(json.header("accept-post"), kSdp);
  expect_problem(post_of({{"Authorization", "Bearer secret"}}), 415);
  const auto session = post(chromium_offer());
  const auto patched = http_request(
      "PATCH", session_url(session),
      {{"Authorization", "Bearer secret"}, {"Content-Type", kSdp}, {"If-Match", "*"}}, kTrickled);
  expect_problem(patched, 415);
  EXPECT_EQ(patched.header("accept-patch"), kFragment);
}

TEST_F(Whip, OfferWithoutH264IsUnprocessableAndNamesWhatWasOffered) {
  const auto response = post(vp8_offer());
  expect_problem(response, 422);
  EXPECT_NE(response.body.find("VP8"), std::string::npos);
  EXPECT_NE(response.body.find("H.264"), std::string::npos);
}

TEST_F(Whip, WellFormedOffersBeyondUsAreUnprocessable) {
  const auto offer = chromium_offer();
  const std::vector<std::pair<std::string, std::string>> offers{
      {"nothing is sent",
       replaced(replaced(offer, "a=sendonly", "a=recvonly"), "a=sendonly", "a=inactive")},
      {"no BUNDLE", without_lines(offer, "a=group:BUNDLE")},
      {"no rtcp-mux", without_lines(offer, "a=rtcp-mux")},
      {"two audio tracks",
       offer + replaced(offer.substr(offer.find("m=audio"),
                                     offer.find("m=video") - offer.find("m=audio")),
                        "a=mid:0", "a=mid:2")},
      {"no Opus", replaced(offer, "111 opus/48000/2", "111 L16/48000/2")}};
  for (const auto& [what, text] : offers) {
    SCOPED_TRACE(what);
    expect_problem(post(text), 422);
  }
}

TEST_F(Whip, MalformedOffersAreBadRequestsAndLeaveThePlaceFree) {
  const auto offer = chromium_offer();
  const std::vector<std::pair<std::string, std::string>> offers{
      {"empty", ""},
      {"not SDP", "hello, world"},
      {"JSON", R"({"type":"offer","sdp":"v=0"})"},
      {"another version", replaced(offer, "v=0", "v=1")},
      {"no origin", without_lines(offer, "o=")},
      {"no time", without_lines(offer, "t=")},
      {"port out of range", replaced(offer, "m=audio 54321", "m=audio 65536")},
      {"m-line without formats",
       replaced(offer, "m=video 9 UDP/TLS/RTP/SAVPF 96", "m=video 9 UDP/TLS/RTP/SAVPF\r\na=x:")},
      {"a NUL byte", replaced(offer, "s=-", std::string_view{"s=\0", 3})},
      {"no m-lines", offer.substr(0, offer.find("m=audio"))},
      {"no ICE password", without_lines(offer, "a=ice-pwd")},
      {"no fingerprint", without_lines(offer, "a=fingerprint")},
      {"a short fingerprint", replaced(offer, "sha-256 75:74", "sha-256 75")},
      {"no mid", without_lines(offer, "a=mid")},
      {"no DTLS role", without_lines(offer, "a=setup")},
      {"a broken candidate", replaced(offer, "1 udp 2122260223", "one udp many")}};
  for (const auto& [what, text] : offers) {
    SCOPED_TRACE(what);
    expect_problem(post(text), 400);
  }
  EXPECT_EQ(post(offer).status, 201u);
  EXPECT_TRUE(whip_->errors().empty());
}

TEST_F(Whip, BytesThatAreNotUtf8AreNamedWithoutBreakingTheAnswer) {
  expect_problem(post(replaced(chromium_offer(), "UDP/TLS/RTP/SAVPF 111", "\xff\xfe 111")), 422);
}

TEST_F(Whip, MalformedFragmentsAreBadRequestsAndLeaveTheSessionAlive) {
  const auto session = post(chromium_offer());
  const std::vector<std::string> fragments{"", "hello, world", "a=candidate:nonsense\r\n",
                                           "a=ice-ufrag:x\r\na=ice-pwd:y\r\n",
                                           replaced(kTrickled, "4ZcD", "Othr")};
  for (const auto& fragment : fragments) {
    SCOPED_TRACE(fragment);
    expect_problem(patch(session, session.header("etag"), fragment), 400);
  }
  // "*" is for a restart, and that takes new credentials (RFC 9725 section 4.3.3).
  expect_problem(patch(session, "*", kTrickled), 400);
  EXPECT_EQ(patch(session, session.header("etag"), kTrickled).status, 204u);
}

TEST_F(Whip, IceRestartGivesNewCredentialsAndANewEntityTag) {
  const auto session = post(chromium_offer());
  const auto response = patch(session, "*", kRestart);
  ASSERT_EQ(response.status, 200u) << response.body;
  EXPECT_EQ(response.header("content-type"), kFragment);
  EXPECT_FALSE(response.header("etag").empty());
  EXPECT_NE(response.header("etag"), session.header("etag"));
  const auto ufrag = line_after(response.body, "a=ice-ufrag:");
  EXPECT_GE(ufrag.size(), 4u);
  EXPECT_NE(ufrag, line_after(session.body, "a=ice-ufrag:"));
  EXPECT_GE(line_after(response.body, "a=ice-pwd:").size(), 22u);
  EXPECT_NE(line_after(response.body, "a=ice-pwd:"), line_after(session.body, "a=ice-pwd:"));
  EXPECT_FALSE(line_after(response.body, "a=candidate:").empty()) << response.body;
  EXPECT_EQ(line_after(response.body, "a=mid:"), "0");
}

TEST_F(Whip, AfterAnIceRestartOnlyTheNewEntityTagCounts) {
  const auto session = post(chromium_offer());
  const auto restarted = patch(session, "*", kRestart);
  ASSERT_EQ(restarted.status, 200u) << restarted.body;
  expect_problem(patch(session, session.header("etag"), kTrickled), 412);
  expect_problem(patch(session, restarted.header("etag"), kTrickled), 400);  // old credentials
  EXPECT_EQ(patch(session, restarted.header("etag"), kRestart).status, 204u);
  EXPECT_EQ(uint64_field(whip_->stats().get(), "ice-restarts"), 1u);
}

TEST_F(Whip, FloodIsSlowedDownAndToldForHowLong) {
  // The burst is 50, refilled at 10 a second: 200 requests in a row do not fit, unless they take
  // 15 s.
  HttpResponse response;
  for (int i = 0; i < 200 && response.status != 429; ++i)
    response = http_request("OPTIONS", whip_->url());
  expect_problem(response, 429);
  EXPECT_GE(std::stoi(response.header("retry-after")), 1);
}

TEST_F(Whip, EndpointThatIsPausedIsUnavailable) {
  whip_->set_state(GST_STATE_PAUSED);
  const auto paused = post(chromium_offer());
  expect_problem(paused, 503);
  EXPECT_FALSE(paused.header("retry-after").empty());
  whip_->set_state(GST_STATE_PLAYING);
  EXPECT_EQ(post(chromium_offer()).status, 201u);
}

TEST_F(Whip, PathMayBeChosen) {
  start("path=live/studio token=word");
  const auto url = whip_->base_url() + "/live/studio";
  const auto response = http_request(
      "POST", url, {{"Authorization", "Bearer word"}, {"Content-Type", kSdp}}, chromium_offer());
  ASSERT_EQ(response.status, 201u) << response.body;
  EXPECT_TRUE(response.header("location").starts_with("/live/studio/"));
  EXPECT_EQ(http_request("POST", whip_->url()).status, 404u);
}

TEST_F(Whip, AnswerWaitsForASilentStunServerNoLongerThanTheGatheringTimeout) {
  // Port 9 of this host answers nothing. libnice would try it for many seconds.
  start("stun-server=stun://127.0.0.1:9 gathering-timeout=300000000");
  const gint64 before = g_get_monotonic_time();
  const auto response = post(chromium_offer());
  EXPECT_EQ(response.status, 201u) << response.body;
  EXPECT_FALSE(line_after(response.body, "a=candidate:").empty()) << response.body;
  EXPECT_LT(g_get_monotonic_time() - before, 3 * G_TIME_SPAN_SECOND);
}

TEST_F(Whip, ClientThatHangsUpBeforeTheAnswerDoesNotHoldThePlaceForLong) {
  start("connect-timeout=500000000");
  const auto offer = chromium_offer();
  http_send_and_hang_up("127.0.0.1", whip_->port(),
                        "POST /whip HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer secret\r\n"
                        "Content-Type: application/sdp\r\nContent-Length: " +
                            std::to_string(offer.size()) + "\r\n\r\n" + offer);
  const auto ended = whip_->wait_for_session("ended");
  ASSERT_TRUE(ended);
  EXPECT_EQ(post(chromium_offer()).status, 201u);
}

TEST_F(Whip, HalfARequestThatIsAbandonedDoesNotHarm) {
  http_send_and_hang_up(
      "127.0.0.1", whip_->port(),
      "POST /whip HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\nv=0");
  http_send_and_hang_up("127.0.0.1", whip_->port(), "\x16\x03\x01\x02");
  EXPECT_EQ(post(chromium_offer()).status, 201u);
}

TEST_F(Whip, PathsThatTryToClimbAreNotFound) {
  for (const auto* path :
       {"/whip/../whip", "/whip%2f..%2fsecret", "/whip/%00", "//whip", "/whip//"})
    EXPECT_GE(http_request("DELETE", whip_->base_url() + path, {{"Authorization", "Bearer secret"}})
                  .status,
              400u)
        << path;
}

}  // namespace
}  // namespace onair::test
