// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/channels.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "api/ascii.hpp"

namespace live {
std::string date_time(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{seconds - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()},
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

const char* to_string(ChannelState state) {
  switch (state) {
    case ChannelState::Creating:
      return "creating";
    case ChannelState::Idle:
      return "idle";
    case ChannelState::Starting:
      return "starting";
    case ChannelState::Running:
      return "running";
    case ChannelState::Reconnecting:
      return "reconnecting";
    case ChannelState::Stopping:
      return "stopping";
    case ChannelState::Ended:
      return "ended";
  }
  return "ended";
}

namespace {

bool is_of_ids(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_';
}

}  // namespace

bool is_channel_id(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), is_of_ids);
}

bool is_kid(std::string_view text) {
  return !text.empty() && text.size() <= 256 &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_of_ids(c) || c == '.'; });
}

Json rtp_of(const ChannelInfo& channel) {
  Json json{{"address", channel.rtp_address}};
  json.update(to_json(channel.rtp.value_or(RtpPorts{})));
  return json;
}

Json to_json(const ChannelInfo& channel, const std::string& base_url) {
  Json json{{"id", channel.id},
            {"state", to_string(channel.state)},
            {"paused", channel.is_paused},
            {"message", channel.message},
            {"created", date_time(channel.created)}};
  if (!channel.playlist_url.empty())
    json["playlist_url"] = absolute_url(channel.playlist_url, base_url);
  if (channel.whip_url)
    json["whip_url"] = absolute_url(*channel.whip_url, base_url);
  if (channel.sora_url)
    json["sora_url"] = absolute_url(*channel.sora_url, base_url, true);
  if (channel.rtp)
    json["rtp"] = rtp_of(channel);
  json["publish_token"] = channel.publish_token;
  json["request"] = to_json(channel.request);
  json["stats"] = channel.stats;
  if (channel.request.is_multi) {
    auto& playlists = json["playlists"] = Json::array();
    for (const auto& playlist : channel.playlists)
      playlists.push_back(to_json(playlist, base_url));
  }
  return json;
}

Json to_json(const ChannelInfo::Playlist& playlist, const std::string& base_url) {
  return {{"connection_id", playlist.connection_id},
          {"playlist_url", absolute_url(playlist.url, base_url)},
          {"state", to_string(playlist.state)},
          {"message", playlist.message},
          {"created", date_time(playlist.created)},
          {"stats", playlist.stats}};
}

std::string absolute_url(const std::string& url, const std::string& base_url, bool is_websocket) {
  if (url.starts_with(':')) {
    const auto host = base_url.find("//") + 2;
    const auto end = base_url.find_last_of(":]");  // an address of IPv6 has brackets
    const bool has_port = end != std::string::npos && end >= host && base_url[end] == ':';
    return base_url.substr(0, has_port ? end : base_url.size()) + url;
  }
  if (!url.starts_with('/'))
    return url;
  if (is_websocket && base_url.starts_with("http"))
    return "ws" + base_url.substr(4) + url;  // https becomes wss
  return base_url + url;
}

}  // namespace live
