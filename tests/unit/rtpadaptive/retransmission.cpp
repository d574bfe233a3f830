// SPDX-License-Identifier: LGPL-2.1-or-later
#include "retransmission.hpp"

#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;
using Filled = Retransmission::Filled;
using Settings = Retransmission::Settings;

constexpr Duration kSpacing{20ms};
constexpr Duration kTransit{
    100s};  // what a packet that met no queue takes, plus the clocks' offset

RunningTime at(Duration time) {
  return RunningTime{kTransit + time};
}

// A stream of a packet every 20 ms that needs no time on its way; packet n is due to arrive at
// at(n * 20ms). Holes are kept open for `latency` after that.
struct Stream {
  explicit Stream(const Settings& settings = {}, Duration holes_kept_open = 1s)
      : latency{holes_kept_open} {
    requests.set_settings(settings);
  }

  // Packets first..first+count-1 are missing when the one behind them comes.
  void lose(std::int64_t first, std::int64_t count = 1) {
    const auto now = arrival(first + count);
    requests.on_hole(first, count, media(first - 1), media(first + count), now);
    requests.on_newest(first + count);
  }
  static MediaTime media(std::int64_t n) { return MediaTime{n * kSpacing}; }
  static RunningTime arrival(std::int64_t n) { return at(n * kSpacing); }
  std::optional<Retransmission::Request> take(RunningTime now) {
    return requests.take_request(now, kTransit + latency);
  }
  // Everything that is asked for at `now`.
  std::vector<std::int64_t> take_all(RunningTime now) {
    std::vector<std::int64_t> sequences;
    while (const auto request = take(now)) {
      sequences.push_back(request->sequence);
      if (sequences.size() > 5000) {
        ADD_FAILURE() << "it never ends";
        break;
      }
    }
    return sequences;
  }
  // A loss that is repaired one round trip after it was asked for; the next number to lose.
  std::int64_t teach(Duration round_trip, std::int64_t sequence) {
    lose(sequence);
    const auto asked = arrival(sequence + 1);
    EXPECT_TRUE(take(asked));
    EXPECT_EQ(requests.on_packet(sequence, asked + round_trip, true), Filled::Repaired);
    return sequence + 100;
  }

  Retransmission requests;
  Duration latency;
};

TEST(Retransmission, NothingIsAskedForWhileNothingIsMissing) {
  Stream stream;
  EXPECT_FALSE(stream.requests.next_request_at());
  EXPECT_FALSE(stream.take(at(1h)));
  stream.requests.on_newest(1000);
  EXPECT_FALSE(stream.requests.next_request_at());
}

TEST(Retransmission, AMissingPacketIsAskedForAtOnce) {
  Stream stream;
  stream.lose(10);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(11));
  EXPECT_FALSE(stream.take(stream.arrival(11) - 1ns));
  const auto request = stream.take(stream.arrival(11));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->sequence, 10);
  EXPECT_EQ(request->expected, stream.arrival(11));
  EXPECT_EQ(request->delay, 0ns);
  EXPECT_EQ(request->retry, 0);
  EXPECT_EQ(request->round_trip, 0ns) << "not known yet";
  EXPECT_FALSE(stream.take(stream.arrival(11))) << "once";
  EXPECT_EQ(stream.requests.stats().requests, 1u);
  EXPECT_EQ(stream.requests.requests_for(10), 1);
  EXPECT_EQ(stream.requests.requests_for(11), 0);
}

TEST(Retransmission, ARequestThatIsMadeLaterSaysHowLateItIs) {
  Stream stream;
  stream.lose(10);
  const auto request = stream.take(stream.arrival(11) + 7ms);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->expected, stream.arrival(11));
  EXPECT_EQ(request->delay, 7ms);
}

TEST(Retransmission, EveryPacketOfAHoleIsAskedForInOrder) {
  Stream stream;
  stream.lose(65'534, 4);
  EXPECT_EQ(stream.take_all(stream.arrival(65'538)),
            (std::vector<std::int64_t>{65'534, 65'535, 65'536, 65'537}));
}

TEST(Retransmission, SeveralHolesAreRememberedTogether) {
  Stream stream;
  stream.lose(10, 2);
  stream.lose(20);
  EXPECT_EQ(stream.take_all(stream.arrival(21)), (std::vector<std::int64_t>{10, 11, 20}));
}

TEST(Retransmission, WhatCameIsNotAskedFor) {
  Stream stream;
  stream.lose(10, 3);
  EXPECT_EQ(stream.requests.on_packet(11, stream.arrival(13), false), Filled::Reordered);
  EXPECT_EQ(stream.take_all(stream.arrival(13)), (std::vector<std::int64_t>{10, 12}));
  EXPECT_EQ(stream.requests.on_packet(11, stream.arrival(13), false), Filled::NotMissing);
  EXPECT_EQ(stream.requests.on_packet(13, stream.arrival(13), false), Filled::NotMissing);
}

TEST(Retransmission, WhatWasGivenUpIsNotAskedFor) {
  Stream stream;
  stream.lose(10, 4);
  stream.requests.on_given_up(12, stream.arrival(14));
  EXPECT_EQ(stream.take_all(stream.arrival(14)), (std::vector<std::int64_t>{12, 13}));
  stream.requests.on_given_up(13, stream.arrival(14));
  EXPECT_EQ(stream.requests.on_packet(12, stream.arrival(14), true), Filled::Answered);
  EXPECT_EQ(stream.requests.on_packet(13, stream.arrival(14), true), Filled::Repaired);
  EXPECT_FALSE(stream.requests.next_request_at());
}

TEST(Retransmission, WithoutAMeasuredRoundTripARetryWaits120Milliseconds) {
  Stream stream;
  stream.lose(10);
  const auto asked = stream.arrival(11);
  ASSERT_EQ(stream.take(asked)->retry_timeout, 120ms);
  EXPECT_EQ(stream.requests.next_request_at(), asked + 120ms);
  EXPECT_FALSE(stream.take(asked + 120ms - 1ns));
  const auto retry = stream.take(asked + 120ms);
  ASSERT_TRUE(retry);
  EXPECT_EQ(retry->sequence, 10);
  EXPECT_EQ(retry->retry, 1);
  EXPECT_EQ(retry->expected, asked);
  EXPECT_EQ(retry->delay, 120ms);
  EXPECT_EQ(stream.requests.next_request_at(), asked + 240ms);
}

TEST(Retransmission, OnceTheRoundTripIsSteadyARetryWaitsForAFifthMore) {
  Stream stream;
  std::int64_t sequence = 10;
  for (int i = 0; i < 20; ++i)
    sequence = stream.teach(50ms, sequence);
  EXPECT_EQ(stream.requests.round_trip(), 50ms);
  stream.lose(sequence);
  const auto asked = stream.arrival(sequence + 1);
  const auto request = stream.take(asked);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->round_trip, 50ms);
  EXPECT_EQ(request->retry_timeout, 60ms);
  EXPECT_FALSE(stream.take(asked + 60ms - 1ns));
  EXPECT_TRUE(stream.take(asked + 60ms));
}

TEST(Retransmission, RoundTripAndDeviationAreKeptAsTcpKeepsThem) {
  Stream stream;
  std::int64_t sequence = stream.teach(80ms, 10);
  EXPECT_EQ(stream.requests.round_trip(), 80ms) << "the first sample is the mean";
  const auto timeout = [&] {
    stream.lose(sequence);
    const auto request = stream.take(stream.arrival(sequence + 1));
    EXPECT_TRUE(request);
    stream.requests.on_given_up(sequence + 1, stream.arrival(sequence + 1));
    sequence += 100;
    return request ? request->retry_timeout : Duration{};
  };
  EXPECT_EQ(timeout(), 160ms) << "and half of it the deviation, of which two are added";
  sequence = stream.teach(160ms, sequence);
  EXPECT_EQ(stream.requests.round_trip(), 90ms) << "an eighth of the way";
  EXPECT_EQ(timeout(), 90ms + 2 * (40ms + (80ms - 40ms) / 4)) << "a quarter of the way";
}

TEST(Retransmission, OnAFastNetworkARetryWaitsTenMillisecondsAllTheSame) {
  Stream stream;
  const auto sequence = stream.teach(1ms, 10);
  stream.lose(sequence);
  EXPECT_EQ(stream.take(stream.arrival(sequence + 1))->retry_timeout, 10ms);
}

TEST(Retransmission, AnAnswerToTheSecondRequestTeachesNoRoundTrip) {
  Stream stream;
  stream.lose(10);
  ASSERT_TRUE(stream.take(stream.arrival(11)));
  ASSERT_TRUE(stream.take(stream.arrival(11) + 120ms));
  EXPECT_EQ(stream.requests.on_packet(10, stream.arrival(11) + 121ms, true), Filled::Repaired);
  EXPECT_FALSE(stream.requests.round_trip()) << "nobody knows which of the two was answered";
}

TEST(Retransmission, AnAnswerIsAskedForAsLongAsItCanBeInTime) {
  Stream stream{{}, 500ms};
  auto sequence = stream.teach(100ms, 10);
  stream.lose(sequence);
  const auto usable = stream.arrival(sequence) + 500ms;
  ASSERT_TRUE(stream.take(usable - 100ms)) << "there at the last moment";
  Stream late{{}, 500ms};
  sequence = late.teach(100ms, 10);
  late.lose(sequence);
  EXPECT_FALSE(late.take(usable - 100ms + 1ns));
  EXPECT_FALSE(late.requests.next_request_at()) << "and never again";
  EXPECT_EQ(late.requests.on_packet(sequence, usable, false), Filled::Reordered);
}

TEST(Retransmission, TheMediaTimesOfAHoleAreInterpolatedSoThatEachHasItsOwnDeadline) {
  Stream stream{{}, 100ms};
  stream.lose(10, 4);  // noticed at packet 14; packet n is of use until (n + 5) * 20 ms
  EXPECT_EQ(stream.take_all(stream.arrival(15)), (std::vector<std::int64_t>{10, 11, 12, 13}));
  Stream late{{}, 100ms};
  late.lose(10, 4);
  EXPECT_EQ(late.take_all(late.arrival(15) + 1ns), (std::vector<std::int64_t>{11, 12, 13}));
  EXPECT_EQ(late.take_all(late.arrival(18) + 1ns), (std::vector<std::int64_t>{}));
}

TEST(Retransmission, WhatWasAskedForAndComesIsRepaired) {
  Stream stream;
  stream.lose(10, 2);
  stream.take_all(stream.arrival(12));
  EXPECT_EQ(stream.requests.on_packet(10, stream.arrival(12) + 30ms, true), Filled::Repaired);
  EXPECT_EQ(stream.requests.stats().successes, 1u);
  EXPECT_EQ(stream.requests.round_trip(), 30ms);
  EXPECT_EQ(stream.requests.on_packet(10, stream.arrival(12) + 31ms, true), Filled::NotMissing)
      << "it was asked for once";
  // Without a flag (a retransmission on the stream's own SSRC) it is one after half a round trip.
  EXPECT_EQ(stream.requests.on_packet(11, stream.arrival(12) + 15ms, false), Filled::Repaired);
  EXPECT_EQ(stream.requests.stats().successes, 2u);
}

TEST(Retransmission, WhatComesWithinHalfARoundTripOfTheRequestWasMerelyReordered) {
  Stream stream;
  const auto sequence = stream.teach(40ms, 10);
  stream.lose(sequence);
  ASSERT_TRUE(stream.take(stream.arrival(sequence + 1)));
  EXPECT_EQ(stream.requests.on_packet(sequence, stream.arrival(sequence + 1) + 20ms - 1ns, false),
            Filled::Reordered);
  EXPECT_EQ(stream.requests.stats().successes, 1u);
  EXPECT_EQ(stream.requests.round_trip(), 40ms) << "it teaches nothing";
}

TEST(Retransmission, AFlaggedRetransmissionIsARepairHoweverSoonItComes) {
  Stream stream;
  const auto sequence = stream.teach(40ms, 10);
  stream.lose(sequence);
  ASSERT_TRUE(stream.take(stream.arrival(sequence + 1)));
  EXPECT_EQ(stream.requests.on_packet(sequence, stream.arrival(sequence + 1) + 1ms, true),
            Filled::Repaired);
}

TEST(Retransmission, RequestsPerRepairedPacketAreAveraged) {
  Stream stream;
  auto sequence = stream.teach(50ms, 10);
  EXPECT_DOUBLE_EQ(stream.requests.stats().per_packet, 1);
  stream.lose(sequence);
  auto now = stream.arrival(sequence + 1);
  for (int i = 0; i < 3; ++i) {
    const auto request = stream.take(now);
    ASSERT_TRUE(request);
    now += request->retry_timeout;
  }
  stream.requests.on_packet(sequence, now, true);
  EXPECT_DOUBLE_EQ(stream.requests.stats().per_packet, (3 + 7 * 1.0) / 8);
}

TEST(Retransmission, ReorderingIsLearnedAndWaitedFor) {
  Stream stream;
  stream.lose(10);
  EXPECT_EQ(stream.requests.on_packet(10, stream.arrival(11) + 8ms, false), Filled::Reordered);
  stream.lose(20);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(21) + 10ms) << "a quarter more";
  EXPECT_EQ(stream.requests.on_packet(20, stream.arrival(21) + 4ms, false), Filled::Reordered);
  stream.lose(30);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(31) + 10ms) << "the longest counts";
}

TEST(Retransmission, ReorderingIsWaitedForTenthOfASecondAtMost) {
  Stream stream{{.delay_reorder = 0}};
  stream.lose(10);
  stream.requests.on_packet(10, stream.arrival(11) + 500ms, false);
  stream.lose(40);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(41) + 100ms);
}

TEST(Retransmission, ReorderingIsForgottenAfterTenSeconds) {
  const auto wait_after = [](Duration pause) {
    Stream stream;
    stream.lose(10);
    const auto reordered_at = stream.arrival(11) + 8ms;
    stream.requests.on_packet(10, reordered_at, false);
    const auto now = reordered_at + pause;
    stream.requests.on_hole(5000, 1, MediaTime{now - at(0ns)} - kSpacing, MediaTime{now - at(0ns)},
                            now);
    return *stream.requests.next_request_at() - now;
  };
  EXPECT_EQ(wait_after(10s), 10ms);
  EXPECT_EQ(wait_after(10s + 1ns), 0ns);
  EXPECT_EQ(wait_after(1h), 0ns);
}

TEST(Retransmission, ThreeLaterPacketsEndTheWaitForReordering) {
  Stream stream;
  stream.lose(10);
  stream.requests.on_packet(10, stream.arrival(11) + 80ms, false);
  stream.lose(20);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(21) + 100ms);
  stream.requests.on_newest(22);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(21) + 100ms);
  stream.requests.on_newest(23);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(21)) << "at once, that is";
}

TEST(Retransmission, PacketsThatAreFartherBehindAreWaitedForByMorePackets) {
  Stream stream;
  stream.lose(10);
  stream.requests.on_newest(15);
  stream.requests.on_packet(10, stream.arrival(15), false);  // behind five others
  stream.lose(20);
  stream.requests.on_newest(25);
  EXPECT_GT(*stream.requests.next_request_at(), stream.arrival(21));
  stream.requests.on_newest(26);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(21));
}

// ---- answers that are of no use

TEST(RetransmissionLateAnswer, TellsTheRoundTripThoughThePacketWasGivenUp) {
  Stream stream;
  stream.lose(10);
  ASSERT_TRUE(stream.take(stream.arrival(11)));
  stream.requests.on_given_up(11, stream.arrival(11) + 200ms);
  EXPECT_EQ(stream.requests.on_packet(10, stream.arrival(11) + 350ms, true), Filled::Answered);
  EXPECT_EQ(stream.requests.round_trip(), 350ms);
  EXPECT_EQ(stream.requests.stats().successes, 0u);
  EXPECT_EQ(stream.requests.on_packet(10, stream.arrival(11) + 360ms, true), Filled::NotMissing)
      << "it was asked for once";
  EXPECT_EQ(stream.requests.round_trip(), 350ms);
}

TEST(RetransmissionLateAnswer, TellsTheRoundTripThoughThePacketCameByItself) {
  Stream stream;
  const auto sequence = stream.teach(100ms, 10);
  stream.lose(sequence);
  const auto asked = stream.arrival(sequence + 1);
  ASSERT_TRUE(stream.take(asked));
  EXPECT_EQ(stream.requests.on_packet(sequence, asked + 20ms, false), Filled::Reordered);
  EXPECT_EQ(stream.requests.on_packet(sequence, asked + 180ms, true), Filled::Answered);
  EXPECT_EQ(stream.requests.round_trip(), 110ms) << "an eighth of the way";
}

TEST(RetransmissionLateAnswer, OfSeveralTheLastTellsTheRoundTrip) {
  for (const bool was_given_up : {false, true}) {
    Stream stream;
    stream.lose(10);
    const auto asked = stream.arrival(11);
    ASSERT_TRUE(stream.take(asked));
    ASSERT_TRUE(stream.take(asked + 120ms));
    if (was_given_up)
      stream.requests.on_given_up(11, asked + 140ms);
    EXPECT_EQ(stream.requests.on_packet(10, asked + 150ms, true),
              was_given_up ? Filled::Answered : Filled::Repaired);
    EXPECT_FALSE(stream.requests.round_trip()) << "either may have been answered";
    EXPECT_EQ(stream.requests.on_packet(10, asked + 270ms, true), Filled::Answered);
    EXPECT_EQ(stream.requests.round_trip(), 150ms);
  }
}

// A sender far away that does not answer each request, and what it is asked for.
struct DistantSender {
  enum class Answers { OncePerRoundTrip, EachSecond };
  DistantSender(Answers policy, Duration its_round_trip, bool flags, Duration holes_kept_open = 1s)
      : stream{{}, holes_kept_open},
        answers{policy},
        round_trip{its_round_trip},
        is_flagged{flags} {}

  // One packet is lost, asked for, answered; given up when its time is over. How often it was asked for.
  int lose_one() {
    const std::int64_t lost = next;
    next += 200;
    stream.lose(lost);
    int requests = 0;
    bool is_missing = true;
    std::vector<RunningTime> on_their_way;
    std::optional<RunningTime> answered;
    const auto noticed = stream.arrival(lost + 1);
    for (auto now = noticed; now < noticed + 3s; now += 1ms) {
      if (is_missing && now >= at(lost * kSpacing) + stream.latency) {
        stream.requests.on_given_up(lost + 1, now);
        is_missing = false;
      }
      if (stream.take(now)) {
        ++requests;
        const bool is_ignored = answers == Answers::EachSecond
                                    ? requests % 2 == 1
                                    : answered && now < *answered + round_trip;
        if (!is_ignored) {
          answered = now;
          on_their_way.push_back(now + round_trip);
        }
      }
      for (const auto arrival : on_their_way)
        if (arrival == now) {
          stream.requests.on_packet(lost, now, is_flagged);
          is_missing = false;
        }
    }
    return requests;
  }

  Stream stream;
  Answers answers;
  Duration round_trip;
  bool is_flagged;
  std::int64_t next = 10;
};

TEST(RetransmissionFarAway, ASenderThatAnswersOnceARoundTripTellsItWithTheSecondLoss) {
  for (const bool is_flagged : {true, false})
    for (const Duration round_trip : {121ms, 150ms, 239ms, 240ms, 241ms, 500ms}) {
      SCOPED_TRACE(testing::Message() << in_ms(round_trip) << " ms, flagged " << is_flagged);
      DistantSender sender{DistantSender::Answers::OncePerRoundTrip, round_trip, is_flagged};
      EXPECT_GE(sender.lose_one(), 2);
      EXPECT_FALSE(sender.stream.requests.round_trip()) << "any of them may have been answered";
      EXPECT_EQ(sender.lose_one(), 1);
      EXPECT_EQ(sender.stream.requests.round_trip(), round_trip);
      EXPECT_EQ(sender.lose_one(), 1);
    }
}

TEST(RetransmissionFarAway, ASenderThatAnswersEachSecondRequestTellsItToo) {
  for (const bool is_flagged : {true, false})
    for (const Duration round_trip : {50ms, 119ms, 150ms, 200ms}) {
      SCOPED_TRACE(testing::Message() << in_ms(round_trip) << " ms, flagged " << is_flagged);
      DistantSender sender{DistantSender::Answers::EachSecond, round_trip, is_flagged, 2s};
      for (int loss = 0; loss < 3; ++loss)
        sender.lose_one();
      EXPECT_EQ(sender.stream.requests.round_trip(), round_trip);
      for (int loss = 0; loss < 10; ++loss)
        EXPECT_LE(sender.lose_one(), 4) << "the wait for an answer does not grow for ever";
      EXPECT_EQ(sender.stream.requests.round_trip(), round_trip);
    }
}

TEST(RetransmissionFarAway, AnswersThatAreAllTooLateTellItUnlessEachIsOfOnlyOneOfSeveral) {
  DistantSender sender{DistantSender::Answers::OncePerRoundTrip, 400ms, true, 300ms};
  EXPECT_GE(sender.lose_one(), 2);
  EXPECT_EQ(sender.lose_one(), 1);
  EXPECT_EQ(sender.stream.requests.round_trip(), 400ms);
  EXPECT_EQ(sender.lose_one(), 0) << "none could be in time";
}

TEST(RetransmissionFarAway, ARoundTripThatHasGrownIsLearnedAnew) {
  DistantSender sender{DistantSender::Answers::OncePerRoundTrip, 50ms, true};
  for (int loss = 0; loss < 20; ++loss)
    EXPECT_EQ(sender.lose_one(), 1);
  sender.round_trip = 170ms;
  for (int loss = 0; loss < 100; ++loss)
    sender.lose_one();
  EXPECT_GT(sender.stream.requests.round_trip(), 165ms);
  EXPECT_EQ(sender.lose_one(), 1);
}

TEST(RetransmissionFarAway, OneRequestThatWasLostHoldsRetriesBackForOneRepairOnly) {
  Stream stream;
  std::int64_t next = 10;
  for (int i = 0; i < 40; ++i)
    next = stream.teach(50ms, next);
  const auto retry = [&] {
    stream.lose(next);
    const auto asked = stream.arrival(next + 1);
    EXPECT_TRUE(stream.take(asked));
    return *stream.requests.next_request_at() - asked;
  };
  const auto usual = retry();
  ASSERT_EQ(usual, 60ms);
  const auto asked = stream.arrival(next + 1);
  ASSERT_TRUE(stream.take(asked + usual));
  stream.requests.on_packet(next, asked + usual + 50ms, true);
  next += 100;
  EXPECT_EQ(retry(), 132ms) << "a fifth more than the repair took";
  stream.requests.on_packet(next, stream.arrival(next + 1) + 50ms, true);
  next += 100;
  EXPECT_EQ(retry(), 60ms);
}

TEST(RetransmissionLateAnswer, WithoutItsFlagIsAnyLatePacket) {
  Stream stream;
  stream.lose(10);
  ASSERT_TRUE(stream.take(stream.arrival(11)));
  stream.requests.on_given_up(11, stream.arrival(11) + 200ms);
  EXPECT_EQ(stream.requests.on_packet(10, stream.arrival(11) + 350ms, false), Filled::NotMissing);
  EXPECT_FALSE(stream.requests.round_trip());
}

TEST(RetransmissionLateAnswer, ToNoRequestTellsNothing) {
  Stream stream;
  stream.lose(10);
  stream.requests.on_given_up(11, stream.arrival(11));
  EXPECT_EQ(stream.requests.on_packet(10, stream.arrival(12), true), Filled::NotMissing);
  EXPECT_FALSE(stream.requests.round_trip());
}

TEST(RetransmissionLateAnswer, CountsForASecondUnlessAnotherTimeoutIsSet) {
  const auto is_heard = [](const Settings& settings, Duration after) {
    Stream stream{settings};
    stream.lose(10);
    EXPECT_TRUE(stream.take(stream.arrival(11)));
    const auto given_up_at = stream.arrival(11) + 200ms;
    stream.requests.on_given_up(11, given_up_at);
    return stream.requests.on_packet(10, given_up_at + after, true) == Filled::Answered;
  };
  EXPECT_TRUE(is_heard({}, 1s));
  EXPECT_FALSE(is_heard({}, 1s + 1ns));
  EXPECT_TRUE(is_heard({.stats_timeout = 3s}, 3s));
  EXPECT_FALSE(is_heard({.stats_timeout = 0s}, 1ns));
}

TEST(RetransmissionLateAnswer, OfAnEarlierStreamTellsNothing) {
  Stream stream;
  stream.lose(10);
  ASSERT_TRUE(stream.take(stream.arrival(11)));
  stream.requests.on_given_up(11, stream.arrival(11) + 200ms);
  stream.requests.reset();
  EXPECT_EQ(stream.requests.on_packet(10, stream.arrival(11) + 350ms, true), Filled::NotMissing);
}

TEST(RetransmissionLateAnswer, NoMoreAreRememberedThanCanBeMissing) {
  Stream stream{{.stats_timeout = 24h}};
  for (std::int64_t n = 0; n < 600; ++n) {
    stream.lose(n * 10);
    ASSERT_TRUE(stream.take(stream.arrival(n * 10 + 1)));
    stream.requests.on_given_up(n * 10 + 1, stream.arrival(n * 10 + 1));
  }
  const auto heard = [&](std::int64_t n) {
    return stream.requests.on_packet(n * 10, stream.arrival(6000), true) == Filled::Answered;
  };
  EXPECT_FALSE(heard(600 - 513)) << "the oldest go";
  EXPECT_TRUE(heard(600 - 512));
  EXPECT_TRUE(heard(599));
}

// ---- the packet that comes next

// The one behind packet 10 is expected, and waited for 10 ms longer.
Stream expecting(const Settings& settings = {}) {
  Stream stream{settings};
  stream.requests.expect_next(11, stream.media(11), stream.arrival(11), 10ms);
  return stream;
}

TEST(RetransmissionNext, IsAskedForOnceWhenItIsLaterThanExpected) {
  auto stream = expecting();
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(11) + 10ms);
  EXPECT_FALSE(stream.take(stream.arrival(11) + 10ms - 1ns));
  const auto request = stream.take(stream.arrival(11) + 10ms);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->sequence, 11);
  EXPECT_EQ(request->expected, stream.arrival(11));
  EXPECT_EQ(request->delay, 10ms);
  EXPECT_EQ(request->retry, 0);
  EXPECT_FALSE(stream.requests.next_request_at()) << "whatever it is that it does not come";
  EXPECT_FALSE(stream.take(stream.arrival(100)));
}

TEST(RetransmissionNext, IsNotAskedForOnceItHasComeOrAnotherIsExpected) {
  auto came = expecting();
  EXPECT_EQ(came.requests.on_packet(11, came.arrival(11), false), Filled::NotMissing);
  EXPECT_FALSE(came.requests.next_request_at());
  auto moved = expecting();
  moved.requests.expect_next(12, moved.media(12), moved.arrival(12), 10ms);
  EXPECT_EQ(moved.requests.next_request_at(), moved.arrival(12) + 10ms);
  moved.requests.expect_nothing();
  EXPECT_FALSE(moved.requests.next_request_at());
  auto reset = expecting();
  reset.requests.reset();
  EXPECT_FALSE(reset.requests.next_request_at());
}

TEST(RetransmissionNext, IsAskedForAfterAMissingOneThatIsDueAsWell) {
  auto stream = expecting();
  stream.requests.on_hole(5, 1, stream.media(4), stream.media(6), stream.arrival(10));
  stream.requests.expect_next(11, stream.media(11), stream.arrival(11), 10ms);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(10)) << "the earlier of the two";
  EXPECT_EQ(stream.take_all(stream.arrival(11) + 10ms), (std::vector<std::int64_t>{5, 11}));
}

TEST(RetransmissionNext, IsAskedForAgainOnlyARoundTripAfterAPacketHasShownThatItIsMissing) {
  auto stream = expecting();
  const auto asked = stream.arrival(11) + 10ms;
  ASSERT_TRUE(stream.take(asked));
  stream.requests.on_hole(11, 1, stream.media(10), stream.media(12), stream.arrival(12));
  EXPECT_EQ(stream.requests.next_request_at(), asked + 120ms);
  EXPECT_EQ(stream.requests.requests_for(11), 1);
  EXPECT_EQ(stream.requests.on_packet(11, asked + 50ms, true), Filled::Repaired);
  EXPECT_EQ(stream.requests.round_trip(), 50ms);
}

TEST(RetransmissionNext, ThatWasNotAskedForYetIsAskedForAtOnceWhenItIsMissing) {
  auto stream = expecting();
  stream.requests.on_hole(11, 1, stream.media(10), stream.media(12), stream.arrival(11) + 5ms);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(11) + 5ms);
  EXPECT_EQ(stream.take_all(stream.arrival(20)).size(), 1u);
}

TEST(RetransmissionNext, AnAnswerIsARepairAndTellsTheRoundTrip) {
  auto stream = expecting();
  const auto asked = stream.arrival(11) + 10ms;
  ASSERT_TRUE(stream.take(asked));
  EXPECT_EQ(stream.requests.on_packet(11, asked + 40ms, true), Filled::Repaired);
  EXPECT_EQ(stream.requests.round_trip(), 40ms);
  EXPECT_EQ(stream.requests.stats().successes, 1u);
  EXPECT_DOUBLE_EQ(stream.requests.stats().per_packet, 1);
}

TEST(RetransmissionNext, WithoutAFlagItCameByItselfThoughItWasAskedFor) {
  auto stream = expecting();
  const auto asked = stream.arrival(11) + 10ms;
  ASSERT_TRUE(stream.take(asked));
  EXPECT_EQ(stream.requests.on_packet(11, asked + 40ms, false), Filled::NotMissing);
  EXPECT_FALSE(stream.requests.round_trip());
  EXPECT_EQ(stream.requests.on_packet(11, asked + 60ms, true), Filled::Answered);
  EXPECT_EQ(stream.requests.round_trip(), 60ms);
}

TEST(RetransmissionNext, TheDelaysThatAreSetHoldForItToo) {
  const auto asked_after = [](const Settings& settings) {
    return *expecting(settings).requests.next_request_at() - Stream::arrival(11);
  };
  EXPECT_EQ(asked_after({.delay = 30ms}), 30ms);
  EXPECT_EQ(asked_after({.delay = 0ms}), 0ms);
  EXPECT_EQ(asked_after({.min_delay = 15ms}), 15ms);
}

TEST(RetransmissionNext, IsNotAskedForWhenAnAnswerCouldNotBeInTime) {
  Stream stream{{}, 5ms};
  stream.requests.expect_next(11, stream.media(11), stream.arrival(11), 10ms);
  EXPECT_FALSE(stream.take(stream.arrival(11) + 10ms));
  EXPECT_FALSE(stream.requests.next_request_at());
}

// ---- settings, with stock's meanings

TEST(Retransmission, DelaySaysHowLongAfterTheHoleTheFirstRequestIsMade) {
  Stream stream{{.delay = 30ms, .delay_reorder = 0}};
  stream.lose(10);
  stream.requests.on_newest(100);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(11) + 30ms);
}

TEST(Retransmission, TheLeastDelayHoldsWhateverElseIsSaid) {
  Stream stream{{.min_delay = 40ms, .delay_reorder = 1}};
  stream.lose(10);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(11) + 40ms);
  Stream both{{.delay = 30ms, .min_delay = 40ms}};
  both.lose(10);
  EXPECT_EQ(both.requests.next_request_at(), both.arrival(11) + 40ms);
  Stream longer{{.delay = 50ms, .min_delay = 40ms}};
  longer.lose(10);
  EXPECT_EQ(longer.requests.next_request_at(), longer.arrival(11) + 50ms);
  longer.requests.on_newest(13);
  EXPECT_EQ(longer.requests.next_request_at(), longer.arrival(11) + 40ms);
}

TEST(Retransmission, DelayReorderSaysAfterHowManyPacketsItIsAskedFor) {
  Stream stream{{.delay = 1s, .delay_reorder = 5}};
  stream.lose(10);
  stream.requests.on_newest(14);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(11) + 1s);
  stream.requests.on_newest(15);
  EXPECT_EQ(stream.requests.next_request_at(), stream.arrival(11));
}

TEST(Retransmission, DelayReorderDoesNotTouchWhatWasAskedForAlready) {
  Stream stream{{.delay_reorder = 1}};
  stream.lose(10);
  ASSERT_TRUE(stream.take(stream.arrival(11)));
  const auto retry = stream.requests.next_request_at();
  stream.requests.on_newest(50);
  EXPECT_EQ(stream.requests.next_request_at(), retry);
}

TEST(Retransmission, ARetryTimeoutThatIsSetHolds) {
  Stream stream{{.retry_timeout = 35ms}};
  stream.lose(10);
  ASSERT_EQ(stream.take(stream.arrival(11))->retry_timeout, 35ms);
  EXPECT_FALSE(stream.take(stream.arrival(11) + 35ms - 1ns));
  EXPECT_TRUE(stream.take(stream.arrival(11) + 35ms));
}

TEST(Retransmission, ARetryTimeoutOfNothingDoesNotAskForeverInOneInstant) {
  Stream stream{{.retry_timeout = 0ms}};
  stream.lose(10);
  EXPECT_EQ(stream.take_all(stream.arrival(11)).size(), 1u);
}

TEST(Retransmission, TheLeastRetryTimeoutHoldsForMeasuredAndForSetOnes) {
  Stream measured{{.min_retry_timeout = 200ms}};
  measured.lose(10);
  EXPECT_EQ(measured.take(measured.arrival(11))->retry_timeout, 200ms);
  Stream set{{.retry_timeout = 50ms, .min_retry_timeout = 200ms}};
  set.lose(10);
  EXPECT_EQ(set.take(set.arrival(11))->retry_timeout, 200ms) << "as in stock rtpjitterbuffer";
  Stream below{{.min_retry_timeout = 50ms}};
  below.lose(10);
  EXPECT_EQ(below.take(below.arrival(11))->retry_timeout, 120ms);
}

TEST(Retransmission, TheLeastRetryTimeoutReplacesTheTenMilliseconds) {
  Stream stream{{.min_retry_timeout = 3ms}};
  const auto sequence = stream.teach(1ms, 10);
  stream.lose(sequence);
  EXPECT_EQ(stream.take(stream.arrival(sequence + 1))->retry_timeout, 3ms);
}

TEST(Retransmission, TheRetryPeriodEndsTheRequests) {
  Stream stream{{.retry_timeout = 50ms, .retry_period = 100ms}};
  stream.lose(10);
  auto now = stream.arrival(11);
  const auto request = stream.take(now);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->retry_period, 100ms);
  EXPECT_TRUE(stream.take(now + 50ms));
  EXPECT_TRUE(stream.take(now + 100ms)) << "the last";
  EXPECT_FALSE(stream.take(now + 150ms));
  EXPECT_FALSE(stream.requests.next_request_at());
  Stream late{{.retry_period = 100ms}};
  late.lose(10);
  EXPECT_FALSE(late.take(now + 100ms + 1ns));
}

TEST(Retransmission, WithoutASetPeriodItLastsAsLongAsAnAnswerIsOfUse) {
  Stream stream{{}, 400ms};
  stream.lose(10);
  const auto request = stream.take(stream.arrival(11));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->retry_period, 400ms - kSpacing);
}

TEST(Retransmission, MostRetriesBoundsTheRequests) {
  Stream stream{{.retry_timeout = 10ms, .max_retries = 2}};
  stream.lose(10);
  auto now = stream.arrival(11);
  EXPECT_TRUE(stream.take(now));
  EXPECT_TRUE(stream.take(now + 10ms));
  EXPECT_FALSE(stream.take(now + 20ms));
  EXPECT_FALSE(stream.requests.next_request_at());
  EXPECT_EQ(stream.requests.requests_for(10), 2) << "it is remembered until it is given up";
  EXPECT_EQ(stream.requests.on_packet(10, now + 50ms, true), Filled::Repaired);
  Stream none{{.max_retries = 0}};
  none.lose(10);
  EXPECT_FALSE(none.take(now));
}

TEST(Retransmission, TheDeadlineEndsTheRequestsWhenTheHoleWouldStayOpenLonger) {
  Stream stream{{.deadline = 100ms}, 1s};
  const auto sequence = stream.teach(60ms, 10);
  stream.lose(sequence);
  const auto noticed = stream.arrival(sequence + 1);
  EXPECT_TRUE(stream.take(noticed + 40ms));
  Stream late{{.deadline = 100ms}, 1s};
  late.teach(60ms, 10);
  late.lose(sequence);
  EXPECT_FALSE(late.take(noticed + 40ms + 1ns));
  Stream longer{{.deadline = 10s}, 1s};
  longer.lose(10);
  EXPECT_FALSE(longer.take(longer.arrival(10) + 1s + 1ns)) << "it never makes the wait longer";
}

TEST(Retransmission, SettingsHoldForHolesThatAreOpenAlready) {
  Stream stream;
  stream.lose(10);
  stream.requests.set_settings({.max_retries = 0});
  EXPECT_FALSE(stream.take(stream.arrival(11)));
}

// ---- bounds

TEST(Retransmission, TheNewest512OfAHoleAreAskedFor) {
  Stream stream{{}, 1h};
  stream.lose(1000, 512);
  EXPECT_EQ(stream.take_all(stream.arrival(1512)).size(), 512u);
  Stream more{{}, 1h};
  more.lose(1000, 20'000);
  const auto asked = more.take_all(more.arrival(21'000));
  ASSERT_EQ(asked.size(), 512u);
  EXPECT_EQ(asked.front(), 21'000 - 512);
  EXPECT_EQ(asked.back(), 20'999);
}

TEST(Retransmission, AFullListTakesNoMoreUntilSomethingComesOrIsGivenUp) {
  Stream stream{{}, 1h};
  stream.lose(1000, 512);
  stream.lose(2000);
  EXPECT_EQ(stream.requests.on_packet(2000, stream.arrival(2001), false), Filled::NotMissing);
  stream.requests.on_packet(1511, stream.arrival(2001), false);
  stream.lose(2002, 2);
  EXPECT_EQ(stream.requests.on_packet(2002, stream.arrival(2004), false), Filled::NotMissing);
  EXPECT_EQ(stream.requests.on_packet(2003, stream.arrival(2004), false), Filled::Reordered);
  stream.requests.on_given_up(2004, stream.arrival(2004));
  stream.lose(3000, 512);
  EXPECT_EQ(stream.take_all(stream.arrival(3600)).size(), 512u);
}

TEST(Retransmission, AResetForgetsTheHolesAndKeepsTheRoundTrip) {
  Stream stream{{.max_retries = 7}};
  const auto sequence = stream.teach(50ms, 10);
  stream.lose(sequence);
  stream.requests.reset();
  EXPECT_FALSE(stream.requests.next_request_at());
  EXPECT_EQ(stream.requests.on_packet(sequence, stream.arrival(sequence + 1), false),
            Filled::NotMissing);
  EXPECT_EQ(stream.requests.round_trip(), 50ms) << "it is the path's, not the stream's";
  EXPECT_EQ(stream.requests.settings().max_retries, 7);
}

TEST(Retransmission, TheNextInstantIsAlwaysTheEarliestWhateverHappens) {
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    Stream stream{{.max_retries = 3}, 300ms};
    std::set<std::int64_t> open;
    std::int64_t newest = 100;
    auto now = stream.arrival(newest);
    for (int step = 0; step < 5000; ++step) {
      now += 5ms;
      switch (random() % 4) {
        case 0: {
          const auto count = 1 + static_cast<std::int64_t>(random() % 5);
          const auto behind = MediaTime{now - at(0ns)};
          stream.requests.on_hole(newest + 1, count, behind - kSpacing, behind, now);
          for (std::int64_t i = 0; i < count; ++i)
            open.insert(++newest);
          stream.requests.on_newest(++newest);
          break;
        }
        case 1:
          if (!open.empty()) {
            const auto which = *open.begin();
            ASSERT_NE(stream.requests.on_packet(which, now, random() % 2 == 0), Filled::NotMissing);
            open.erase(which);
          }
          break;
        case 2:
          stream.requests.on_given_up(newest - 40, now);
          open.erase(open.begin(), open.lower_bound(newest - 40));
          break;
        default:
          for (const auto sequence : stream.take_all(now))
            ASSERT_TRUE(open.contains(sequence));
          ASSERT_TRUE(!stream.requests.next_request_at() ||
                      *stream.requests.next_request_at() > now);
      }
      const auto next = stream.requests.next_request_at();
      ASSERT_FALSE(next && *next > now && stream.take(*next - 1ns)) << "nothing before that";
    }
  }
}

}  // namespace
}  // namespace onair
