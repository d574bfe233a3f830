// SPDX-License-Identifier: LGPL-2.1-or-later
#include "weather/command.hpp"

#include <gtest/gtest.h>

namespace onair::weather {
namespace {

using namespace std::chrono_literals;

ChangeWeather change_of(std::string_view line) {
  const auto command = parse_command(line);
  const auto* change = std::get_if<ChangeWeather>(&command);
  EXPECT_TRUE(change) << line;
  return change ? *change : ChangeWeather{};
}

TEST(Command, NamesTheDirection) {
  EXPECT_TRUE(change_of("up").up);
  EXPECT_FALSE(change_of("up").down);
  EXPECT_TRUE(change_of("down").down);
  EXPECT_FALSE(change_of("down").up);
  EXPECT_TRUE(change_of("both").up && change_of("both").down);
}

TEST(Command, SetsWhatItNames) {
  const auto change = change_of(
      "up loss=2% burst-enter=0.01 burst-leave=0.2 burst-loss=0.9 rate=1.5Mbit queue=100ms"
      " stall=300ms every=15s delay=50ms jitter=500us spread=normal period=0.1s reorder=yes"
      " duplicate=0.001");
  const auto& weather = change.weather;
  EXPECT_DOUBLE_EQ(weather.loss, 0.02);
  EXPECT_DOUBLE_EQ(weather.burst_enter, 0.01);
  EXPECT_DOUBLE_EQ(weather.burst_leave, 0.2);
  EXPECT_DOUBLE_EQ(weather.burst_loss, 0.9);
  EXPECT_EQ(weather.rate, 1'500'000u);
  EXPECT_EQ(weather.queue, 100ms);
  EXPECT_EQ(weather.stall, 300ms);
  EXPECT_EQ(weather.every, 15s);
  EXPECT_EQ(weather.delay, 50ms);
  EXPECT_EQ(weather.jitter, 500us);
  EXPECT_EQ(weather.spread, Weather::Spread::Normal);
  EXPECT_EQ(weather.period, 100ms);
  EXPECT_TRUE(weather.may_reorder);
  EXPECT_DOUBLE_EQ(weather.duplicate, 0.001);
}

TEST(Command, WhatIsNotNamedIsCalm) {
  const auto weather = change_of("both loss=0.02").weather;
  EXPECT_EQ(weather.delay, 0ms);
  EXPECT_EQ(weather.jitter, 0ms);
  EXPECT_FALSE(weather.may_reorder);
}

TEST(Command, CountersAreAskedForByTheWordAlone) {
  EXPECT_TRUE(std::holds_alternative<TellCounters>(parse_command("counters")));
  EXPECT_TRUE(std::holds_alternative<Mistake>(parse_command("counters up")));
}

TEST(Command, AMistakeIsNamedAndChangesNothing) {
  for (const auto* line : {"",
                           " ",
                           "left loss=0.1",
                           "loss=0.1",
                           "up loss",
                           "up loss=",
                           "up loss=two",
                           "up loss=1.01",
                           "up loss=101%",
                           "up loss=-0.1",
                           "up loss=nan",
                           "up loss=0.02ms",
                           "up delay=50",
                           "up delay=50min",
                           "up delay=-1ms",
                           "up delay=2e9s",
                           "up rate=1",
                           "up rate=1Gbit",
                           "up spread=wide",
                           "up reorder=maybe",
                           "up wind=3",
                           "up delay=50ms loss",
                           "up =3"})
    EXPECT_TRUE(std::holds_alternative<Mistake>(parse_command(line))) << "'" << line << "'";
  const auto mistake = parse_command("up wind=3 loss=0.1");
  EXPECT_NE(std::get<Mistake>(mistake).text.find("'wind=3'"), std::string::npos);
}

}  // namespace
}  // namespace onair::weather
