// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/time.hpp"

#include <concepts>

#include <gtest/gtest.h>

namespace onair {
namespace {

using namespace std::chrono_literals;

template <typename A, typename B>
concept Subtractable = requires(A a, B b) {
  a - b;
};
template <typename A, typename B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <typename A, typename B>
concept Comparable = requires(A a, B b) {
  a == b;
  a < b;
};
template <typename A, typename B>
concept Mixable = Subtractable<A, B> || Addable<A, B> || Comparable<A, B> ||
    std::assignable_from<A&, B> || std::constructible_from<A, B>;

// The compiler is the test: two of a kind give a Duration …
template <typename Time>
constexpr bool kIsATimeLine =
    std::same_as<decltype(Time{} - Time{}), Duration>&&
        std::same_as<decltype(Time{} + Duration{}), Time>&& Comparable<Time, Time> &&
    !Addable<Time, Time> && !std::convertible_to<Duration, Time> &&
    !std::convertible_to<Time, Duration>;
static_assert(kIsATimeLine<ClockTime>);
static_assert(kIsATimeLine<RunningTime>);
static_assert(kIsATimeLine<NtpTime>);

// … and two kinds give nothing at all.
static_assert(!Mixable<ClockTime, RunningTime> && !Mixable<RunningTime, ClockTime>);
static_assert(!Mixable<ClockTime, NtpTime> && !Mixable<NtpTime, ClockTime>);
static_assert(!Mixable<RunningTime, NtpTime> && !Mixable<NtpTime, RunningTime>);
// Nor do they mix with the clocks of the standard library.
static_assert(!Mixable<ClockTime, std::chrono::steady_clock::time_point>);
static_assert(!Mixable<NtpTime, std::chrono::system_clock::time_point>);

TEST(Time, SubtractingTwoOfAKindGivesANanosecondDuration) {
  const ClockTime earlier{5s};
  const ClockTime later{5s + 1ns};
  EXPECT_EQ(later - earlier, Duration{1});
  EXPECT_EQ(earlier - later, Duration{-1});
}

TEST(Time, MillisecondsForPeopleHaveAFraction) {
  EXPECT_DOUBLE_EQ(in_ms(1500us), 1.5);
  EXPECT_DOUBLE_EQ(in_ms(-1ns), -0.000001);
}

TEST(Time, RunningTimeMayBeNegative) {
  const RunningTime start{};
  EXPECT_LT(start - 1ns, start);
  EXPECT_EQ((start - 1ns).time_since_epoch(), Duration{-1});
}

TEST(Time, WallClockSince1900FitsFor200Years) {
  // 64 bits of nanoseconds hold 292 years: NTP time stays in range until 2192.
  const NtpTime in_2100{std::chrono::hours{24 * 365} * 200};
  EXPECT_GT(in_2100, NtpTime{});
}

}  // namespace
}  // namespace onair
