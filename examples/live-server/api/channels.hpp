// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/channel_request.hpp"

namespace live {

enum class ChannelState { Creating, Idle, Starting, Running, Reconnecting, Stopping, Ended };
const char* to_string(ChannelState state);

// A channel as its owner sees it. A URL that begins with a slash is a path on the server that is
// asked, one that begins with a colon is by another port there.
struct ChannelInfo {
  // Of one publisher of a channel that takes several; of any other channel there is one, called after it.
  struct Playlist {
    std::string connection_id;
    std::string url;
    bool has_begun = true;  // there is something to play
    ChannelState state = ChannelState::Creating;
    std::chrono::system_clock::time_point created = {};
    std::string message = {};
    Json stats = Json::object();
  };

  std::string id;  // see is_channel_id()
  ChannelState state = ChannelState::Creating;
  std::chrono::system_clock::time_point created;
  ChannelRequest request;
  std::string playlist_url;             // empty: each of its playlists has one
  std::optional<std::string> whip_url;  // none where an SFU feeds it, as is of the next
  std::optional<std::string> sora_url;  // where there is Sora's signalling
  std::optional<RtpPorts> rtp;          // where it does
  std::string rtp_address;
  std::string publish_token;
  bool is_paused = false;
  std::string message;  // a sentence for a person
  std::vector<Playlist> playlists;
  Json stats = Json::object();
};

// Why a channel is not made.
struct ApiProblem {
  enum class Kind {
    TooManyChannels,  // until one is deleted
    TooManyRequests,  // for now
    Unavailable,      // the server is going down, or starting
    NotPossible,      // what `field` asks for, on this server
    Failed,           // for a reason that is the server's own
  };
  Kind kind = Kind::Failed;
  std::string detail;                        // a sentence for the client's developer
  std::optional<unsigned> retry_after = {};  // seconds
  std::string field = {};
};

// 1 to 128 letters, digits, '-' and '_', as it is part of paths.
bool is_channel_id(std::string_view text);
// 1 to 256 of these and '.': what players send of a key that they need.
bool is_kid(std::string_view text);

// What the API acts upon; the server has them.
class Channels {
 public:
  virtual ~Channels() = default;
  virtual std::variant<ChannelInfo, ApiProblem> create(const ChannelRequest& request) = 0;
  // False, or nothing, where there is no such channel. `id` could be one's: see is_channel_id().
  virtual bool remove(const std::string& id) = 0;
  // The broadcast ends, and its playlist with it; a channel that has ended stays so.
  virtual std::optional<ChannelInfo> stop(const std::string& id) = 0;
  // The same, but that it can be published to again when it has been resumed.
  virtual std::optional<ChannelInfo> pause(const std::string& id) = 0;
  virtual std::optional<ChannelInfo> resume(const std::string& id) = 0;
  [[nodiscard]] virtual std::optional<ChannelInfo> find(const std::string& id) const = 0;
  [[nodiscard]] virtual std::vector<ChannelInfo> list() const = 0;  // the oldest first
  // As stop() and remove(), of one publisher of a channel that takes several.
  virtual std::optional<ChannelInfo::Playlist> stop_connection(
      const std::string& channel, const std::string& connection_id) = 0;
  virtual bool remove_connection(const std::string& channel, const std::string& connection_id) = 0;
  // Of segments, in 32 hexadecimal digits; also while nothing but an archive is left of its channel. Nothing where
  // no player was told to ask for it by this.
  [[nodiscard]] virtual std::optional<std::string> encrypt_key(const std::string& kid) const = 0;
};

// RFC 3339, of UTC, to the second.
std::string date_time(std::chrono::system_clock::time_point time);
// Of a channel that an SFU feeds, as its field `rtp`.
Json rtp_of(const ChannelInfo& channel);
// As GET /v1/channels/{id} answers, and events tell. `base_url` is that of ApiRequest.
Json to_json(const ChannelInfo& channel, const std::string& base_url);
Json to_json(const ChannelInfo::Playlist& playlist, const std::string& base_url);
// A channel as its owner sees it. A URL that begins with a slash is a path on the server that is
// asked, one that begins with a colon is by another port there.
std::string absolute_url(const std::string& url, const std::string& base_url,
                         bool is_websocket = false);

}  // namespace live
