// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/archives.hpp"
#include "api/channels.hpp"
#include "segment_keys.hpp"
#include "server/channel_archives.hpp"
#include "server/channel_connections.hpp"
#include "server/channel_notifier.hpp"
#include "server/channel_registry.hpp"
#include "server/metrics.hpp"
#include "server/publisher_places.hpp"
#include "server/running_channel.hpp"
#include "settings.hpp"

namespace live {

// All channels of a server: what the API acts upon, and what puts those together who keep, copy and tell. Main thread.
class ChannelServer final : public Channels {
 public:
  // What changes goes to `events`: "channel", "stats" and "deleted", see docs/channel-api.md.
  ChannelServer(const Settings& settings, EventStreams& events, Metrics& metrics);

  // Reads the state files, and takes over workers that a server before this one has left. Empty, or why it can't.
  [[nodiscard]] std::string open();
  // Where viewers find folders, as absolute_url() takes it.
  void set_playlist_root(std::string url) { playlist_root_ = std::move(url); }
  // Where publishers with Sora's SDK go, as absolute_url() takes it; before open().
  void set_sora_url(std::string url) { sora_url_ = std::move(url); }
  [[nodiscard]] bool has_sora() const { return sora_url_.has_value(); }
  // Whether workers can take RTP; before open().
  void set_has_rtp(bool has) { has_rtp_ = has; }
  [[nodiscard]] std::string hls_folder() const { return registry_.hls_folder(); }
  // All broadcasts end cleanly, then `done`. Channels stay.
  void close(std::function<void()> done) { registry_.close(std::move(done)); }
  [[nodiscard]] bool is_closing() const { return registry_.is_closing(); }

  std::variant<ChannelInfo, ApiProblem> create(const ChannelRequest& request) override;
  bool remove(const std::string& id) override;
  std::optional<ChannelInfo> stop(const std::string& id) override;
  std::optional<ChannelInfo> pause(const std::string& id) override;
  std::optional<ChannelInfo> resume(const std::string& id) override;
  [[nodiscard]] std::optional<ChannelInfo> find(const std::string& id) const override;
  [[nodiscard]] std::vector<ChannelInfo> list() const override;
  std::optional<ChannelInfo::Playlist> stop_connection(const std::string& channel,
                                                       const std::string& connection_id) override;
  bool remove_connection(const std::string& channel, const std::string& connection_id) override;

  [[nodiscard]] std::optional<std::string> encrypt_key(const std::string& kid) const override;

  [[nodiscard]] Archives& archives() { return archives_; }

  // Null if there is no such channel.
  [[nodiscard]] RunningChannel* channel(const std::string& id) const {
    return registry_.channel(id);
  }
  // Also a connection of a channel that takes several publishers, by id_of_connection().
  [[nodiscard]] RunningChannel* channel_or_connection(const std::string& id) const {
    return registry_.find(id);
  }

  // Somebody who may publish goes to the channel or, where it takes several, to a connection that is made for him.
  // Calls at once or later.
  void join(RunningChannel& channel, const std::string& connection_id, Ingest ingest,
            RunningChannel::OnEndpoint call) {
    connections_.join(channel, connection_id, ingest, std::move(call));
  }
  // For viewers, as absolute_url() takes it.
  [[nodiscard]] std::string playlist_url(const std::string& id) const {
    return playlist_root_ + "/" + id + "/master.m3u8";
  }

  // Whether somebody publishes to that one, or is about to.
  [[nodiscard]] PublisherPlaces::IsTaken is_taken() const;
  // For Prometheus.
  [[nodiscard]] Metrics::Now figures() const;

  // Of its playlists and segments, and its thumbnail.
  [[nodiscard]] std::string folder_of(const std::string& id) const {
    return registry_.folder_of(id);
  }

 private:
  [[nodiscard]] std::unique_ptr<RtpDoor> door_of(const RtpRequest& request) const;
  RunningChannel& add(ChannelRecord record, std::unique_ptr<RtpDoor> door);
  [[nodiscard]] ChannelInfo info_of(const RunningChannel& channel) const;
  // To whoever listens to its events.
  void tell_of(const RunningChannel& channel);
  // As it is told of now.
  [[nodiscard]] EventSubject subject_of(const RunningChannel& its) const;
  void on_state(const std::string& id);
  void on_figures(const std::string& id);
  void on_full(const std::string& id);

  const Settings& settings_;
  Metrics& metrics_;
  std::string playlist_root_;
  std::optional<std::string> sora_url_;  // none: there is no such signalling
  bool has_rtp_ = false;
  KeyChain keys_{{}};
  ChannelRegistry registry_;
  ChannelConnections connections_;
  ChannelNotifier notifier_;
  ChannelArchives archives_;
};

}  // namespace live
