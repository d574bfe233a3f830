// SPDX-License-Identifier: LGPL-2.1-or-later
#include "latency_controller.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;
using Config = LatencyController::Config;
using Release = LatencyController::Release;
using Reason = LatencyController::Reason;

// A sender of one packet each 20 ms over a path of 40 ms, and the delays that the test adds.
class Audio {
 public:
  explicit Audio(LatencyController& controller, std::uint64_t seed = 1)
      : controller_{controller}, noise_{seed} {}

  // The next packet, `delay` above the quickest path.
  void send(Duration delay = Duration{0}) {
    deliver(next_, delay);
    ++next_;
  }
  void deliver(std::int64_t sequence, Duration delay, bool is_retransmitted = false) {
    const auto sent = sequence * 20ms;
    controller_.on_packet(
        {RunningTime{sent + 40ms + delay}, MediaTime{sent}, sequence, false, is_retransmitted});
  }
  // Uniform noise up to `jitter`.
  void run(Duration length, Duration jitter = 1ms) {
    for (const auto end = next_ + length / 20ms; next_ < end;)
      send(noise(jitter));
  }
  Duration noise(Duration most) {
    noise_ = noise_ * 6364136223846793005U + 1442695040888963407U;
    return Duration{static_cast<Duration::rep>(static_cast<double>(most.count()) *
                                               (static_cast<double>(noise_ >> 40U) / (1 << 24)))};
  }
  // Nothing arrives for `length`; what gathered then comes at once.
  void stall(Duration length) {
    for (auto left = length; left > 0ms; left -= 20ms)
      send(left);
  }
  void lose(std::int64_t count = 1) { next_ += count; }
  [[nodiscard]] std::int64_t next() const { return next_; }

 private:
  LatencyController& controller_;
  std::int64_t next_ = 0;
  std::uint64_t noise_;
};

TEST(LatencyController, StartsAtTheInitialLatency) {
  LatencyController controller{{.initial_latency = 80ms}};
  EXPECT_EQ(controller.latency(), 80ms);
  Audio audio{controller};
  audio.send();
  EXPECT_EQ(controller.floor(), 40ms);
  EXPECT_EQ(controller.playout(), 120ms);
}

TEST(LatencyController, BoundsHoldTheInitialLatency) {
  EXPECT_EQ((LatencyController{{.min_latency = 120ms, .initial_latency = 80ms}}.latency()), 120ms);
  EXPECT_EQ((LatencyController{{.max_latency = 60ms, .initial_latency = 80ms}}.latency()), 60ms);
}

TEST(LatencyController, APacketAtItsDueInstantIsOnTimeAndANanosecondLaterIsLate) {
  LatencyController controller{{.initial_latency = 80ms}};
  Audio audio{controller};
  audio.send();
  audio.send(80ms);
  EXPECT_EQ(controller.stats().late_packets, 0U);
  LatencyController other{{.initial_latency = 80ms}};
  Audio stream{other};
  stream.send();
  stream.send(80ms + 1ns);
  EXPECT_EQ(other.stats().late_packets, 1U);
  EXPECT_EQ(other.stats().late_units, 1U);
}

TEST(LatencyController, ACleanNetworkEndsNearTheMinimum) {
  LatencyController controller{{}};
  Audio audio{controller};
  audio.run(60s);
  EXPECT_LT(controller.latency(), 5ms);
  EXPECT_GE(controller.latency(), 0ms);
}

TEST(LatencyController, NeverGoesBelowTheMinimum) {
  LatencyController controller{{.min_latency = 30ms}};
  Audio audio{controller};
  audio.run(60s);
  EXPECT_EQ(controller.latency(), 30ms);
}

TEST(LatencyController, AStallCostsOneLatePacket) {
  LatencyController controller{{}};
  Audio audio{controller};
  audio.run(60s);
  const auto before = controller.stats().late_packets;
  audio.stall(400ms);
  EXPECT_EQ(controller.stats().late_packets, before + 1);
}

TEST(LatencyController, AStallRaisesLByTheWholeExcessAtOnce) {
  LatencyController controller{{}};
  Audio audio{controller};
  audio.run(60s);
  audio.send(400ms);
  EXPECT_GE(controller.latency(), 400ms);
  EXPECT_LE(controller.latency(), 600ms);
}

TEST(LatencyController, NothingIsHeldLongerThanTheMaximum) {
  LatencyController controller{{.max_latency = 200ms}};
  Audio audio{controller};
  audio.run(20s);
  audio.stall(1s);
  EXPECT_LE(controller.latency(), 200ms);
}

TEST(LatencyController, StaysWithinItsBoundsInAnyWeather) {
  for (const auto seed : {1U, 2U, 3U, 4U, 5U}) {
    LatencyController controller{{.min_latency = 20ms, .max_latency = 300ms}};
    Audio audio{controller, seed};
    for (auto i = 0; i < 5000; ++i) {
      const auto dice = audio.noise(100ns).count();
      if (dice < 2)
        audio.stall(audio.noise(2s));
      else if (dice < 6)
        audio.lose();
      else if (dice < 10)
        audio.deliver(std::max<std::int64_t>(0, audio.next() - 1 - dice), audio.noise(500ms), true);
      else
        audio.send(audio.noise(50ms));
      ASSERT_GE(controller.latency(), 20ms) << "seed " << seed;
      ASSERT_LE(controller.latency(), 300ms) << "seed " << seed;
      ASSERT_EQ(controller.playout(), controller.floor() + controller.latency());
    }
  }
}

TEST(LatencyController, NonsenseMovesItWithinItsBoundsOnly) {
  for (const auto release : {Release::Paced, Release::Eager}) {
    LatencyController controller{{.release = release, .max_latency = 300ms}};
    Audio audio{controller, 9};
    for (auto i = 0; i < 20000; ++i) {
      const auto media = MediaTime{audio.noise(24h) - 12h};
      const auto sequence = (audio.noise(Duration{1'000'000'000'000}) - 500s).count();
      controller.on_packet({RunningTime{audio.noise(24h)}, media, sequence,
                            audio.noise(2ns).count() == 0, audio.noise(2ns).count() == 0});
      ASSERT_GE(controller.latency(), 0ms);
      ASSERT_LE(controller.latency(), 300ms);
    }
  }
}

TEST(LatencyController, FramesWithoutMarkersAreFollowedToo) {
  LatencyController controller{{}};
  std::int64_t sequence = 0;
  for (auto frame = 0; frame < 1800; ++frame)
    for (auto packet = 0; packet < 4; ++packet)
      controller.on_packet(
          {RunningTime{frame * 33ms + packet * 1ms}, MediaTime{frame * 33ms}, sequence++});
  EXPECT_LT(controller.latency(), 20ms);
}

TEST(LatencyController, IsBackToSmallThirtySecondsAfterTheWeatherClears) {
  LatencyController controller{{}};
  Audio audio{controller};
  audio.run(30s);
  for (auto i = 0; i < 30; ++i) {
    audio.stall(300ms);
    audio.run(700ms, 30ms);
  }
  EXPECT_GT(controller.latency(), 30ms);
  audio.run(30s);
  EXPECT_LT(controller.latency(), 50ms);
}

TEST(LatencyController, KeepsTheTargetInOrdinaryJitter) {
  for (const auto target : {0.001, 0.01}) {
    LatencyController controller{{.late_target = target}};
    Audio audio{controller};
    for (auto i = 0; i < 30000; ++i) {
      // Roughly exponential: a sum of ever rarer halves.
      auto delay = audio.noise(10ms);
      while (audio.noise(2ns).count() == 0)
        delay += audio.noise(10ms);
      audio.send(delay);
    }
    const auto share = static_cast<double>(controller.stats().late_packets) / 30000;
    EXPECT_LE(share, 1.2 * target);
    EXPECT_GE(share, 0.5 * target);
  }
}

TEST(LatencyController, FrozenItStays) {
  LatencyController controller{{.initial_latency = 70ms, .adaptive = false}};
  Audio audio{controller};
  audio.run(30s);
  audio.stall(400ms);
  audio.run(1s);
  EXPECT_EQ(controller.latency(), 70ms);
  EXPECT_GT(controller.stats().late_packets, 0U);
}

TEST(LatencyController, NewBoundsHoldFromTheNextPacketOn) {
  LatencyController controller{{}};
  Audio audio{controller};
  audio.run(30s);
  controller.set_config({.min_latency = 50ms});
  audio.send();
  EXPECT_EQ(controller.latency(), 50ms);
  controller.set_config({.max_latency = 10ms});
  audio.stall(100ms);
  EXPECT_EQ(controller.latency(), 10ms);
}

TEST(LatencyController, FollowsTheSendersClock) {
  for (const auto ppm : {-200, 200}) {
    LatencyController controller{{}};
    for (auto i = 0; i < 15000; ++i) {
      const auto media = i * 20ms;
      const auto drift = i * Duration{20 * ppm};  // 20 ms times 1e-6 is 20 ns
      controller.on_packet({RunningTime{media + drift + (i % 3) * 500us}, MediaTime{media}, i});
    }
    EXPECT_LT(controller.latency(), 5ms) << ppm;
    EXPECT_NEAR(controller.drift().estimate().ppm(), ppm, 10);
  }
}

TEST(LatencyController, NeverMovesInTheMiddleOfAFrame) {
  LatencyController controller{{}};
  std::int64_t sequence = 0;
  std::uint64_t noise = 7;
  RunningTime arrival;
  for (auto frame = 0; frame < 3000; ++frame) {
    const auto media = frame * 33333333ns;
    noise = noise * 6364136223846793005U + 1442695040888963407U;
    const auto delay = Duration{static_cast<Duration::rep>(noise >> 38U)};  // up to 67 ms
    const auto stall = noise % 97 == 0 ? 300ms : 0ms;
    const auto packets = 2 + static_cast<int>((noise >> 33U) % 6);
    const auto before = controller.playout();
    for (auto packet = 0; packet < packets; ++packet) {
      if (frame > 2) {  // the first frames show that there are frames
        ASSERT_EQ(controller.playout(), before) << "frame " << frame << ", packet " << packet;
      }
      arrival = std::max(arrival, RunningTime{media + delay + stall + packet * 1ms});
      controller.on_packet({arrival, MediaTime{media}, sequence++, packet == packets - 1, false});
    }
  }
}

TEST(LatencyController, AFrameIsLateOnce) {
  LatencyController controller{{.initial_latency = 50ms}};
  for (std::int64_t frame = 0; frame < 2; ++frame)
    for (std::int64_t packet = 0; packet < 4; ++packet)
      controller.on_packet({RunningTime{frame * 33ms + (frame == 1 ? 200ms : 0ms)},
                            MediaTime{frame * 33ms}, frame * 4 + packet, packet == 3});
  EXPECT_EQ(controller.stats().units, 2U);
  EXPECT_EQ(controller.stats().late_units, 1U);
  EXPECT_EQ(controller.stats().late_packets, 4U);
}

TEST(LatencyController, AnOpenHoleRaisesLAheadOfTheMissingPacketsAgeUpToTheRepair) {
  LatencyController controller{{}};
  Audio audio{controller};
  audio.run(30s);
  // 80 ms after it was noticed, the answer comes.
  for (auto i = 0; i < 20; ++i) {
    const auto lost = audio.next();
    audio.lose();
    audio.run(80ms);
    audio.deliver(lost, 105ms, true);
    audio.run(2s);
  }
  const auto late = controller.stats().late_packets;
  EXPECT_LT(controller.latency(), 50ms);
  const auto lost = audio.next();
  audio.lose();
  audio.send();
  EXPECT_GE(controller.repair_latency(), 105ms);
  // It is less than 40 ms old, less than 60 when the next packet comes, and less than 80 if that one
  // is lost as well.
  EXPECT_GE(controller.latency(), 80ms);
  EXPECT_LT(controller.latency(), 90ms);
  audio.run(60ms);
  EXPECT_GE(controller.latency(), 105ms);
  EXPECT_EQ(controller.latency(), controller.repair_latency());
  audio.deliver(lost, 105ms, true);
  EXPECT_EQ(controller.stats().late_packets, late);
  audio.run(1s);
  EXPECT_LT(controller.latency(), 50ms);
}

TEST(LatencyController, AfterARepairTheNextHoleShowsBeforeTheMissingPacketIsDue) {
  LatencyController controller{{.repair_hold = 5s}};
  Audio audio{controller};
  audio.run(30s);
  EXPECT_LT(controller.latency(), 20ms);
  for (auto i = 0; i < 20; ++i) {
    const auto lost = audio.next();
    audio.lose();
    audio.send();
    // It rises for the repair as soon as the hole shows...
    if (i > 2) {
      EXPECT_GE(controller.latency(), 60ms);
      EXPECT_GE(controller.repair_latency(), 105ms);
    }
    audio.run(80ms);
    audio.deliver(lost, 105ms, true);
    audio.run(2s);
  }
  // ...and stays above the 20 ms after which the next packet shows it.
  EXPECT_GT(controller.latency(), 20ms);
  audio.run(2800ms);
  EXPECT_GT(controller.latency(), 20ms);
  audio.run(400ms);
  EXPECT_LT(controller.latency(), 20ms);
}

TEST(LatencyController, TheFirstHoleIsWaitedForWhereTheRoundTripIsKnown) {
  LatencyController controller{{}};
  Audio audio{controller};
  audio.run(60s);
  controller.on_round_trip(100ms);
  audio.lose();
  audio.send();
  EXPECT_GE(controller.latency(), 60ms);
  EXPECT_GE(controller.repair_latency(), 120ms);
  EXPECT_LE(controller.repair_latency(), 170ms);
  audio.run(100ms);
  EXPECT_EQ(controller.latency(), controller.repair_latency());
}

TEST(LatencyController, OfABurstOfLossesTheFirstMissingPacketIsWaitedFor) {
  LatencyController controller{{}};
  Audio audio{controller};
  audio.run(60s);
  controller.on_round_trip(200ms);
  audio.lose(4);
  audio.send();
  // Its age, and two more packets.
  EXPECT_GE(controller.latency(), 80ms + 40ms);
}

TEST(LatencyController, OnlyWhereLWillRiseARepairMayTakeLongerThanL) {
  LatencyController eager{{.release = Release::Eager}};
  EXPECT_EQ(eager.repair_latency(), eager.latency());
  LatencyController fixed{{.adaptive = false}};
  Audio audio{fixed};
  audio.run(1s);
  fixed.on_round_trip(300ms);
  audio.lose();
  audio.send();
  EXPECT_EQ(fixed.repair_latency(), fixed.latency());
}

TEST(LatencyController, HolesThatNobodyFillsRaiseNothing) {
  LatencyController controller{{}};
  Audio audio{controller};
  for (auto i = 0; i < 600; ++i) {
    audio.lose();
    audio.run(200ms);
  }
  EXPECT_LT(controller.latency(), 5ms);
  EXPECT_EQ(controller.stats().holes, 599U);
  EXPECT_EQ(controller.stats().filled_holes, 0U);
}

TEST(LatencyController, RegularBurstsAreExpected) {
  LatencyController controller{{}};
  Audio audio{controller};
  for (auto i = 0; i < 60; ++i) {
    audio.run(1960ms);
    audio.stall(40ms);
  }
  const auto late = controller.stats().late_packets;
  for (auto i = 0; i < 30; ++i) {
    audio.run(1000ms);
    EXPECT_LT(controller.latency(), 30ms);
    audio.run(960ms);
    EXPECT_GE(controller.latency(), 40ms);
    audio.stall(40ms);
  }
  EXPECT_EQ(controller.stats().late_packets, late);
}

TEST(LatencyController, EagerWaitsLongWhileHolesAreFilled) {
  LatencyController controller{{.release = Release::Eager, .max_latency = 600ms}};
  Audio audio{controller};
  audio.run(1s);
  for (auto i = 0; i < 200; ++i) {
    const auto lost = audio.next();
    audio.lose();
    audio.run(100ms);
    audio.deliver(lost, 120ms, true);
  }
  EXPECT_EQ(controller.latency(), 600ms);
  EXPECT_EQ(controller.stats().given_up, 0U);
}

TEST(LatencyController, EagerIsSmallWithoutHolesAndLargeWithTheFirst) {
  LatencyController controller{{.release = Release::Eager, .max_latency = 600ms}};
  Audio audio{controller};
  audio.run(5s);
  EXPECT_LT(controller.latency(), 1ms);
  audio.lose();
  audio.send();
  EXPECT_EQ(controller.latency(), 600ms);
}

TEST(LatencyController, EagerExpectsAnotherHoleForTenSecondsAndThenComesDown) {
  LatencyController controller{{.release = Release::Eager, .max_latency = 600ms}};
  Audio audio{controller};
  audio.run(5s);
  const auto lost = audio.next();
  audio.lose();
  audio.run(100ms);
  audio.deliver(lost, 120ms, true);
  audio.run(9800ms);
  EXPECT_EQ(controller.latency(), 600ms);
  audio.run(4s);
  EXPECT_LT(controller.latency(), 100ms);
  audio.run(16s);
  EXPECT_LT(controller.latency(), 1ms);
}

TEST(LatencyController, EagerExpectsTheFirstHoleInTheMiddleOfAFrameToo) {
  LatencyController controller{{.release = Release::Eager, .max_latency = 600ms}};
  std::int64_t sequence = 0;
  const auto send = [&](int frame, int packet) {
    controller.on_packet({RunningTime{frame * 33ms + packet * 1ms}, MediaTime{frame * 33ms},
                          sequence++, packet == 3});
  };
  for (auto frame = 0; frame < 300; ++frame)
    for (auto packet = 0; packet < 4; ++packet)
      send(frame, packet);
  send(300, 0);
  EXPECT_LT(controller.latency(), 1ms);
  ++sequence;
  send(300, 2);
  EXPECT_EQ(controller.latency(), 600ms);
}

TEST(LatencyController, EagerGivesUpSoonWhereNobodyRepairs) {
  LatencyController controller{{.release = Release::Eager, .max_latency = 600ms}};
  Audio audio{controller};
  for (auto i = 0; i < 600; ++i) {
    audio.lose();
    audio.run(200ms);
  }
  EXPECT_LT(controller.latency(), 100ms);
}

TEST(LatencyController, EveryChangeWorthALineIsExplainedOnce) {
  LatencyController controller{{}};
  Audio audio{controller};
  audio.run(10s);
  const auto first = controller.take_change();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->from, 100ms);
  EXPECT_EQ(first->to, controller.latency());
  EXPECT_FALSE(controller.take_change().has_value());
  audio.run(2s);
  audio.send(300ms);
  const auto burst = controller.take_change();
  ASSERT_TRUE(burst.has_value());
  EXPECT_EQ(burst->why, Reason::LateBurst);
  EXPECT_EQ(burst->late_packets, 1U);
  EXPECT_GE(burst->worst, 299ms);
  EXPECT_EQ(burst->to, controller.latency());
}

TEST(LatencyController, ResetForgetsTheStreamButNotTheConfiguration) {
  LatencyController controller{{.min_latency = 10ms, .initial_latency = 90ms}};
  Audio audio{controller};
  audio.run(30s);
  controller.reset();
  EXPECT_EQ(controller.latency(), 90ms);
  EXPECT_EQ(controller.stats().packets, 0U);
}

}  // namespace
}  // namespace onair
