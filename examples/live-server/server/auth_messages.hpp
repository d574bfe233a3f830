// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ingest.hpp"
#include "json_text.hpp"

namespace live {

// Who wants to publish.
struct Guest {
  // What is known from the beginning only of those that speak Sora's signalling.
  struct Wishes {
    bool audio = false;
    bool video = false;
    bool simulcast = false;
  };
  Ingest ingest = Ingest::Whip;
  std::string channel_id;
  std::string connection_id;  // of this attempt
  std::string client_id;      // empty: as connection_id
  std::string bundle_id;      // likewise
  std::string role = "sendonly";
  std::optional<Wishes> wishes;
  Json metadata;  // null: none
  std::string remote_address;
  std::string user_agent;
};

// What an auth_webhook_url is sent: the fields of Sora's auth webhook, and a few more.
Json auth_question(const Guest& guest, const std::string& id, const std::string& timestamp);

struct AuthAnswer {
  bool is_allowed = false;
  std::string reason = {};  // why not, for the publisher
};
// What it answers: {"allowed": true}, or false with a "reason". Whatever else it may be, nobody gets in.
AuthAnswer read_auth_answer(unsigned status, std::string_view body);

}  // namespace live
