// SPDX-License-Identifier: LGPL-2.1-or-later
#include "playlist/playlist_request.hpp"

#include <array>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace onair::test {
namespace {

using namespace std::chrono_literals;

// Segment 41 has ended with 5 parts; of segment 42 two are there.
LiveEdge low_latency() {
  return {.next_sequence = 42,
          .next_parts = 2,
          .last_parts = 5,
          .has_segments = true,
          .part_target = 216ms,
          .can_block_reload = true};
}

PlaylistRequest accepted(std::string_view query) {
  const auto parsed = PlaylistRequest::parse(query);
  EXPECT_TRUE(std::holds_alternative<PlaylistRequest>(parsed)) << query;
  const auto* request = std::get_if<PlaylistRequest>(&parsed);
  return request ? *request : PlaylistRequest{};
}

bool is_refused(std::string_view query) {
  const auto parsed = PlaylistRequest::parse(query);
  const auto* bad = std::get_if<PlaylistRequest::Bad>(&parsed);
  return bad && !bad->reason.empty();
}

enum class Outcome { Ready, Wait, Bad };

Outcome ask(std::string_view query, const LiveEdge& edge) {
  return static_cast<Outcome>(accepted(query).answer(edge).index());
}

TEST(PlaylistRequest, ReadsTheDirectives) {
  const auto request = accepted("_HLS_msn=12&_HLS_part=3&_HLS_skip=YES");
  EXPECT_EQ(request.sequence, 12U);
  EXPECT_EQ(request.part, 3U);
  EXPECT_TRUE(request.wants_delta);
  EXPECT_TRUE(accepted("_HLS_skip=v2").wants_delta);
  EXPECT_EQ(accepted("_HLS_msn=18446744073709551615").sequence, UINT64_MAX);
}

TEST(PlaylistRequest, WhatIsNotOursIsIgnored) {
  for (const auto* query : {"", "&&", "token=a%26b&x", "_HLS_future=1", "_HLS_msnx=z", "=",
                            "hls_msn=q", "_HLS_skip=NO", "_HLS_skip", "_HLS_skip=yes"}) {
    const auto request = accepted(query);
    EXPECT_FALSE(request.sequence || request.part || request.wants_delta) << query;
  }
  EXPECT_EQ(accepted("session=7&_HLS_msn=1&_HLS_future").sequence, 1U);
}

TEST(PlaylistRequest, APartWithoutASequenceIsRefused) {
  EXPECT_TRUE(is_refused("_HLS_part=0"));
}

TEST(PlaylistRequest, WhatIsNoDecimalIntegerIsRefused) {
  for (const auto* value : {"", "-1", "+1", " 1", "1 ", "0x10", "1.0", "1e3", "%31",
                            "18446744073709551616", "99999999999999999999999", "=1"}) {
    EXPECT_TRUE(is_refused(std::string{"_HLS_msn="} + value)) << value;
    EXPECT_TRUE(is_refused(std::string{"_HLS_msn=1&_HLS_part="} + value)) << value;
  }
  EXPECT_TRUE(is_refused("_HLS_msn"));
  using namespace std::string_view_literals;
  EXPECT_TRUE(is_refused("_HLS_msn=1\0"sv));
}

TEST(PlaylistRequest, ADirectiveThatIsThereTwiceIsRefused) {
  EXPECT_TRUE(is_refused("_HLS_msn=1&_HLS_msn=1"));
  EXPECT_TRUE(is_refused("_HLS_msn=1&_HLS_part=1&_HLS_part=2"));
  EXPECT_TRUE(is_refused("_HLS_skip=YES&_HLS_skip=v2"));
}

TEST(PlaylistRequest, ASegmentIsWaitedForUntilItHasEnded) {
  EXPECT_EQ(ask("_HLS_msn=0", low_latency()), Outcome::Ready);
  EXPECT_EQ(ask("_HLS_msn=41", low_latency()), Outcome::Ready);
  EXPECT_EQ(ask("_HLS_msn=42", low_latency()), Outcome::Wait);
}

TEST(PlaylistRequest, MoreThanTwoBehindTheLastSegmentIsRefused) {
  EXPECT_EQ(ask("_HLS_msn=43", low_latency()), Outcome::Wait);
  EXPECT_EQ(ask("_HLS_msn=44", low_latency()), Outcome::Bad);
  EXPECT_EQ(ask("_HLS_msn=18446744073709551615", low_latency()), Outcome::Bad);
}

TEST(PlaylistRequest, APartIsWaitedForUntilItIsThere) {
  EXPECT_EQ(ask("_HLS_msn=42&_HLS_part=1", low_latency()), Outcome::Ready);
  EXPECT_EQ(ask("_HLS_msn=42&_HLS_part=2", low_latency()), Outcome::Wait);
  EXPECT_EQ(ask("_HLS_msn=43&_HLS_part=0", low_latency()), Outcome::Wait);
}

TEST(PlaylistRequest, APartBehindTheLastOneIsTheFirstOfTheNextSegment) {
  auto edge = low_latency();
  EXPECT_EQ(ask("_HLS_msn=41&_HLS_part=4", edge), Outcome::Ready);
  EXPECT_EQ(ask("_HLS_msn=41&_HLS_part=5", edge), Outcome::Ready);
  EXPECT_EQ(ask("_HLS_msn=41&_HLS_part=18446744073709551615", edge), Outcome::Ready);
  EXPECT_EQ(ask("_HLS_msn=40&_HLS_part=99", edge), Outcome::Ready);
  edge.next_parts = 0;
  EXPECT_EQ(ask("_HLS_msn=41&_HLS_part=4", edge), Outcome::Ready);
  EXPECT_EQ(ask("_HLS_msn=41&_HLS_part=5", edge), Outcome::Wait);
}

TEST(PlaylistRequest, PartsAreAskedForThreeSecondsAhead) {
  EXPECT_EQ(ask("_HLS_msn=42&_HLS_part=14", low_latency()), Outcome::Wait);  // 1 + 3 s / 216 ms
  EXPECT_EQ(ask("_HLS_msn=42&_HLS_part=15", low_latency()), Outcome::Bad);
  auto edge = low_latency();
  edge.part_target = 1s;
  EXPECT_EQ(ask("_HLS_msn=42&_HLS_part=4", edge), Outcome::Wait);
  EXPECT_EQ(ask("_HLS_msn=42&_HLS_part=5", edge), Outcome::Bad);
  EXPECT_EQ(ask("_HLS_msn=43&_HLS_part=2", edge), Outcome::Wait);
  EXPECT_EQ(ask("_HLS_msn=43&_HLS_part=3", edge), Outcome::Bad);
}

TEST(PlaylistRequest, WithoutPartsOnlyTheSegmentCounts) {
  auto edge = low_latency();
  edge.part_target.reset();
  edge.next_parts = edge.last_parts = 0;
  EXPECT_EQ(ask("_HLS_msn=41&_HLS_part=9", edge), Outcome::Ready);
  EXPECT_EQ(ask("_HLS_msn=42&_HLS_part=0", edge), Outcome::Wait);
}

TEST(PlaylistRequest, NobodyWaitsForAPlaylistThatHasEndedOrDoesNotBlock) {
  auto ended = low_latency();
  ended.has_ended = true;
  EXPECT_EQ(ask("_HLS_msn=99", ended), Outcome::Ready);
  auto plain = low_latency();
  plain.can_block_reload = false;
  EXPECT_EQ(ask("_HLS_msn=42&_HLS_part=3", plain), Outcome::Ready);
  EXPECT_EQ(ask("", low_latency()), Outcome::Ready);
}

TEST(PlaylistRequest, BeforeTheFirstSegmentTheFirstTwoAreWaitedFor) {
  const LiveEdge nothing{.part_target = 216ms, .can_block_reload = true};
  EXPECT_EQ(ask("_HLS_msn=0&_HLS_part=0", nothing), Outcome::Wait);
  EXPECT_EQ(ask("_HLS_msn=1", nothing), Outcome::Wait);
  EXPECT_EQ(ask("_HLS_msn=2", nothing), Outcome::Bad);
}

TEST(PlaylistRequest, WhateverSomebodyAsksThereIsAnAnswer) {
  constexpr std::uint32_t kSeed = 6;
  std::mt19937 random{kSeed};
  const std::vector<std::string> names{"_HLS_msn", "_HLS_part", "_HLS_skip", "_HLS_", "token", ""};
  const std::vector<std::string> values{
      "41", "42", "43", "0", "18446744073709551615", "YES", "v2", "-1", "", "%00", "=", "\xFF?"};
  const auto one_of = [&random](const auto& list) { return list[random() % list.size()]; };
  std::array<int, 3> answers{};
  int refused = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string query;
    for (auto count = random() % 5; count > 0; --count)
      query += one_of(names) + (random() % 9 == 0 ? "" : "=") + one_of(values) + '&';
    if (!query.empty() && random() % 4 == 0)
      query[random() % query.size()] = static_cast<char>(random());
    const auto parsed = PlaylistRequest::parse(query);
    const auto* request = std::get_if<PlaylistRequest>(&parsed);
    if (!request) {
      ++refused;
      continue;
    }
    ASSERT_TRUE(request->sequence || !request->part) << query << ", seed " << kSeed;
    const auto answer = request->answer(low_latency());
    ++answers[answer.index()];
    if (std::holds_alternative<PlaylistRequest::Wait>(answer)) {
      ASSERT_TRUE(request->sequence == 42U || request->sequence == 43U)
          << query << ", seed " << kSeed;
    }
  }
  for (const int count : {answers[0], answers[1], answers[2], refused})
    EXPECT_GT(count, 500);  // all of them have been there
}

}  // namespace
}  // namespace onair::test
