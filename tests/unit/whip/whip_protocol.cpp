// SPDX-License-Identifier: LGPL-2.1-or-later
#include "whip_protocol.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/rtcingest/offers.hpp"

namespace onair::whip {
namespace {

using test::chromium_offer;
using test::replaced;
using test::without;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const IceCredentials kRemote{"hK+7", "dT3mW/q9zLxB2vYcR8nFpEo1"};
const IceCredentials kNew{"new1", "aNewPasswordOf24Letters/"};
constexpr const char* kEtag = "\"e1\"";

// An endpoint that is ready and free.
EndpointState idle() {
  return {.path = "/whip", .is_ready = true};
}

// The same with a live publisher on it.
EndpointState live() {
  auto endpoint = idle();
  endpoint.session = SessionState{.id = "s1", .etag = kEtag, .remote = kRemote};
  return endpoint;
}

Request offer() {
  return {.method = "POST",
          .path = "/whip",
          .content_type = "application/sdp",
          .body = chromium_offer()};
}

std::string fragment_text(const std::optional<IceCredentials>& credentials) {
  return (credentials
              ? "a=ice-ufrag:" + credentials->ufrag + "\r\na=ice-pwd:" + credentials->pwd + "\r\n"
              : std::string{}) +
         "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
         "a=candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host\r\n";
}

Request patch(const std::optional<IceCredentials>& credentials = kRemote) {
  return {.method = "PATCH",
          .path = "/whip/s1",
          .content_type = "application/trickle-ice-sdpfrag",
          .if_match = kEtag,
          .body = fragment_text(credentials)};
}

Request remove() {
  return {.method = "DELETE", .path = "/whip/s1"};
}

// The response, where one is due at once; status 0 where the request is in order instead.
Response refusal(const Request& request, const EndpointState& endpoint) {
  const auto action = handle(request, endpoint);
  const auto* response = std::get_if<Response>(&action);
  return response ? *response : Response{.status = 0};
}

unsigned status(const Request& request, const EndpointState& endpoint) {
  return refusal(request, endpoint).status;
}

std::string header(const Response& response, std::string_view name) {
  const auto found = std::find_if(response.headers.begin(), response.headers.end(),
                                  [&](const auto& one) { return one.first == name; });
  return found == response.headers.end() ? "(none)" : found->second;
}

nlohmann::json document(const Response& response) {
  return nlohmann::json::parse(response.body);
}

std::string detail(const Response& response) {
  return document(response).value("detail", "");
}

template <typename T>
bool is(const Request& request, const EndpointState& endpoint) {
  return std::holds_alternative<T>(handle(request, endpoint));
}

// --- POST ---

TEST(WhipPost, AnOfferInOrderIsPublished) {
  const auto action = handle(offer(), idle());
  ASSERT_TRUE(std::holds_alternative<Publish>(action));
  EXPECT_EQ(std::get<Publish>(action).plan.media.size(), 2u);
  EXPECT_EQ(std::get<Publish>(action).plan.remote, kRemote);
}

TEST(WhipPost, ThePathIsTheWholePath) {
  for (const auto* path : {"/", "", "/whi", "/whipx", "/WHIP", "/other/whip", "whip"}) {
    auto request = offer();
    request.path = path;
    const auto response = refusal(request, idle());
    EXPECT_EQ(response.status, 404u) << path;
    EXPECT_THAT(detail(response), HasSubstr("/whip"));
  }
}

TEST(WhipPost, AnEndpointMayLiveAtTheRootOrBelowASlash) {
  for (const auto* path : {"/", "/a/b/", "/a/b"}) {
    auto endpoint = live();
    endpoint.path = path;
    const std::string session =
        std::string{path} + (std::string_view{path}.ends_with('/') ? "" : "/");
    auto request = remove();
    request.path = session + "s1";
    EXPECT_TRUE(is<Terminate>(request, endpoint)) << path;
    EXPECT_EQ(header(published(endpoint, *endpoint.session, ""), "Location"), session + "s1");
    request = offer();
    request.path = path;
    EXPECT_EQ(status(request, endpoint), 409u) << path;
  }
}

TEST(WhipPost, AnotherMethodIs405AndToldWhichThereAre) {
  for (const auto* method : {"GET", "HEAD", "PUT", "PATCH", "DELETE", "post", ""}) {
    auto request = offer();
    request.method = method;
    const auto response = refusal(request, idle());
    EXPECT_EQ(response.status, 405u) << method;
    EXPECT_EQ(header(response, "Allow"), "POST, OPTIONS");
  }
}

TEST(WhipPost, AnotherContentTypeIs415AndToldWhichIsWanted) {
  for (const auto* type : {"", "text/plain", "application/json", "application/sdpx",
                           "application/trickle-ice-sdpfrag"}) {
    auto request = offer();
    request.content_type = type;
    const auto response = refusal(request, idle());
    EXPECT_EQ(response.status, 415u) << type;
    EXPECT_EQ(header(response, "Accept-Post"), "application/sdp");
  }
}

TEST(WhipPost, AnAcceptThatRulesSdpOutIs406) {
  const auto with = [](const char* accept) {
    auto request = offer();
    request.accept = accept;
    return status(request, idle());
  };
  for (const auto* accept :
       {"", " ", "*/*", "application/*", "application/sdp", "Application/SDP",
        "text/html, application/sdp;q=0.1", "text/html,*/*;q=0.001", "application/sdp; q=1"})
    EXPECT_EQ(with(accept), 0u) << accept;
  for (const auto* accept : {"text/html", "application/json", "application/sdp;q=0", "*/*;q=0.000",
                             "application/sdpx", "text/*, application/json"})
    EXPECT_EQ(with(accept), 406u) << accept;
}

TEST(WhipPost, InAcceptTheMostSpecificRangeDecides) {
  // RFC 9110 section 12.5.1.
  const auto with = [](const char* accept) {
    auto request = offer();
    request.accept = accept;
    return status(request, idle());
  };
  EXPECT_EQ(with("*/*, application/sdp;q=0"), 406u);
  EXPECT_EQ(with("application/sdp;q=0, */*"), 406u);
  EXPECT_EQ(with("application/*;q=0, */*"), 406u);
  EXPECT_EQ(with("*/*;q=0, application/sdp"), 0u);
  EXPECT_EQ(with("application/*;q=0, application/sdp;q=0.5"), 0u);
}

TEST(WhipPost, AnEndpointThatIsNotPlayingIs503AndSaysWhenToComeAgain) {
  auto endpoint = idle();
  endpoint.is_ready = false;
  const auto response = refusal(offer(), endpoint);
  EXPECT_EQ(response.status, 503u);
  EXPECT_EQ(header(response, "Retry-After"), "1");
}

TEST(WhipPost, ALivePublisherIs409AndASilentOneGivesWay) {
  auto endpoint = live();
  const auto response = refusal(offer(), endpoint);
  EXPECT_EQ(response.status, 409u);
  EXPECT_EQ(header(response, "Retry-After"), "2");
  endpoint.session->is_replaceable = true;
  EXPECT_TRUE(is<Publish>(offer(), endpoint));
}

TEST(WhipPost, AMalformedOfferIs400AndToldTheLine) {
  auto request = offer();
  request.body = replaced(chromium_offer(), "s=-\r\n", "s=-\r\n\r\n");
  const auto response = refusal(request, idle());
  EXPECT_EQ(response.status, 400u);
  EXPECT_EQ(detail(response),
            "The offer can't be read: line 4: a line is not of the form letter=value.");
  request.body = "";
  EXPECT_EQ(status(request, idle()), 400u);
  request.body = without(chromium_offer(), "a=mid");
  EXPECT_EQ(status(request, idle()), 400u) << "SDP, but against a rule of WebRTC";
}

TEST(WhipPost, AnOfferBeyondUsIs422AndToldWhy) {
  auto request = offer();
  request.body = replaced(chromium_offer(), " H264/90000", " H265/90000");
  const auto response = refusal(request, idle());
  EXPECT_EQ(response.status, 422u);
  EXPECT_THAT(detail(response), HasSubstr("VP8, H265, AV1, VP9"));
}

TEST(WhipPost, ABusyEndpointDoesNotReadTheOffer) {
  auto request = offer();
  request.body = "nonsense";
  EXPECT_EQ(status(request, live()), 409u);
}

// --- The token ---

EndpointState guarded() {
  auto endpoint = live();
  endpoint.session->is_replaceable = true;
  endpoint.token = "s3cret";
  return endpoint;
}

TEST(WhipToken, WithoutOneEverybodyMayPublish) {
  auto request = offer();
  EXPECT_TRUE(is<Publish>(request, idle()));
  request.authorization = "Bearer anything";
  EXPECT_TRUE(is<Publish>(request, idle()));
}

TEST(WhipToken, TheRightOneOpens) {
  for (auto request : {offer(), patch(), remove()}) {
    request.authorization = "Bearer s3cret";
    EXPECT_NE(status(request, guarded()), 401u) << request.method;
  }
}

TEST(WhipToken, TheSchemeDoesNotMindCaseNorSpaces) {
  for (const auto* text : {"bearer s3cret", "BEARER s3cret", "Bearer  s3cret", "Bearer s3cret "}) {
    auto request = offer();
    request.authorization = text;
    EXPECT_TRUE(is<Publish>(request, guarded())) << text;
  }
}

TEST(WhipToken, AMissingOneIsChallengedWithoutAnErrorCode) {
  for (const auto* text : {"", "Basic czNjcmV0", "Bearer", "s3cret", "Bearers3cret"}) {
    for (auto request : {offer(), patch(), remove()}) {
      request.authorization = text;
      const auto response = refusal(request, guarded());
      EXPECT_EQ(response.status, 401u) << request.method << " " << text;
      EXPECT_EQ(header(response, "WWW-Authenticate"), "Bearer realm=\"whip\"");
    }
  }
}

TEST(WhipToken, AWrongOneIsChallengedWithAnErrorCode) {
  // RFC 6750 section 3.1. Each differs in one way: case, length, first and last letter.
  for (const auto* text : {"Bearer S3cret", "Bearer s3cre", "Bearer s3crets", "Bearer x3cret",
                           "Bearer s3crex", "Bearer ", "Bearer s3crets3cret", "Bearer s3 cret"}) {
    for (auto request : {offer(), patch(), remove()}) {
      request.authorization = text;
      const auto response = refusal(request, guarded());
      EXPECT_EQ(response.status, 401u) << request.method << " " << text;
      EXPECT_THAT(header(response, "WWW-Authenticate"), HasSubstr("error=\"invalid_token\""));
    }
  }
}

TEST(WhipToken, ARefusalDoesNotRepeatTheSecret) {
  auto request = offer();
  request.authorization = "Bearer guess";
  const auto response = refusal(request, guarded());
  EXPECT_THAT(response.body + header(response, "WWW-Authenticate"),
              testing::Not(HasSubstr("s3cret")));
}

TEST(WhipToken, WithoutItNobodyLearnsWhetherASessionExists) {
  auto request = remove();
  EXPECT_EQ(status(request, guarded()), 401u);
  request.path = "/whip/other";
  EXPECT_EQ(status(request, guarded()), 401u);
}

TEST(WhipToken, PreflightsNeedNone) {
  for (const auto* path : {"/whip", "/whip/s1"})
    EXPECT_EQ(status({.method = "OPTIONS", .path = path}, guarded()), 204u);
}

// --- OPTIONS ---

TEST(WhipOptions, TheEndpointAndTheSessionSayWhatTheyTake) {
  const auto endpoint = refusal({.method = "OPTIONS", .path = "/whip"}, idle());
  EXPECT_EQ(endpoint.status, 204u);
  EXPECT_EQ(header(endpoint, "Allow"), "POST, OPTIONS");
  EXPECT_EQ(header(endpoint, "Accept-Post"), "application/sdp");
  EXPECT_EQ(endpoint.body, "");
  const auto session = refusal({.method = "OPTIONS", .path = "/whip/s1"}, live());
  EXPECT_EQ(session.status, 204u);
  EXPECT_EQ(header(session, "Allow"), "PATCH, DELETE, OPTIONS");
  EXPECT_EQ(header(session, "Accept-Patch"), "application/trickle-ice-sdpfrag");
}

TEST(WhipOptions, ElsewhereThereIsNothing) {
  EXPECT_EQ(status({.method = "OPTIONS", .path = "/other"}, idle()), 404u);
}

// --- PATCH ---

TEST(WhipPatch, CandidatesOfTheCurrentSessionTrickle) {
  const auto action = handle(patch(), live());
  ASSERT_TRUE(std::holds_alternative<Trickle>(action));
  EXPECT_THAT(std::get<Trickle>(action).fragment.candidates,
              ElementsAre("candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host"));
}

TEST(WhipPatch, CandidatesWithoutCredentialsTrickleToo) {
  EXPECT_TRUE(is<Trickle>(patch(std::nullopt), live()));
}

TEST(WhipPatch, AnUnknownSessionIs404) {
  auto request = patch();
  EXPECT_EQ(status(request, idle()), 404u) << "no session at all";
  for (const auto* path :
       {"/whip/", "/whip/s", "/whip/s12", "/whip/S1", "/whip/s1/", "/whip//s1"}) {
    request.path = path;
    EXPECT_EQ(status(request, live()), 404u) << path;
  }
}

TEST(WhipPatch, AnotherMethodIs405AndToldWhichThereAre) {
  for (const auto* method : {"GET", "POST", "PUT", "HEAD"}) {
    auto request = patch();
    request.method = method;
    const auto response = refusal(request, live());
    EXPECT_EQ(response.status, 405u) << method;
    EXPECT_EQ(header(response, "Allow"), "PATCH, DELETE, OPTIONS");
  }
}

TEST(WhipPatch, AnotherContentTypeIs415AndToldWhichIsWanted) {
  auto request = patch();
  request.content_type = "application/sdp";
  const auto response = refusal(request, live());
  EXPECT_EQ(response.status, 415u);
  EXPECT_EQ(header(response, "Accept-Patch"), "application/trickle-ice-sdpfrag");
}

TEST(WhipPatch, WithoutIfMatchItIs428) {
  for (const auto* text : {"", " "}) {
    auto request = patch();
    request.if_match = text;
    EXPECT_EQ(status(request, live()), 428u);
  }
}

TEST(WhipPatch, IfMatchNamesTheTagAloneOrInAList) {
  for (const auto* text : {"\"e1\"", " \"e1\" ", "\"e0\", \"e1\"", "\"e1\",\"e2\"", ",\"e1\""}) {
    auto request = patch();
    request.if_match = text;
    EXPECT_TRUE(is<Trickle>(request, live())) << text;
  }
}

TEST(WhipPatch, AnotherTagIs412) {
  for (const auto* text : {"\"e2\"", "e1", "W/\"e1\"", "\"E1\"", "\"e1", "\"e0\", \"e2\"", ","}) {
    auto request = patch();
    request.if_match = text;
    EXPECT_EQ(status(request, live()), 412u) << text;
  }
}

TEST(WhipPatch, AMalformedFragmentIs400AndToldTheLine) {
  auto request = patch();
  request.body = "a=mid:0\r\na=candidate:1\r\n";
  const auto response = refusal(request, live());
  EXPECT_EQ(response.status, 400u);
  EXPECT_EQ(detail(response),
            "The SDP fragment can't be read: line 2: a candidate does not follow "
            "RFC 8839.");
  request.body = "";
  EXPECT_EQ(status(request, live()), 400u);
}

TEST(WhipPatch, OtherCredentialsWithTheTagAre400AndToldHowToRestart) {
  const auto response = refusal(patch(kNew), live());
  EXPECT_EQ(response.status, 400u);
  EXPECT_THAT(detail(response), HasSubstr("If-Match: *"));
}

TEST(WhipPatch, AStarWithNewCredentialsRestartsIce) {
  for (const auto* star : {"*", " * "}) {
    auto request = patch(kNew);
    request.if_match = star;
    const auto action = handle(request, live());
    ASSERT_TRUE(std::holds_alternative<RestartIce>(action));
    EXPECT_EQ(std::get<RestartIce>(action).fragment.credentials, kNew);
  }
}

TEST(WhipPatch, AStarWithTheSameOrNoCredentialsIs400) {
  for (const auto& credentials : {std::optional{kRemote}, std::optional<IceCredentials>{}}) {
    auto request = patch(credentials);
    request.if_match = "*";
    const auto response = refusal(request, live());
    EXPECT_EQ(response.status, 400u);
    EXPECT_THAT(detail(response), HasSubstr("new ice-ufrag"));
  }
}

TEST(WhipPatch, ANewUfragOrANewPasswordAloneIsANewSession) {
  for (const auto& credentials :
       {IceCredentials{kNew.ufrag, kRemote.pwd}, IceCredentials{kRemote.ufrag, kNew.pwd}}) {
    auto request = patch(credentials);
    request.if_match = "*";
    EXPECT_TRUE(is<RestartIce>(request, live()));
  }
}

// --- DELETE ---

TEST(WhipDelete, EndsTheSession) {
  EXPECT_TRUE(is<Terminate>(remove(), live()));
}

TEST(WhipDelete, NeedsNoTag) {
  auto request = remove();
  request.if_match = "\"other\"";
  EXPECT_TRUE(is<Terminate>(request, live()));
}

TEST(WhipDelete, ASecondOneIs404) {
  EXPECT_EQ(status(remove(), idle()), 404u);
}

// --- Answers ---

TEST(WhipAnswer, APublisherLearnsItsPlaceItsTagAndTheIceServers) {
  auto endpoint = live();
  endpoint.ice_servers = ice_server_links("stun://stun.example.org:3478", "");
  const auto response = published(endpoint, *endpoint.session, "v=0\r\n");
  EXPECT_EQ(response.status, 201u);
  EXPECT_EQ(response.content_type, "application/sdp");
  EXPECT_EQ(response.body, "v=0\r\n");
  EXPECT_THAT(response.headers,
              ElementsAre(Pair("Location", "/whip/s1"), Pair("ETag", kEtag),
                          Pair("Accept-Patch", "application/trickle-ice-sdpfrag"),
                          Pair("Link", "<stun:stun.example.org:3478>; rel=\"ice-server\"")));
}

TEST(WhipAnswer, TrickledIs204WithoutBodyAndTag) {
  const auto response = trickled();
  EXPECT_EQ(response.status, 204u);
  EXPECT_EQ(response.body, "");
  EXPECT_THAT(response.headers, IsEmpty());
}

TEST(WhipAnswer, RestartedIs200WithTheNewTagAndOurFragment) {
  const auto action = handle(offer(), idle());
  const auto& plan = std::get<Publish>(action).plan;
  const SessionState session{.id = "s1", .etag = "\"e2\"", .remote = kNew};
  const SdpFragment ours{.credentials = kNew, .candidates = {}, .end_of_candidates = true};
  const auto response = restarted(session, plan, ours);
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.content_type, "application/trickle-ice-sdpfrag");
  EXPECT_EQ(header(response, "ETag"), "\"e2\"");
  EXPECT_EQ(response.body, to_text(ours, "audio", "0"));
}

TEST(WhipAnswer, TerminatedIs200WithoutBody) {
  EXPECT_EQ(terminated().status, 200u);
  EXPECT_EQ(terminated().body, "");
}

TEST(WhipAnswer, PagesFromOtherOriginsMayPublishAndReadWhatTheyNeed) {
  const Response response{.status = 200, .headers = cors_headers()};
  EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "*");
  for (const auto* method : {"POST", "PATCH", "DELETE"})
    EXPECT_THAT(header(response, "Access-Control-Allow-Methods"), HasSubstr(method));
  for (const auto* name : {"Authorization", "Content-Type", "If-Match"})
    EXPECT_THAT(header(response, "Access-Control-Allow-Headers"), HasSubstr(name));
  for (const auto* name : {"Location", "ETag", "Link", "Retry-After"})
    EXPECT_THAT(header(response, "Access-Control-Expose-Headers"), HasSubstr(name));
}

// --- Problem documents ---

TEST(WhipProblem, IsADocumentOfRfc9457) {
  const auto response = problem(409, "Another publisher is live.", {{"Retry-After", "2"}});
  EXPECT_EQ(response.status, 409u);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(header(response, "Retry-After"), "2");
  EXPECT_EQ(document(response), (nlohmann::json{{"type", "about:blank"},
                                                {"title", "Conflict"},
                                                {"status", 409},
                                                {"detail", "Another publisher is live."}}));
}

TEST(WhipProblem, EveryStatusInUseHasItsTitle) {
  for (const unsigned code : {400, 401, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429, 500, 503})
    EXPECT_NE(document(problem(code, "")).value("title", ""), "Error") << code;
  EXPECT_EQ(document(problem(413, "")).value("title", ""), "Content Too Large");
  EXPECT_EQ(document(problem(418, "")).value("title", ""), "Error");
}

TEST(WhipProblem, TextThatIsNoUtf8IsReplacedNotThrownAt) {
  using namespace std::string_view_literals;
  for (const auto text : {"codec \xff\xfe"sv, "cut \xc3"sv, "\x80"sv, "\xed\xa0\x80"sv, "a\0b"sv,
                          "\"quoted\" \\ \x1b"sv}) {
    const auto response = problem(422, text);
    EXPECT_TRUE(nlohmann::json::accept(response.body)) << testing::PrintToString(text);
  }
  EXPECT_EQ(detail(problem(422, "codec \xff")), "codec \xef\xbf\xbd");
}

TEST(WhipProblem, ForeignTextInAnOfferIsQuotedSafely) {
  auto request = offer();
  request.body = replaced(chromium_offer(), " H264/90000", " \xff\"</script>/90000");
  const auto response = refusal(request, idle());
  EXPECT_EQ(response.status, 422u);
  EXPECT_THAT(detail(response), HasSubstr("\xef\xbf\xbd\"<"));
  request = offer();
  request.content_type = "text/\xff";
  EXPECT_TRUE(nlohmann::json::accept(refusal(request, idle()).body));
  request = offer();
  request.method = "\xff";
  EXPECT_TRUE(nlohmann::json::accept(refusal(request, idle()).body));
}

// --- ICE servers ---

std::string only_link(std::string_view stun, std::string_view turn) {
  const auto links = ice_server_links(stun, turn);
  if (links.size() != 1 || links[0].first != "Link")
    return "(not one Link)";
  return links[0].second;
}

TEST(WhipIceServers, NoneMakeNoHeader) {
  EXPECT_THAT(ice_server_links("", ""), IsEmpty());
}

TEST(WhipIceServers, AStunServerIsALink) {
  EXPECT_EQ(only_link("stun://stun.example.org:3478", ""),
            "<stun:stun.example.org:3478>; rel=\"ice-server\"");
}

TEST(WhipIceServers, ATurnServerIsALinkWithItsCredentials) {
  EXPECT_EQ(only_link("", "turn://user:pass@turn.example.org:3478"),
            "<turn:turn.example.org:3478>; rel=\"ice-server\"; username=\"user\"; "
            "credential=\"pass\"; credential-type=\"password\"");
  EXPECT_EQ(only_link("", "turns://user:pass@turn.example.org:5349?transport=tcp"),
            "<turns:turn.example.org:5349?transport=tcp>; rel=\"ice-server\"; username=\"user\"; "
            "credential=\"pass\"; credential-type=\"password\"");
}

TEST(WhipIceServers, ATurnServerMayHaveNoCredentials) {
  EXPECT_EQ(only_link("", "turn://turn.example.org:3478"),
            "<turn:turn.example.org:3478>; rel=\"ice-server\"");
}

TEST(WhipIceServers, AnAddressOfIpv6StaysInItsBrackets) {
  EXPECT_EQ(only_link("stun://[2001:db8::1]:3478", ""),
            "<stun:[2001:db8::1]:3478>; rel=\"ice-server\"");
  EXPECT_THAT(only_link("", "turn://u:p@[2001:db8::1]:3478"),
              testing::StartsWith("<turn:[2001:db8::1]:3478>;"));
}

TEST(WhipIceServers, BothMakeTwoHeaders) {
  const auto links = ice_server_links("stun://a:1", "turn://u:p@b:2");
  ASSERT_EQ(links.size(), 2u);
  EXPECT_THAT(links[0].second, HasSubstr("<stun:a:1>"));
  EXPECT_THAT(links[1].second, HasSubstr("<turn:b:2>"));
}

TEST(WhipIceServers, CredentialsAreWhatWebrtcbinUsesWithoutTheEscapesOfTheUri) {
  // webrtcbin unescapes user and password (gst_uri_get_userinfo, g_uri_unescape_string); the two
  // ends of a TURN server need the same words.
  const auto link = only_link("", "turn://user%40example:p%3Aw@turn.example.org:3478");
  EXPECT_THAT(link, HasSubstr("username=\"user@example\""));
  EXPECT_THAT(link, HasSubstr("credential=\"p:w\""));
}

TEST(WhipIceServers, QuotesInACredentialDoNotEndIt) {
  // RFC 9110 section 5.6.4: quoted-string. Unescaped, the rest would be parameters of its own.
  EXPECT_THAT(only_link("", "turn://u:a\"b\\c@turn.example.org:3478"),
              HasSubstr("credential=\"a\\\"b\\\\c\""));
}

}  // namespace
}  // namespace onair::whip
