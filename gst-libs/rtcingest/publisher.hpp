// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "rtcingest/liveness.hpp"
#include "rtcingest/received_stream.hpp"

// What a source that takes one publisher at a time tells of it.
namespace onair {

// A turn of a publisher's session.
struct PublisherEvent {
  enum class Kind { Offered, Connected, Silent, Resumed, Ended } kind;
  std::string session_id;
  std::string remote_address;
  std::string user_agent;
  bool has_audio = false;
  bool has_video = false;
  std::string layers;  // rids of a simulcast: "h;m;l"
  EndReason reason = EndReason::Stopped;
  std::string detail;  // a sentence for a person
};

struct PublisherStats {
  std::string session_id;  // empty: nobody publishes
  bool is_connected = false;
  guint64 sessions = 0;  // so far
  std::vector<ReceivedStream::Stats> streams;
};

}  // namespace onair
