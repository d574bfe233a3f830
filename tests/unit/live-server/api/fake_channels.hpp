// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/channels.hpp"

namespace live::test {

// Channels without a server: they are what the test makes of them.
class FakeChannels : public Channels {
 public:
  // channel-1, channel-2, …
  std::variant<ChannelInfo, ApiProblem> create(const ChannelRequest& request) override {
    if (problem)
      return *problem;
    ChannelInfo channel;
    channel.id = "channel-" + std::to_string(++made_);
    channel.state = ChannelState::Idle;
    channel.created = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} +
                      std::chrono::hours{11} + std::chrono::minutes{37} +
                      std::chrono::milliseconds{8'900};
    channel.request = request;
    channel.playlist_url = "https://cdn.example.com/" + channel.id + "/main.m3u8";
    channel.whip_url = "/v1/channels/" + channel.id + "/whip";
    if (has_sora)
      channel.sora_url = "/signaling";
    channel.publish_token = "token-of-" + channel.id;
    channel.message = "Waiting for a broadcaster.";
    channels.push_back(channel);
    return channel;
  }

  bool remove(const std::string& id) override {
    return std::erase_if(channels, [&](const ChannelInfo& one) { return one.id == id; }) > 0;
  }

  std::optional<ChannelInfo> stop(const std::string& id) override {
    const auto found = place_of(id);
    if (found == channels.end())
      return std::nullopt;
    found->state = ChannelState::Stopping;
    return *found;
  }

  [[nodiscard]] std::optional<ChannelInfo> find(const std::string& id) const override {
    for (const auto& channel : channels)
      if (channel.id == id)
        return channel;
    return std::nullopt;
  }

  [[nodiscard]] std::vector<ChannelInfo> list() const override { return channels; }

  std::vector<ChannelInfo> channels;
  std::optional<ApiProblem> problem;  // for whoever wants a channel
  bool has_sora = true;

 private:
  std::vector<ChannelInfo>::iterator place_of(const std::string& id) {
    return std::find_if(channels.begin(), channels.end(),
                        [&](const ChannelInfo& one) { return one.id == id; });
  }

  unsigned made_ = 0;
};

}  // namespace live::test
