// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_refusal.hpp"

#include <gtest/gtest.h>

namespace live {
namespace {

using Kind = ApiProblem::Kind;

// A server that can do all.
Abilities all() {
  return {.channels = 1,
          .max_channels = 2,
          .has_webhook_secret = true,
          .encrypts = true,
          .has_rtp = true,
          .has_destination = [](const std::string& id) { return id == "there"; }};
}

ChannelRequest everything() {
  ChannelRequest request{.encrypt_key_uri = "https://keys.example/",
                         .event_webhook_url = "https://hook.example/",
                         .rtp = RtpRequest{}};
  request.hls.archive_destination = "there";
  return request;
}

// The kind and the field of the problem.
void expect(const ChannelRequest& request, const Abilities& abilities, Kind kind,
            const std::string& field) {
  const auto problem = refusal_of(request, abilities);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->kind, kind);
  EXPECT_EQ(problem->field, field);
  EXPECT_NE(problem->detail.find(field), std::string::npos) << problem->detail;
}

TEST(ChannelRefusal, WhatIsPossibleIsNotRefused) {
  EXPECT_FALSE(refusal_of(everything(), all()));
}

TEST(ChannelRefusal, ThereIsALimitOfChannels) {
  auto abilities = all();
  abilities.channels = 2;
  expect({}, abilities, Kind::TooManyChannels, "");
}

TEST(ChannelRefusal, AServerThatGoesDownMakesNone) {
  auto abilities = all();
  abilities.is_closing = true;
  abilities.channels = 2;
  expect({}, abilities, Kind::Unavailable, "");
}

TEST(ChannelRefusal, WhatTheServerCannotDoIsNamedWhereItIsAskedFor) {
  auto abilities = all();
  abilities.has_webhook_secret = false;
  EXPECT_FALSE(refusal_of({}, abilities));
  expect(everything(), abilities, Kind::NotPossible, "event_webhook_url");
  abilities = all();
  abilities.encrypts = false;
  EXPECT_FALSE(refusal_of({}, abilities));
  expect(everything(), abilities, Kind::NotPossible, "encrypt_key_uri");
  abilities = all();
  abilities.has_rtp = false;
  EXPECT_FALSE(refusal_of({}, abilities));
  expect(everything(), abilities, Kind::NotPossible, "rtp");
}

TEST(ChannelRefusal, AnArchiveNeedsADestinationThatIsThere) {
  auto request = everything();
  request.hls.archive_destination = "gone";
  expect(request, all(), Kind::NotPossible, "hls[].archive.archive_destination_id");
}

}  // namespace
}  // namespace live
