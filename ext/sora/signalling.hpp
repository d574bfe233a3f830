// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "rtcingest/ice_server.hpp"
#include "rtcingest/liveness.hpp"
#include "rtcingest/offer.hpp"
#include "rtcingest/sdp.hpp"

// The signalling of the WebRTC SFU Sora, as its clients speak it over a WebSocket, without a socket: text frames
// and time go in, what to do and text frames come out. A publisher says `connect`, gets an `offer`, says `answer`
// and `candidate`, and from then on a `pong` to each `ping`.
namespace onair::sora {

enum class Role { SendOnly, SendRecv };
const char* to_string(Role role);

// How a WebSocket is closed. Clients hand both on to their application.
struct Close {
  static constexpr std::size_t kLongestReason = 123;  // bytes; RFC 6455 section 5.5
  std::uint16_t code = 1000;
  std::string reason;
};
// Sora's code for whatever the client or its user has to change: "NAME: detail", as much of it as fits.
Close refusal(std::string_view name, std::string_view detail);
// How the WebSocket of a session is closed that has come to this end.
Close farewell(EndReason reason, std::string_view detail);

// `connect`: what a publisher wants.
struct ConnectRequest {
  std::string channel_id;
  std::string client_id;  // empty: none of its own
  std::string bundle_id;  // likewise
  Role role = Role::SendOnly;
  std::string metadata = "null";  // as JSON
  std::string access_token;       // in the metadata; empty: none
  bool audio = false;
  bool video = false;
  bool simulcast = false;
  bool is_redirected = false;  // it has been elsewhere, and was sent here
  std::string profile_level_id = "42e01f";
  std::optional<unsigned> audio_kbps;
  std::optional<unsigned> video_kbps;
};

struct Rules {
  bool is_ready = false;
  std::string channel_id;  // empty: any
  std::string token;       // empty: none is needed
};
// Whether the request may come in, whoever is there already.
std::optional<Close> check_admission(const ConnectRequest& request, const Rules& rules);

// What the publisher is offered, when it may.
Offering offering_for(const ConnectRequest& request, bool takes_simulcast);

// Who is who, in our messages.
struct Identity {
  std::string session_id;
  std::string connection_id;
};
struct OfferMessage {
  sdp::Description sdp;
  bool is_simulcast = false;
  Identity identity;
  std::string version;
  std::vector<IceServer> ice_servers;
};

class Signalling {
 public:
  struct Config {
    Duration connect_timeout{};  // from the WebSocket to `connect`
    Duration ping_interval{};
    Duration pong_timeout{};  // zero: for ever
    std::size_t most_candidates = 64;
  };

  // What a frame asks for.
  struct Nothing {};
  struct Answer {
    sdp::Description sdp;
  };
  struct Candidate {
    std::string candidate;  // "candidate:…", as RFC 8839 has it
  };
  struct Goodbye {
    std::string reason;  // of the client
  };
  using Event = std::variant<Nothing, ConnectRequest, Answer, Candidate, Goodbye, Close>;
  // What time asks for: nothing, a text frame to send, or the end.
  using Due = std::variant<Nothing, std::string, Close>;

  Signalling(Config config, ClockTime now) : config_{config}, opened_at_{now} {}

  [[nodiscard]] Event on_text(std::string_view frame, ClockTime now);
  [[nodiscard]] Due tick(ClockTime now);

  // The frame with our offer; pings begin.
  [[nodiscard]] std::string offer(const OfferMessage& message, ClockTime now);
  // The frame that says that media flow.
  [[nodiscard]] std::string created(const Identity& identity) const;

 private:
  enum class State { Opened, Requested, Offered, Answered };
  struct Message;

  Event on_connect(const Message& message);
  Event on_answer(const Message& message);
  Event on_candidate(const Message& message);
  [[nodiscard]] std::string client_id_or(const std::string& connection_id) const;
  [[nodiscard]] std::string bundle_id_or(const std::string& connection_id) const;

  const Config config_;
  const ClockTime opened_at_;
  State state_ = State::Opened;
  ConnectRequest request_;
  ClockTime last_ping_;
  ClockTime last_pong_;
  std::size_t candidates_ = 0;
};

// The frame that sends a client elsewhere.
std::string redirect(std::string_view location);

}  // namespace onair::sora
