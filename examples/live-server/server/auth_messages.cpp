// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/auth_messages.hpp"

#include <algorithm>
#include <utility>

namespace live {
namespace {

constexpr std::size_t kLongestReason = 500;

// One line that a person can read: it goes into logs, and to the publisher.
std::string sentence_of(std::string text) {
  if (text.size() > kLongestReason) {
    auto end = kLongestReason;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;  // not inside a character
    text.resize(end);
  }
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

Json auth_question(const Guest& guest, const std::string& id, const std::string& timestamp) {
  const auto or_connection = [&](const std::string& given) {
    return given.empty() ? guest.connection_id : given;
  };
  Json json{{"id", id},
            {"timestamp", timestamp},
            {"label", "gst-onair"},
            {"protocol", to_string(guest.ingest)},
            {"role", guest.role},
            {"channel_id", guest.channel_id},
            {"connection_id", guest.connection_id},
            {"client_id", or_connection(guest.client_id)},
            {"bundle_id", or_connection(guest.bundle_id)},
            {"multistream", false},
            {"spotlight", false}};
  if (const auto& wishes = guest.wishes) {
    json["simulcast"] = wishes->simulcast;
    json["audio"] = wishes->audio;
    json["video"] = wishes->video;
  }
  if (!guest.metadata.is_null())
    json["metadata"] = guest.metadata;
  json["remote_address"] = guest.remote_address;
  json["user_agent"] = guest.user_agent;
  return json;
}

AuthAnswer read_auth_answer(unsigned status, std::string_view body) {
  if (status < 200 || status > 299)
    return {.reason =
                "Who decides on publishers has answered with " + std::to_string(status) + "."};
  const AuthAnswer unread{.reason =
                              "Who decides on publishers has given an answer that can't be read."};
  const auto read = parse_json(body, "The answer");
  const auto* json = std::get_if<Json>(&read);
  if (!json || !json->is_object())
    return unread;
  const auto allowed = json->find("allowed");
  if (allowed == json->end() || !allowed->is_boolean())
    return unread;
  if (allowed->get<bool>())
    return {.is_allowed = true};
  const auto reason = json->find("reason");
  const bool is_said = reason != json->end() && reason->is_string() &&
                       !reason->get_ref<const std::string&>().empty();
  return {.reason = is_said ? sentence_of(reason->get<std::string>())
                            : "Who decides on publishers does not let this one in."};
}

}  // namespace live
