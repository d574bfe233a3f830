// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/channels.hpp"
#include "control/json_lines.hpp"
#include "ingest.hpp"
#include "segment_keys.hpp"
#include "server/channel_life.hpp"
#include "server/channel_record.hpp"
#include "server/rtp_door.hpp"
#include "server/worker_process.hpp"
#include "settings.hpp"
#include "timer.hpp"

namespace live {

// A channel with the process that runs it, while there is one. Main thread.
class RunningChannel {
 public:
  struct Surroundings {
    const Settings& settings;         // of all channels
    std::string folder;               // of its playlists and segments
    std::string archive;              // of all that is broadcast, where that is asked for
    std::string control;              // the socket that workers connect to
    bool has_sora = false;            // whether workers have an endpoint for it
    std::optional<SegmentKeys> keys;  // none: nothing is encrypted
    std::function<void()> on_change;  // its state, or what it has to say
    std::function<void()> on_record;  // what its state file should say
    std::function<void()> on_figures;
    std::function<void()> on_gone;  // its process has ended, and no other one has been started
    std::function<void(bool has_started)> on_worker;  // or has crashed
    std::function<void()> on_full;  // its disk quota is used up, and it is about to be stopped
  };
  // Where a publisher may go.
  struct Endpoint {
    unsigned port = 0;     // 0: nowhere
    bool is_busy = false;  // as one has the place who came another way
    bool is_full = false;  // as there are as many publishers as may be
    std::string why_not = {};
  };
  using OnEndpoint = std::function<void(const Endpoint& endpoint)>;
  static constexpr const char* kWaiting = "Waiting for a broadcaster.";
  // How long a publisher waits for a worker.
  static constexpr unsigned kEndpointMs = 10'000;

  // `door` has the ports of a channel that an SFU feeds.
  RunningChannel(ChannelRecord record, Surroundings surroundings,
                 std::unique_ptr<RtpDoor> door = {});

  // Workers of a server that is no more have had time to say so.
  void open();
  // Calls at once, or as soon as its worker is ready and has answered.
  void with_endpoint(Ingest ingest, OnEndpoint call);
  // Whoever has been sent there was refused.
  void on_refused();
  // WHIP's endpoint of a worker that is there; 0 if there is none.
  [[nodiscard]] unsigned endpoint() const { return life_.is_ready() ? whip_port_ : 0; }
  void stop();
  // The broadcast ends, and nobody can publish until it is resumed.
  void pause();
  void resume();
  // The server goes down: the broadcast ends, the channel stays.
  void rest();
  // A worker has said hello.
  void attach(std::unique_ptr<JsonLines> link, bool has_job);
  void on_message(const Json& message);
  void on_link_lost(const std::string& why);

  [[nodiscard]] const ChannelRecord& record() const { return record_; }
  [[nodiscard]] ChannelState state() const { return life_.state(); }
  [[nodiscard]] bool has_worker() const { return life_.has_worker(); }
  [[nodiscard]] bool is_attached() const { return link_ != nullptr; }
  [[nodiscard]] std::string message() const;
  // As its worker has last said; an empty object while there is none.
  [[nodiscard]] const Json& status() const { return status_; }

 private:
  // Somebody who is about to publish.
  struct Waiting {
    Ingest ingest;
    OnEndpoint call;
    std::uint64_t number = 0;  // of the question; 0: its worker has not been asked
  };

  void act(ChannelLife::Action action);
  void start_worker();
  void send_job();
  void on_exit(const std::string& how, bool is_clean);
  void on_gone();
  void on_status(const Json& status);
  // What waits, to its worker.
  void ask();
  void on_admitted(const Json& message);
  void refuse_all(const std::string& why_not);
  // After whatever may have changed its life.
  void update();
  void mind_door();

  ChannelRecord record_;
  const Surroundings surroundings_;
  ChannelLife life_;
  std::unique_ptr<RtpDoor> door_;
  Timer door_timer_;  // until its ports can be had
  Timer timer_;       // of its life
  Timer endpoint_timer_;
  std::unique_ptr<WorkerProcess> process_;  // none for a worker that another server has started
  std::unique_ptr<JsonLines> link_;
  std::vector<Waiting> waiting_;
  std::uint64_t asked_ = 0;  // so many, ever
  unsigned whip_port_ = 0;
  bool is_full_ = false;
  bool has_failed_ = false;  // the worker, and has told why
  bool has_audio_ = true;    // the publisher, as far as is known
  bool has_video_ = true;
  std::string message_ = kWaiting;
  Json status_ = Json::object();
  ChannelState told_ = ChannelState::Creating;
};

}  // namespace live
