// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/auth_messages.hpp"

#include <gtest/gtest.h>

namespace live {
namespace {

constexpr const char* kUnread = "Who decides on publishers has given an answer that can't be read.";

TEST(AuthQuestion, HasTheFieldsOfSorasOwn) {
  const Guest guest{.ingest = Ingest::Sora,
                    .channel_id = "channel",
                    .connection_id = "connection",
                    .client_id = "client",
                    .bundle_id = "bundle",
                    .role = "sendrecv",
                    .wishes = Guest::Wishes{.audio = true, .video = false, .simulcast = true},
                    .metadata = {{"access_token", "secret"}},
                    .remote_address = "192.0.2.1",
                    .user_agent = "SDK"};
  EXPECT_EQ(auth_question(guest, "id", "2026-11-22T11:37:08Z"), Json::parse(R"({
    "id": "id", "timestamp": "2026-11-22T11:37:08Z", "label": "gst-onair", "protocol": "sora",
    "role": "sendrecv", "channel_id": "channel", "connection_id": "connection",
    "client_id": "client", "bundle_id": "bundle", "multistream": false, "spotlight": false,
    "simulcast": true, "audio": true, "video": false, "metadata": {"access_token": "secret"},
    "remote_address": "192.0.2.1", "user_agent": "SDK"})"));
}

TEST(AuthQuestion, SaysOfWhipWhatIsKnown) {
  const Guest guest{.channel_id = "channel", .connection_id = "connection"};
  const auto json = auth_question(guest, "id", "now");
  EXPECT_EQ(json["protocol"], "whip");
  EXPECT_EQ(json["role"], "sendonly");
  EXPECT_EQ(json["client_id"], "connection");
  EXPECT_EQ(json["bundle_id"], "connection");
  for (const char* unknown : {"audio", "video", "simulcast", "metadata"})
    EXPECT_FALSE(json.contains(unknown)) << unknown;
}

TEST(AuthAnswer, AllowsByTrueAndNothingElse) {
  for (const unsigned status : {200u, 201u, 299u})
    EXPECT_TRUE(read_auth_answer(status, R"({"allowed": true})").is_allowed) << status;
  for (const char* body : {"", "true", "[true]", "{}", R"({"allowed": 1})",
                           R"({"allowed": "true"})", R"({"allowed": null})", R"({"Allowed": true})",
                           R"({"allowed": true)", R"({"allowed": true, "allowed": false})"}) {
    const auto answer = read_auth_answer(200, body);
    EXPECT_FALSE(answer.is_allowed) << body;
    EXPECT_EQ(answer.reason, kUnread) << body;
  }
}

TEST(AuthAnswer, IsNoneWithAnotherStatus) {
  for (const unsigned status : {0u, 199u, 300u, 302u, 404u, 500u}) {
    const auto answer = read_auth_answer(status, R"({"allowed": true})");
    EXPECT_FALSE(answer.is_allowed) << status;
    EXPECT_EQ(answer.reason,
              "Who decides on publishers has answered with " + std::to_string(status) + ".");
  }
}

TEST(AuthAnswer, SaysWhyNot) {
  const auto reason = [](const std::string& body) { return read_auth_answer(200, body).reason; };
  EXPECT_EQ(reason(R"({"allowed": false, "reason": "Not today."})"), "Not today.");
  for (const char* body : {R"({"allowed": false})", R"({"allowed": false, "reason": ""})",
                           R"({"allowed": false, "reason": 7})"})
    EXPECT_EQ(reason(body), "Who decides on publishers does not let this one in.") << body;
}

TEST(AuthAnswer, ReasonIsOneLineOfBoundedLength) {
  const auto reason = [](const std::string& text) {
    return read_auth_answer(200, Json{{"allowed", false}, {"reason", text}}.dump()).reason;
  };
  EXPECT_EQ(reason("a\nb\tc"), "a b c");
  EXPECT_EQ(reason(std::string(500, 'x')), std::string(500, 'x'));
  EXPECT_EQ(reason(std::string(501, 'x')), std::string(500, 'x'));
  EXPECT_EQ(reason(std::string(499, 'x') + "é"), std::string(499, 'x')) << "no half a character";
}

}  // namespace
}  // namespace live
