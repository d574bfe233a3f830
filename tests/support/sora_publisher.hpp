// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include "web_socket_client.hpp"
#include "whip_pipeline.hpp"
#include "whip_publisher.hpp"

namespace onair::test {

// A pipeline with one soralistensrc, which is called "whip" in `consumers`. It takes any free port, the channel
// "live" and the token "secret".
class SoraPipeline : public WhipPipeline {
 public:
  explicit SoraPipeline(const std::string& properties = {}, Choice choice = {},
                        const std::string& consumers = {})
      : WhipPipeline{{.head = "soralistensrc port=0 channel-id=live token=secret",
                      .message = "sora-session"},
                     properties,
                     std::move(choice),
                     consumers} {}
  [[nodiscard]] std::string socket_url() const {
    return "ws://127.0.0.1:" + std::to_string(port()) + "/signaling";
  }
};

// What a client says first, with other fields in the place of these, or besides them.
inline nlohmann::json connect_message(const nlohmann::json& more = nlohmann::json::object()) {
  nlohmann::json message{{"type", "connect"},    {"role", "sendonly"},
                         {"channel_id", "live"}, {"metadata", {{"access_token", "secret"}}},
                         {"audio", true},        {"video", {{"codec_type", "H264"}}}};
  message.update(more);
  return message;
}

// A client of Sora in the test's process: a WebSocket, and the media of a WhipPublisher.
class SoraPublisher {
 public:
  struct Config {
    nlohmann::json connect = connect_message();
    WhipPublisher::Config media;  // what it has to send
    // The last word on the answer before it is sent.
    std::function<std::string(std::string)> edit_answer;
  };

  explicit SoraPublisher(const SoraPipeline& server) : SoraPublisher{server, {}} {}
  SoraPublisher(const SoraPipeline& server, Config config)
      : config_{std::move(config)}, socket_{server.socket_url()}, media_{config_.media} {}

  // Says `connect` and answers the offer; false when there is none.
  bool publish() {
    say(config_.connect);
    offer_ = hear("offer");
    if (offer_.is_null())
      return false;
    auto answer = media_.answer_to(offer_["sdp"]);
    if (config_.edit_answer)
      answer = config_.edit_answer(answer);
    say({{"type", "answer"}, {"sdp", answer}});
    return true;
  }
  void say(const nlohmann::json& message) { socket_.send(message.dump()); }
  // The next message of this type (others are passed over); null when the WebSocket closes before.
  nlohmann::json hear(const std::string& type) {
    for (;;) {
      const auto frame = socket_.next();
      if (!frame)
        return nullptr;
      auto message = nlohmann::json::parse(*frame, nullptr, false);
      if (message.value("type", "") == type)
        return message;
    }
  }

  [[nodiscard]] const nlohmann::json& offer() const { return offer_; }
  WebSocketClient& socket() { return socket_; }
  WhipPublisher& media() { return media_; }

 private:
  const Config config_;
  nlohmann::json offer_;
  WebSocketClient socket_;
  WhipPublisher media_;
};

}  // namespace onair::test
