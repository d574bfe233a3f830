// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_life.hpp"

#include <ostream>

#include <gtest/gtest.h>

namespace live {

std::ostream& operator<<(std::ostream& to, ChannelState state) {
  return to << to_string(state);
}

namespace {

using namespace std::chrono_literals;
using Action = ChannelLife::Action;
using Publisher = ChannelLife::Publisher;
using State = ChannelState;

constexpr ChannelLife::Time at(std::chrono::milliseconds time) {
  return ChannelLife::Time{time};
}

ChannelLife made(ChannelLife::Past past = {}) {
  ChannelLife life{past};
  EXPECT_EQ(life.state(), State::Creating);
  static_cast<void>(life.on_created(at(0s)));
  return life;
}

// On the air at 1 s.
ChannelLife on_air() {
  auto life = made();
  EXPECT_EQ(life.on_publish(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.on_ready(at(100ms)), Action::None);
  life.on_publisher(at(200ms), Publisher::Connecting);
  life.on_publisher(at(1s), Publisher::Live);
  return life;
}

TEST(ChannelLife, CostsNoProcessBeforeSomebodyPublishes) {
  auto life = made();
  EXPECT_EQ(life.state(), State::Idle);
  EXPECT_FALSE(life.has_worker());
  EXPECT_FALSE(life.next());
}

TEST(ChannelLife, GoesOnTheAirAndBack) {
  auto life = made();
  EXPECT_EQ(life.on_publish(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.state(), State::Starting);
  EXPECT_FALSE(life.is_ready());
  EXPECT_EQ(life.on_ready(at(100ms)), Action::None);
  EXPECT_TRUE(life.is_ready());
  EXPECT_EQ(life.state(), State::Starting) << "who has waited for it is about to come";
  life.on_publisher(at(200ms), Publisher::Connecting);
  EXPECT_EQ(life.state(), State::Starting);
  EXPECT_FALSE(life.next()) << "who connects has the time that WHIP gives";
  life.on_publisher(at(1s), Publisher::Live);
  EXPECT_EQ(life.state(), State::Running);
  EXPECT_TRUE(life.resumes());
  life.on_publisher(at(60s), Publisher::Away);
  EXPECT_EQ(life.state(), State::Reconnecting);
  EXPECT_FALSE(life.next()) << "how long it is waited for is the worker's to know";
  life.on_publisher(at(70s), Publisher::None);
  EXPECT_EQ(life.state(), State::Idle);
  EXPECT_FALSE(life.resumes());
  EXPECT_EQ(life.next(), at(75s));
  life.on_publisher(at(71s), Publisher::None);
  EXPECT_EQ(life.next(), at(75s)) << "the same again is no news";
  EXPECT_EQ(life.on_time(at(75s) - 1ms), Action::None);
  EXPECT_EQ(life.on_time(at(75s)), Action::StopWorker);
  EXPECT_EQ(life.state(), State::Idle);
  EXPECT_EQ(life.on_gone(at(76s)), Action::None);
  EXPECT_FALSE(life.has_worker());
  EXPECT_FALSE(life.next());
}

TEST(ChannelLife, WhoHasBeenLetInMayTakeLongToBeSeen) {
  auto life = made();
  EXPECT_EQ(life.on_publish(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.on_ready(at(100ms)), Action::None);
  life.on_publisher(at(1s), Publisher::None);
  EXPECT_EQ(life.next(), at(100ms + ChannelLife::kMostToMeet));
  EXPECT_EQ(life.state(), State::Starting);
  // Another one in the meantime has as long.
  EXPECT_EQ(life.on_publish(at(2s)), Action::None);
  EXPECT_EQ(life.on_time(at(2s + ChannelLife::kMostToMeet) - 1ms), Action::None);
  EXPECT_EQ(life.on_time(at(2s + ChannelLife::kMostToMeet)), Action::StopWorker);
  EXPECT_EQ(life.state(), State::Idle);
}

TEST(ChannelLife, WhoIsRefusedByTheWorkerIsNotWaitedFor) {
  auto life = made();
  EXPECT_EQ(life.on_publish(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.on_ready(at(100ms)), Action::None);
  life.on_refused(at(7s));
  EXPECT_EQ(life.state(), State::Idle);
  EXPECT_EQ(life.next(), at(12s));
  life.on_refused(at(8s));
  EXPECT_EQ(life.next(), at(12s)) << "nobody was expected any more";
}

TEST(ChannelLife, OneWhoIsRefusedDoesNotEndTheBroadcastOfAnother) {
  auto life = on_air();
  EXPECT_EQ(life.on_publish(at(2s)), Action::None);
  life.on_refused(at(3s));
  EXPECT_EQ(life.state(), State::Running);
  EXPECT_FALSE(life.next());
}

TEST(ChannelLife, APublisherWhoComesWhileTheWorkerLingersFindsItThere) {
  auto life = made();
  EXPECT_EQ(life.on_publish(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.on_ready(at(0s)), Action::None);
  life.on_refused(at(0s));
  EXPECT_EQ(life.next(), at(5s));
  EXPECT_EQ(life.on_publish(at(4s)), Action::None);
  EXPECT_EQ(life.next(), at(29s));
  EXPECT_EQ(life.state(), State::Starting);
  EXPECT_EQ(life.on_time(at(29s)), Action::StopWorker) << "but he did not come";
  EXPECT_EQ(life.state(), State::Idle);
}

TEST(ChannelLife, APublisherWhoComesAsTheWorkerLeavesGetsAnother) {
  auto life = made();
  EXPECT_EQ(life.on_publish(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.on_ready(at(0s)), Action::None);
  life.on_refused(at(0s));
  EXPECT_EQ(life.on_time(at(5s)), Action::StopWorker);
  EXPECT_EQ(life.on_publish(at(5s)), Action::None);
  EXPECT_EQ(life.on_gone(at(6s)), Action::StartWorker);
}

TEST(ChannelLife, AWorkerThatDoesNotWakeIsKilledAndAnotherOneTried) {
  auto life = made();
  EXPECT_EQ(life.on_publish(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.on_time(at(10s)), Action::KillWorker);
  EXPECT_EQ(life.on_gone(at(10s)), Action::StartWorker) << "the first restart is at once";
  EXPECT_EQ(life.state(), State::Starting);
}

TEST(ChannelLife, ACrashOnTheAirIsFollowedByAnotherWorkerThatGoesOn) {
  auto life = on_air();
  EXPECT_EQ(life.on_gone(at(2s)), Action::StartWorker);
  EXPECT_EQ(life.state(), State::Reconnecting);
  EXPECT_TRUE(life.resumes());
  EXPECT_EQ(life.on_ready(at(2100ms)), Action::None);
  EXPECT_FALSE(life.next()) << "it holds the broadcast, and does not linger";
  life.on_publisher(at(2200ms), Publisher::Away);
  EXPECT_EQ(life.state(), State::Reconnecting);
  life.on_publisher(at(8s), Publisher::Live);
  EXPECT_EQ(life.state(), State::Running);
}

TEST(ChannelLife, ACrashOfAWorkerThatHasNothingToDoIsForgotten) {
  auto life = made();
  EXPECT_EQ(life.on_publish(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.on_ready(at(0s)), Action::None);
  EXPECT_EQ(life.on_gone(at(1s)), Action::None);
  EXPECT_EQ(life.state(), State::Idle);
  EXPECT_FALSE(life.next());
}

TEST(ChannelLife, EachRestartWaitsTwiceAsLongUntilOneHasLived) {
  auto life = on_air();
  auto now = at(2s);
  EXPECT_EQ(life.on_gone(now), Action::StartWorker);
  for (const auto wait :
       {250ms, 500ms, 1000ms, 2000ms, 4000ms, 8000ms, 16000ms, 30000ms, 30000ms}) {
    EXPECT_EQ(life.on_gone(now), Action::None);
    EXPECT_EQ(life.state(), State::Reconnecting);
    EXPECT_EQ(life.next(), now + wait);
    EXPECT_EQ(life.on_time(now + wait - 1ms), Action::None);
    now += wait;
    EXPECT_EQ(life.on_time(now), Action::StartWorker);
  }
  EXPECT_EQ(life.on_ready(now), Action::None);
  life.on_publisher(now, Publisher::Live);
  EXPECT_EQ(life.on_gone(now + 30s - 1ms), Action::None) << "not yet";
  now = *life.next();
  EXPECT_EQ(life.on_time(now), Action::StartWorker);
  EXPECT_EQ(life.on_ready(now), Action::None);
  EXPECT_EQ(life.on_gone(now + 30s), Action::StartWorker) << "it has lived long";
  EXPECT_EQ(life.failures(), 1U);
}

TEST(ChannelLife, APublisherDoesNotShortenTheWait) {
  auto life = on_air();
  EXPECT_EQ(life.on_gone(at(2s)), Action::StartWorker);
  EXPECT_EQ(life.on_gone(at(2s)), Action::None);
  EXPECT_EQ(life.on_publish(at(2100ms)), Action::None);
  EXPECT_EQ(life.next(), at(2250ms));
}

TEST(ChannelLife, OneThatIsLostIsKilledIfItDoesNotDie) {
  auto life = on_air();
  life.on_lost(at(2s));
  EXPECT_EQ(life.state(), State::Reconnecting);
  EXPECT_FALSE(life.is_ready());
  EXPECT_EQ(life.on_time(at(2499ms)), Action::None);
  EXPECT_EQ(life.on_time(at(2500ms)), Action::KillWorker);
  EXPECT_EQ(life.on_gone(at(2500ms)), Action::StartWorker);
}

TEST(ChannelLife, StopEndsABroadcastAndTheChannel) {
  auto life = on_air();
  EXPECT_EQ(life.stop(at(2s)), Action::StopWorker);
  EXPECT_EQ(life.state(), State::Stopping);
  EXPECT_EQ(life.on_publish(at(2s)), Action::None) << "nobody comes any more";
  life.on_lost(at(2500ms));
  EXPECT_EQ(life.state(), State::Stopping) << "it closes as it goes";
  EXPECT_EQ(life.on_gone(at(3s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
  EXPECT_FALSE(life.resumes());
  EXPECT_EQ(life.on_publish(at(4s)), Action::None);
  EXPECT_EQ(life.stop(at(4s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
}

TEST(ChannelLife, StopOfWhatHasNoWorkerEndsAtOnce) {
  auto life = made();
  EXPECT_EQ(life.stop(at(1s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
}

TEST(ChannelLife, StopWhileItWakesWaitsForThat) {
  auto life = made();
  EXPECT_EQ(life.on_publish(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.stop(at(0s)), Action::None);
  EXPECT_EQ(life.state(), State::Stopping);
  EXPECT_EQ(life.on_ready(at(1s)), Action::StopWorker);
  EXPECT_EQ(life.on_gone(at(1s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
}

TEST(ChannelLife, StopOfABroadcastWhoseWorkerIsDeadStartsOneThatEndsItsPlaylist) {
  auto life = on_air();
  EXPECT_EQ(life.on_gone(at(2s)), Action::StartWorker);
  EXPECT_EQ(life.on_gone(at(2s)), Action::None);
  EXPECT_EQ(life.stop(at(2100ms)), Action::StartWorker);
  EXPECT_EQ(life.on_ready(at(2200ms)), Action::StopWorker);
  EXPECT_EQ(life.on_gone(at(2300ms)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
}

TEST(ChannelLife, StopDoesNotWaitForeverForAWorkerThatCannotStart) {
  auto life = on_air();
  EXPECT_EQ(life.on_gone(at(2s)), Action::StartWorker);
  EXPECT_EQ(life.stop(at(2s)), Action::None);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(life.on_gone(at(2s)), Action::None);
    EXPECT_EQ(life.state(), State::Stopping);
    EXPECT_EQ(life.on_time(*life.next()), Action::StartWorker);
  }
  EXPECT_EQ(life.on_gone(at(3s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
}

TEST(ChannelLife, AWorkerThatDoesNotLeaveIsKilled) {
  auto life = on_air();
  EXPECT_EQ(life.stop(at(2s)), Action::StopWorker);
  EXPECT_EQ(life.on_time(at(17s)), Action::KillWorker);
  EXPECT_EQ(life.on_gone(at(17s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
}

TEST(ChannelLife, AServerThatGoesDownLeavesTheChannel) {
  auto life = on_air();
  EXPECT_EQ(life.rest(at(2s)), Action::StopWorker);
  EXPECT_EQ(life.on_publish(at(2s)), Action::None);
  EXPECT_EQ(life.on_gone(at(3s)), Action::None);
  EXPECT_EQ(life.state(), State::Idle);
  EXPECT_FALSE(life.resumes()) << "its playlist has ended";
}

TEST(ChannelLife, ABroadcastWhoseWorkerDiesAsTheServerGoesDownIsTheNextServers) {
  auto life = on_air();
  EXPECT_EQ(life.on_gone(at(2s)), Action::StartWorker);
  EXPECT_EQ(life.rest(at(2s)), Action::None);
  EXPECT_EQ(life.on_gone(at(2s)), Action::None);
  EXPECT_TRUE(life.resumes());
  EXPECT_FALSE(life.next());
}

TEST(ChannelLife, WhatWasBrokenOffGoesOnWithTheNextServer) {
  ChannelLife life{{.is_on_air = true}};
  EXPECT_EQ(life.on_created(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.state(), State::Reconnecting);
  EXPECT_TRUE(life.resumes());
}

TEST(ChannelLife, WhatAWorkerWithoutAServerHasEndedIsOver) {
  ChannelLife life{{.is_on_air = true}};
  life.on_found_ended();
  EXPECT_EQ(life.on_created(at(0s)), Action::None);
  EXPECT_EQ(life.state(), State::Idle);
  EXPECT_FALSE(life.resumes());
  EXPECT_EQ(life.on_publish(at(1s)), Action::StartWorker);
}

// ---- pause

TEST(ChannelLife, APauseEndsTheBroadcastAndLetsNobodyIn) {
  auto life = on_air();
  EXPECT_EQ(life.pause(at(2s)), Action::StopWorker);
  EXPECT_TRUE(life.is_paused());
  EXPECT_EQ(life.state(), State::Stopping);
  EXPECT_EQ(life.pause(at(2s)), Action::None) << "once";
  life.on_publisher(at(3s), Publisher::None);
  EXPECT_EQ(life.state(), State::Idle);
  EXPECT_EQ(life.on_publish(at(3s)), Action::None);
  EXPECT_EQ(life.on_gone(at(3s)), Action::None);
  EXPECT_EQ(life.on_publish(at(4s)), Action::None);
  EXPECT_EQ(life.state(), State::Idle);
  life.resume();
  EXPECT_FALSE(life.is_paused());
  EXPECT_EQ(life.on_publish(at(5s)), Action::StartWorker);
}

TEST(ChannelLife, APauseOfAnIdleChannelNeedsNoWorker) {
  auto life = made();
  EXPECT_EQ(life.pause(at(1s)), Action::None);
  EXPECT_EQ(life.state(), State::Idle);
  EXPECT_EQ(life.on_publish(at(2s)), Action::None);
  EXPECT_FALSE(life.next());
}

TEST(ChannelLife, WhoIsBeingStartedForIsLetGoWhenItIsReady) {
  auto life = made();
  EXPECT_EQ(life.on_publish(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.pause(at(1ms)), Action::None);
  EXPECT_EQ(life.on_ready(at(100ms)), Action::StopWorker);
  EXPECT_EQ(life.on_gone(at(200ms)), Action::None);
  EXPECT_EQ(life.state(), State::Idle);
}

TEST(ChannelLife, ABroadcastWhoseWorkerIsLostIsEndedByAnotherOneInAPause) {
  auto life = on_air();
  life.on_lost(at(2s));
  EXPECT_EQ(life.pause(at(2s)), Action::None);
  EXPECT_EQ(life.on_gone(at(2s)), Action::StartWorker);
  EXPECT_EQ(life.on_ready(at(3s)), Action::StopWorker);
  EXPECT_EQ(life.on_gone(at(4s)), Action::None);
  EXPECT_EQ(life.state(), State::Idle);
  EXPECT_FALSE(life.resumes());
}

TEST(ChannelLife, WhatIsPausedIsSoForTheNextServer) {
  auto idle = made({.is_paused = true});
  EXPECT_EQ(idle.on_publish(at(1s)), Action::None);
  ChannelLife broken_off{{.is_on_air = true, .is_paused = true}};
  EXPECT_EQ(broken_off.on_created(at(0s)), Action::StartWorker);
  EXPECT_EQ(broken_off.on_ready(at(1s)), Action::StopWorker) << "its playlist ends";
}

TEST(ChannelLife, WhatIsPausedCanBeStopped) {
  auto life = made();
  static_cast<void>(life.pause(at(1s)));
  EXPECT_EQ(life.stop(at(2s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
  EXPECT_EQ(life.pause(at(3s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
}

TEST(ChannelLife, AWorkerOfTheServerBeforeIsTakenOver) {
  ChannelLife life{{.is_on_air = true}};
  life.adopt(at(0s));
  life.on_publisher(at(0s), Publisher::Live);
  EXPECT_EQ(life.on_created(at(1s)), Action::None) << "there is one";
  EXPECT_EQ(life.state(), State::Running);
}

TEST(ChannelLife, APublisherWaitsUntilTheServerKnowsWhatThereIs) {
  ChannelLife life{{}};
  EXPECT_EQ(life.on_publish(at(0s)), Action::None);
  EXPECT_EQ(life.on_created(at(1s)), Action::StartWorker);
}

// ---- a life of one broadcast

ChannelLife made_once(ChannelLife::Past past = {}) {
  return ChannelLife{past, ChannelLife::Broadcasts::One};
}

// On the air at 1 s.
ChannelLife on_air_once() {
  auto life = made_once();
  EXPECT_EQ(life.on_publish(at(0s)), Action::None);
  EXPECT_EQ(life.on_created(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.on_ready(at(100ms)), Action::None);
  life.on_publisher(at(200ms), Publisher::Connecting);
  life.on_publisher(at(1s), Publisher::Live);
  EXPECT_EQ(life.state(), State::Running);
  return life;
}

TEST(ChannelLife, OfOneBroadcastHasEndedWithIt) {
  auto life = on_air_once();
  life.on_publisher(at(60s), Publisher::Away);
  EXPECT_EQ(life.state(), State::Reconnecting) << "its session is still there";
  life.on_publisher(at(70s), Publisher::None);
  EXPECT_EQ(life.state(), State::Stopping);
  EXPECT_EQ(life.next(), at(70s)) << "nobody can come back";
  EXPECT_EQ(life.on_publish(at(70s)), Action::None);
  EXPECT_EQ(life.on_time(at(70s)), Action::StopWorker);
  EXPECT_EQ(life.on_gone(at(71s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
  EXPECT_FALSE(life.next());
}

TEST(ChannelLife, OfOneBroadcastEndsWhereNothingCameOfIt) {
  auto life = made_once();
  EXPECT_EQ(life.on_publish(at(0s)), Action::None);
  EXPECT_EQ(life.on_created(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.on_ready(at(1s)), Action::None);
  life.on_publisher(at(1s), Publisher::None);
  EXPECT_EQ(life.state(), State::Starting) << "whose offer is on its way";
  life.on_refused(at(2s));
  EXPECT_EQ(life.on_time(at(7s) - 1ms), Action::None);
  EXPECT_EQ(life.on_time(at(7s)), Action::StopWorker);
  EXPECT_EQ(life.state(), State::Stopping);
  EXPECT_EQ(life.on_gone(at(8s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
}

TEST(ChannelLife, OfOneBroadcastEndsItsPlaylistWhenTheWorkerDies) {
  auto life = on_air_once();
  life.on_lost(at(2s));
  EXPECT_EQ(life.on_gone(at(2s)), Action::StartWorker);
  EXPECT_EQ(life.state(), State::Stopping);
  EXPECT_TRUE(life.resumes()) << "the playlist that was broken off is to end";
  EXPECT_EQ(life.on_ready(at(3s)), Action::StopWorker);
  EXPECT_EQ(life.on_gone(at(4s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
  EXPECT_FALSE(life.resumes());
}

TEST(ChannelLife, OfOneBroadcastGivesUpAWorkerThatCannotStart) {
  auto life = made_once();
  EXPECT_EQ(life.on_publish(at(0s)), Action::None);
  EXPECT_EQ(life.on_created(at(0s)), Action::StartWorker);
  EXPECT_EQ(life.on_gone(at(0s)), Action::StartWorker);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(life.on_gone(at(1s)), Action::None);
    EXPECT_EQ(life.state(), State::Starting);
    EXPECT_EQ(life.on_time(*life.next()), Action::StartWorker);
  }
  EXPECT_EQ(life.on_gone(at(2s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
  EXPECT_FALSE(life.next());
}

TEST(ChannelLife, OfOneBroadcastIsTakenOverOrEndedByTheNextServer) {
  auto taken = made_once({.is_on_air = true});
  taken.adopt(at(0s));
  taken.on_publisher(at(0s), Publisher::Live);
  EXPECT_EQ(taken.on_created(at(1s)), Action::None);
  EXPECT_EQ(taken.state(), State::Running);

  auto left = made_once({.is_on_air = true});
  left.adopt(at(0s));
  left.on_publisher(at(0s), Publisher::None);
  EXPECT_EQ(left.on_created(at(1s)), Action::None);
  EXPECT_EQ(left.on_time(at(1s)), Action::StopWorker) << "who left while there was no server";

  auto broken_off = made_once({.is_on_air = true});
  EXPECT_EQ(broken_off.on_created(at(1s)), Action::StartWorker);
  EXPECT_EQ(broken_off.state(), State::Stopping);
  EXPECT_EQ(broken_off.on_ready(at(2s)), Action::StopWorker);

  auto ended = made_once({.is_on_air = true});
  ended.on_found_ended();
  EXPECT_EQ(ended.on_created(at(1s)), Action::None);
  EXPECT_EQ(ended.state(), State::Ended);

  auto never_begun = made_once();
  EXPECT_EQ(never_begun.on_created(at(1s)), Action::None);
  EXPECT_EQ(never_begun.state(), State::Ended);
}

TEST(ChannelLife, OfOneBroadcastEndsWithTheServerUnlessItsWorkerDies) {
  auto life = on_air_once();
  EXPECT_EQ(life.rest(at(2s)), Action::StopWorker);
  EXPECT_EQ(life.on_gone(at(3s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);

  auto dying = on_air_once();
  EXPECT_EQ(dying.on_gone(at(2s)), Action::StartWorker);
  EXPECT_EQ(dying.rest(at(2s)), Action::None);
  EXPECT_EQ(dying.on_gone(at(2s)), Action::None);
  EXPECT_TRUE(dying.resumes()) << "its playlist is the next server's to end";
  EXPECT_NE(dying.state(), State::Ended);
}

TEST(ChannelLife, WhatHasEndedStaysSo) {
  ChannelLife life{{.has_ended = true}};
  EXPECT_EQ(life.on_created(at(0s)), Action::None);
  EXPECT_EQ(life.state(), State::Ended);
  EXPECT_EQ(life.on_publish(at(0s)), Action::None);
}

}  // namespace
}  // namespace live
