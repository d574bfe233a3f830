// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/channel_record.hpp"

#include "api/channels.hpp"
#include "json_fields.hpp"

namespace live {

std::string id_of_connection(const std::string& channel, const std::string& connection_id) {
  return channel + "-" + connection_id;
}

std::string place_of(const ChannelRecord& channel, const std::string& connection_id) {
  return channel.takes_several() ? id_of_connection(channel.id, connection_id) : channel.id;
}

std::string ChannelRecord::connection_id() const {
  return channel.empty() ? std::string{} : id.substr(channel.size() + 1);
}

std::string to_text(const ChannelRecord& record) {
  const auto created =
      std::chrono::duration_cast<std::chrono::seconds>(record.created.time_since_epoch());
  Json json{{"id", record.id},
            {"created", created.count()},
            {"publish_token", record.publish_token},
            {"request", to_json(record.request)},
            {"on_air", record.is_on_air},
            {"paused", record.is_paused},
            {"ended", record.has_ended},
            {"rtp", to_json(record.rtp)},
            {"broadcasts", record.broadcasts}};
  if (record.is_connection())
    json["channel"] = record.channel;
  return json.dump(2) + "\n";
}

std::variant<ChannelRecord, std::string> read_channel_record(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  ChannelRecord record;
  try {
    record.id = json.at("id").get<std::string>();
    record.channel = json.value("channel", "");
    record.created = std::chrono::system_clock::time_point{
        std::chrono::seconds{json.at("created").get<std::int64_t>()}};
    record.publish_token = json.at("publish_token").get<std::string>();
    record.is_on_air = json.at("on_air").get<bool>();
    record.is_paused = json.value("paused", false);
    record.has_ended = json.at("ended").get<bool>();
    record.broadcasts = json.at("broadcasts").get<unsigned>();
    record.rtp = read_rtp_ports(json.value("rtp", Json::object()));
    auto request = read_channel_request(json.at("request").dump());
    if (const auto* error = std::get_if<FieldError>(&request))
      return error->sentence;
    record.request = std::get<ChannelRequest>(std::move(request));
  } catch (const Json::exception& error) {
    return std::string{error.what()};
  }
  if (!is_channel_id(record.id) || record.publish_token.empty())
    return "there is no id, or no token";
  if (record.is_connection() && (!record.id.starts_with(id_of_connection(record.channel, "")) ||
                                 record.connection_id().empty()))
    return "its id is not that of a connection of its channel";
  return record;
}

}  // namespace live
