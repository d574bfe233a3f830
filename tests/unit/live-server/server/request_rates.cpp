// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/request_rates.hpp"

#include <gtest/gtest.h>

namespace live {
namespace {

using namespace std::chrono_literals;

constexpr RequestRates::Time at(std::chrono::nanoseconds time) {
  return RequestRates::Time{std::chrono::duration_cast<RequestRates::Duration>(time)};
}
const auto kOne = *IpAddress::parse("192.0.2.1");
const auto kOther = *IpAddress::parse("192.0.2.2");

// How many requests pass at a time.
int passing(RequestRates& rates, RequestRates::Time now, const IpAddress& from = kOne) {
  int passed = 0;
  while (passed < 1000 && !rates.on_request(from, now))
    ++passed;
  return passed;
}

TEST(RequestRates, WithoutALimitAllPassAndNobodyIsRemembered) {
  RequestRates rates{0};
  EXPECT_EQ(passing(rates, at(0s)), 1000);
  EXPECT_EQ(rates.addresses(), 0U);
}

TEST(RequestRates, ABurstPassesAndThenSoManyASecond) {
  RequestRates rates{10};
  EXPECT_EQ(passing(rates, at(0s)), 40);
  EXPECT_EQ(passing(rates, at(99ms)), 0);
  EXPECT_EQ(passing(rates, at(1s)), 10);
  EXPECT_EQ(passing(rates, at(1h)), 40) << "no more than a burst is saved";
}

TEST(RequestRates, WhoWaitsAsToldPassesAndNotSooner) {
  RequestRates rates{0.5};
  EXPECT_EQ(passing(rates, at(0s)), 2);
  const auto wait = rates.on_request(kOne, at(0s));
  ASSERT_TRUE(wait);
  EXPECT_EQ(*wait, 2s);
  EXPECT_TRUE(rates.on_request(kOne, at(2s - 1ns)));
  EXPECT_FALSE(rates.on_request(kOne, at(2s)));
}

TEST(RequestRates, EachAddressHasItsOwn) {
  RequestRates rates{1};
  EXPECT_EQ(passing(rates, at(0s), kOne), 4);
  EXPECT_EQ(passing(rates, at(0s), kOther), 4);
  EXPECT_EQ(passing(rates, at(0s), *IpAddress::parse("2001:db8::1")), 4);
  EXPECT_EQ(passing(rates, at(0s), *IpAddress::parse("2001:db8::2")), 0) << "the same network";
}

TEST(RequestRates, ThoseWhoAreTooManyAreForgottenFromTheQuietestOn) {
  RequestRates rates{1};
  EXPECT_EQ(passing(rates, at(0s), kOne), 4);
  for (std::size_t i = 1; i < RequestRates::kMostAddresses; ++i)
    static_cast<void>(rates.on_request(
        *IpAddress::parse("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256)),
        at(0s)));
  EXPECT_EQ(passing(rates, at(0s), kOne), 0) << "nobody had to go yet, and it was just there";
  EXPECT_FALSE(rates.on_request(kOther, at(0s)));
  EXPECT_EQ(rates.addresses(), RequestRates::kMostAddresses);
  EXPECT_EQ(passing(rates, at(0s), kOne), 0);
  EXPECT_EQ(passing(rates, at(0s), *IpAddress::parse("10.0.0.1")), 4) << "it was forgotten";
}

TEST(RequestRates, ATimeThatDoesNotPassGivesNothing) {
  RequestRates rates{1};
  EXPECT_EQ(passing(rates, at(10s)), 4);
  EXPECT_EQ(passing(rates, at(10s)), 0);
}

}  // namespace
}  // namespace live
