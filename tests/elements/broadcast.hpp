// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "http_client.hpp"
#include "sdp_offers.hpp"
#include "whip_pipeline.hpp"
#include "whip_publisher.hpp"

namespace onair::test {

using Manner = PadSink::Manner;

constexpr guint64 kPlenty = 30;  // packets: a second of video, more than half a one of audio

inline HttpResponse post_offer(const WhipPipeline& whip,
                               const std::string& offer = chromium_offer()) {
  return http_request("POST", whip.url(),
                      {{"Authorization", "Bearer secret"}, {"Content-Type", "application/sdp"}},
                      offer);
}

// An endpoint that is PLAYING and a publisher that has connected.
class Broadcast {
 public:
  explicit Broadcast(const std::string& properties = {}, WhipPipeline::Choice choice = {},
                     const std::string& consumers = {})
      : whip{properties, std::move(choice), consumers} {
    EXPECT_EQ(whip.reach(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
    publish();
  }

  void publish() {
    publisher = std::make_unique<WhipPublisher>(WhipPublisher::Config{.url = whip.url()});
    const auto& response = publisher->publish();
    EXPECT_EQ(response.status, 201u) << response.body;
    EXPECT_TRUE(publisher->wait_until_connected());
  }

  WhipPipeline whip;
  std::unique_ptr<WhipPublisher> publisher;
};

// The consumer of a pad; the test ends here when it does not come.
#define REQUIRE_PAD(variable, whip, name)          \
  const auto variable = (whip).wait_for_pad(name); \
  ASSERT_TRUE(variable) << (name) << " did not appear"

// Consumers of this manner for the first and any further pad of a kind; none: it stays unlinked.
inline auto manners(std::optional<Manner> audio, std::optional<Manner> video) {
  return [=](const std::string& name) { return name.starts_with("audio") ? audio : video; };
}

}  // namespace onair::test
