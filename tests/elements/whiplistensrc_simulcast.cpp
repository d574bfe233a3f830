// SPDX-License-Identifier: LGPL-2.1-or-later
// whiplistensrc and a publisher who sends several layers.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "broadcast.hpp"

namespace onair::test {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

// An offer of h;m;l by one who sends these.
WhipPublisher::Config publisher_of(const WhipPipeline& whip, std::vector<std::string> layers) {
  return {.url = whip.url(),
          .has_audio = false,
          .layers = std::move(layers),
          .edit_offer = [](auto offer) { return with_simulcast(offer, "h;m;l"); }};
}

// One who sends the last of them first, and nothing of m.
struct Layers {
  explicit Layers(const std::string& properties = {}, WhipPipeline::Choice choice = {},
                  std::vector<std::string> layers = {"l", "h"})
      : whip{"simulcast=true " + properties, std::move(choice)} {
    EXPECT_EQ(whip.reach(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
    publisher = std::make_unique<WhipPublisher>(publisher_of(whip, std::move(layers)));
    const auto& response = publisher->publish();
    EXPECT_EQ(response.status, 201u) << response.body;
    EXPECT_TRUE(publisher->wait_until_connected());
  }

  WhipPipeline whip;
  std::unique_ptr<WhipPublisher> publisher;
};

TEST(WhipListenSrcSimulcast, EachLayerHasThePadOfItsPlaceInTheOffer) {
  Layers live;
  EXPECT_THAT(live.publisher->answer(), HasSubstr("a=simulcast:recv h;m;l\r\n"));
  REQUIRE_PAD(low, live.whip, "video_2");
  REQUIRE_PAD(high, live.whip, "video_0");
  EXPECT_TRUE(low->wait_for_more(kPlenty));
  EXPECT_TRUE(high->wait_for_more(kPlenty));
  EXPECT_THAT(low->seen().caps, HasSubstr("rid=(string)l"));
  EXPECT_THAT(high->seen().caps, HasSubstr("rid=(string)h"));
  EXPECT_THAT(live.whip.pad_history(), UnorderedElementsAre("+video_0", "+video_2"));
  const auto stats = live.whip.stats();
  for (const auto* name : {"video_0", "video_2"}) {
    const GValue* field = gst_structure_get_value(stats.get(), name);
    ASSERT_TRUE(field && GST_VALUE_HOLDS_STRUCTURE(field)) << name;
    EXPECT_EQ(text_field(gst_value_get_structure(field), "rid"),
              name == std::string{"video_0"} ? "h" : "l");
  }
  EXPECT_FALSE(gst_structure_has_field(stats.get(), "video"));
}

TEST(WhipListenSrcSimulcast, TheCapsOfAPadSayItsRidBeforeItIsLinked) {
  Layers live;
  REQUIRE_PAD(high, live.whip, "video_0");
  const auto pad =
      GstPtr<GstPad>::adopt(gst_element_get_static_pad(live.whip.element(), "video_0"));
  const auto caps = GstPtr<GstCaps>::adopt(gst_pad_get_current_caps(pad.get()));
  ASSERT_TRUE(caps);
  EXPECT_EQ(text_field(gst_caps_get_structure(caps.get(), 0), "rid"), "h");
}

TEST(WhipListenSrcSimulcast, SessionMessagesTellTheLayers) {
  Layers live;
  const auto message = live.whip.wait_for_session("connected");
  ASSERT_TRUE(message);
  EXPECT_EQ(text_field(message.get(), "layers"), "h;m;l");
}

// Their sequence numbers are the same, so that only rids tell whose a packet is that comes again.
TEST(WhipListenSrcSimulcast, RetransmissionFindsItsLayer) {
  Layers live{"latency=2000"};
  REQUIRE_PAD(low, live.whip, "video_2");
  REQUIRE_PAD(high, live.whip, "video_0");
  for (const auto& sink : {low, high})
    ASSERT_TRUE(sink->wait([](const auto& seen) { return seen.idrs > 0; }));
  live.publisher->lose_every(7);
  for (const auto& sink : {low, high})
    EXPECT_TRUE(sink->wait_for_more(2 * kPlenty));
  EXPECT_GE(live.publisher->lost(), 10u);
  for (const auto& sink : {low, high})
    EXPECT_EQ(sink->seen().missing, 0);
}

TEST(WhipListenSrcSimulcast, ALayerWithAnotherSsrcGoesOnOnItsPad) {
  Layers live;
  REQUIRE_PAD(low, live.whip, "video_2");
  REQUIRE_PAD(high, live.whip, "video_0");
  for (int turn = 0; turn < 3; ++turn) {
    for (const auto& sink : {low, high})
      ASSERT_TRUE(sink->wait_for_more(kPlenty)) << "turn " << turn;
    live.publisher->change_ssrcs();
  }
  const auto caps = high->seen().caps;
  EXPECT_TRUE(high->wait([&](const auto& seen) { return seen.caps != caps; })) << caps;
  EXPECT_THAT(high->seen().caps, HasSubstr("rid=(string)h"));
  EXPECT_TRUE(high->wait_for_more(kPlenty));
  EXPECT_THAT(live.whip.pad_history(), UnorderedElementsAre("+video_0", "+video_2"));
  EXPECT_TRUE(live.whip.errors().empty());
  EXPECT_EQ(live.publisher->remove().status, 200u);
  EXPECT_TRUE(live.whip.wait_until_gone("video_0"));
  EXPECT_TRUE(live.whip.wait_until_gone("video_2"));
}

TEST(WhipListenSrcSimulcast, AConsumerThatRefusesTheNewCapsStopsNoOther) {
  Layers live{"", [](const std::string& name) {
                return std::optional{name == "video_0" ? Manner::Settles : Manner::Takes};
              }};
  REQUIRE_PAD(low, live.whip, "video_2");
  REQUIRE_PAD(high, live.whip, "video_0");
  for (const auto& sink : {low, high})
    ASSERT_TRUE(sink->wait_for_more(kPlenty));
  live.publisher->change_ssrcs();
  const auto caps = low->seen().caps;
  EXPECT_TRUE(low->wait([&](const auto& seen) { return seen.caps != caps; })) << caps;
  EXPECT_THAT(live.whip.wait_for_error(), HasSubstr("video"));
  EXPECT_TRUE(low->wait_for_more(2 * kPlenty));
}

TEST(WhipListenSrcSimulcast, AKeyFrameRequestPassesTheFunnel) {
  Layers live;
  // The payloader obeys requests for its own SSRC, which is that of the layer it sends first.
  REQUIRE_PAD(low, live.whip, "video_2");
  ASSERT_TRUE(low->wait([](const auto& seen) { return seen.idrs > 0; }));
  const auto before = low->seen().idrs;
  // Several that are close to each other become one: ask until the answer is there.
  const auto ask = [&] {
    gst_pad_push_event(low->pad(),
                       gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
    return low->wait([before](const auto& seen) { return seen.idrs > before; },
                     std::chrono::seconds{2});
  };
  EXPECT_TRUE(ask() || ask() || ask());
}

TEST(WhipListenSrcSimulcast, EndOfTheSessionSendsEosOnEachLayer) {
  Layers live{"send-eos=true"};
  REQUIRE_PAD(low, live.whip, "video_2");
  REQUIRE_PAD(high, live.whip, "video_0");
  for (const auto& sink : {low, high})
    ASSERT_TRUE(sink->wait_for_more(1));
  EXPECT_EQ(live.publisher->remove().status, 200u);
  for (const auto& sink : {low, high}) {
    EXPECT_TRUE(sink->wait([](const auto& seen) { return seen.has_eos; }));
    EXPECT_FALSE(sink->seen().has_buffer_after_eos);
  }
}

TEST(WhipListenSrcSimulcast, ALayerThatNobodyTakesDisturbsNoOther) {
  Layers live{"", [](const std::string& name) {
                return name == "video_0" ? std::optional{Manner::Takes} : std::nullopt;
              }};
  REQUIRE_PAD(high, live.whip, "video_0");
  EXPECT_TRUE(high->wait_for_more(2 * kPlenty));
  EXPECT_TRUE(live.whip.errors().empty());
}

TEST(WhipListenSrcSimulcast, MediaOfNoLayerMakesNoPad) {
  Layers live{"", {}, {"x", "h"}};
  REQUIRE_PAD(high, live.whip, "video_0");
  EXPECT_TRUE(high->wait_for_more(2 * kPlenty));
  EXPECT_EQ(live.whip.pad_history(), std::vector<std::string>{"+video_0"});
}

}  // namespace
}  // namespace onair::test
