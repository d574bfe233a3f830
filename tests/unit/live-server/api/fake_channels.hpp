// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/archives.hpp"
#include "api/channels.hpp"

namespace live::test {

// Channels and archives without a server: they are what the test makes of them.
class FakeChannels : public Channels, public Archives {
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
    if (!request.is_multi)
      channel.playlist_url = "https://cdn.example.com/" + channel.id + "/main.m3u8";
    if (request.rtp) {
      channel.rtp = RtpPorts{.audio = request.rtp->audio ? 5004u : 0u,
                             .audio_rtcp = 0,
                             .video = request.rtp->video ? 5006u : 0u,
                             .video_rtcp = request.rtp->video ? 5007u : 0u};
      channel.rtp_address = "192.0.2.1";
    } else {
      channel.whip_url = "/v1/channels/" + channel.id + "/whip";
      if (has_sora)
        channel.sora_url = "/signaling";
    }
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

  std::optional<ChannelInfo> pause(const std::string& id) override { return pause(id, true); }
  std::optional<ChannelInfo> resume(const std::string& id) override { return pause(id, false); }

  [[nodiscard]] std::optional<ChannelInfo> find(const std::string& id) const override {
    for (const auto& channel : channels)
      if (channel.id == id)
        return channel;
    return std::nullopt;
  }

  [[nodiscard]] std::vector<ChannelInfo> list() const override { return channels; }

  [[nodiscard]] std::optional<std::string> encrypt_key(const std::string& kid) const override {
    return kid == "channel-1.check.0" ? std::optional{std::string(32, 'a')} : std::nullopt;
  }

  std::optional<ChannelInfo::Playlist> stop_connection(const std::string& channel,
                                                       const std::string& connection_id) override {
    auto* playlist = playlist_of(channel, connection_id);
    if (!playlist)
      return std::nullopt;
    playlist->state = ChannelState::Stopping;
    return *playlist;
  }

  bool remove_connection(const std::string& channel, const std::string& connection_id) override {
    const auto found = place_of(channel);
    return found != channels.end() && std::erase_if(found->playlists, [&](const auto& one) {
                                        return one.connection_id == connection_id;
                                      }) > 0;
  }

  // destination-1, destination-2, …
  std::variant<ArchiveDestination, ApiProblem> create_destination(
      ArchiveDestination destination) override {
    if (problem)
      return *problem;
    destination.id = "destination-" + std::to_string(++made_destinations_);
    destination.created = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};
    known_destinations.push_back(destination);
    return destination;
  }
  [[nodiscard]] std::vector<ArchiveDestination> destinations() const override {
    return known_destinations;
  }
  DestinationRemoval remove_destination(const std::string& id) override {
    if (std::any_of(channels.begin(), channels.end(), [&](const ChannelInfo& one) {
          return one.request.hls.archive_destination == id;
        }))
      return DestinationRemoval::InUse;
    return std::erase_if(known_destinations,
                         [&](const ArchiveDestination& one) { return one.id == id; }) > 0
               ? DestinationRemoval::Done
               : DestinationRemoval::Unknown;
  }
  [[nodiscard]] std::optional<std::vector<ArchiveInfo>> archives(
      const std::string& channel) const override {
    return find(channel) ? std::optional{known_archives} : std::nullopt;
  }

  std::vector<ArchiveDestination> known_destinations;
  std::vector<ArchiveInfo> known_archives;  // of each channel
  std::vector<ChannelInfo> channels;
  std::optional<ApiProblem> problem;  // for whoever wants a channel
  bool has_sora = true;

 private:
  std::optional<ChannelInfo> pause(const std::string& id, bool is_paused) {
    const auto found = place_of(id);
    if (found == channels.end())
      return std::nullopt;
    found->is_paused = is_paused;
    return *found;
  }

  std::vector<ChannelInfo>::iterator place_of(const std::string& id) {
    return std::find_if(channels.begin(), channels.end(),
                        [&](const ChannelInfo& one) { return one.id == id; });
  }

  ChannelInfo::Playlist* playlist_of(const std::string& channel, const std::string& connection_id) {
    const auto found = place_of(channel);
    if (found == channels.end())
      return nullptr;
    const auto one =
        std::find_if(found->playlists.begin(), found->playlists.end(),
                     [&](const auto& its) { return its.connection_id == connection_id; });
    return one == found->playlists.end() ? nullptr : &*one;
  }

  unsigned made_ = 0;
  unsigned made_destinations_ = 0;
};

}  // namespace live::test
