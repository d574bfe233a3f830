// SPDX-License-Identifier: LGPL-2.1-or-later
// What must hold of a JitterBuffer whatever the network does: seeded weather, and then floods of
// packets that no sender ever sent.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <new>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "jitter_buffer.hpp"
#include "jitter_buffer_playback.hpp"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* allocate(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size > 0 ? size : 1))
    return memory;
  throw std::bad_alloc{};
}

}  // namespace

// Of this whole program, so that what allocates for each packet is seen.
void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size > 0 ? size : 1);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace onair::test {
namespace {

using Insert = JitterBuffer::Insert;
using Packet = JitterBuffer::Packet;
using Release = LatencyController::Release;

Duration up_to(std::mt19937& random, Duration most) {
  return Duration{std::uniform_int_distribution<Duration::rep>{0, most.count()}(random)};
}

// What a network made of a sender: packets in the order of their arrival.
struct Weather {
  explicit Weather(std::uint32_t seed, bool has_restarts = true) : random{seed} {
    const bool is_video = random() % 2 == 0;
    const double loss = static_cast<double>(random() % 4) * 0.02;
    const Duration jitter = Duration{1ms} * (random() % 80);
    const double drift = (static_cast<double>(random() % 401) - 200) * 1e-6;
    std::uint16_t sequence = static_cast<std::uint16_t>(random());
    std::uint32_t rtp_time = static_cast<std::uint32_t>(random());
    std::uint32_t ssrc = kSsrc;
    Duration stalled_until{0};
    int burst = 0;
    for (std::int64_t frame = 0; frame < 2000; ++frame) {
      // A packet rate, and so the limit of what is reordering, is known after a second only.
      const bool is_rough = frame > 75;
      const auto sampled =
          Duration{static_cast<std::int64_t>(static_cast<double>(frame) * 20e6 * (1 + drift))};
      if (is_rough && random() % 400 == 0)
        stalled_until = sampled + up_to(random, 1200ms), burst = 0;
      if (has_restarts && random() % 900 == 0) {
        ssrc = random() % 2 == 0 ? ssrc : static_cast<std::uint32_t>(random());
        sequence = static_cast<std::uint16_t>(random());
        rtp_time = static_cast<std::uint32_t>(random());
      }
      // Pictures that are shown before the one that was sent before them, now and then.
      const auto shown_earlier = is_video && frame % 3 == 2 ? 3 * kFrame / 2 : 0;
      const std::int64_t packets = is_video ? 1 + static_cast<std::int64_t>(random() % 6) : 1;
      for (std::int64_t i = 0; i < packets; ++i) {
        Packet packet{.ssrc = ssrc,
                      .sequence = sequence++,
                      .rtp_time = rtp_time - shown_earlier,
                      .clock_rate = kRate,
                      .size = static_cast<std::uint32_t>(1 + random() % 1200),
                      .marker = i + 1 == packets,
                      .is_empty = random() % 50 == 0};
        const Duration sent = sampled + i * 100us;
        // FIFO but for a few that take another way; stalls let go of everything at once.
        Duration delay = up_to(random, jitter) / 4;
        if (is_rough && random() % 60 == 0)
          delay += up_to(random, 400ms);
        packet.arrival = at(std::max(sent + delay, stalled_until + burst++ * 1us));
        if (std::uniform_real_distribution<double>{0, 1}(random) < loss) {
          if (random() % 2 == 0)
            continue;
          packet.arrival += 60ms + up_to(random, 100ms);  // repaired
          packet.retransmission = random() % 4 != 0;
        }
        arrivals.push_back(packet);
        if (is_rough && random() % 40 == 0) {  // and twice
          packet.arrival += up_to(random, 300ms);
          arrivals.push_back(packet);
        }
      }
      rtp_time += kFrame;
    }
    std::stable_sort(arrivals.begin(), arrivals.end(), [](const Packet& one, const Packet& other) {
      return one.arrival < other.arrival;
    });
  }

  std::mt19937 random;
  std::vector<Packet> arrivals;
};

JitterBuffer::Settings adaptive(Release release, Duration least, Duration most) {
  JitterBuffer::Settings settings;
  settings.latency.release = release;
  settings.latency.min_latency = least;
  settings.latency.max_latency = most;
  settings.latency.initial_latency = std::clamp<Duration>(100ms, least, most);
  return settings;
}

JitterBuffer::Settings asking(JitterBuffer::Settings settings) {
  settings.do_retransmission = true;
  return settings;
}

// Every manner of waiting that there is.
std::vector<JitterBuffer::Settings> schedules() {
  return {
      eager(0ms),
      eager(200ms),
      eager(5s),
      paced(0ms),
      paced(30ms),
      paced(600ms),
      adaptive(Release::Eager, 0ms, 600ms),
      adaptive(Release::Paced, 0ms, 600ms),
      adaptive(Release::Paced, 100ms, 150ms),
      adaptive(Release::Eager, 0ms, 3s),
      asking(eager(200ms)),
      asking(paced(400ms)),
      asking(adaptive(Release::Paced, 0ms, 600ms)),
      asking(adaptive(Release::Eager, 0ms, 600ms)),
  };
}

std::string describe(std::uint32_t seed, const JitterBuffer::Settings& settings) {
  return "seed " + std::to_string(seed) +
         (settings.latency.release == Release::Paced ? ", paced" : ", eager") +
         (settings.latency.adaptive ? " adaptive " : " fixed ") +
         std::to_string(settings.latency.max_latency / 1ms) + " ms" +
         (settings.do_retransmission ? ", asking" : "");
}

constexpr std::uint32_t kSeeds[] = {1, 2, 3, 4, 5, 20'261'121};

// What came of each arrival, by the arrival's place.
struct Fates {
  explicit Fates(const Weather& weather, const JitterBuffer::Settings& settings) : run{settings} {
    for (const auto& packet : weather.arrivals)
      inserted.push_back(run.arrive(packet));
    run.drain();
  }
  Playback run;
  std::vector<Insert> inserted;
};

TEST(JitterBufferProperties, ReleasesAndReportsCoverEveryNumberOnceAndInOrder) {
  for (const auto seed : kSeeds) {
    const Weather weather{seed, false};
    for (const auto& settings : schedules()) {
      SCOPED_TRACE(describe(seed, settings));
      Playback run{settings};
      std::set<std::uint16_t> empty;
      for (const auto& packet : weather.arrivals)
        if (run.arrive(packet) == Insert::Empty)
          empty.insert(packet.sequence);
      run.drain();
      ASSERT_EQ(run.held(), 0u);
      ASSERT_EQ(run.discarded(), 0u);
      // Merge what went out and what was reported, by number; padding fills the rest.
      std::map<std::int64_t, int> seen;
      const auto& released = run.released();
      ASSERT_FALSE(released.empty());
      const std::uint16_t first = released[0].packet.sequence;
      // The stream is shorter than 16 bits: counted from the first it does not wrap.
      const auto count_from_first = [&](std::uint16_t sequence) {
        return std::int64_t{static_cast<std::uint16_t>(sequence - first)};
      };
      std::int64_t last = -1;
      for (const auto& one : released) {
        const auto number = count_from_first(one.packet.sequence);
        ASSERT_GT(number, last) << "out of order";
        last = number;
        ++seen[number];
      }
      std::int64_t last_lost = -1;
      for (const auto& one : run.given_up()) {
        const auto number = count_from_first(one.lost.sequence);
        ASSERT_GT(number, last_lost);
        last_lost = number + one.lost.count - 1;
        ASSERT_LT(last_lost, last) << "lost is only what later packets overtook";
        for (auto each = number; each <= last_lost; ++each)
          ++seen[each];
        ASSERT_GE(one.lost.duration, 0ns);
      }
      for (const auto sequence : empty)
        if (count_from_first(sequence) <= last)
          ++seen[count_from_first(sequence)];
      for (std::int64_t number = 0; number <= last; ++number)
        ASSERT_EQ(seen[number], 1) << "number " << number;
    }
  }
}

TEST(JitterBufferProperties, EveryPacketIsReleasedDiscardedOrGivenBackOnce) {
  // Playback holds a token's account with each call; here the sums.
  for (const auto seed : kSeeds) {
    const Weather weather{seed};
    for (auto settings : schedules()) {
      for (const std::size_t most : {10'000u, 20u}) {
        settings.max_packets = most;
        settings.drop_on_latency = most == 20;
        SCOPED_TRACE(describe(seed, settings));
        const Fates fates{weather, settings};
        const auto queued =
            std::count(fates.inserted.begin(), fates.inserted.end(), Insert::Queued);
        EXPECT_EQ(static_cast<std::size_t>(queued),
                  fates.run.released().size() + fates.run.discarded() + fates.run.held());
        EXPECT_EQ(fates.run.buffer.stats().pushed, fates.run.released().size());
        EXPECT_EQ(fates.run.buffer.packets(), 0u);
        EXPECT_LE(fates.run.held(), 4u) << "no more than a probation";
      }
    }
  }
}

TEST(JitterBufferProperties, NothingIsHeldLongerThanTheLargestLatency) {
  for (const auto seed : kSeeds) {
    const Weather weather{seed};
    for (const auto& settings : schedules()) {
      SCOPED_TRACE(describe(seed, settings));
      const Fates fates{weather, settings};
      const auto most = settings.latency.max_latency;
      // On probation packets wait for the fifth of them; the noise in between can be one stall.
      for (const auto& one : fates.run.released())
        ASSERT_LE(one.when - one.release.arrival, most + 2s) << one.packet.sequence;
      const Weather calm{seed, false};
      const Fates same_stream{calm, settings};
      for (const auto& one : same_stream.run.released())
        ASSERT_LE(one.when - one.release.arrival, most) << one.packet.sequence;
    }
  }
}

TEST(JitterBufferProperties, TimestampsAreTheSameForEverySchedule) {
  for (const auto seed : kSeeds) {
    const Weather weather{seed};
    // By the place of the arrival, which is the token less one.
    std::map<JitterBuffer::Token, RunningTime> truth;
    for (const auto& settings : schedules()) {
      SCOPED_TRACE(describe(seed, settings));
      const Fates fates{weather, settings};
      std::size_t compared = 0;
      for (const auto& one : fates.run.released()) {
        const auto [known, is_new] = truth.emplace(one.release.token, one.release.pts);
        compared += is_new ? 0 : 1;
        ASSERT_EQ(known->second, one.release.pts) << "packet " << one.release.token;
      }
      EXPECT_TRUE(compared == 0 || compared > 1000) << compared;
    }
  }
}

TEST(JitterBufferProperties, EqualRtpTimesHaveEqualTimestampsAndLaterOnesLater) {
  for (const auto seed : kSeeds) {
    const Weather weather{seed, false};
    for (const auto& settings : schedules()) {
      SCOPED_TRACE(describe(seed, settings));
      const Fates fates{weather, settings};
      std::map<std::int64_t, RunningTime> by_ticks;
      for (const auto& one : fates.run.released()) {
        const auto [known, is_new] = by_ticks.emplace(one.release.ticks, one.release.pts);
        ASSERT_EQ(known->second, one.release.pts) << "RTP time " << one.packet.rtp_time;
      }
      RunningTime last = RunningTime::min();
      for (const auto& [ticks, pts] : by_ticks) {
        ASSERT_GT(pts, last);
        last = pts;
      }
    }
  }
}

TEST(JitterBufferProperties, OnlyNewStreamsAreResynchronised) {
  for (const auto seed : kSeeds) {
    const Weather weather{seed, false};
    for (const auto& settings : schedules()) {
      SCOPED_TRACE(describe(seed, settings));
      const Fates fates{weather, settings};
      EXPECT_EQ(fates.run.buffer.stats().restarts, 0u);
      for (const auto& one : fates.run.released())
        ASSERT_FALSE(one.release.resync);
    }
  }
}

// ---- what no sender ever sent

enum class Flood { Sequences, TimesBackwards, Everything, AlmostInOrder, Ssrcs, LeapsWithinLimits };

Packet flood_packet(Flood flood, std::mt19937& random, std::int64_t n) {
  Packet packet = Playback::packet(0);
  packet.sequence = static_cast<std::uint16_t>(n);
  packet.rtp_time = static_cast<std::uint32_t>(n * kFrame);
  packet.size = static_cast<std::uint32_t>(random() % 1500);
  packet.arrival = at(n * 50us);
  switch (flood) {
    case Flood::Sequences:
      packet.sequence = static_cast<std::uint16_t>(random());
      packet.rtp_time = static_cast<std::uint32_t>(n * 4);
      break;
    case Flood::TimesBackwards:
      packet.rtp_time = static_cast<std::uint32_t>(-n * kFrame);
      break;
    case Flood::Everything:
      packet.sequence = static_cast<std::uint16_t>(random());
      packet.rtp_time = static_cast<std::uint32_t>(random());
      packet.ssrc = static_cast<std::uint32_t>(random());
      packet.clock_rate = random() % 3 == 0 ? 0 : static_cast<std::uint32_t>(random());
      packet.is_empty = random() % 4 == 0;
      packet.retransmission = random() % 4 == 0;
      packet.arrival_known = random() % 4 != 0;
      packet.arrival += up_to(random, 10s) - 5s;
      break;
    case Flood::AlmostInOrder:
      packet.sequence = static_cast<std::uint16_t>(n * 2 - static_cast<int>(random() % 50));
      packet.rtp_time = static_cast<std::uint32_t>(n * 2);
      packet.is_empty = random() % 10 == 0;
      break;
    case Flood::Ssrcs:
      packet.ssrc = static_cast<std::uint32_t>(n / 5);
      break;
    case Flood::LeapsWithinLimits:
      packet.sequence = static_cast<std::uint16_t>(n * 97);
      packet.rtp_time = static_cast<std::uint32_t>(n * 2);
      break;
  }
  return packet;
}

TEST(JitterBufferFlood, MemoryIsBoundedAndEveryTokenAccountedFor) {
  for (const auto flood : {Flood::Sequences, Flood::TimesBackwards, Flood::Everything,
                           Flood::AlmostInOrder, Flood::Ssrcs, Flood::LeapsWithinLimits})
    for (const std::uint32_t seed : {1u, 2u})
      for (const auto& base : schedules()) {
        auto settings = base;
        settings.max_packets = 200;
        settings.max_bytes = 50'000;
        SCOPED_TRACE("flood " + std::to_string(static_cast<int>(flood)) + ", " +
                     describe(seed, settings));
        std::mt19937 random{seed};
        Playback run{settings};
        for (std::int64_t n = 0; n < 1000; ++n) {
          run.arrive(flood_packet(flood, random, n));
          ASSERT_LE(run.buffer.packets(), 200u);
          ASSERT_LE(run.buffer.bytes(), 50'000u);
          ASSERT_LE(run.held(), 204u);
        }
        run.drain();
        ASSERT_LE(run.held(), 4u);
      }
}

TEST(JitterBufferFlood, WorkPerPacketIsBounded) {
  for (const auto flood : {Flood::Sequences, Flood::TimesBackwards, Flood::Everything,
                           Flood::AlmostInOrder, Flood::Ssrcs, Flood::LeapsWithinLimits})
    for (const auto& base : schedules()) {
      SCOPED_TRACE("flood " + std::to_string(static_cast<int>(flood)) + ", " + describe(1, base));
      std::mt19937 random{1};
      Playback run{base};
      // Of a packet, one release or at most 256 reports; nothing multiplies.
      std::int64_t packets = 0;
      for (; packets < 2000; ++packets)
        run.arrive(flood_packet(flood, random, packets));
      run.drain();
      EXPECT_LE(run.given_up().size(), 256u * static_cast<std::size_t>(packets));
      EXPECT_LE(run.requests().size(), 512u * static_cast<std::size_t>(packets));
      EXPECT_LE(run.released().size(), static_cast<std::size_t>(packets));
    }
}

TEST(JitterBufferFlood, AFloodIsForgottenAsSoonAsASenderIsBack) {
  for (const auto& settings : {eager(), paced()}) {
    std::mt19937 random{5};
    Playback run{settings};
    for (std::int64_t n = 0; n < 3000; ++n)
      run.arrive(flood_packet(Flood::Everything, random, n));
    const auto before = run.released().size();
    for (std::int64_t n = 1000; n < 1100; ++n)
      run.arrive(n);
    run.advance_to(at(10min));
    EXPECT_EQ(run.released().back().packet.sequence, Playback::packet(1099).sequence);
    EXPECT_GE(run.released().size() - before, 99u);
  }
}

// ---- the steady state

TEST(JitterBufferSteadyState, NoPacketAllocates) {
  for (const auto& settings : schedules()) {
    SCOPED_TRACE(describe(0, settings));
    JitterBuffer buffer;
    buffer.set_settings(settings);
    std::uint64_t before = 0;
    std::uint64_t released = 0;
    for (std::int64_t n = 0; n < 20'000; ++n) {
      if (n == 4000)
        before = allocations.load();
      // Every tenth comes behind its successor, every fiftieth never.
      const std::int64_t which = n % 10 == 4 ? n + 1 : n % 10 == 5 ? n - 1 : n;
      auto packet = Playback::packet(which);
      packet.token = static_cast<JitterBuffer::Token>(which + 1);
      packet.arrival = at(n * kSpacing + Duration{n % 7 * 1ms});
      if (n % 50 != 17)
        buffer.insert(packet);
      while (const auto output = buffer.take(packet.arrival))
        released += std::holds_alternative<JitterBuffer::Release>(*output) ? 1 : 0;
      while (buffer.take_request(packet.arrival)) {
      }
    }
    EXPECT_EQ(allocations.load(), before);
    EXPECT_GT(released, 17'000u);
  }
}

TEST(JitterBufferSteadyState, NoiseDoesNotAllocateEither) {
  JitterBuffer buffer;
  buffer.set_settings(eager());
  std::mt19937 random{9};
  std::uint64_t before = 0;
  for (std::int64_t n = 0; n < 20'000; ++n) {
    if (n == 4000)
      before = allocations.load();
    auto packet = flood_packet(Flood::Everything, random, n);
    packet.token = static_cast<JitterBuffer::Token>(n + 1);
    buffer.insert(packet);
    while (buffer.take(packet.arrival)) {
    }
  }
  EXPECT_EQ(allocations.load(), before);
}

}  // namespace
}  // namespace onair::test
