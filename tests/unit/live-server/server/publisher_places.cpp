// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/publisher_places.hpp"

#include <set>

#include <gtest/gtest.h>

namespace live {
namespace {

class PublisherPlacesTest : public ::testing::Test {
 protected:
  bool enter(const std::string& channel) { return enter(kOne, channel); }
  bool enter(const IpAddress& from, const std::string& channel) {
    return places_.enter(from, channel, [this](const auto& id) { return taken_.contains(id); });
  }
  void accept(const std::string& channel) {
    taken_.insert(channel);
    places_.on_answer(kOne, channel, true);
  }

  const IpAddress kOne = *IpAddress::parse("192.0.2.1");
  const IpAddress kOther = *IpAddress::parse("192.0.2.2");
  PublisherPlaces places_{2};
  std::set<std::string> taken_;  // channels that are published to
};

TEST_F(PublisherPlacesTest, NoMoreThanTheMostArePublishedTo) {
  for (const char* channel : {"a", "b"}) {
    EXPECT_TRUE(enter(channel));
    accept(channel);
  }
  EXPECT_FALSE(enter("c"));
  EXPECT_TRUE(enter(kOther, "c")) << "from elsewhere";
}

TEST_F(PublisherPlacesTest, WhoWaitsForAnAnswerCountsAsWell) {
  EXPECT_TRUE(enter("a"));
  EXPECT_TRUE(enter("b"));
  EXPECT_FALSE(enter("c"));
  places_.on_answer(kOne, "b", false);
  EXPECT_TRUE(enter("c")) << "the second was refused";
}

TEST_F(PublisherPlacesTest, WhoComesBackToHisChannelIsTheSame) {
  for (const char* channel : {"a", "b"}) {
    EXPECT_TRUE(enter(channel));
    accept(channel);
  }
  EXPECT_TRUE(enter("a"));
}

TEST_F(PublisherPlacesTest, WhoHasLeftMakesRoom) {
  for (const char* channel : {"a", "b"}) {
    EXPECT_TRUE(enter(channel));
    accept(channel);
  }
  taken_.erase("a");
  EXPECT_TRUE(enter("c"));
  accept("c");
  taken_.insert("a");  // by somebody who is not known, such as before a restart
  EXPECT_FALSE(enter("d")) << "b and c";
}

TEST_F(PublisherPlacesTest, AChannelIsWhoseItWasTakenByLast) {
  EXPECT_TRUE(enter("a"));
  accept("a");
  EXPECT_TRUE(enter(kOther, "a"));
  places_.on_answer(kOther, "a", false);
  EXPECT_TRUE(enter("b"));
  EXPECT_FALSE(enter("c")) << "who is refused takes no place from another";
  EXPECT_TRUE(enter(kOther, "a"));
  places_.on_answer(kOther, "a", true);
  EXPECT_TRUE(enter("c")) << "it is another's now";
}

TEST_F(PublisherPlacesTest, ZeroIsAnyNumber) {
  PublisherPlaces places{0};
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(places.enter(kOne, std::to_string(i), [](const auto&) { return true; }));
}

}  // namespace
}  // namespace live
